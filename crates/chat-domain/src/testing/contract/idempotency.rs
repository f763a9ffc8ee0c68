//! What an [`IdempotencyRepository`](crate::idempotency::IdempotencyRepository) promises.

use super::stage::{any_session, append_one, create, end, say};
use crate::message::{AppendOutcome, NewMessage};
use crate::precondition::Precondition;
use crate::session::{CreateOutcome, NewSession, SessionChange, SessionStatus, SessionUpdate, UpdateOutcome};
use crate::testing::builder::{a_key, a_message, a_session, next_moment, tenant};
use crate::testing::rig::{Store, StoreRig};
use crate::timestamp::Timestamp;

/// Runs the suite of an idempotency repository on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `idempotency_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! idempotency_repository_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as StoreRig,
            idempotency,
            [
                old_keys_are_forgotten_and_young_ones_are_not,
                keys_of_all_tenants_are_forgotten,
                keys_of_changes_are_forgotten_too,
                keys_of_messages_hold_as_long_as_the_message,
            ]
        );
    };
}

fn keyed(key: &str) -> NewSession {
    NewSession { idempotency: Some(a_key(key, "c")), ..a_session() }
}

async fn forget_before(store: &Store, time: Timestamp) -> u64 {
    store.idempotency.forget_before(time).await.expect("the store works")
}

/// A key that was first used before the given moment works anew; one of that very moment, or a later one, still holds.
pub async fn old_keys_are_forgotten_and_young_ones_are_not<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let old = create(&store, keyed("old")).await;
    let young = create(&store, keyed("young")).await;
    // A replay is no use that would keep an old key alive.
    let replay = store.sessions.create(keyed("old")).await.expect("the store works");
    assert_eq!(replay, CreateOutcome::Replayed(old.clone()));
    assert_eq!(forget_before(&store, old.created_at).await, 0);
    assert_eq!(forget_before(&store, young.created_at).await, 1);
    let anew = create(&store, keyed("old")).await;
    assert_ne!(anew.id, old.id);
    let replay = store.sessions.create(keyed("young")).await.expect("the store works");
    assert_eq!(replay, CreateOutcome::Replayed(young));
}

/// The sweep is the service's own, not a tenant's.
pub async fn keys_of_all_tenants_are_forgotten<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    for name in ["one", "two", "three"] {
        create(&store, NewSession { tenant_id: tenant(name), ..keyed("k") }).await;
    }
    assert_eq!(forget_before(&store, next_moment()).await, 3);
    assert_eq!(forget_before(&store, next_moment()).await, 0);
}

/// What was remembered of a change goes like what was remembered of a creation.
pub async fn keys_of_changes_are_forgotten_too<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let attempt = async || {
        let change = SessionChange { status: Some(SessionStatus::Ended), ..SessionChange::default() };
        let idempotency = Some(a_key("k", "c"));
        let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency };
        store.sessions.update(&session.tenant_id, session.id, update).await.expect("the store works")
    };
    let first = attempt().await;
    let UpdateOutcome::Updated(ended) = first else { panic!("not ended: {first:?}") };
    assert_eq!(attempt().await, UpdateOutcome::Replayed(ended.clone()));
    assert_eq!(forget_before(&store, next_moment()).await, 1);
    assert_eq!(attempt().await, UpdateOutcome::Unchanged(ended));
}

/// A message's key lies with the message and is no matter of the sweep.
pub async fn keys_of_messages_hold_as_long_as_the_message<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let new = || NewMessage { idempotency: Some(a_key("k", "c")), ..a_message(&session) };
    let first = say(&store, new()).await;
    end(&store, &session).await;
    assert_eq!(forget_before(&store, next_moment()).await, 0);
    assert_eq!(append_one(&store, new()).await, AppendOutcome::Replayed(first));
}
