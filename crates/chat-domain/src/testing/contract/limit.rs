//! What a [`RateLimiter`] promises.

use std::sync::Arc;
use std::time::Duration;

use super::stage::together;
use crate::access::{Caller, Role};
use crate::limit::{Class, Decision, Limits, Quota, Quotas, RateLimiter, Refusal, Scope, Standings, Work};
use crate::testing::builder::{participant, tenant};
use crate::testing::rig::LimiterRig;

/// Runs the suite of a limiter on a [`LimiterRig`](crate::testing::rig::LimiterRig):
/// `rate_limiter_contract!(in_process, InProcessLimiterRig);`.
#[macro_export]
macro_rules! rate_limiter_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as LimiterRig,
            limit,
            [
                a_burst_goes_through_and_then_no_more,
                what_was_used_comes_back_at_the_rate,
                a_refusal_says_when_to_come_back,
                callers_tenants_and_roles_do_not_touch_each_other,
                a_tenants_callers_share_its_quota,
                what_the_tenant_refuses_costs_the_caller_nothing,
                messages_have_a_quota_of_their_own_and_count_as_requests,
                what_has_no_quota_is_not_limited,
                a_caller_sees_what_is_left_go_down,
                many_at_once_get_no_more_than_the_burst,
                two_nodes_together_keep_to_the_quota,
                two_nodes_together_keep_to_a_small_quota,
                two_nodes_together_keep_to_the_rate,
            ]
        );
    };
}

/// More than any quota of this suite.
const MANY: u32 = 2_000;

fn quota(burst: u32, rate: u32) -> Quota {
    Quota::new(burst.try_into().expect("a burst"), rate.try_into().expect("a rate"))
}

fn of_callers(quota: Quota) -> Limits {
    Limits { caller: Quotas { requests: Some(quota), messages: None }, tenant: Quotas::default() }
}

fn ann() -> Caller {
    named("ann")
}

fn named(name: &str) -> Caller {
    Caller::new(tenant("t"), participant(name), Role::User)
}

async fn take(limiter: &dyn RateLimiter, caller: &Caller, work: Work) -> Result<Standings, Refusal> {
    match limiter.take(caller, work).decision().await {
        Decision::Allowed(standings) => Ok(standings),
        Decision::Refused(refusal) => Err(refusal),
    }
}

/// Takes until it is refused; how many went through, and the refusal.
async fn drain(limiter: &dyn RateLimiter, caller: &Caller, work: Work) -> (u32, Refusal) {
    for taken in 0..MANY {
        if let Err(refusal) = take(limiter, caller, work).await {
            return (taken, refusal);
        }
    }
    panic!("{MANY} went through and none was refused");
}

/// What may have come back since, at this rate.
fn came_back<R: LimiterRig>(rig: &R, since: Duration, rate: u32) -> u32 {
    let back = rig.now().saturating_sub(since).as_nanos() * u128::from(rate) / 1_000_000_000;
    u32::try_from(back).expect("a short test")
}

/// Tries until something goes through; a limiter that shares its count may owe something first.
async fn again<R: LimiterRig>(rig: &R, limiter: &dyn RateLimiter, caller: &Caller, work: Work) -> Standings {
    for _ in 0..100 {
        match take(limiter, caller, work).await {
            Ok(standings) => return standings,
            Err(refusal) => rig.pass(refusal.retry_after).await,
        }
    }
    panic!("nothing comes back");
}

/// A new caller has a whole burst, and then nothing but what came back meanwhile.
pub async fn a_burst_goes_through_and_then_no_more<R: LimiterRig>(rig: &R) {
    let limiter = rig.node(of_callers(quota(40, 1))).await;
    let start = rig.now();
    let (taken, refusal) = drain(&*limiter, &ann(), Work::Request).await;
    assert!((40..=40 + came_back(rig, start, 1)).contains(&taken), "{taken}");
    assert_eq!((refusal.scope, refusal.class, refusal.quota), (Scope::Caller, Class::Requests, quota(40, 1)));
}

/// After a pause there is as much again as the rate gives for it, and no more.
pub async fn what_was_used_comes_back_at_the_rate<R: LimiterRig>(rig: &R) {
    let limiter = rig.node(of_callers(quota(100, 40))).await;
    let start = rig.now();
    let (first, _) = drain(&*limiter, &ann(), Work::Request).await;
    rig.pass(Duration::from_secs(1)).await;
    let (second, _) = drain(&*limiter, &ann(), Work::Request).await;
    assert!(first + second <= 100 + came_back(rig, start, 40), "{first} {second}");
    assert!(second >= 40 - rig.overshoot(quota(100, 40)), "{second}");
}

/// Whoever comes back when it was told to gets something.
pub async fn a_refusal_says_when_to_come_back<R: LimiterRig>(rig: &R) {
    let limiter = rig.node(of_callers(quota(4, 10))).await;
    for _ in 0..3 {
        let (_, refusal) = drain(&*limiter, &ann(), Work::Request).await;
        assert!(!refusal.retry_after.is_zero());
        assert!(refusal.retry_after <= Duration::from_secs(1), "{:?}", refusal.retry_after);
        rig.pass(refusal.retry_after).await;
        again(rig, &*limiter, &ann(), Work::Request).await;
    }
}

/// Another id, another role, another tenant: another caller.
pub async fn callers_tenants_and_roles_do_not_touch_each_other<R: LimiterRig>(rig: &R) {
    let limiter = rig.node(of_callers(quota(10, 1))).await;
    let others = [
        Caller::new(tenant("t"), participant("bob"), Role::User),
        Caller::new(tenant("t"), participant("ann"), Role::Agent),
        Caller::new(tenant("u"), participant("ann"), Role::User),
        // Names that run into each other must not run together.
        Caller::new(tenant("t:ann"), participant("user"), Role::User),
        Caller::new(tenant("t"), participant("ann:user"), Role::User),
        Caller::new(tenant("t"), participant("ann/user"), Role::User),
    ];
    drain(&*limiter, &ann(), Work::Request).await;
    for other in others {
        assert!(drain(&*limiter, &other, Work::Request).await.0 >= 10, "{other:?}");
    }
}

/// All callers of a tenant together get no more than the tenant's quota; those of another have theirs.
pub async fn a_tenants_callers_share_its_quota<R: LimiterRig>(rig: &R) {
    let tenants = Quotas { requests: Some(quota(30, 1)), messages: None };
    let limiter =
        rig.node(Limits { caller: Quotas { requests: Some(quota(8, 1)), messages: None }, tenant: tenants }).await;
    let (start, mut taken, mut last) = (rig.now(), 0, None);
    for n in 0..6 {
        let (more, refusal) = drain(&*limiter, &named(&format!("caller-{n}")), Work::Request).await;
        taken += more;
        last = Some(refusal.scope);
    }
    assert!((30..=30 + came_back(rig, start, 1)).contains(&taken), "{taken}");
    assert_eq!(last, Some(Scope::Tenant));
    let stranger = Caller::new(tenant("u"), participant("ann"), Role::User);
    assert!(drain(&*limiter, &stranger, Work::Request).await.0 >= 8);
}

/// A caller that is refused because of others keeps what it has.
pub async fn what_the_tenant_refuses_costs_the_caller_nothing<R: LimiterRig>(rig: &R) {
    let (callers, tenants) = (quota(60, 1), quota(50, 20));
    let requests = |quota| Quotas { requests: Some(quota), messages: None };
    let limiter = rig.node(Limits { caller: requests(callers), tenant: requests(tenants) }).await;
    let (start, calm, mut taken) = (rig.now(), named("calm"), 0);
    let (flood, refusal) = drain(&*limiter, &named("flood"), Work::Request).await;
    assert_eq!(refusal.scope, Scope::Tenant);
    for _ in 0..200 {
        taken += u32::from(take(&*limiter, &calm, Work::Request).await.is_ok());
    }
    let most = 50 + came_back(rig, start, 20) + rig.overshoot(tenants);
    assert!(flood + taken <= most && taken < 200, "{flood} and {taken} of at most {most}");
    let left = again(rig, &*limiter, &calm, Work::Request).await.requests.expect("a quota").left;
    assert!(left + taken + 1 + rig.overshoot(callers) >= 60, "{left} of 60 are left after {taken}");
}

/// The limit on messages does not keep a caller from reading.
pub async fn messages_have_a_quota_of_their_own_and_count_as_requests<R: LimiterRig>(rig: &R) {
    let quotas = Quotas { requests: Some(quota(40, 1)), messages: Some(quota(10, 1)) };
    let limiter = rig.node(Limits { caller: quotas, tenant: Quotas::default() }).await;
    let start = rig.now();
    let (messages, refusal) = drain(&*limiter, &ann(), Work::Message).await;
    assert!((10..=10 + came_back(rig, start, 1)).contains(&messages), "{messages}");
    assert_eq!((refusal.class, refusal.quota), (Class::Messages, quota(10, 1)));
    let (requests, refusal) = drain(&*limiter, &ann(), Work::Request).await;
    assert!((40..=40 + came_back(rig, start, 1)).contains(&(messages + requests)), "{messages} {requests}");
    assert_eq!(refusal.class, Class::Requests);
}

/// Without a quota nothing is refused and nothing is told.
pub async fn what_has_no_quota_is_not_limited<R: LimiterRig>(rig: &R) {
    let limiter = rig.node(Limits::default()).await;
    for _ in 0..MANY {
        assert_eq!(take(&*limiter, &ann(), Work::Message).await, Ok(Standings::default()));
    }
}

/// What is left is told with each answer, for each quota that the work counts for.
pub async fn a_caller_sees_what_is_left_go_down<R: LimiterRig>(rig: &R) {
    let quotas = Quotas { requests: Some(quota(100, 1)), messages: Some(quota(50, 1)) };
    let limiter = rig.node(Limits { caller: quotas, tenant: Quotas::default() }).await;
    let start = rig.now();
    for n in 1..=20 {
        let standings = take(&*limiter, &ann(), Work::Message).await.expect("a burst of 50");
        let (requests, messages) = (standings.requests.expect("a quota"), standings.messages.expect("a quota"));
        let back = came_back(rig, start, 1);
        assert!(requests.left <= 100 - n + back && requests.left + rig.overshoot(quota(100, 1)) >= 100 - n);
        assert!(messages.left <= 50 - n + back && messages.left + rig.overshoot(quota(50, 1)) >= 50 - n);
        assert_eq!((requests.quota, messages.quota), (quota(100, 1), quota(50, 1)));
    }
    assert_eq!(take(&*limiter, &ann(), Work::Request).await.expect("a burst of 100").messages, None);
}

/// Nobody slips through between two others.
pub async fn many_at_once_get_no_more_than_the_burst<R: LimiterRig>(rig: &R) {
    let limiter = rig.node(of_callers(quota(200, 1))).await;
    let start = rig.now();
    let taken = at_once(rig, &[limiter], 16, 50).await;
    assert!((200..=200 + came_back(rig, start, 1)).contains(&taken), "{taken}");
}

/// Whichever node it asks, a caller gets what its quota says, and what nodes may hold ahead of need on top of it.
pub async fn two_nodes_together_keep_to_the_quota<R: LimiterRig>(rig: &R) {
    let quota = quota(320, 1);
    let nodes = [rig.node(of_callers(quota)).await, rig.node(of_callers(quota)).await];
    let start = rig.now();
    let taken = at_once(rig, &nodes, 16, 100).await;
    let most = 320 + came_back(rig, start, 1) + rig.overshoot(quota);
    assert!((320..=most).contains(&taken), "{taken} of at most {most}");
}

/// The same where a burst is so small that the least that nodes hold is a good part of it.
pub async fn two_nodes_together_keep_to_a_small_quota<R: LimiterRig>(rig: &R) {
    let quota = quota(5, 1);
    assert!(rig.overshoot(quota) <= 4, "two for each node");
    let nodes = [rig.node(of_callers(quota)).await, rig.node(of_callers(quota)).await];
    let start = rig.now();
    let taken = at_once(rig, &nodes, 16, 20).await;
    let most = 5 + came_back(rig, start, 1) + rig.overshoot(quota);
    assert!((5..=most).contains(&taken), "{taken} of at most {most}");
}

/// The same for longer than a burst lasts: what nodes hold ahead of need does not add up.
pub async fn two_nodes_together_keep_to_the_rate<R: LimiterRig>(rig: &R) {
    let quota = quota(64, 200);
    let nodes = [rig.node(of_callers(quota)).await, rig.node(of_callers(quota)).await];
    let (start, mut taken) = (rig.now(), 0);
    for _ in 0..20 {
        taken += at_once(rig, &nodes, 4, 20).await;
        rig.pass(Duration::from_millis(50)).await;
    }
    let most = 64 + came_back(rig, start, 200) + rig.overshoot(quota);
    // Each round asks for more than comes back in it: at the least the twenty pauses are used to the full.
    let least = 64 + 19 * 10 - rig.overshoot(quota);
    assert!((least..=most).contains(&taken), "{taken} of {least} to {most}");
}

/// So many tasks take so often, one node each in turn; how many went through.
async fn at_once<R: LimiterRig>(rig: &R, nodes: &[Arc<dyn RateLimiter>], tasks: usize, times: usize) -> u32 {
    let tasks = (0..tasks).map(|task| {
        let limiter = Arc::clone(&nodes[task % nodes.len()]);
        async move {
            let mut taken = 0;
            for _ in 0..times {
                taken += u32::from(take(&*limiter, &ann(), Work::Request).await.is_ok());
            }
            taken
        }
    });
    together(|task| rig.spawn(task), tasks).await.into_iter().sum()
}
