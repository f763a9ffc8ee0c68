//! The accounts of one caller or one tenant on one node.

use std::time::Duration;

use chat_domain::limit::{Class, Quotas, Standing, Standings, UsedUp, Work};

use super::account::{Account, Lack, Patience, Source};
use crate::in_process::keyed::Forgettable;

/// One account for each class.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    requests: Account,
    messages: Account,
}

/// What was taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Receipt {
    pub(super) standings: Standings,
    requests: Option<Source>,
    messages: Option<Source>,
}

impl Receipt {
    const fn note(&mut self, class: Class, standing: Standing, source: Source) {
        self.standings.set(class, standing);
        match class {
            Class::Requests => self.requests = Some(source),
            Class::Messages => self.messages = Some(source),
        }
    }

    /// Whether any of it was decided by this node alone.
    pub(super) fn is_alone(&self) -> bool {
        [self.requests, self.messages].contains(&Some(Source::Alone))
    }
}

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is nothing left.
    UsedUp(UsedUp),
    /// Others have to be asked first.
    Unknown,
}

impl Accounts {
    /// The account of a class.
    pub(super) const fn of(&mut self, class: Class) -> &mut Account {
        match class {
            Class::Requests => &mut self.requests,
            Class::Messages => &mut self.messages,
        }
    }

    /// Takes what the work counts as, all of it or nothing.
    pub(super) fn take(
        &mut self,
        quotas: &Quotas,
        work: Work,
        patience: Patience,
        now: Duration,
    ) -> Result<Receipt, Refused> {
        let mut receipt = Receipt::default();
        for class in work.counts_as() {
            let Some(quota) = quotas.of(*class) else { continue };
            match self.of(*class).take(quota, patience, now) {
                Ok((standing, source)) => receipt.note(*class, standing, source),
                Err(lack) => {
                    self.give_back(quotas, receipt);
                    return Err(match lack {
                        Lack::UsedUp(wait) => Refused::UsedUp(UsedUp { class: *class, quota, wait }),
                        Lack::Unknown => Refused::Unknown,
                    });
                }
            }
        }
        Ok(receipt)
    }

    /// Puts back what was taken for work that was not done.
    pub(super) fn give_back(&mut self, quotas: &Quotas, receipt: Receipt) {
        for (class, source) in [(Class::Requests, receipt.requests), (Class::Messages, receipt.messages)] {
            if let Some((quota, source)) = quotas.of(class).zip(source) {
                self.of(class).give_back(quota, source);
            }
        }
    }

    /// The classes for which an order is to be made now; it counts as made.
    pub(super) fn wanted(&mut self, quotas: &Quotas, now: Duration) -> [Option<Class>; Class::ALL.len()] {
        Class::ALL.map(|class| quotas.of(class).filter(|quota| self.of(class).wants(*quota, now)).map(|_| class))
    }
}

impl Forgettable for Accounts {
    fn is_idle(&self, now: Duration) -> bool {
        self.requests.is_idle(now) && self.messages.is_idle(now)
    }

    /// What many share is nobody's to be bought for.
    fn of_strangers() -> Self {
        Self { requests: Account::alone(), messages: Account::alone() }
    }
}

#[cfg(test)]
mod tests {
    use chat_domain::limit::Quota;

    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn quota(burst: u32) -> Quota {
        Quota::new(burst.try_into().unwrap(), 1.try_into().unwrap())
    }

    #[test]
    fn a_refused_class_gives_the_others_back() {
        let quotas = Quotas { requests: Some(quota(2)), messages: Some(quota(1)) };
        let mut accounts = Accounts::default();
        accounts.take(&quotas, Work::Message, Patience::None, NOW).unwrap();
        let refused = accounts.take(&quotas, Work::Message, Patience::None, NOW).unwrap_err();
        assert!(matches!(refused, Refused::UsedUp(used_up) if used_up.class == Class::Messages), "{refused:?}");
        let left = accounts.take(&quotas, Work::Request, Patience::None, NOW).unwrap().standings.requests.unwrap().left;
        assert_eq!(left, 0);
    }

    #[test]
    fn only_what_has_a_quota_is_ordered() {
        let quotas = Quotas { requests: Some(quota(2)), messages: None };
        let mut accounts = Accounts::default();
        assert!(!accounts.take(&quotas, Work::Message, Patience::New, NOW).unwrap().is_alone());
        assert_eq!(accounts.wanted(&quotas, NOW), [Some(Class::Requests), None]);
    }
}
