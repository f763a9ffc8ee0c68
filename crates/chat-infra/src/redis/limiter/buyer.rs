//! The one that goes to Redis: it takes whatever orders are there, asks for all of them at once, and tells those who wait.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::limit::{Quota, Scope};
use deadpool_redis::redis::{self, Cmd};
use tokio::sync::{mpsc, watch};

use super::account::{Order, Sale};
use super::books::{AccountId, Books, Holder};
use super::figures::Figures;
use crate::operation::{Observed, Operation};
use crate::redis::breaker::{Breaker, Kind};
use crate::redis::pool::RedisPool;

/// The most orders of one call.
const BATCH: usize = 256;
/// How quotas lie in Redis; another way takes another number, so that nodes of two releases can share a Redis.
pub(super) const FORMAT: u32 = 1;
/// Sells permits. It reads and writes.
pub(super) const SCRIPT: &str = include_str!("sell.lua");

/// Goes to Redis for as long as there is anyone to order.
pub(super) struct Buyer {
    pub(super) pool: Observed<RedisPool>,
    pub(super) breaker: Breaker,
    pub(super) prefix: String,
    pub(super) timeout: Duration,
    pub(super) books: Arc<Books>,
    pub(super) figures: Arc<Figures>,
    /// Moves on with each round, for those who wait for one.
    pub(super) rounds: watch::Sender<u64>,
}

/// An order as it was sent.
struct Sent {
    id: AccountId,
    quota: Quota,
    order: Order,
}

/// What came of asking.
enum Answer {
    /// One sale for each order.
    Sales(Vec<Sale>),
    /// None, this time.
    Failed,
    /// It was not asked, because it fails.
    NotAsked,
}

impl Buyer {
    /// Works until the last one who could order is gone.
    pub(super) async fn run(self, mut orders: mpsc::Receiver<AccountId>) {
        let mut ids = Vec::with_capacity(BATCH);
        while orders.recv_many(&mut ids, BATCH).await > 0 {
            self.round(ids.drain(..)).await;
            self.rounds.send_modify(|round| *round = round.wrapping_add(1));
        }
    }

    async fn round(&self, ids: impl Iterator<Item = AccountId>) {
        let sent_at = self.books.now();
        let sent: Vec<_> = ids
            .filter_map(|id| {
                let (quota, order) = self.books.order(&id)?;
                Some(Sent { id, quota, order })
            })
            .collect();
        match self.ask(&sent).await {
            Answer::Sales(sales) if sales.len() == sent.len() => {
                for (sent, sale) in sent.iter().zip(sales) {
                    self.books.settle(&sent.id, sent.order, sale, sent_at);
                }
            }
            Answer::Sales(_) | Answer::Failed => sent.iter().for_each(|sent| self.books.fail(&sent.id)),
            Answer::NotAsked => sent.iter().for_each(|sent| self.books.leave_alone(&sent.id)),
        }
    }

    async fn ask(&self, sent: &[Sent]) -> Answer {
        if !self.breaker.admits(Kind::Write) {
            self.figures.buy.skipped.increment(1);
            return Answer::NotAsked;
        }
        let (command, call) = (self.command(sent), Operation::LimitsBuy.of(sent.len()));
        match self.pool.run(call, |pool| pool.call::<Vec<u64>>(command, self.timeout)).await {
            Ok(answer) => {
                self.figures.buy.ok.increment(1);
                Answer::Sales(answer.chunks_exact(2).filter_map(sale).collect())
            }
            Err(error) => {
                self.figures.buy.failed.increment(1);
                self.breaker.failed(Kind::Write, &error);
                Answer::Failed
            }
        }
    }

    fn command(&self, sent: &[Sent]) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(sent.len());
        for sent in sent {
            command.arg(self.key(&sent.id));
        }
        for Sent { quota, order, .. } in sent {
            let micros = quota.interval().as_secs_f64() * 1_000_000.0;
            let owed = i64::from(order.owed) - i64::from(order.spare);
            command.arg(micros).arg(quota.burst()).arg(owed).arg(order.wanted);
        }
        command
    }

    /// No tenant has a slash in its name, so what comes after it cannot be taken for a part of it.
    fn key(&self, id: &AccountId) -> String {
        let (prefix, class) = (&self.prefix, id.class.as_str());
        let start = format!("{prefix}:limit:{FORMAT}:{class}");
        match &id.holder {
            Holder::Caller(caller) => {
                let (tenant, role, id) = (caller.tenant(), caller.role(), caller.id());
                format!("{start}:{}:{tenant}/{role}/{id}", Scope::Caller.as_str())
            }
            Holder::Tenant(tenant) => format!("{start}:{}:{tenant}", Scope::Tenant.as_str()),
        }
    }
}

fn sale(answer: &[u64]) -> Option<Sale> {
    let [sold, micros] = answer else { return None };
    Some(Sale { sold: u32::try_from(*sold).ok()?, full_in: Duration::from_micros(*micros) })
}
