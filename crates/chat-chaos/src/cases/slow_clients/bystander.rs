//! Somebody who reads ordinary pages, while others ask for large ones.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use tokio::time::sleep;

use super::LARGE;
use crate::client::Request;
use crate::failure::Outcome;
use crate::world::World;

/// Messages of a page: 100 KiB, which is long, and little.
const MESSAGES: usize = 12;
/// Between two pages.
const PAUSE: Duration = Duration::from_millis(200);

/// What it was answered.
#[derive(Debug, Default)]
pub(super) struct Bystander {
    pages: usize,
    /// What it was told in the place of pages.
    refused: Vec<String>,
}

impl Bystander {
    pub(super) fn all_went_well(&self) -> bool {
        self.pages > 0 && self.refused.is_empty()
    }

    async fn reads_on(&mut self, world: &World, node: &str, list: &str) -> Infallible {
        let mut offset = 0;
        loop {
            let page = Request::get(format!("{list}?limit={MESSAGES}&offset={offset}"));
            match world.client.ask(node, &page).await {
                Ok(answer) if answer.status == 200 => self.pages += 1,
                Ok(answer) => self.refused.push(format!("{} {}", answer.status, answer.code())),
                Err(silence) => self.refused.push(silence.why),
            }
            // Another one each time, so that none is there from before.
            offset = (offset + 1) % (LARGE - MESSAGES);
            sleep(PAUSE).await;
        }
    }
}

impl fmt::Display for Bystander {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} were read, {} not", self.pages, self.refused.len())?;
        self.refused.first().map_or(Ok(()), |first| write!(formatter, " ({first})"))
    }
}

/// Reads pages of this list until the others are done; what these say, and what it was answered.
pub(super) async fn beside<T>(
    world: &World,
    list: &str,
    others: impl Future<Output = Outcome<T>>,
) -> Outcome<(T, Bystander)> {
    let (mut bystander, node) = (Bystander::default(), world.address(0)?);
    let others = tokio::select! {
        others = others => others?,
        never = bystander.reads_on(world, &node, list) => match never {},
    };
    Ok((others, bystander))
}
