//! Reads that every node must ask Redis for: pages that nobody has asked for before, which no node can have at hand. They
//! show what Redis costs whoever needs it at the moment at which it fails.

use std::time::Duration;

use crate::client::Request;
use crate::failure::Outcome;
use crate::stage::Stage;
use crate::world::World;

/// So many reads of each node show what reads take.
const READS: usize = 20;

/// Asks for ever new pages.
#[derive(Debug, Default)]
pub(super) struct Unasked {
    asked: usize,
    calm: Duration,
}

impl Unasked {
    /// Takes down what the read in the middle takes while nothing is wrong.
    pub(super) async fn calm(&mut self, world: &World) -> Outcome {
        let mut took = Vec::with_capacity(READS);
        for _ in 0..READS {
            took.push(self.once(world).await?);
        }
        took.sort_unstable();
        self.calm = took.get(READS / 2).copied().unwrap_or_default();
        Ok(())
    }

    /// Takes down by how much more the slowest takes now. To be asked as soon as the harm is done.
    pub(super) async fn strike(&mut self, stage: &mut Stage, world: &World) -> Outcome {
        let now = self.slowest(world).await?;
        stage.struck(now.saturating_sub(self.calm));
        Ok(())
    }

    /// Has each node ask for one such page.
    pub(super) async fn once(&mut self, world: &World) -> Outcome<Duration> {
        self.asked += 1;
        let turn = self.asked / MOST_OFFSET % world.sessions.len().max(1);
        let session = world.sessions.get(turn).map_or("", String::as_str);
        // An offset beyond the end is a page like any other.
        let path = format!("/api/v1/sessions/{session}/messages?limit=10&offset={}", 1 + self.asked % MOST_OFFSET);
        let mut slowest = Duration::ZERO;
        for node in 0..world.nodes.len() {
            slowest = slowest.max(world.ask(node, &Request::get(&path)).await?.took);
        }
        Ok(slowest)
    }

    async fn slowest(&mut self, world: &World) -> Outcome<Duration> {
        let mut slowest = Duration::ZERO;
        for _ in 0..READS {
            slowest = slowest.max(self.once(world).await?);
        }
        Ok(slowest)
    }
}

/// The largest offset that the service takes.
const MOST_OFFSET: usize = 10_000;
