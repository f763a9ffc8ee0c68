//! The sessions that a load speaks of: made over the API before it begins.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::case::{Case, PAGE};
use crate::connection::Connection;
use crate::error::LoadError;
use crate::request;
use crate::target::Target;

/// Sessions of each user.
const SESSIONS_OF_A_USER: usize = 10;
/// Connections that make them.
const LANES: usize = 64;

/// A session, and who it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The tenant, sent in `X-Tenant-Id`.
    pub(crate) tenant: String,
    /// Whose session it is, and who writes in it.
    pub(crate) user: String,
    /// The session's id.
    pub(crate) session: String,
}

/// How many sessions, over how many tenants, with how much in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Sessions in all.
    pub(crate) sessions: usize,
    /// Tenants that take them in turn.
    pub(crate) tenants: usize,
    /// Whether a page of messages is written into each.
    pub(crate) filled: bool,
}

/// Sessions of one run.
#[derive(Debug, Clone)]
pub(crate) struct Population {
    places: Vec<Place>,
    headers: Vec<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Population {
    /// Nobody, for loads that speak of no session.
    pub(crate) const fn nobody(headers: Vec<String>) -> Self {
        Self { places: Vec::new(), headers }
    }

    /// Sessions that are there already, and no headers beside their tenant's.
    pub(crate) const fn known(places: Vec<Place>) -> Self {
        Self { places, headers: Vec::new() }
    }

    /// Makes the sessions, over several connections at once.
    ///
    /// # Errors
    /// Where one of them is not made.
    pub(crate) async fn settle(target: &Target, shape: Shape, headers: Vec<String>) -> Result<Self, LoadError> {
        // What an earlier run left on the server shall not be found again.
        let run = RandomState::new().hash_one(shape.sessions);
        let work = Arc::new(Settling { target: target.clone(), shape, headers, run });
        let mut lanes = JoinSet::new();
        for lane in 0..LANES.min(shape.sessions) {
            lanes.spawn(Arc::clone(&work).lane(lane));
        }
        let mut places = Vec::with_capacity(shape.sessions);
        while let Some(lane) = lanes.join_next().await {
            places.append(&mut lane.map_err(|_| LoadError::failed("a connection's task broke"))??);
        }
        Ok(Self { places, headers: work.headers.clone() })
    }

    /// The sessions.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The headers that every request carries.
    pub(crate) fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The headers of a request about this place.
    pub(crate) fn headers_of(&self, place: &Place) -> Vec<String> {
        headers_in(&place.tenant, &self.headers)
    }

    #[cfg(test)]
    pub(crate) fn pretend(sessions: usize) -> Self {
        let place = |n| Place { tenant: format!("t-{n}"), user: format!("u-{n}"), session: format!("s-{n}") };
        Self { places: (0..sessions).map(place).collect(), headers: Vec::new() }
    }
}

/// Whose the session of this number is.
pub(crate) fn user(run: u64, number: usize) -> String {
    format!("user-{run:016x}-{}", number / SESSIONS_OF_A_USER)
}

fn headers_in(tenant: &str, headers: &[String]) -> Vec<String> {
    let mut all = vec![format!("X-Tenant-Id: {tenant}")];
    all.extend_from_slice(headers);
    all
}

struct Settling {
    target: Target,
    shape: Shape,
    headers: Vec<String>,
    run: u64,
}

impl Settling {
    /// Makes every so manieth session.
    async fn lane(self: Arc<Self>, lane: usize) -> Result<Vec<Place>, LoadError> {
        let mut connection = Connection::open(&self.target).await?;
        let mut places = Vec::new();
        for number in (lane..self.shape.sessions).step_by(LANES) {
            places.push(self.settle_one(&mut connection, number).await?);
        }
        if self.shape.filled {
            self.fill(&mut connection, &places).await?;
        }
        Ok(places)
    }

    async fn settle_one(&self, connection: &mut Connection, number: usize) -> Result<Place, LoadError> {
        let tenant = format!("load-{}", number % self.shape.tenants);
        let user = user(self.run, number);
        let headers = headers_in(&tenant, &self.headers);
        let request = request::post(&self.target, "/sessions", &headers, &json!({"user_id": user}));
        let answer = connection.exchange(&request).await?;
        expect(answer.status, 201, "a session")?;
        let created: Created =
            serde_json::from_slice(answer.body).map_err(|_| LoadError::Answer("it shows no session"))?;
        Ok(Place { tenant, user, session: created.id })
    }

    async fn fill(&self, connection: &mut Connection, places: &[Place]) -> Result<(), LoadError> {
        let those = Population { places: places.to_vec(), headers: self.headers.clone() };
        for shot in Case::Create.shots(&self.target, &those) {
            for _ in 0..PAGE {
                expect(connection.exchange(&shot.bytes).await?.status, shot.expected, "a message")?;
            }
        }
        Ok(())
    }
}

fn expect(status: u16, wanted: u16, what: &str) -> Result<(), LoadError> {
    if status == wanted { Ok(()) } else { Err(LoadError::failed(format!("{what} was refused with {status}"))) }
}
