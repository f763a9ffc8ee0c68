//! The kinds of load.

use bytes::Bytes;
use clap::ValueEnum;
use serde_json::json;

use crate::population::{Place, Population};
use crate::request;
use crate::target::Target;

/// 60 characters, the length of the messages that the bars speak of.
pub(crate) const CONTENT: &str = "The parcel came on Tuesday, but one of the lamps was broken.";

/// Messages in a page.
pub(crate) const PAGE: usize = 50;

/// In the mixed load every fifth request creates a message.
const MIX: usize = 5;

/// What is asked for, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// Create a message of 60 characters
    Create,
    /// The first 50 messages of a session
    List,
    /// A session with its newest 50 messages
    Session,
    /// The sessions of a user, ten of them
    UserSessions,
    /// Four lists and one create, in turn
    Mixed,
    /// The URL itself: whatever stands there is the measure of the server alone
    Bare,
}

/// One request, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Shot {
    /// Head and body.
    pub(crate) bytes: Bytes,
    /// The status of a good answer.
    pub(crate) expected: u16,
}

impl Case {
    /// Whether it speaks of sessions at all.
    pub(crate) const fn needs_sessions(self) -> bool {
        !matches!(self, Self::Bare)
    }

    /// Whether it reads messages, which must be there first.
    pub(crate) const fn needs_messages(self) -> bool {
        matches!(self, Self::List | Self::Session | Self::Mixed)
    }

    /// Where it asks, below the API's own path.
    pub(crate) fn path(self, place: &Place) -> String {
        let Place { session, user, .. } = place;
        match self {
            Self::Create => format!("/sessions/{session}/messages"),
            Self::List | Self::Mixed => format!("/sessions/{session}/messages?limit={PAGE}"),
            Self::Session => format!("/sessions/{session}?message_limit={PAGE}"),
            Self::UserSessions => format!("/users/{user}/sessions"),
            Self::Bare => String::new(),
        }
    }

    /// The requests, in the order in which each connection sends them from its own place on, over and over.
    pub(crate) fn shots(self, target: &Target, population: &Population) -> Vec<Shot> {
        match self {
            Self::Create => creates(target, population),
            Self::List | Self::Session | Self::UserSessions => self.gets(target, population),
            Self::Mixed => mix(&self.gets(target, population), &creates(target, population)),
            Self::Bare => vec![Shot { bytes: request::get(target, "", population.headers()), expected: 200 }],
        }
    }

    fn gets(self, target: &Target, population: &Population) -> Vec<Shot> {
        let get = |place: &Place| request::get(target, &self.path(place), &population.headers_of(place));
        population.places().iter().map(|place| Shot { bytes: get(place), expected: 200 }).collect()
    }
}

fn creates(target: &Target, population: &Population) -> Vec<Shot> {
    let create = |place: &Place| {
        let body = json!({"content": CONTENT, "sender_type": "user", "sender_id": place.user});
        request::post(target, &Case::Create.path(place), &population.headers_of(place), &body)
    };
    population.places().iter().map(|place| Shot { bytes: create(place), expected: 201 }).collect()
}

/// In each turn through it each session is listed four times and written to once, at different moments.
fn mix(lists: &[Shot], creates: &[Shot]) -> Vec<Shot> {
    let stride = lists.len() / MIX;
    let turn = |start: usize| {
        (0..MIX).filter_map(move |step| {
            let shots = if step == MIX - 1 { creates } else { lists };
            shots.iter().cycle().nth(start + step * stride).cloned()
        })
    };
    (0..lists.len()).flat_map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots(case: Case, sessions: usize) -> Vec<Shot> {
        case.shots(&Target::local(1, "/api/v1"), &Population::pretend(sessions))
    }

    #[test]
    fn a_message_has_sixty_characters() {
        assert_eq!(CONTENT.chars().count(), 60);
    }

    #[test]
    fn a_create_names_its_session_its_tenant_and_its_sender() {
        let shots = shots(Case::Create, 3);
        let text = String::from_utf8(shots[2].bytes.to_vec()).unwrap();
        assert!(text.starts_with("POST /api/v1/sessions/s-2/messages HTTP/1.1\r\n"), "{text}");
        assert!(text.contains("\r\nX-Tenant-Id: t-2\r\n"), "{text}");
        assert!(
            text.ends_with(&format!("{{\"content\":\"{CONTENT}\",\"sender_id\":\"u-2\",\"sender_type\":\"user\"}}"))
        );
        assert_eq!((shots.len(), shots[2].expected), (3, 201));
    }

    #[test]
    fn a_read_asks_for_fifty() {
        for (case, path) in [
            (Case::List, "/api/v1/sessions/s-0/messages?limit=50"),
            (Case::Session, "/api/v1/sessions/s-0?message_limit=50"),
            (Case::UserSessions, "/api/v1/users/u-0/sessions"),
        ] {
            assert!(shots(case, 1)[0].bytes.starts_with(format!("GET {path} HTTP/1.1\r\n").as_bytes()), "{case:?}");
        }
    }

    #[test]
    fn a_fifth_of_the_mix_writes_and_reaches_every_session() {
        let shots = shots(Case::Mixed, 10);
        let mut written: Vec<_> = shots.iter().filter(|shot| shot.expected == 201).map(|shot| &shot.bytes).collect();
        written.sort();
        written.dedup();
        assert_eq!((shots.len(), written.len()), (50, 10));
        assert!(shots.chunks(5).all(|turn| turn[..4].iter().all(|shot| shot.expected == 200)));
    }

    #[test]
    fn one_session_can_be_mixed_too() {
        assert_eq!(shots(Case::Mixed, 1).len(), 5);
    }

    #[test]
    fn the_bare_case_asks_for_the_url_itself() {
        assert!(shots(Case::Bare, 1)[0].bytes.starts_with(b"GET /api/v1 HTTP/1.1\r\n"));
    }
}
