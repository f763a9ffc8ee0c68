//! Requests that are repeated under one key.

use super::super::stage::{create, end, remove, session_now, together, two_nodes};
use super::{a_stored_message, add, message_now, take_off, try_add};
use crate::extension::{AddOutcome, Extension, NewExtension};
use crate::message::Message;
use crate::precondition::{Expected, Precondition};
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_key, a_message, a_session, an_extension, next_moment, tenant};
use crate::testing::rig::StoreRig;

fn keyed(session: &Session, message: &Message, command: &str) -> NewExtension {
    NewExtension { idempotency: Some(a_key("k", command)), ..an_extension(&session.tenant_id, message) }
}

/// What the first attempt made, with the message's `rev` of now; and nothing is made or moved.
pub async fn a_repeat_gives_what_the_first_attempt_made<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, rev) = add(&store, keyed(&session, &message, "c")).await;
    let repeat = try_add(&store, keyed(&session, &message, "c")).await;
    assert_eq!(repeat, AddOutcome::Replayed { extension: extension.clone(), rev });
    let (other, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let repeat = try_add(&store, keyed(&session, &message, "c")).await;
    assert_eq!(repeat, AddOutcome::Replayed { extension: extension.clone(), rev });
    assert_eq!(message_now(&store, &message).await.extensions, [extension, other]);
    assert_eq!(session_now(&store, &session).await.rev, rev);
}

/// A key stands for one command.
pub async fn a_key_is_refused_for_another_command<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, rev) = add(&store, keyed(&session, &message, "c")).await;
    assert_eq!(try_add(&store, keyed(&session, &message, "d")).await, AddOutcome::KeyReused);
    assert_eq!(message_now(&store, &message).await.extensions, [extension]);
    assert_eq!(session_now(&store, &session).await.rev, rev);
}

/// What was taken off, or went with its message, does not come back by a repeat.
pub async fn a_repeat_of_what_is_gone_makes_nothing_anew<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, _) = add(&store, keyed(&session, &message, "c")).await;
    take_off(&store, "default", message.id, extension.id).await;
    let before = session_now(&store, &session).await;
    assert_eq!(try_add(&store, keyed(&session, &message, "c")).await, AddOutcome::Gone);
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(message_now(&store, &message).await.extensions, []);

    let (session, message) = a_stored_message(&store).await;
    let other =
        |command| NewExtension { idempotency: Some(a_key("l", command)), ..an_extension(&session.tenant_id, &message) };
    add(&store, other("c")).await;
    remove(&store, &session.tenant_id, &message).await;
    assert_eq!(try_add(&store, other("c")).await, AddOutcome::Gone);
    assert_eq!(try_add(&store, other("d")).await, AddOutcome::KeyReused);
}

/// The session may have ended, the message may have moved on or be full.
pub async fn a_repeat_comes_before_any_check_of_state<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, _) = add(&store, keyed(&session, &message, "c")).await;
    for _ in 1..Extension::MAX_PER_MESSAGE {
        add(&store, an_extension(&session.tenant_id, &message)).await;
    }
    end(&store, &session).await;
    let precondition = Precondition::OneOf(vec![Expected::Unknown]);
    let repeat = try_add(&store, NewExtension { precondition, ..keyed(&session, &message, "c") }).await;
    let rev = message_now(&store, &message).await.rev;
    assert_eq!(repeat, AddOutcome::Replayed { extension, rev });
}

/// What failed the first time may go well the second.
pub async fn a_refusal_is_not_remembered<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let mut last = None;
    for _ in 0..Extension::MAX_PER_MESSAGE {
        last = Some(add(&store, an_extension(&session.tenant_id, &message)).await.0.id);
    }
    assert!(matches!(try_add(&store, keyed(&session, &message, "c")).await, AddOutcome::NoRoom(_)));
    take_off(&store, "default", message.id, last.expect("there are some")).await;
    add(&store, keyed(&session, &message, "c")).await;
}

/// The same digest stands for another key there.
pub async fn a_key_is_worth_nothing_in_another_tenant<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    add(&store, keyed(&session, &message, "c")).await;
    let there = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    let theirs = super::say(&store, a_message(&there)).await;
    add(&store, keyed(&there, &theirs, "c")).await;
}

/// On two nodes.
pub async fn twenty_repeats_at_once_make_one_extension<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let attempts = (0..20).map(|n| {
        let (store, new) = (nodes[n % 2].clone(), keyed(&session, &message, "c"));
        async move { try_add(&store, new).await }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let shown = message_now(&nodes[1], &message).await;
    assert_eq!((shown.extensions.len(), shown.rev), (1, message.rev.next()));
    let is_added = |outcome: &&AddOutcome| matches!(outcome, AddOutcome::Added { .. });
    assert_eq!(outcomes.iter().filter(is_added).count(), 1);
    for outcome in outcomes {
        let (AddOutcome::Added { extension, .. } | AddOutcome::Replayed { extension, .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(extension, shown.extensions[0]);
    }
}

/// After a day or more; then the key works anew.
pub async fn keys_of_extensions_are_forgotten_in_the_end<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    add(&store, keyed(&session, &message, "c")).await;
    assert_eq!(store.idempotency.forget_before(next_moment()).await.expect("the store works"), 1);
    add(&store, keyed(&session, &message, "d")).await;
}
