//! What one node knows and holds of one quota that it shares with others.

use std::time::Duration;

use chat_domain::limit::{Bucket, Quota, Standing};

/// Nodes hold at most so large a part of a burst ahead of need, one permit at the least, and use as much on credit.
const PART: u32 = 32;
/// How long a node decides by itself once it does not ask Redis any more; to find out whether it does again costs nothing.
const ALONE: Duration = Duration::from_millis(100);
/// How long what was bought for those who waited is kept for them; they come for it at once, or not at all.
const KEPT: Duration = Duration::from_millis(100);

/// The permits of one quota in the hands of one node.
///
/// Permits are bought in blocks, before the last one is used up; and a block may be used on credit, so that nobody who
/// comes now and then waits for Redis or even makes a call. What was used on credit is paid with the next block. So
/// beyond what Redis has sold a node has used a block at most, and holds another.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Account {
    /// All that is known to be used, here and elsewhere, but for what is held: it alone decides where Redis is gone.
    bucket: Bucket,
    /// Bought and not used.
    held: u32,
    /// Until then it may be more than a block.
    kept_until: Duration,
    /// Bought, and to be given back with the next order.
    spare: u32,
    /// Used on credit and not paid.
    owed: u32,
    /// So many could not be served at once since the last order.
    missed: u32,
    /// An order is under way.
    ordered: bool,
    /// Until then the bucket decides alone.
    alone_until: Duration,
}

/// What a permit was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From what was bought.
    Held,
    /// From the credit.
    Credit,
    /// From nothing but this node's own count.
    Alone,
}

/// Why there is no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// The quota is used up, for so long.
    UsedUp(Duration),
    /// Others have to be asked first.
    Unknown,
}

/// How ready a request is to wait until the others were asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It has just come: where it must wait, a permit is ordered for it.
    New,
    /// It waits already.
    Waiting,
    /// It has waited long enough, and takes what this node by itself can give.
    None,
}

/// What is to be asked of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    /// Was used and is to be paid, in any case.
    pub(super) owed: u32,
    /// Was bought, and is given back.
    pub(super) spare: u32,
    /// Is wanted, as far as there is so much.
    pub(super) wanted: u32,
}

/// What Redis said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sale {
    /// So many of those that were wanted.
    pub(super) sold: u32,
    /// So long until the quota is whole again, what was sold included.
    pub(super) full_in: Duration,
}

/// How many permits are bought at once, and how many may be used on credit.
pub(super) const fn block(quota: Quota) -> u32 {
    let part = quota.burst() / PART;
    if part == 0 { 1 } else { part }
}

impl Account {
    /// Decides by itself, for ever.
    pub(super) fn alone() -> Self {
        Self { alone_until: Duration::MAX, ..Self::default() }
    }

    /// Takes a permit, where there is one by all that is known.
    pub(super) fn take(&mut self, quota: Quota, patience: Patience, now: Duration) -> Result<(Standing, Source), Lack> {
        let standing = self.bucket.take(quota, now).map_err(Lack::UsedUp)?;
        let source = self.source(quota, now);
        if let Some(source) = source.or((patience == Patience::None).then_some(Source::Alone)) {
            return Ok((standing, source));
        }
        self.bucket.give_back(quota);
        self.missed = self.missed.saturating_add(u32::from(patience == Patience::New));
        Err(Lack::Unknown)
    }

    fn source(&mut self, quota: Quota, now: Duration) -> Option<Source> {
        if now < self.alone_until {
            return Some(Source::Alone);
        }
        if now >= self.kept_until {
            let spare = self.held.saturating_sub(block(quota));
            self.held -= spare;
            self.spare = self.spare.saturating_add(spare);
        }
        if self.held > 0 {
            self.held -= 1;
            return Some(Source::Held);
        }
        let credit = self.owed < block(quota);
        self.owed += u32::from(credit);
        credit.then_some(Source::Credit)
    }

    /// Puts a permit back.
    pub(super) fn give_back(&mut self, quota: Quota, source: Source) {
        self.bucket.give_back(quota);
        match source {
            Source::Credit if self.owed > 0 => self.owed -= 1,
            // What was paid meanwhile is there to be used.
            Source::Credit | Source::Held => self.held += 1,
            Source::Alone => {}
        }
    }

    /// Whether an order is to be made now; it counts as made.
    pub(super) fn wants(&mut self, quota: Quota, now: Duration) -> bool {
        let left = self.held + block(quota).saturating_sub(self.owed);
        let wants = !self.ordered && now >= self.alone_until && (self.missed > 0 || left <= block(quota) / 2);
        self.ordered |= wants;
        wants
    }

    /// What the order is, once it is sent.
    pub(super) fn order(&mut self, quota: Quota) -> Order {
        let wanted = block(quota).saturating_add(self.missed).saturating_sub(self.held).min(quota.burst());
        self.missed = 0;
        // Given back once at the most, whatever becomes of the order.
        Order { owed: self.owed, spare: std::mem::take(&mut self.spare), wanted }
    }

    /// The answer to an order that was sent some time ago.
    pub(super) fn settle(&mut self, quota: Quota, order: Order, sale: Sale, sent: Duration, now: Duration) {
        self.ordered = false;
        self.owed = self.owed.saturating_sub(order.owed);
        self.held += sale.sold;
        self.kept_until = now.saturating_add(KEPT);
        // What is held here is sold, but not used.
        let held = quota.interval().saturating_mul(self.held);
        self.bucket.learn(sale.full_in.saturating_sub(held), sent);
    }

    /// An order came to nothing, this time.
    pub(super) fn fail(&mut self) {
        self.ordered = false;
        self.missed = 0;
    }

    /// Redis is not asked at all for now: this node decides by itself for a while.
    pub(super) fn leave_alone(&mut self, now: Duration) {
        self.fail();
        self.alone_until = self.alone_until.max(now.saturating_add(ALONE));
    }

    /// Whether a new one would do as well.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        !self.ordered && self.bucket.is_full(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn quota() -> Quota {
        Quota::new(64.try_into().unwrap(), 1.try_into().unwrap())
    }

    fn full_in(used: u32) -> Duration {
        quota().interval() * used
    }

    fn taken(account: &mut Account) -> Vec<Source> {
        std::iter::from_fn(|| account.take(quota(), Patience::New, NOW).ok()).map(|(_, source)| source).collect()
    }

    #[test]
    fn a_block_is_used_on_credit_and_half_of_it_makes_an_order() {
        let mut account = Account::default();
        account.take(quota(), Patience::New, NOW).unwrap();
        assert!(account.wants(quota(), NOW), "half a block of two is used");
        assert!(!account.wants(quota(), NOW), "one order at a time");
        assert_eq!(taken(&mut account), [Source::Credit]);
        assert_eq!(account.take(quota(), Patience::New, NOW), Err(Lack::Unknown));
        assert_eq!(
            account.order(quota()),
            Order { owed: 2, spare: 0, wanted: 4 },
            "a block, and the two that were missed"
        );
    }

    #[test]
    fn what_is_bought_is_used_first_and_what_is_owed_is_paid_once() {
        let mut account = Account::default();
        taken(&mut account);
        let order = account.order(quota());
        account.settle(quota(), order, Sale { sold: 3, full_in: full_in(5) }, NOW, NOW);
        assert_eq!(taken(&mut account), [Source::Held, Source::Held, Source::Held, Source::Credit, Source::Credit]);
        assert_eq!(account.order(quota()).owed, 2);
    }

    #[test]
    fn what_is_used_elsewhere_is_used_here_too() {
        let mut account = Account::default();
        taken(&mut account);
        let order = account.order(quota());
        account.settle(quota(), order, Sale { sold: 1, full_in: full_in(64) }, NOW, NOW);
        assert_eq!(taken(&mut account), [Source::Held]);
        assert_eq!(account.take(quota(), Patience::New, NOW), Err(Lack::UsedUp(quota().interval())));
        let alone = account.take(quota(), Patience::None, NOW);
        assert_eq!(alone, Err(Lack::UsedUp(quota().interval())), "nor by itself");
    }

    #[test]
    fn where_redis_is_not_asked_the_node_counts_by_itself_for_a_while() {
        let mut account = Account::default();
        taken(&mut account);
        assert!(account.wants(quota(), NOW));
        account.leave_alone(NOW);
        assert_eq!(taken(&mut account), [Source::Alone; 62]);
        assert!(!account.wants(quota(), NOW));
        assert!(account.wants(quota(), NOW + ALONE), "and then it asks again");
    }

    #[test]
    fn after_an_order_that_failed_another_is_made() {
        let mut account = Account::default();
        taken(&mut account);
        assert!(account.wants(quota(), NOW));
        account.fail();
        assert_eq!(taken(&mut account), [], "nothing is given away for it");
        assert!(account.wants(quota(), NOW));
        assert_eq!(account.order(quota()).owed, 2);
    }

    #[test]
    fn whoever_has_waited_long_enough_takes_what_the_node_has_by_itself() {
        let mut account = Account::default();
        taken(&mut account);
        assert_eq!(account.take(quota(), Patience::Waiting, NOW), Err(Lack::Unknown));
        assert_eq!(account.take(quota(), Patience::None, NOW).unwrap().1, Source::Alone);
        assert_eq!(account.order(quota()).wanted, 3, "only the one that came new was missed");
    }

    #[test]
    fn what_was_bought_for_those_who_waited_is_not_kept_for_long() {
        let mut account = Account::default();
        taken(&mut account);
        let order = account.order(quota());
        account.settle(quota(), order, Sale { sold: 40, full_in: full_in(42) }, NOW, NOW);
        account.take(quota(), Patience::New, NOW).unwrap();
        let later = NOW + KEPT;
        let sources = std::iter::from_fn(|| account.take(quota(), Patience::New, later).ok()).map(|(_, source)| source);
        assert_eq!(sources.filter(|source| *source == Source::Held).count(), 2);
        assert_eq!(account.order(quota()).spare, 37, "it is given back");
        assert_eq!(account.order(quota()).spare, 0, "and only once");
    }

    #[test]
    fn what_is_put_back_can_be_taken_again() {
        let mut account = Account::default();
        let (_, source) = account.take(quota(), Patience::New, NOW).unwrap();
        let order = account.order(quota());
        account.settle(quota(), order, Sale { sold: 0, full_in: full_in(1) }, NOW, NOW);
        account.give_back(quota(), source);
        assert_eq!(taken(&mut account), [Source::Held, Source::Credit, Source::Credit], "it had been paid");
    }

    #[test]
    fn an_account_that_was_not_used_for_long_is_as_good_as_a_new_one() {
        let mut account = Account::default();
        account.take(quota(), Patience::New, NOW).unwrap();
        assert!(!account.is_idle(NOW));
        assert!(account.is_idle(NOW * 2));
        assert!(account.wants(quota(), NOW) && !account.is_idle(NOW * 2), "an order is under way");
    }
}
