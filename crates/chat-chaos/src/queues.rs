//! How many requests wait inside the nodes, as their metrics tell while something is wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::client::{Client, Request};
use crate::node::Address;
use crate::stage::Stage;
use crate::world::World;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Appends that wait for their writer.
const APPENDS: &str = "chat_append_queue_depth";
/// Those, operations that wait for a connection, and requests.
const FIGURES: [&str; 3] = [APPENDS, "chat_postgres_pool_waiting", "chat_http_requests_in_flight"];

/// Requests that are not of the load: the suite's own looks at health and metrics.
const OWN: u32 = 8;

/// The greatest figures that were seen on any node.
type Most = BTreeMap<&'static str, f64>;

/// Looks at the queues of all nodes while it lives.
#[derive(Debug)]
pub(crate) struct QueueWatch {
    most: Arc<Mutex<Most>>,
    /// The most appends that may wait in one node, where the nodes were told.
    appends: Option<u32>,
    looking: JoinHandle<()>,
}

impl QueueWatch {
    pub(crate) fn start(world: &World) -> Self {
        let most: Arc<Mutex<Most>> = Arc::default();
        let looking = tokio::spawn(look(world.addresses(), world.client.clone(), Arc::clone(&most)));
        Self { most, appends: None, looking }
    }

    /// Holds the queue of appends to this, which is what nodes were told (`GROUP_COMMIT_QUEUE`), and nothing else.
    pub(crate) fn with_room(mut self, appends: usize) -> Self {
        self.appends = u32::try_from(appends).ok();
        self
    }

    /// No queue was longer than it can be with so many requests at once on each node: a request waits in one place at a
    /// time. An append that was given up is in its queue until the writer comes by, and its client may have sent another.
    pub(crate) fn bounded(&self, stage: &mut Stage, requests: usize) {
        let limit = u32::try_from(requests).unwrap_or(u32::MAX).saturating_add(OWN);
        let most = held(&self.most).clone();
        for figure in FIGURES {
            let limit = match self.appends {
                Some(room) if figure == APPENDS => room,
                None if figure == APPENDS => limit.saturating_mul(2),
                _ => limit,
            };
            match most.get(figure) {
                Some(seen) => {
                    stage.queued(figure, *seen);
                    let broken = || format!("{figure} was {seen}; at most {limit} are allowed");
                    stage.promise(*seen <= f64::from(limit), broken);
                }
                None => stage.promise(false, || format!("no node told its {figure}")),
            }
        }
    }
}

impl Drop for QueueWatch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

fn held(most: &Mutex<Most>) -> MutexGuard<'_, Most> {
    most.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn look(nodes: Vec<Address>, client: Client, most: Arc<Mutex<Most>>) {
    loop {
        for node in nodes.iter().filter_map(Address::get) {
            let Ok(answer) = client.ask(&node, &Request::get("/metrics")).await else { continue };
            let text = answer.body.as_str().unwrap_or_default();
            for name in FIGURES {
                let Some(now) = figure(text, name) else { continue };
                let mut most = held(&most);
                let before = most.entry(name).or_default();
                *before = before.max(now);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What a scrape says of a figure: its name, with its labels where it has some.
pub(crate) fn figure(scrape: &str, name: &str) -> Option<f64> {
    scrape.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let scrape = "# HELP depth How deep\ndepth_of_it 3\ndepth 2\n";
        assert_eq!(figure(scrape, "depth"), Some(2.0));
        assert_eq!(figure(scrape, "width"), None);
    }
}
