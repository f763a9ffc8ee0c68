//! Whether Redis is asked. One call that fails is enough to leave it alone, and no request ever has to find out whether
//! it is back: a task of its own looks, at once and then again and again. It also looks while all is well, so that a node
//! which is asked nothing knows too.

use std::mem::discriminant;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::config::RedisConfig;
use super::pool::CallError;

/// What a call wants. Redis may refuse the one and serve the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To get something.
    Read,
    /// To leave something there.
    Write,
}

/// How Redis was found, and why it is not better.
#[derive(Debug)]
pub(super) enum Standing {
    /// It serves.
    Whole,
    /// It is read, and takes nothing.
    ReadOnly(CallError),
    /// It does not serve.
    Away(CallError),
}

impl Standing {
    const fn allows(&self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Whole, _) | (Self::ReadOnly(_), Kind::Read) => true,
            (Self::ReadOnly(_), Kind::Write) | (Self::Away(_), _) => false,
        }
    }

    const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// Finds out how Redis stands.
#[async_trait]
pub(super) trait Look: Send + Sync + 'static {
    /// Makes calls like those that failed; ends in time by itself.
    async fn look(&self) -> Standing;

    /// Redis stands otherwise than it did: worth a line in the log.
    fn tell(&self, standing: &Standing);
}

/// Decides who may ask.
pub(super) struct Breaker(Arc<Inner>);

struct Inner {
    look: Box<dyn Look>,
    state: Mutex<State>,
    doubted: Arc<Notify>,
}

/// What is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    reads: bool,
    writes: bool,
}

impl Breaker {
    /// Lets everybody ask, until something fails. Looks are made on this runtime, for as long as the breaker lives.
    pub(super) fn new(look: impl Look, config: &RedisConfig, runtime: &Handle) -> Self {
        let (state, doubted) = (State { reads: true, writes: true }, Arc::new(Notify::new()));
        let inner = Arc::new(Inner { look: Box::new(look), state: Mutex::new(state), doubted: Arc::clone(&doubted) });
        runtime.spawn(watch(Arc::downgrade(&inner), doubted, config.watch, config.pause));
        Self(inner)
    }

    /// Whether a call may be made.
    pub(super) fn admits(&self, kind: Kind) -> bool {
        let state = self.0.state();
        match kind {
            Kind::Read => state.reads,
            Kind::Write => state.writes,
        }
    }

    /// A call failed. A Redis that refuses one kind of calls may serve the other; one that is late or gone serves none.
    pub(super) fn failed(&self, kind: Kind, error: &CallError) {
        let mut state = self.0.state();
        let (before, refused) = (*state, error.is_refusal());
        state.reads &= refused && kind != Kind::Read;
        state.writes &= refused && kind != Kind::Write;
        if *state != before {
            self.0.doubted.notify_one();
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks now and then while Redis serves, at once when a call has failed, and more often until it serves again. What is
/// whole when it is looked at was doubted for no reason, and nothing is told of it.
async fn watch(breaker: Weak<Inner>, doubted: Arc<Notify>, whole: Duration, failing: Duration) {
    let (mut told, mut pause) = (discriminant(&Standing::Whole), whole);
    loop {
        // Either way it is time to look.
        _ = timeout(pause, doubted.notified()).await;
        let Some(breaker) = breaker.upgrade() else { return };
        let standing = breaker.look.look().await;
        if discriminant(&standing) != told {
            breaker.look.tell(&standing);
            told = discriminant(&standing);
        }
        let (reads, writes) = (standing.allows(Kind::Read), standing.allows(Kind::Write));
        *breaker.state() = State { reads, writes };
        pause = if standing.is_whole() { whole } else { failing };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use deadpool_redis::redis::{ErrorKind, RedisError};
    use tokio::sync::Semaphore;
    use tokio::time::{Instant, sleep};

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);
    const WATCH: Duration = Duration::from_mins(10);

    fn late() -> CallError {
        CallError::Late(Duration::ZERO)
    }

    fn refused() -> CallError {
        CallError::Command(RedisError::from((ErrorKind::UnexpectedReturnType, "no room")))
    }

    /// Finds what it is told to, each once it may, and writes down what it tells.
    #[derive(Default)]
    struct Script {
        found: Mutex<VecDeque<Standing>>,
        may_look: Option<Semaphore>,
        told: Mutex<Vec<&'static str>>,
    }

    #[async_trait]
    impl Look for Arc<Script> {
        async fn look(&self) -> Standing {
            if let Some(may_look) = &self.may_look {
                may_look.acquire().await.unwrap().forget();
            }
            self.found.lock().unwrap().pop_front().unwrap_or(Standing::Whole)
        }

        fn tell(&self, standing: &Standing) {
            self.told.lock().unwrap().push(match standing {
                Standing::Whole => "whole",
                Standing::ReadOnly(_) => "read only",
                Standing::Away(_) => "away",
            });
        }
    }

    fn breaker(script: &Arc<Script>) -> Breaker {
        let config = RedisConfig { pause: PAUSE, watch: WATCH, ..RedisConfig::new("") };
        Breaker::new(Arc::clone(script), &config, &Handle::current())
    }

    fn script(found: impl Into<VecDeque<Standing>>) -> Arc<Script> {
        Arc::new(Script { found: Mutex::new(found.into()), ..Script::default() })
    }

    fn admits(breaker: &Breaker) -> [bool; 2] {
        [Kind::Read, Kind::Write].map(|kind| breaker.admits(kind))
    }

    /// Waits until reads and writes are let through as is said.
    async fn settled(breaker: &Breaker, expected: [bool; 2]) {
        while admits(breaker) != expected {
            sleep(Duration::from_millis(100)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_late_call_stops_all_until_a_look_found_redis_whole() {
        for kind in [Kind::Read, Kind::Write] {
            let script = Arc::new(Script { may_look: Some(Semaphore::new(0)), ..Script::default() });
            let breaker = breaker(&script);
            assert_eq!(admits(&breaker), [true, true]);
            breaker.failed(kind, &late());
            assert_eq!(admits(&breaker), [false, false]);
            sleep(10 * PAUSE).await;
            assert_eq!(admits(&breaker), [false, false], "the look is under way");
            script.may_look.as_ref().unwrap().add_permits(1);
            settled(&breaker, [true, true]).await;
            assert!(script.told.lock().unwrap().is_empty(), "it was doubted for no reason");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_write_leaves_reads_alone() {
        let script = script([Standing::ReadOnly(refused()), Standing::ReadOnly(refused())]);
        let breaker = breaker(&script);
        breaker.failed(Kind::Write, &refused());
        for _ in 0..10 {
            assert_eq!(admits(&breaker), [true, false]);
            sleep(PAUSE / 10).await;
        }
        settled(&breaker, [true, true]).await;
        assert_eq!(*script.told.lock().unwrap(), ["read only", "whole"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_read_stops_reads_alone_until_the_look() {
        let breaker = breaker(&script([]));
        breaker.failed(Kind::Read, &refused());
        assert_eq!(admits(&breaker), [false, true]);
        settled(&breaker, [true, true]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn each_change_is_told_once_and_redis_is_looked_at_with_a_pause_between() {
        let script = script([
            Standing::Away(late()),
            Standing::Away(late()),
            Standing::ReadOnly(refused()),
            Standing::ReadOnly(refused()),
            Standing::Away(late()),
        ]);
        let (breaker, start) = (breaker(&script), Instant::now());
        for _ in 0..20 {
            breaker.failed(Kind::Read, &late());
        }
        settled(&breaker, [true, false]).await;
        assert!((2 * PAUSE..3 * PAUSE).contains(&start.elapsed()), "{:?}", start.elapsed());
        settled(&breaker, [false, false]).await;
        settled(&breaker, [true, true]).await;
        assert!((5 * PAUSE..6 * PAUSE).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert_eq!(*script.told.lock().unwrap(), ["away", "read only", "away", "whole"]);
        breaker.failed(Kind::Read, &late());
        assert_eq!(admits(&breaker), [false, false], "and once more from the beginning");
        settled(&breaker, [true, true]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_asks_it_is_noticed_too() {
        let script = script([Standing::Whole, Standing::Away(late())]);
        let (breaker, start) = (breaker(&script), Instant::now());
        settled(&breaker, [false, false]).await;
        assert!((2 * WATCH..3 * WATCH).contains(&start.elapsed()), "{:?}", start.elapsed());
        settled(&breaker, [true, true]).await;
        assert!((2 * WATCH..2 * WATCH + 2 * PAUSE).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert_eq!(*script.told.lock().unwrap(), ["away", "whole"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubt_is_looked_into_at_once_also_while_redis_fails_in_part() {
        let script = script([Standing::ReadOnly(refused()), Standing::ReadOnly(refused())]);
        let (breaker, start) = (breaker(&script), Instant::now());
        breaker.failed(Kind::Write, &refused());
        sleep(PAUSE / 2).await;
        assert_eq!(admits(&breaker), [true, false]);
        breaker.failed(Kind::Read, &late());
        settled(&breaker, [true, false]).await;
        assert!(start.elapsed() < PAUSE, "{:?}", start.elapsed());
        assert_eq!(*script.told.lock().unwrap(), ["read only"]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_looks_any_more_for_a_breaker_that_is_gone() {
        let script = script((0..100).map(|_| Standing::Away(late())).collect::<VecDeque<_>>());
        let gone = breaker(&script);
        gone.failed(Kind::Read, &late());
        sleep(PAUSE / 2).await;
        drop(gone);
        sleep(100 * PAUSE).await;
        assert_eq!(script.found.lock().unwrap().len(), 99);
    }
}
