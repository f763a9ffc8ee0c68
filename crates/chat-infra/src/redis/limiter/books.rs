//! The accounts of all callers and tenants on one node.

use std::time::{Duration, Instant};

use chat_domain::access::Caller;
use chat_domain::id::TenantId;
use chat_domain::limit::{Class, Decision, Limits, Quota, Quotas, Scope, Work};

use super::account::{Account, Order, Patience, Sale};
use super::accounts::{Accounts, Receipt, Refused};
use crate::in_process::keyed::Keyed;
use crate::in_process::limiter::{CALLERS, TENANTS};

/// Whose accounts they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    Caller(Caller),
    Tenant(TenantId),
}

/// One account, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AccountId {
    pub(super) holder: Holder,
    pub(super) class: Class,
}

/// Others have to be asked first; they are being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

/// All accounts.
pub(super) struct Books {
    limits: Limits,
    start: Instant,
    callers: Keyed<Caller, Accounts>,
    tenants: Keyed<TenantId, Accounts>,
}

/// A decision, and whether this node made it alone.
pub(super) type Decided = (Decision, bool);

impl Books {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, start: Instant::now(), callers: Keyed::new(CALLERS), tenants: Keyed::new(TENANTS) }
    }

    /// The time by which the accounts live.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Takes what the work counts as from the caller and from its tenant, from both or from neither. What is to be
    /// ordered is handed to `order`.
    pub(super) fn take(
        &self,
        caller: &Caller,
        work: Work,
        patience: Patience,
        order: &impl Fn(AccountId),
    ) -> Result<Decided, Unknown> {
        let (limits, now) = (&self.limits, self.now());
        let (own, wanted) = self.callers.with(caller, now, |own| taken(own, &limits.caller, work, patience, now));
        each(wanted, || Holder::Caller(caller.clone()), order);
        let own = match own {
            Ok(own) => own,
            Err(refused) => return refusal(refused, Scope::Caller),
        };
        if limits.tenant == Quotas::default() {
            return Ok((Decision::Allowed(own.standings), own.is_alone()));
        }
        let tenant = caller.tenant();
        let (all, wanted) = self.tenants.with(tenant, now, |all| taken(all, &limits.tenant, work, patience, now));
        each(wanted, || Holder::Tenant(tenant.clone()), order);
        match all {
            Ok(all) => Ok((Decision::Allowed(own.standings), own.is_alone() || all.is_alone())),
            Err(refused) => {
                self.callers.with_known(caller, |accounts| accounts.give_back(&limits.caller, own));
                refusal(refused, Scope::Tenant)
            }
        }
    }

    /// The order for this account, with its quota, as it is sent now; `None` where the account is gone.
    pub(super) fn order(&self, id: &AccountId) -> Option<(Quota, Order)> {
        self.account(id, |account, quota| (quota, account.order(quota)))
    }

    /// What came of an order that was sent then.
    pub(super) fn settle(&self, id: &AccountId, order: Order, sale: Sale, sent: Duration) {
        let now = self.now();
        self.account(id, |account, quota| account.settle(quota, order, sale, sent, now));
    }

    /// An order came to nothing, this time.
    pub(super) fn fail(&self, id: &AccountId) {
        self.account(id, |account, _| account.fail());
    }

    /// An order is not made, and others for a while neither.
    pub(super) fn leave_alone(&self, id: &AccountId) {
        let now = self.now();
        self.account(id, |account, _| account.leave_alone(now));
    }

    fn account<T>(&self, id: &AccountId, act: impl FnOnce(&mut Account, Quota) -> T) -> Option<T> {
        match &id.holder {
            Holder::Caller(caller) => {
                let quota = self.limits.caller.of(id.class)?;
                self.callers.with_known(caller, |accounts| act(accounts.of(id.class), quota))
            }
            Holder::Tenant(tenant) => {
                let quota = self.limits.tenant.of(id.class)?;
                self.tenants.with_known(tenant, |accounts| act(accounts.of(id.class), quota))
            }
        }
    }
}

type Wanted = [Option<Class>; Class::ALL.len()];

fn taken(
    accounts: &mut Accounts,
    quotas: &Quotas,
    work: Work,
    patience: Patience,
    now: Duration,
) -> (Result<Receipt, Refused>, Wanted) {
    let taken = accounts.take(quotas, work, patience, now);
    let wanted = if patience == Patience::None { Wanted::default() } else { accounts.wanted(quotas, now) };
    (taken, wanted)
}

fn each(wanted: Wanted, holder: impl Fn() -> Holder, order: &impl Fn(AccountId)) {
    for class in wanted.into_iter().flatten() {
        order(AccountId { holder: holder(), class });
    }
}

fn refusal(refused: Refused, scope: Scope) -> Result<Decided, Unknown> {
    match refused {
        Refused::UsedUp(used_up) => Ok((Decision::Refused(used_up.of(scope)), false)),
        Refused::Unknown => Err(Unknown),
    }
}
