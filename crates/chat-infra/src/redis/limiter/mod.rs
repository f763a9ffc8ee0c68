//! Limits that nodes share.
//!
//! Redis sells permits; a node buys them in blocks, ahead of need, and decides by what it has. So the hot path is local,
//! and Redis is called once for many requests. See `account` for how far nodes may exceed a quota together.
//!
//! - `account`, `accounts`, `books`: what a node has, of one quota, of one caller or tenant, of all.
//! - `buyer`, `sell.lua`: the way to Redis and back; `look`: whether it is there again.

mod account;
mod accounts;
mod books;
mod buyer;
mod figures;
mod look;

use std::sync::Arc;
use std::time::Duration;

use chat_domain::access::Caller;
use chat_domain::limit::{Decision, Limits, Quota, RateLimiter, Standings, Taking, Work};
use tokio::sync::{mpsc, watch};

use self::account::Patience;
use self::books::{AccountId, Books, Decided, Unknown};
use self::buyer::Buyer;
use self::figures::Figures;
use self::look::LimitsLook;
use super::breaker::Breaker;
use super::config::RedisConfig;
use super::pool::RedisPool;
use crate::operation::{Observed, System};

/// So many orders may wait for Redis; accounts whose orders find no room decide by themselves for a while.
const QUEUE: usize = 4_096;

/// Keeps count with other nodes, through Redis.
///
/// Most decisions are made without waiting. Only where a caller has used up what its node has in hand, Redis is waited
/// for, no longer than the time limit of the configuration. Where it does not answer by then, and while it is not asked
/// because it failed, each node keeps to the limits by itself, from what it knew last. So without Redis
/// callers have their quotas once on each node.
///
/// Two nodes or more together let through at most [`overshoot`](Self::overshoot) for each node beyond a quota.
///
/// Counts `chat_redis_calls_total` with `call="buy"`, and `chat_rate_limit_fallbacks_total`: requests let through by a
/// node's own count. Writes one line to the log when Redis is lost and when it is back.
pub struct RedisLimiter {
    desk: Arc<Desk>,
    patience: Duration,
}

/// Where permits are taken, and orders left.
struct Desk {
    books: Arc<Books>,
    orders: mpsc::Sender<AccountId>,
    rounds: watch::Receiver<u64>,
    figures: Arc<Figures>,
}

impl RedisLimiter {
    /// A limiter over these connections; it works on the tokio runtime in which this is called.
    #[must_use]
    pub fn spawn(limits: Limits, pool: RedisPool, config: &RedisConfig) -> Self {
        let (orders, ordered) = mpsc::channel(QUEUE);
        let (books, figures) = (Arc::new(Books::new(limits)), Arc::new(Figures::new()));
        let (round, rounds) = watch::channel(0);
        // The first order finds a connection there; one that cannot be opened is its matter.
        tokio::spawn(pool.clone().warm_up());
        let look =
            LimitsLook::new(pool.clone(), format!("{}:limit:{}:probe", config.prefix, buyer::FORMAT), config.timeout);
        let buyer = Buyer {
            breaker: Breaker::new(look, config, pool.runtime()),
            pool: Observed::new(System::Redis, pool),
            prefix: config.prefix.clone(),
            timeout: config.timeout,
            books: Arc::clone(&books),
            figures: Arc::clone(&figures),
            rounds: round,
        };
        tokio::spawn(buyer.run(ordered));
        Self { desk: Arc::new(Desk { books, orders, rounds, figures }), patience: config.timeout }
    }

    /// How many requests beyond a quota one node may let through before the others know: a sixteenth of the burst,
    /// and two where that is less.
    #[must_use]
    pub const fn overshoot(quota: Quota) -> u32 {
        2 * account::block(quota)
    }
}

impl RateLimiter for RedisLimiter {
    fn take(&self, caller: &Caller, work: Work) -> Taking {
        if let Ok(decision) = self.desk.take(caller, work, Patience::New) {
            return Taking::Decided(decision);
        }
        let (desk, caller, patience) = (Arc::clone(&self.desk), caller.clone(), self.patience);
        Taking::Waiting(Box::pin(async move { desk.wait(&caller, work, patience).await }))
    }
}

impl Desk {
    fn take(&self, caller: &Caller, work: Work, patience: Patience) -> Result<Decision, Unknown> {
        let (decision, alone): Decided = self.books.take(caller, work, patience, &|id| self.order(id))?;
        if alone {
            self.figures.alone.increment(1);
        }
        Ok(decision)
    }

    /// Tries again after each round, for as long as its patience lasts.
    async fn wait(&self, caller: &Caller, work: Work, patience: Duration) -> Decision {
        let decided = tokio::time::timeout(patience, self.after_rounds(caller, work)).await;
        // What is decided without patience is never left open.
        let alone = || self.take(caller, work, Patience::None).unwrap_or(Decision::Allowed(Standings::default()));
        decided.ok().flatten().unwrap_or_else(alone)
    }

    /// `None` where there will be no more rounds.
    async fn after_rounds(&self, caller: &Caller, work: Work) -> Option<Decision> {
        let (mut rounds, mut patience) = (self.rounds.clone(), Patience::Waiting);
        loop {
            rounds.mark_unchanged();
            if let Ok(decision) = self.take(caller, work, patience) {
                return Some(decision);
            }
            rounds.changed().await.ok()?;
            patience = Patience::New;
        }
    }

    fn order(&self, id: AccountId) {
        if let Err(unsent) = self.orders.try_send(id) {
            self.books.leave_alone(&unsent.into_inner());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_may_exceed_a_burst_by_a_sixteenth_of_it_or_by_two() {
        let table = [(1, 2), (5, 2), (63, 2), (64, 4), (200, 12), (320, 20), (1_000_000, 62_500)];
        for (burst, most) in table {
            let quota = Quota::new(burst.try_into().unwrap(), 1.try_into().unwrap());
            assert_eq!(RedisLimiter::overshoot(quota), most, "{burst}");
            assert!(most <= (burst / 16).max(2), "{burst}");
        }
    }
}
