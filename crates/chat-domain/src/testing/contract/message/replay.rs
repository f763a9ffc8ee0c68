//! Repeated keys: the same command makes one message, however often it comes.

use super::super::stage::{
    all_messages, any_session, append, append_one, create, end, remove, say, session_now, stored,
};
use crate::extension::AddOutcome;
use crate::message::{AppendOutcome, Message, NewMessage};
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_key, a_message, a_session, an_extension, participant, tenant};
use crate::testing::rig::StoreRig;

/// A message under the key `k`, for the command of that name; each time with another id and time, as a retry has.
fn keyed(session: &Session, command: &str) -> NewMessage {
    NewMessage { idempotency: Some(a_key("k", command)), ..a_message(session) }
}

fn replayed(outcome: AppendOutcome) -> Message {
    match outcome {
        AppendOutcome::Replayed(message) => message,
        other => panic!("a repeat was not seen as one: {other:?}"),
    }
}

/// The repeat answers with what the first attempt stored, id and time and all.
pub async fn a_replay_returns_the_first_message<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, keyed(&session, "c")).await;
    say(&store, a_message(&session)).await;
    for _ in 0..2 {
        assert_eq!(replayed(append_one(&store, keyed(&session, "c")).await), first);
    }
}

/// Group commit may put both attempts into one batch.
pub async fn a_replay_inside_one_batch_returns_the_first_message<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let batch = vec![a_message(&session), keyed(&session, "c"), a_message(&session), keyed(&session, "c")];
    let outcomes = append(&store, batch).await;
    assert_eq!(replayed(outcomes[3].clone()), stored(outcomes[1].clone()));
    assert_eq!(all_messages(&store, &session).await.len(), 3);
}

/// A repeat takes neither a `seq` nor a `rev`.
pub async fn a_replay_changes_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, keyed(&session, "c")).await;
    let before = (session_now(&store, &session).await, all_messages(&store, &session).await);
    append(&store, vec![keyed(&session, "c"), keyed(&session, "c")]).await;
    assert_eq!((session_now(&store, &session).await, all_messages(&store, &session).await), before);
}

/// The answer may have been lost while the session ended: the sender still learns that the message was stored.
pub async fn a_replay_comes_before_the_sessions_state<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, keyed(&session, "c")).await;
    end(&store, &session).await;
    assert_eq!(replayed(append_one(&store, keyed(&session, "c")).await), first);
    assert_eq!(append_one(&store, keyed(&session, "d")).await, AppendOutcome::KeyReused);
}

/// A deleted text never comes back.
pub async fn a_replay_of_a_deleted_message_is_its_tombstone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, keyed(&session, "c")).await;
    let tombstone = remove(&store, &session.tenant_id, &first).await;
    assert_eq!(replayed(append_one(&store, keyed(&session, "c")).await), tombstone);
    assert_eq!(tombstone.content, "");
}

/// A repeat shows the message as it is now, with what has been hung on it since.
pub async fn a_replay_shows_the_extensions_of_now<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, keyed(&session, "c")).await;
    let added = store.extensions.add(an_extension(&session.tenant_id, &first)).await.expect("the store works");
    let AddOutcome::Added { extension, message } = added else { panic!("not added: {added:?}") };
    let replay = replayed(append_one(&store, keyed(&session, "c")).await);
    assert_eq!((replay.extensions, replay.rev), (vec![extension], message.rev));
}

/// A key stands for one command.
pub async fn a_key_is_refused_for_another_command<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, keyed(&session, "c")).await;
    assert_eq!(append_one(&store, keyed(&session, "d")).await, AppendOutcome::KeyReused);
    assert_eq!(all_messages(&store, &session).await, [first]);
}

/// The same, where both commands stand in one batch.
pub async fn a_key_is_refused_for_another_command_inside_one_batch<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let outcomes = append(&store, vec![keyed(&session, "c"), keyed(&session, "d"), keyed(&session, "c")]).await;
    let first = stored(outcomes[0].clone());
    assert_eq!(outcomes[1], AppendOutcome::KeyReused);
    assert_eq!(replayed(outcomes[2].clone()), first);
    assert_eq!(all_messages(&store, &session).await, [first]);
}

/// Two tenants may use the same key, also in one batch.
pub async fn a_key_belongs_to_its_tenant<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let other = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    let first = say(&store, keyed(&session, "c")).await;
    let second = say(&store, keyed(&other, "c")).await;
    assert_ne!(first.id, second.id);
    let third = create(&store, NewSession { tenant_id: tenant("third"), ..a_session() }).await;
    let fourth = create(&store, NewSession { tenant_id: tenant("fourth"), ..a_session() }).await;
    let outcomes = append(&store, vec![keyed(&third, "c"), keyed(&fourth, "d")]).await;
    assert_eq!(outcomes.into_iter().map(stored).count(), 2);
}

/// Whoever may not see the session does not learn what was said in it by guessing a key.
pub async fn a_replay_is_not_for_a_caller_who_may_not_see_the_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, keyed(&session, "c")).await;
    let stranger = NewMessage { confined_to: Some(participant("stranger")), ..keyed(&session, "c") };
    assert_eq!(append_one(&store, stranger).await, AppendOutcome::SessionMissing);
}
