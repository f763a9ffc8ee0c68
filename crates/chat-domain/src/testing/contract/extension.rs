//! What an [`ExtensionRepository`] promises.

use super::stage::{all_messages, any_session, create, end, remove, say, session_now, together, two_nodes};
use crate::clock::IdSource;
use crate::extension::{AddOutcome, Extension, ExtensionRepository, NewExtension};
use crate::id::{ExtensionId, MessageId};
use crate::message::Message;
use crate::revision::Rev;
use crate::session::NewSession;
use crate::testing::builder::{a_message, a_session, an_extension, extension_of, ids, metadata, next_moment, tenant};
use crate::testing::rig::{Store, StoreRig};

/// Runs the suite of an extension repository on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `extension_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! extension_repository_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as StoreRig,
            extension,
            [
                an_extension_comes_back_as_it_was_given,
                an_extension_moves_the_message_and_the_session,
                extensions_stand_oldest_first_on_their_messages,
                no_message_has_no_extensions,
                an_ended_session_takes_extensions,
                the_hundred_and_first_is_too_many,
                a_race_for_the_last_place_has_one_winner,
                an_unknown_message_is_missing,
                a_deleted_message_takes_and_shows_none,
                another_tenants_message_is_missing,
                a_removed_extension_is_gone,
                what_is_not_there_cannot_be_removed,
                another_tenants_extension_cannot_be_removed,
                many_removals_at_once_take_one_rev,
            ]
        );
    };
}

async fn try_add(store: &Store, new: NewExtension) -> AddOutcome {
    store.extensions.add(new).await.expect("the store works")
}

async fn add(store: &Store, new: NewExtension) -> (Extension, Rev) {
    match try_add(store, new).await {
        AddOutcome::Added { extension, rev } => (extension, rev),
        other => panic!("an extension was not added: {other:?}"),
    }
}

async fn list(extensions: &dyn ExtensionRepository, of_tenant: &str, messages: &[MessageId]) -> Vec<Extension> {
    extensions.list(&tenant(of_tenant), messages).await.expect("the store works")
}

async fn take_off(store: &Store, of_tenant: &str, message: MessageId, id: ExtensionId) -> Option<Rev> {
    store.extensions.remove(&tenant(of_tenant), message, id, next_moment()).await.expect("the store works")
}

async fn a_stored_message(store: &Store) -> (crate::session::Session, Message) {
    let session = any_session(store).await;
    let message = say(store, a_message(&session)).await;
    (session, message)
}

/// Type and data come back to the last digit: from `add`, from `list`, with the message and on a page.
pub async fn an_extension_comes_back_as_it_was_given<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let new = NewExtension {
        extension_type: "x.y-z_0".parse().expect("a valid type"),
        data: metadata(r#"{"z":-0.0,"a":123456789012345678901234567890,"ü":"👍🏽","o":{"b":[null]}}"#),
        ..an_extension(&session.tenant_id, &message)
    };
    let expected = extension_of(&new);
    assert_eq!(add(&store, new).await.0, expected);
    assert_eq!(list(&*store.extensions, "default", &[message.id]).await, std::slice::from_ref(&expected));
    let found = store.messages.find(&session.tenant_id, message.id).await.expect("the store works");
    assert_eq!(found.map(|message| message.extensions), Some(vec![expected.clone()]));
    assert_eq!(all_messages(&store, &session).await.remove(0).extensions, [expected]);
}

/// To hang something on a message is one change of it and of its session, but no edit of its text and no change of the
/// session's own fields.
pub async fn an_extension_moves_the_message_and_the_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    assert_eq!(rev, message.rev.next());
    let expected = Message { rev, extensions: vec![extension.clone()], ..message.clone() };
    assert_eq!(all_messages(&store, &session).await, [expected]);
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.updated_at, now.version), (rev, extension.created_at, session.version));
    assert_eq!(now.all_messages.last_at, Some(message.created_at));
    assert_eq!(now.all_messages.count, 1);
}

/// Each message has its own extensions, in the order of time, and of ids where that is the same.
pub async fn extensions_stand_oldest_first_on_their_messages<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, first) = a_stored_message(&store).await;
    let second = say(&store, a_message(&session)).await;
    let bare = say(&store, a_message(&session)).await;
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        of_first.push(add(&store, an_extension(&session.tenant_id, &first)).await.0);
        of_second.push(add(&store, an_extension(&session.tenant_id, &second)).await.0);
    }
    // Of one moment, and from a clock that is behind.
    let (at_once, behind) = (next_moment(), of_first[1].created_at);
    let mut late: Vec<_> = (0..3).map(|_| an_extension(&session.tenant_id, &first)).collect();
    late.rotate_left(1);
    for new in late {
        of_first.push(add(&store, NewExtension { created_at: at_once, ..new }).await.0);
    }
    let new = an_extension(&session.tenant_id, &first);
    of_first.push(add(&store, NewExtension { created_at: behind, ..new }).await.0);
    of_first.sort_by_key(|extension| (extension.created_at, extension.id));
    let found = list(&*store.extensions, "default", &[second.id, bare.id, first.id]).await;
    let on = |message: &Message| found.iter().filter(|e| e.message_id == message.id).cloned().collect::<Vec<_>>();
    assert_eq!((on(&first), on(&second), found.len()), (of_first.clone(), of_second.clone(), 12));
    let shown: Vec<_> = all_messages(&store, &session).await.into_iter().map(|message| message.extensions).collect();
    assert_eq!(shown, [of_first, of_second, Vec::new()]);
}

/// A question about nothing has an empty answer.
pub async fn no_message_has_no_extensions<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    add(&store, an_extension(&session.tenant_id, &message)).await;
    assert_eq!(list(&*store.extensions, "default", &[]).await, []);
    assert_eq!(list(&*store.extensions, "default", &[ids().message_id()]).await, []);
}

/// Reactions still come in after the end.
pub async fn an_ended_session_takes_extensions<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let ended = end(&store, &session).await;
    let (extension, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    assert_eq!(rev, ended.rev.next());
    assert_eq!(take_off(&store, "default", message.id, extension.id).await, Some(rev.next()));
}

/// A message holds a hundred; one more is refused and changes nothing, until one goes.
pub async fn the_hundred_and_first_is_too_many<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let mut last = None;
    for _ in 0..Extension::MAX_PER_MESSAGE {
        last = Some(add(&store, an_extension(&session.tenant_id, &message)).await.0.id);
    }
    let before = session_now(&store, &session).await;
    assert_eq!(try_add(&store, an_extension(&session.tenant_id, &message)).await, AddOutcome::TooMany);
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(list(&*store.extensions, "default", &[message.id]).await.len(), Extension::MAX_PER_MESSAGE);
    assert!(take_off(&store, "default", message.id, last.expect("there are some")).await.is_some());
    add(&store, an_extension(&session.tenant_id, &message)).await;
}

/// The limit holds also where many come at once, and each that was added took a `rev` of its own.
pub async fn a_race_for_the_last_place_has_one_winner<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    for _ in 1..Extension::MAX_PER_MESSAGE {
        add(&nodes[0], an_extension(&session.tenant_id, &message)).await;
    }
    let before = session_now(&nodes[0], &session).await;
    let attempts = (0..10).map(|n| {
        let (store, new) = (nodes[n % 2].clone(), an_extension(&session.tenant_id, &message));
        async move { try_add(&store, new).await }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let (refused, added): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|o| *o == AddOutcome::TooMany);
    assert!(matches!(added[..], [AddOutcome::Added { rev, .. }] if rev == before.rev.next()), "{added:?}");
    assert_eq!(refused.len(), 9);
    assert_eq!(session_now(&nodes[1], &session).await.rev, before.rev.next());
}

/// Nothing hangs on a message that was never written.
pub async fn an_unknown_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let new = NewExtension { message_id: ids().message_id(), ..an_extension(&session.tenant_id, &message) };
    assert_eq!(try_add(&store, new).await, AddOutcome::MessageMissing);
}

/// What hung on a deleted message is not shown any more, cannot be taken off, and nothing is added to it.
pub async fn a_deleted_message_takes_and_shows_none<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, _) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    assert_eq!(tombstone.extensions, []);
    let before = session_now(&store, &session).await;
    assert_eq!(try_add(&store, an_extension(&session.tenant_id, &message)).await, AddOutcome::MessageDeleted);
    assert_eq!(take_off(&store, "default", message.id, extension.id).await, None);
    assert_eq!(list(&*store.extensions, "default", &[message.id]).await, []);
    assert_eq!(all_messages(&store, &session).await, [tombstone]);
    assert_eq!(session_now(&store, &session).await, before);
}

/// A message's id is worth nothing in another tenant.
pub async fn another_tenants_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    add(&store, an_extension(&session.tenant_id, &message)).await;
    let new = an_extension(&tenant("other"), &message);
    assert_eq!(try_add(&store, new).await, AddOutcome::MessageMissing);
    assert_eq!(list(&*store.extensions, "other", &[message.id]).await, []);
}

/// Taking an extension off is one change of the message and of the session.
pub async fn a_removed_extension_is_gone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (first, _) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let (second, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let at = next_moment();
    let removed = store.extensions.remove(&session.tenant_id, message.id, first.id, at).await;
    assert_eq!(removed.expect("the store works"), Some(rev.next()));
    assert_eq!(list(&*store.extensions, "default", &[message.id]).await, std::slice::from_ref(&second));
    let expected = Message { rev: rev.next(), extensions: vec![second.clone()], ..message.clone() };
    assert_eq!(all_messages(&store, &session).await, [expected]);
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.updated_at), (rev.next(), at));
    take_off(&store, "default", message.id, second.id).await;
    assert_eq!(all_messages(&store, &session).await.remove(0).extensions, []);
}

/// Neither an unknown extension nor one of another message is taken off, and nothing moves.
pub async fn what_is_not_there_cannot_be_removed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let other = say(&store, a_message(&session)).await;
    let (extension, _) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let before = session_now(&store, &session).await;
    assert_eq!(take_off(&store, "default", message.id, ids().extension_id()).await, None);
    assert_eq!(take_off(&store, "default", other.id, extension.id).await, None);
    assert_eq!(take_off(&store, "default", ids().message_id(), extension.id).await, None);
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(list(&*store.extensions, "default", &[message.id]).await, [extension]);
}

/// Whoever guesses both ids has still the wrong tenant, also one with sessions of its own.
pub async fn another_tenants_extension_cannot_be_removed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    let (extension, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    assert_eq!(take_off(&store, "other", message.id, extension.id).await, None);
    assert_eq!(session_now(&store, &session).await.rev, rev);
}

/// Ten who take one extension off at once change the message once.
pub async fn many_removals_at_once_take_one_rev<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let (extension, rev) = add(&nodes[0], an_extension(&session.tenant_id, &message)).await;
    let removals = (0..10).map(|n| {
        let (store, message, extension) = (nodes[n % 2].clone(), message.id, extension.id);
        async move { take_off(&store, "default", message, extension).await }
    });
    let outcomes = together(|task| rig.spawn(task), removals).await;
    let taken: Vec<_> = outcomes.into_iter().flatten().collect();
    assert_eq!(taken, [rev.next()]);
    assert_eq!(session_now(&nodes[1], &session).await.rev, rev.next());
}
