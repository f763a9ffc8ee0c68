//! Restoring: what comes back, and what moves.

use super::super::stage::{
    all_messages, any_session, edit, end, internal, remove, restore, say, session_now, together, two_nodes,
};
use crate::access::Action;
use crate::audit::{AuditEntry, AuditQuery};
use crate::clock::IdSource as _;
use crate::extension::AddOutcome;
use crate::id::MessageId;
use crate::message::{Message, NewMessage, Restoration, RestoreOutcome};
use crate::precondition::{Expected, Precondition};
use crate::query::MAX_LIMIT;
use crate::revision::Version;
use crate::session::{Session, Tally};
use crate::testing::builder::{
    a_key, a_message, a_restoration, an_entry, an_extension, ids, metadata, next_moment, participant, tenant,
};
use crate::testing::rig::{Store, StoreRig};

async fn try_restore(store: &Store, session: &Session, id: MessageId, restoration: Restoration) -> RestoreOutcome {
    store.messages.restore(&session.tenant_id, id, restoration).await.expect("the store works")
}

fn keyed(command: &str) -> Restoration {
    Restoration { idempotency: Some(a_key("k", command)), ..a_restoration() }
}

/// Text, metadata, when it was edited and what hung on it come back, wherever the message is shown, and nothing says any
/// more that it was deleted.
pub async fn a_restored_message_is_as_it_was<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, a_message(&session)).await;
    let new = NewMessage { metadata: metadata(r#"{"a":-0.0}"#), reply_to: Some(first.id), ..a_message(&session) };
    let message = say(&store, new).await;
    let added = store.extensions.add(an_extension(&session.tenant_id, &message)).await;
    assert!(matches!(added, Ok(AddOutcome::Added { .. })), "{added:?}");
    let before = edit(&store, &session.tenant_id, &message, "other").await;
    assert_eq!(before.extensions.len(), 1);
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let restored = restore(&store, &session.tenant_id, &message).await;
    assert_eq!(restored, Message { rev: tombstone.rev.next(), ..before });
    let found = store.messages.find(&session.tenant_id, message.id).await.expect("the store works");
    assert_eq!(found, Some(restored.clone()));
    assert_eq!(all_messages(&store, &session).await, [first, restored]);
}

/// A restoration is one change of the session, and none of its own fields.
pub async fn a_restoration_moves_the_session_and_leaves_its_version_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let before = session_now(&store, &session).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let restoration = a_restoration();
    let updated_at = restoration.at;
    try_restore(&store, &session, message.id, restoration).await;
    let rev = tombstone.rev.next();
    assert_eq!(session_now(&store, &session).await, Session { updated_at, rev, ..before });
}

/// A restoration by a node whose clock is behind does not set the session back.
pub async fn updated_at_moves_on_whatever_a_clock_says<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let at = next_moment();
    let message = say(&store, a_message(&session)).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    try_restore(&store, &session, message.id, Restoration { at, ..a_restoration() }).await;
    let deleted_at = tombstone.deleted_at.expect("a tombstone says when");
    assert_eq!(session_now(&store, &session).await.updated_at, deleted_at.moved_on(at));
}

/// Each view counts what it shows again, however often the message is restored.
pub async fn a_restoration_raises_the_counts_once<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let public = say(&store, a_message(&session)).await;
    let note = say(&store, internal(&session)).await;
    for message in [&public, &note] {
        remove(&store, &session.tenant_id, message).await;
    }
    let last = |count, message: &Message| Tally { count, last_at: Some(message.created_at) };
    for (message, all, of_public) in [(&note, 1, 0), (&note, 1, 0), (&public, 2, 1), (&public, 2, 1)] {
        try_restore(&store, &session, message.id, a_restoration()).await;
        let now = session_now(&store, &session).await;
        assert_eq!((now.all_messages, now.public_messages), (last(all, &note), last(of_public, &public)));
    }
}

/// What is not deleted is given back as it is.
pub async fn what_is_not_deleted_is_left_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let before = session_now(&store, &session).await;
    let outcome = try_restore(&store, &session, message.id, a_restoration()).await;
    assert_eq!(outcome, RestoreOutcome::Unchanged(message));
    assert_eq!(session_now(&store, &session).await, before);
}

/// Where another state was expected nothing moves.
pub async fn a_restoration_asks_for_the_expected_rev<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let when = |expected| Restoration { precondition: Precondition::OneOf(vec![expected]), ..a_restoration() };
    for wrong in [Expected::Rev(message.rev), Expected::Version(Version::FIRST), Expected::Unknown] {
        let outcome = try_restore(&store, &session, message.id, when(wrong)).await;
        assert_eq!(outcome, RestoreOutcome::PreconditionFailed, "{wrong:?}");
    }
    assert_eq!(all_messages(&store, &session).await, std::slice::from_ref(&tombstone));
    let outcome = try_restore(&store, &session, message.id, when(Expected::Rev(tombstone.rev))).await;
    assert!(matches!(outcome, RestoreOutcome::Restored(_)), "{outcome:?}");
}

/// What was never written cannot be restored.
pub async fn an_unknown_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let outcome = try_restore(&store, &session, ids().message_id(), a_restoration()).await;
    assert_eq!(outcome, RestoreOutcome::Missing);
}

/// A message's id is worth nothing in another tenant.
pub async fn another_tenants_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let outcome = store.messages.restore(&tenant("other"), message.id, a_restoration()).await;
    assert_eq!(outcome.expect("the store works"), RestoreOutcome::Missing);
    assert_eq!(all_messages(&store, &session).await, [tombstone]);
}

/// An end does not fix what was deleted.
pub async fn an_ended_sessions_message_can_be_restored<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    remove(&store, &session.tenant_id, &message).await;
    let ended = end(&store, &session).await;
    let restored = restore(&store, &session.tenant_id, &message).await;
    assert_eq!(restored.rev, ended.rev.next());
}

/// A repeat comes before the precondition and the state, and shows the message as it is now: one that was deleted again is
/// not restored by it.
pub async fn a_repeated_key_restores_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    remove(&store, &session.tenant_id, &message).await;
    let outcome = try_restore(&store, &session, message.id, keyed("c")).await;
    let RestoreOutcome::Restored(restored) = outcome else { panic!("not restored: {outcome:?}") };
    let stale = Restoration { precondition: Precondition::OneOf(vec![Expected::Unknown]), ..keyed("c") };
    let again = try_restore(&store, &session, message.id, stale).await;
    assert_eq!(again, RestoreOutcome::Replayed(restored));
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let again = try_restore(&store, &session, message.id, keyed("c")).await;
    assert_eq!(again, RestoreOutcome::Replayed(tombstone.clone()));
    assert_eq!(try_restore(&store, &session, message.id, keyed("d")).await, RestoreOutcome::KeyReused);
    assert_eq!(session_now(&store, &session).await.rev, tombstone.rev);
}

/// A key is remembered where nothing was to be done, too, and not where the restoration was refused.
pub async fn a_key_is_remembered_unless_it_was_refused<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let stale = Restoration { precondition: Precondition::OneOf(vec![Expected::Unknown]), ..keyed("c") };
    let refused = try_restore(&store, &session, message.id, stale).await;
    assert_eq!(refused, RestoreOutcome::PreconditionFailed);
    assert_eq!(try_restore(&store, &session, ids().message_id(), keyed("c")).await, RestoreOutcome::Missing);
    let unchanged = try_restore(&store, &session, message.id, keyed("c")).await;
    assert_eq!(unchanged, RestoreOutcome::Unchanged(message.clone()));
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let again = try_restore(&store, &session, message.id, keyed("c")).await;
    assert_eq!(again, RestoreOutcome::Replayed(tombstone));
    let forgotten = store.idempotency.forget_before(next_moment()).await.expect("the store works");
    assert_eq!(forgotten, 1);
    let anew = try_restore(&store, &session, message.id, keyed("c")).await;
    assert!(matches!(anew, RestoreOutcome::Restored(_)), "{anew:?}");
}

/// Twenty who restore one message at once change it once, and only the one who did stands in the audit.
pub async fn twenty_restorations_at_once_take_one_rev<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    let tombstone = remove(&nodes[0], &session.tenant_id, &message).await;
    let restorations = (0..20).map(|task| {
        let (store, session) = (nodes[task % 2].clone(), session.clone());
        async move {
            let action = Action::RestoreMessage.as_str().into();
            let actor_id = participant(&format!("task-{task}"));
            let entry = AuditEntry { actor_id, action, ..an_entry(&session) };
            let restoration = Restoration { audit: Some(entry.clone()), ..a_restoration() };
            (entry, try_restore(&store, &session, message.id, restoration).await)
        }
    });
    let outcomes = together(|task| rig.spawn(task), restorations).await;
    let restored = all_messages(&nodes[1], &session).await.remove(0);
    assert_eq!((restored.rev, restored.is_deleted()), (tombstone.rev.next(), false));
    let now = session_now(&nodes[1], &session).await;
    assert_eq!((now.rev, now.all_messages.count), (restored.rev, 1));
    let mut winners = Vec::new();
    for (entry, outcome) in outcomes {
        match outcome {
            RestoreOutcome::Restored(message) if message == restored => winners.push(entry),
            RestoreOutcome::Unchanged(message) if message == restored => {}
            other => panic!("neither restored nor found restored: {other:?}"),
        }
    }
    let all = AuditQuery { actor: None, action: None, limit: MAX_LIMIT, cursor: None };
    let entries = nodes[0].audit.list(&session.tenant_id, &all).await.expect("the store works").entries;
    assert_eq!((entries.len(), &entries), (1, &winners));
}

/// Twenty equal requests under one key restore once, and the others are told that they are repeats.
pub async fn one_key_at_once_restores_once<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    remove(&nodes[0], &session.tenant_id, &message).await;
    let attempts = (0..20).map(|task| {
        let (store, session) = (nodes[task % 2].clone(), session.clone());
        async move { try_restore(&store, &session, message.id, keyed("c")).await }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let restored = all_messages(&nodes[1], &session).await.remove(0);
    let fresh = outcomes.iter().filter(|outcome| **outcome == RestoreOutcome::Restored(restored.clone())).count();
    let repeats = outcomes.iter().filter(|outcome| **outcome == RestoreOutcome::Replayed(restored.clone())).count();
    assert_eq!((fresh, repeats), (1, 19), "{outcomes:?}");
}
