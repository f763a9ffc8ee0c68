//! Deleting: what is left, and what moves.

use super::super::stage::{
    all_messages, any_session, end, everything, internal, page, remove, say, say_many, session_now, together, two_nodes,
};
use crate::clock::IdSource;
use crate::id::MessageId;
use crate::message::{Message, NewMessage, PageQuery, Removal, RemoveOutcome};
use crate::metadata::Metadata;
use crate::precondition::{Expected, Precondition};
use crate::revision::{Rev, Version};
use crate::session::{Session, Tally};
use crate::testing::builder::{a_message, a_removal, ids, metadata, next_moment, tenant};
use crate::testing::rig::{Store, StoreRig};

async fn try_remove(store: &Store, session: &Session, id: MessageId, precondition: Precondition) -> RemoveOutcome {
    let removal = Removal { precondition, ..a_removal() };
    store.messages.remove(&session.tenant_id, id, removal).await.expect("the store works")
}

/// What was said is gone from every answer; where it stood, who said it and what it answered remain.
pub async fn a_removed_message_is_a_tombstone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, a_message(&session)).await;
    let data = metadata(r#"{"secret":true}"#);
    let message = say(&store, NewMessage { metadata: data, reply_to: Some(first.id), ..a_message(&session) }).await;
    let at = next_moment();
    let removal = Removal { at, ..a_removal() };
    let outcome = store.messages.remove(&session.tenant_id, message.id, removal).await.expect("the store works");
    let tombstone = Message {
        content: String::new(),
        metadata: Metadata::default(),
        deleted_at: Some(at),
        rev: Rev::new(4),
        ..message
    };
    assert_eq!(outcome, RemoveOutcome::Removed(tombstone.clone()));
    let found = store.messages.find(&session.tenant_id, tombstone.id).await.expect("the store works");
    assert_eq!(found, Some(tombstone.clone()));
    assert_eq!(all_messages(&store, &session).await, [first.clone(), tombstone]);
    let without = PageQuery { include_deleted: false, ..everything() };
    assert_eq!(page(&store, &session.tenant_id, session.id, &without).await.messages[..], [first]);
}

/// A deletion is one change of the session, and none of its own fields.
pub async fn a_removal_moves_the_session_and_leaves_its_version_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.version), (message.rev.next(), session.version));
    assert_eq!((Some(now.updated_at), now.rev), (tombstone.deleted_at, tombstone.rev));
}

/// A deletion by a node whose clock is behind has that clock's time, and does not set the session back.
pub async fn updated_at_moves_on_whatever_a_clock_says<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let at = next_moment();
    let message = say(&store, a_message(&session)).await;
    let removal = Removal { at, ..a_removal() };
    store.messages.remove(&session.tenant_id, message.id, removal).await.expect("the store works");
    assert_eq!(all_messages(&store, &session).await.remove(0).deleted_at, Some(at));
    assert_eq!(session_now(&store, &session).await.updated_at, message.created_at.moved_on(at));
}

/// Deleting a tombstone gives it back as it is.
pub async fn a_second_removal_changes_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let before = session_now(&store, &session).await;
    let again = try_remove(&store, &session, message.id, Precondition::None).await;
    assert_eq!(again, RemoveOutcome::AlreadyRemoved(tombstone));
    assert_eq!(session_now(&store, &session).await, before);
}

/// Each view counts what it would still show; when the newest was sent stays known.
pub async fn a_removal_lowers_the_counts_once<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let public = say(&store, a_message(&session)).await;
    let note = say(&store, internal(&session)).await;
    let last = |count, message: &Message| Tally { count, last_at: Some(message.created_at) };
    for (message, all, of_public) in [(&note, 1, 1), (&note, 1, 1), (&public, 0, 0), (&public, 0, 0)] {
        try_remove(&store, &session, message.id, Precondition::None).await;
        let now = session_now(&store, &session).await;
        assert_eq!((now.all_messages, now.public_messages), (last(all, &note), last(of_public, &public)));
    }
}

/// The next message goes on counting, also where the last one was deleted.
pub async fn a_removed_seq_is_never_given_again<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let last = say_many(&store, &session, 3).await.remove(2);
    remove(&store, &session.tenant_id, &last).await;
    assert_eq!(say(&store, a_message(&session)).await.seq, last.seq.next());
}

/// An end does not fix what was said.
pub async fn an_ended_sessions_message_can_be_removed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let ended = end(&store, &session).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    assert_eq!(tombstone.rev, ended.rev.next());
    assert_eq!(session_now(&store, &session).await.state, ended.state);
}

/// Where another state was expected nothing moves; a tombstone has moved on, too.
pub async fn a_removal_asks_for_the_expected_rev<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let before = (session_now(&store, &session).await, all_messages(&store, &session).await);
    // A version is of sessions only, so none of a message's is the expected one.
    for wrong in [Expected::Rev(message.rev.next()), Expected::Version(Version::FIRST), Expected::Unknown] {
        let outcome = try_remove(&store, &session, message.id, Precondition::OneOf(vec![wrong])).await;
        assert_eq!(outcome, RemoveOutcome::PreconditionFailed, "{wrong:?}");
    }
    assert_eq!((session_now(&store, &session).await, all_messages(&store, &session).await), before);
    let right = || Precondition::OneOf(vec![Expected::Unknown, Expected::Rev(message.rev)]);
    let outcome = try_remove(&store, &session, message.id, right()).await;
    let RemoveOutcome::Removed(tombstone) = outcome else { panic!("not removed: {outcome:?}") };
    let late = try_remove(&store, &session, message.id, right()).await;
    assert_eq!(late, RemoveOutcome::PreconditionFailed);
    let seen = Precondition::OneOf(vec![Expected::Rev(tombstone.rev)]);
    let again = try_remove(&store, &session, message.id, seen).await;
    assert_eq!(again, RemoveOutcome::AlreadyRemoved(tombstone));
}

/// What was never written cannot be deleted.
pub async fn an_unknown_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let outcome = try_remove(&store, &session, ids().message_id(), Precondition::None).await;
    assert_eq!(outcome, RemoveOutcome::Missing);
}

/// A message's id is worth nothing in another tenant.
pub async fn another_tenants_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let removal = a_removal();
    let outcome = store.messages.remove(&tenant("other"), message.id, removal).await;
    assert_eq!(outcome.expect("the store works"), RemoveOutcome::Missing);
    assert_eq!(all_messages(&store, &session).await, [message]);
}

/// Twenty who delete one message at once change it once, and all see the same tombstone.
pub async fn twenty_removals_at_once_take_one_rev<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    let removals = (0..20).map(|task| {
        let (store, session) = (nodes[task % 2].clone(), session.clone());
        async move { try_remove(&store, &session, message.id, Precondition::None).await }
    });
    let outcomes = together(|task| rig.spawn(task), removals).await;
    let tombstone = all_messages(&nodes[1], &session).await.remove(0);
    assert_eq!(tombstone.rev, message.rev.next());
    let now = session_now(&nodes[1], &session).await;
    assert_eq!((now.rev, now.all_messages.count), (tombstone.rev, 0));
    let removed = outcomes.iter().filter(|outcome| matches!(outcome, RemoveOutcome::Removed(_))).count();
    assert_eq!(removed, 1);
    for outcome in outcomes {
        assert!(matches!(outcome, RemoveOutcome::Removed(m) | RemoveOutcome::AlreadyRemoved(m) if m == tombstone));
    }
}
