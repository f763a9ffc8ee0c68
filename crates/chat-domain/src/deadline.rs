//! How long the work of one request in the stores may take altogether.
//!
//! A request makes several calls of ports, and each adapter behind them waits for something: a queue, a connection, a
//! lock, a disk. Whoever takes the request from outside says how long all that may take ([`bounded`]); whoever waits asks
//! when it is over ([`end`]). The bound goes with the work as it is polled, not with the arguments of each call: it says
//! nothing about what is to be done, and no port or service would look at it.
//!
//! What is spawned beside the work does not share its bound.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::time::{Duration, Instant};

thread_local! {
    /// The bound of what this thread polls at the moment.
    static PRESENT: Cell<Option<Bound>> = const { Cell::new(None) };
}

/// How long some work may take, and when that is over, once it is known.
#[derive(Clone, Copy)]
struct Bound {
    budget: Duration,
    end: Option<Instant>,
}

/// Puts back what was present, also where the work panics.
struct Present(Option<Bound>);

impl Present {
    fn replaced_by(bound: Bound) -> Self {
        Self(PRESENT.replace(Some(bound)))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        PRESENT.set(self.0);
    }
}

/// Does the work, which may spend so much time in stores, from its first call of one on: what a slow client takes to send
/// its request does not count. Where the work has a bound already, that stays.
pub async fn bounded<T>(budget: Duration, work: impl Future<Output = T>) -> T {
    run(Bound { budget, end: None }, work).await
}

/// Does the work, whose time in stores is over then. Where the work has a bound already, that stays.
pub async fn until<T>(end: Instant, work: impl Future<Output = T>) -> T {
    run(Bound { budget: Duration::ZERO, end: Some(end) }, work).await
}

/// When the time for the present work is over, which begins to run with the first question; `None` where nobody bounds it.
pub fn end(now: Instant) -> Option<Instant> {
    let mut bound = PRESENT.get()?;
    let end = *bound.end.get_or_insert_with(|| now + bound.budget);
    PRESENT.set(Some(bound));
    Some(end)
}

/// Does the work as if nobody bounded it, whatever bound there is: each call of a store has its own time. For what takes as
/// long as its client does.
pub async fn apart<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(move |context| {
        let _present = Present(PRESENT.replace(None));
        work.as_mut().poll(context)
    })
    .await
}

async fn run<T>(mut bound: Bound, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(move |context| {
        if PRESENT.get().is_some() {
            return work.as_mut().poll(context);
        }
        let _present = Present::replaced_by(bound);
        let polled = work.as_mut().poll(context);
        bound = PRESENT.get().unwrap_or(bound);
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    const BUDGET: Duration = Duration::from_secs(5);

    /// Waits once, so that whoever polls does something else meanwhile.
    async fn pause() {
        let mut waited = false;
        poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    #[tokio::test]
    async fn the_time_runs_from_the_first_question_and_does_not_begin_anew() {
        let begin = Instant::now();
        bounded(BUDGET, async {
            pause().await;
            assert_eq!(end(begin), Some(begin + BUDGET));
            pause().await;
            assert_eq!(end(begin + BUDGET), Some(begin + BUDGET));
        })
        .await;
    }

    #[tokio::test]
    async fn works_that_are_polled_in_turn_have_bounds_of_their_own() {
        let begin = Instant::now();
        let ask = async |budget| {
            let mut ends = Vec::new();
            for _ in 0..3 {
                ends.push(end(begin));
                pause().await;
            }
            assert_eq!(ends, vec![budget; 3]);
        };
        tokio::join!(
            bounded(BUDGET, ask(Some(begin + BUDGET))),
            ask(None),
            bounded(BUDGET * 2, ask(Some(begin + BUDGET * 2))),
            until(begin, ask(Some(begin))),
        );
        assert_eq!(end(begin), None);
    }

    #[tokio::test]
    async fn work_with_a_bound_keeps_it() {
        let begin = Instant::now();
        let asked = bounded(BUDGET, bounded(BUDGET * 9, async { end(begin) })).await;
        assert_eq!(asked, Some(begin + BUDGET));
        assert_eq!(until(begin, bounded(BUDGET, async { end(begin) })).await, Some(begin));
    }

    #[tokio::test]
    async fn work_that_is_done_apart_has_no_bound_and_leaves_that_of_others() {
        let begin = Instant::now();
        bounded(BUDGET, async {
            let apart = apart(async {
                pause().await;
                assert_eq!(end(begin), None);
                assert_eq!(bounded(BUDGET * 2, async { end(begin) }).await, Some(begin + BUDGET * 2));
            });
            apart.await;
            assert_eq!(end(begin), Some(begin + BUDGET));
        })
        .await;
    }

    #[tokio::test]
    async fn work_that_panics_leaves_no_bound_behind() {
        let panics = tokio::spawn(bounded(BUDGET, async { panic!("on purpose") }));
        assert!(panics.await.is_err());
        let panics = std::panic::AssertUnwindSafe(|| {
            let mut work = pin!(bounded(BUDGET, async { panic!("on purpose") }));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            _ = work.as_mut().poll(&mut context);
        });
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(end(Instant::now()), None);
    }
}
