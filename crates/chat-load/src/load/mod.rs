//! Drives the connections and counts.
//!
//! - [`schedule`]: when requests are due, in an open loop; [`timer`]: waiting for that.
//! - [`tally`]: latencies and unexpected answers.
//! - [`summary`]: what is told of a run.
//!
//! Each thread has a runtime of its own and its share of the connections, so that no request wakes another thread.

mod schedule;
mod summary;
mod tally;
mod timer;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::schedule::Schedule;
pub(crate) use self::summary::{Summary, millis};
use self::tally::Tally;
use crate::case::Shot;
use crate::cli::{RunArgs, Size};
use crate::connection::Connection;
use crate::error::LoadError;
use crate::population::{Population, Shape};
use crate::target::Target;

/// How long an answer may take that is awaited when the time is over.
const PATIENCE: Duration = Duration::from_secs(15);

/// So many connections of a thread are opened at once: a server that finds more than it queues drops some, which are tried
/// again after seconds.
const OPENING: usize = 128;

/// Requests a second that a thread sends in an open loop without being busy: it can do some 150,000.
const EASE: f64 = 75_000.0;

/// What is sent, over how many connections, how fast and how long.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Where to.
    pub(crate) target: Target,
    /// The requests, sent over and over.
    pub(crate) shots: Vec<Shot>,
    /// Connections, threads and times.
    pub(crate) size: Size,
    /// Requests a second; `None` for a closed loop.
    pub(crate) rate: Option<f64>,
}

/// The part of a run that counts.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}

/// Makes the sessions that the case needs on a running service, then sends the load.
pub(crate) fn against(args: &RunArgs) -> Result<Summary, LoadError> {
    let headers = args.headers.clone();
    let population = if args.case.needs_sessions() {
        let shape = Shape { sessions: args.size.sessions, tenants: args.tenants, filled: args.case.needs_messages() };
        runtime()?.block_on(Population::settle(&args.url, shape, headers))?
    } else {
        Population::nobody(headers)
    };
    let shots = args.case.shots(&args.url, &population);
    send(Plan { target: args.url.clone(), shots, size: args.size, rate: args.rate })
}

/// Sends the load.
///
/// # Errors
/// Where a connection breaks or an answer cannot be read. Unexpected statuses are counted instead.
pub(crate) fn send(plan: Plan) -> Result<Summary, LoadError> {
    let begin = Instant::now();
    let from = begin + plan.size.warm_up;
    let window = Window { from, until: from + plan.size.seconds };
    let threads = threads(&plan.size, plan.rate);
    let plan = Arc::new(plan);
    let drivers: Vec<_> = (0..threads)
        .map(|number| {
            let numbers = (number, threads);
            let schedule = plan.rate.map(|rate| Arc::new(Schedule::new(begin, window.until, rate, numbers)));
            let driver = Driver { plan: Arc::clone(&plan), schedule, window, numbers };
            thread::spawn(move || driver.drive())
        })
        .collect();

    let mut tally = Tally::new()?;
    for driver in drivers {
        tally.add(&driver.join().map_err(|_| LoadError::failed("a thread of the load broke"))??)?;
    }
    Ok(tally.summary(plan.size.seconds))
}

/// A runtime on the thread that asks for it.
pub(crate) fn runtime() -> Result<Runtime, LoadError> {
    Builder::new_current_thread().enable_all().build().map_err(|source| LoadError::io("no runtime", source))
}

/// One a core in a closed loop. An open one has no more than it needs, so that they stand less in the server's way.
fn threads(size: &Size, rate: Option<f64>) -> usize {
    let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let wanted = match (size.threads, rate) {
        (0, None) => cores(),
        (0, Some(rate)) => (1..cores()).find(|threads| rate <= EASE * approximate(*threads)).unwrap_or_else(cores),
        (threads, _) => threads,
    };
    wanted.min(size.connections)
}

#[expect(clippy::cast_precision_loss, reason = "counts of threads are small")]
const fn approximate(count: usize) -> f64 {
    count as f64
}

/// One thread's share of the connections.
struct Driver {
    plan: Arc<Plan>,
    schedule: Option<Arc<Schedule>>,
    window: Window,
    /// This thread's number, and how many there are.
    numbers: (usize, usize),
}

impl Driver {
    fn drive(self) -> Result<Tally, LoadError> {
        let tally = Arc::new(Mutex::new(Tally::new()?));
        let last = tokio::time::Instant::from_std(self.window.until + PATIENCE);
        runtime()?.block_on(async {
            let connections = self.connect(&tally);
            tokio::time::timeout_at(last, connections)
                .await
                .map_err(|_| LoadError::failed("an answer did not come within 15 s of the end"))?
        })?;
        let tally = Arc::into_inner(tally).ok_or_else(|| LoadError::failed("a connection outlived its thread"))?;
        let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        for late in self.schedule.iter().flat_map(|schedule| schedule.missed()) {
            tally.miss(late);
        }
        Ok(tally)
    }

    async fn connect(&self, tally: &Arc<Mutex<Tally>>) -> Result<(), LoadError> {
        let (first, step) = self.numbers;
        let mut tasks = JoinSet::new();
        let opening = Arc::new(Semaphore::new(OPENING));
        if let Some(schedule) = self.schedule.clone() {
            tasks.spawn(async move { schedule.pace().await });
        }
        for number in (first..self.plan.size.connections).step_by(step) {
            let asker = Asker {
                plan: Arc::clone(&self.plan),
                schedule: self.schedule.clone(),
                window: self.window,
                tally: Arc::clone(tally),
                opening: Arc::clone(&opening),
                number,
            };
            tasks.spawn(asker.ask());
        }
        while let Some(task) = tasks.join_next().await {
            task.map_err(|_| LoadError::failed("a connection's task broke"))??;
        }
        Ok(())
    }
}

/// One connection.
struct Asker {
    plan: Arc<Plan>,
    schedule: Option<Arc<Schedule>>,
    window: Window,
    tally: Arc<Mutex<Tally>>,
    opening: Arc<Semaphore>,
    number: usize,
}

impl Asker {
    /// Sends one request after the other until the time is over, from a place of its own in the list.
    async fn ask(self) -> Result<(), LoadError> {
        let turn = self.opening.acquire().await;
        let mut connection = Connection::open(&self.plan.target).await?;
        drop(turn);
        let offset = self.number * self.plan.shots.len() / self.plan.size.connections;
        for shot in self.plan.shots.iter().cycle().skip(offset) {
            let Some(intended) = self.next().await else { break };
            let status = connection.exchange(&shot.bytes).await?.status;
            let now = Instant::now();
            // Never contended: the tasks of a thread run one at a time.
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            if status != shot.expected {
                tally.refuse(status);
            } else if (self.window.from..self.window.until).contains(&now) {
                tally.answer(now - intended);
            } else {
                tally.answer_untimely();
            }
        }
        Ok(())
    }

    /// When the next request should be sent; `None` once the time is over.
    async fn next(&self) -> Option<Instant> {
        match &self.schedule {
            Some(schedule) => schedule.next().await,
            None => Some(Instant::now()).filter(|now| *now < self.window.until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare;
    use crate::case::Case;

    fn size() -> Size {
        let short = Duration::from_millis(300);
        Size { connections: 4, sessions: 1, seconds: short, warm_up: Duration::ZERO, threads: 2 }
    }

    fn plan(expected: u16, rate: Option<f64>) -> Plan {
        let target = bare::spawn();
        let mut shots = Case::Bare.shots(&target, &Population::nobody(Vec::new()));
        for shot in &mut shots {
            shot.expected = expected;
        }
        Plan { target, shots, size: size(), rate }
    }

    #[test]
    fn an_open_loop_has_no_more_threads_than_it_needs() {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let size = Size { connections: 10_000, threads: 0, ..size() };
        assert_eq!(threads(&size, None), cores);
        assert_eq!([1.0, EASE, EASE * 1.5, 1e9].map(|rate| threads(&size, Some(rate))), [1, 1, cores.min(2), cores]);
        assert_eq!(threads(&Size { threads: 3, ..size }, Some(1.0)), 3);
        assert_eq!(threads(&Size { connections: 2, threads: 3, ..size }, None), 2);
    }

    #[test]
    fn a_closed_loop_is_answered() {
        let summary = send(plan(200, None)).unwrap();
        assert!(summary.answered > 0);
        assert!(summary.refuse_unexpected().is_ok());
    }

    #[test]
    fn an_open_loop_asks_no_more_than_it_is_told_to() {
        let summary = send(plan(200, Some(100.0))).unwrap();
        assert!(summary.answered + summary.missed <= 30, "{summary}");
    }

    #[test]
    fn whatever_is_offered_is_served_or_missed() {
        let mut plan = plan(200, Some(100.0));
        plan.size.warm_up = Duration::from_millis(200);
        let summary = send(plan).unwrap();
        assert!(summary.answered < summary.served, "{summary}");
        assert_eq!(summary.served + summary.missed, 50, "{summary}");
    }

    #[test]
    fn an_unexpected_status_fails_the_run() {
        let summary = send(plan(201, None)).unwrap();
        assert_eq!(summary.answered, 0);
        assert!(summary.refuse_unexpected().unwrap_err().to_string().contains("200"));
    }
}
