//! Changing a session's own fields.

use super::super::stage::{any_session, create, end, say, session_now, to_status, update};
use crate::clock::IdSource;
use crate::id::{SessionId, TenantId};
use crate::metadata::{MergePatch, Metadata};
use crate::precondition::{Expected, Precondition};
use crate::session::{
    InvalidTransition, MetadataChange, NewSession, Session, SessionChange, SessionRefusal, SessionState, SessionStatus,
    SessionUpdate, UpdateOutcome,
};
use crate::testing::builder::{a_key, a_message, a_session, ids, metadata, next_moment, participant, tenant};
use crate::testing::rig::{Store, StoreRig};

fn to_agent(name: Option<&str>) -> SessionChange {
    SessionChange { agent_id: Some(name.map(participant)), ..SessionChange::default() }
}

fn to_metadata(change: MetadataChange) -> SessionChange {
    SessionChange { metadata: Some(change), ..SessionChange::default() }
}

fn replacing(json: &str) -> SessionChange {
    to_metadata(MetadataChange::Replace(metadata(json)))
}

fn merging(json: &str) -> SessionChange {
    to_metadata(MetadataChange::Merge(MergePatch::new(metadata(json))))
}

fn plain(change: SessionChange) -> SessionUpdate {
    SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency: None }
}

async fn try_update(store: &Store, tenant: &TenantId, id: SessionId, update: SessionUpdate) -> UpdateOutcome {
    store.sessions.update(tenant, id, update).await.expect("the store works")
}

fn updated(outcome: UpdateOutcome) -> Session {
    match outcome {
        UpdateOutcome::Updated(session) => session,
        other => panic!("a session was not changed: {other:?}"),
    }
}

/// One field changes, the others stay; `rev`, `version` and `updated_at` move on.
pub async fn each_field_changes_by_itself<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let mut session = any_session(&store).await;
    for change in [
        to_agent(Some("anna")),
        to_agent(Some("böb")),
        to_status(SessionStatus::Transferred),
        to_status(SessionStatus::Waiting),
        to_status(SessionStatus::Active),
        replacing(r#"{"a":-0.0}"#),
        to_agent(None),
        replacing("{}"),
    ] {
        let wanted = plain(change.clone());
        let expected = session.changed(&change, wanted.at).expect("a possible change").expect("a change");
        let outcome = try_update(&store, &session.tenant_id, session.id, wanted).await;
        assert_eq!(outcome, UpdateOutcome::Updated(expected.clone()), "{change:?}");
        assert_eq!((expected.rev, expected.version), (session.rev.next(), session.version.next()));
        session = session_now(&store, &session).await;
        assert_eq!(session, expected);
    }
}

/// Several fields in one request are one change.
pub async fn all_fields_change_in_one_step<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let change = SessionChange {
        agent_id: Some(Some(participant("anna"))),
        status: Some(SessionStatus::Ended),
        metadata: Some(MetadataChange::Replace(metadata(r#"{"a":1}"#))),
    };
    let wanted = plain(change);
    let at = wanted.at;
    let outcome = try_update(&store, &session.tenant_id, session.id, wanted.clone()).await;
    let now = updated(outcome);
    assert_eq!(now.state, SessionState::Ended { at });
    assert_eq!((now.agent_id.clone(), now.metadata.as_str()), (Some(participant("anna")), r#"{"a":1}"#));
    assert_eq!((now.rev, now.version, now.updated_at), (session.rev.next(), session.version.next(), at));
    assert_eq!(session_now(&store, &session).await, now);
}

/// A change to what stands already moves nothing, not even `updated_at`.
pub async fn what_is_as_wanted_already_changes_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let new = NewSession { agent_id: Some(participant("anna")), metadata: metadata(r#"{"a":1}"#), ..a_session() };
    let session = create(&store, new).await;
    for change in [
        SessionChange::default(),
        to_agent(Some("anna")),
        to_status(SessionStatus::Active),
        replacing(r#"{"a":1}"#),
        merging(r#"{"a":1,"b":null}"#),
    ] {
        let outcome = update(&store, &session, change.clone()).await;
        assert_eq!(outcome, UpdateOutcome::Unchanged(session.clone()), "{change:?}");
    }
    assert_eq!(session_now(&store, &session).await, session);
}

/// A merge touches what it names, and no digit of the rest.
pub async fn metadata_is_replaced_or_merged<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    for (change, expected) in [
        (replacing(r#"{"n":1.10,"o":{"a":1,"z":-0.0}}"#), r#"{"n":1.10,"o":{"a":1,"z":-0.0}}"#),
        (merging(r#"{"o":{"a":null,"b":[1]}}"#), r#"{"n":1.10,"o":{"b":[1],"z":-0.0}}"#),
        (merging(r#"{"n":null,"o":"x"}"#), r#"{"o":"x"}"#),
        (replacing("{}"), "{}"),
    ] {
        assert_eq!(updated(update(&store, &session, change).await).metadata.as_str(), expected);
        assert_eq!(session_now(&store, &session).await.metadata.as_str(), expected);
    }
}

/// A change from a node whose clock is behind does not set the session back.
pub async fn updated_at_moves_on_whatever_a_clock_says<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let early = plain(to_agent(Some("anna")));
    let session = any_session(&store).await;
    let now = updated(try_update(&store, &session.tenant_id, session.id, early).await);
    assert!(now.updated_at > session.updated_at);
    assert_eq!(session_now(&store, &session).await, now);
}

/// The `rev` moves with every message, the `version` with the session's own fields; either may be asked for.
pub async fn an_update_asks_for_the_expected_rev_or_version<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, a_message(&session)).await;
    let before = session_now(&store, &session).await;
    let wanted = |name: &str, expected: Vec<Expected>| SessionUpdate {
        precondition: Precondition::OneOf(expected),
        ..plain(to_agent(Some(name)))
    };
    let attempt = async |update| try_update(&store, &session.tenant_id, session.id, update).await;
    for wrong in [Expected::Rev(session.rev), Expected::Version(session.version.next()), Expected::Unknown] {
        assert_eq!(attempt(wanted("anna", vec![wrong])).await, UpdateOutcome::PreconditionFailed, "{wrong:?}");
    }
    assert_eq!(attempt(wanted("anna", Vec::new())).await, UpdateOutcome::PreconditionFailed);
    assert_eq!(session_now(&store, &session).await, before);
    let by_version = updated(attempt(wanted("anna", vec![Expected::Version(session.version)])).await);
    let by_rev = updated(attempt(wanted("bob", vec![Expected::Unknown, Expected::Rev(by_version.rev)])).await);
    assert_eq!(by_rev.agent_id, Some(participant("bob")));
    // A precondition that fails comes before a change that would change nothing.
    assert_eq!(attempt(wanted("bob", vec![Expected::Rev(session.rev)])).await, UpdateOutcome::PreconditionFailed);
}

/// The store tells the session as it stands, and why it cannot move.
pub async fn an_impossible_move_leaves_all_as_it_was<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let waiting = updated(update(&store, &session, to_status(SessionStatus::Waiting)).await);
    let impossible = SessionChange {
        agent_id: Some(Some(participant("anna"))),
        status: Some(SessionStatus::Transferred),
        metadata: Some(MetadataChange::Replace(metadata(r#"{"a":1}"#))),
    };
    let transition = InvalidTransition { from: SessionStatus::Waiting, to: SessionStatus::Transferred };
    let refusal = SessionRefusal::InvalidTransition(transition);
    assert_eq!(update(&store, &session, impossible).await, UpdateOutcome::Refused(waiting.clone(), refusal));
    assert_eq!(session_now(&store, &session).await, waiting);
    let ended = end(&store, &session).await;
    for to in [SessionStatus::Waiting, SessionStatus::Active, SessionStatus::Transferred] {
        let refusal = SessionRefusal::InvalidTransition(InvalidTransition { from: SessionStatus::Ended, to });
        let outcome = update(&store, &session, to_status(to)).await;
        assert_eq!(outcome, UpdateOutcome::Refused(ended.clone(), refusal));
    }
    assert_eq!(session_now(&store, &session).await, ended);
}

/// Two patches that are small enough can make an object that is not.
pub async fn too_much_metadata_leaves_all_as_it_was<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let half = |key: &str| format!("{{\"{key}\":\"{}\"}}", "x".repeat(Metadata::MAX_BYTES / 2));
    let session = create(&store, NewSession { metadata: metadata(&half("a")), ..a_session() }).await;
    let outcome = update(&store, &session, merging(&half("b"))).await;
    assert!(matches!(&outcome, UpdateOutcome::Refused(s, SessionRefusal::Invalid(_)) if *s == session), "{outcome:?}");
    assert_eq!(session_now(&store, &session).await, session);
}

/// Ending again is no change, and does not move the end.
pub async fn the_end_is_stamped_once<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let ended = end(&store, &session).await;
    assert!(ended.state.ended_at().is_some());
    let again = update(&store, &session, to_status(SessionStatus::Ended)).await;
    assert_eq!(again, UpdateOutcome::Unchanged(ended.clone()));
    assert_eq!(session_now(&store, &session).await, ended);
}

/// Who served a session when it ended, served it.
pub async fn an_ended_session_gets_no_other_agent<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = create(&store, NewSession { agent_id: Some(participant("anna")), ..a_session() }).await;
    let ended = end(&store, &session).await;
    for agent in [Some("bob"), None] {
        let outcome = update(&store, &session, to_agent(agent)).await;
        assert_eq!(outcome, UpdateOutcome::Refused(ended.clone(), SessionRefusal::Ended));
    }
    let same = update(&store, &session, to_agent(Some("anna"))).await;
    assert_eq!(same, UpdateOutcome::Unchanged(ended));
}

/// What a client notes about a session may still change after the end.
pub async fn an_ended_session_takes_metadata<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let ended = end(&store, &session).await;
    let now = updated(update(&store, &session, merging(r#"{"topic":"x"}"#)).await);
    assert_eq!((now.state, now.rev, now.metadata.as_str()), (ended.state, ended.rev.next(), r#"{"topic":"x"}"#));
}

/// A repeat is seen as one before anything else is looked at, and shows the session as it is now.
pub async fn a_replay_changes_nothing_and_comes_before_precondition_and_state<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let keyed = |command: &str| SessionUpdate {
        precondition: Precondition::OneOf(vec![Expected::Rev(session.rev)]),
        idempotency: Some(a_key("k", command)),
        ..plain(to_status(SessionStatus::Waiting))
    };
    let attempt = async |update| try_update(&store, &session.tenant_id, session.id, update).await;
    let first = updated(attempt(keyed("c")).await);
    assert_eq!(attempt(keyed("c")).await, UpdateOutcome::Replayed(first));
    let ended = end(&store, &session).await;
    assert_eq!(attempt(keyed("c")).await, UpdateOutcome::Replayed(ended.clone()));
    assert_eq!(attempt(keyed("d")).await, UpdateOutcome::KeyReused);
    assert_eq!(session_now(&store, &session).await, ended);
}

/// A request that found all as it wanted was answered, so its key is used.
pub async fn a_key_is_remembered_where_nothing_changed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let keyed = |change: SessionChange, command: &str| SessionUpdate {
        idempotency: Some(a_key("k", command)),
        ..plain(change)
    };
    let attempt = async |update| try_update(&store, &session.tenant_id, session.id, update).await;
    let same = attempt(keyed(to_status(SessionStatus::Active), "c")).await;
    assert_eq!(same, UpdateOutcome::Unchanged(session.clone()));
    let other = attempt(keyed(to_status(SessionStatus::Ended), "d")).await;
    assert_eq!(other, UpdateOutcome::KeyReused);
    assert_eq!(attempt(keyed(to_status(SessionStatus::Active), "c")).await, UpdateOutcome::Replayed(session));
}

/// A key that came with a refused change is free for the next attempt.
pub async fn a_refused_update_is_not_remembered<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let keyed = |status| SessionUpdate { idempotency: Some(a_key("k", "c")), ..plain(to_status(status)) };
    let attempt = async |update| try_update(&store, &session.tenant_id, session.id, update).await;
    updated(attempt(plain(to_status(SessionStatus::Waiting))).await);
    let refused = attempt(keyed(SessionStatus::Transferred)).await;
    assert!(matches!(refused, UpdateOutcome::Refused(..)), "{refused:?}");
    let stale = Precondition::OneOf(vec![Expected::Rev(session.rev)]);
    let failed = attempt(SessionUpdate { precondition: stale, ..keyed(SessionStatus::Ended) }).await;
    assert_eq!(failed, UpdateOutcome::PreconditionFailed);
    updated(attempt(keyed(SessionStatus::Ended)).await);
}

/// What was never made cannot change.
pub async fn an_unknown_session_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let outcome = try_update(&store, &tenant("default"), ids().session_id(), plain(to_agent(Some("anna")))).await;
    assert_eq!(outcome, UpdateOutcome::Missing);
}

/// A session's id is worth nothing in another tenant.
pub async fn another_tenants_session_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let outcome = try_update(&store, &tenant("other"), session.id, plain(to_status(SessionStatus::Ended))).await;
    assert_eq!(outcome, UpdateOutcome::Missing);
    assert_eq!(session_now(&store, &session).await, session);
}
