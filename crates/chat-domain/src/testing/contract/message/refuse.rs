//! Messages that are refused, and that nothing else suffers from it.

use super::super::stage::{
    all_messages, any_session, append, append_one, counting, create, end, say, seqs, session_now, stored,
};
use crate::message::{AppendOutcome, NewMessage};
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_key, a_message, a_session, ids, participant, tenant};
use crate::testing::rig::StoreRig;

/// To a session that was never made.
fn to_nowhere(session: &Session) -> NewMessage {
    use crate::clock::IdSource;
    NewMessage { session_id: ids().session_id(), ..a_message(session) }
}

/// Nobody writes into a session that is not there.
pub async fn an_unknown_session_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    assert_eq!(append_one(&store, to_nowhere(&session)).await, AppendOutcome::SessionMissing);
}

/// A session's id is worth nothing in another tenant.
pub async fn another_tenants_session_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let intruder = NewMessage { tenant_id: tenant("other"), ..a_message(&session) };
    assert_eq!(append_one(&store, intruder).await, AppendOutcome::SessionMissing);
    assert_eq!(session_now(&store, &session).await, session);
    assert_eq!(all_messages(&store, &session).await, []);
}

/// A caller who is confined to a user writes into that user's sessions alone.
pub async fn another_users_session_is_missing_to_a_confined_caller<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = create(&store, NewSession { user_id: participant("ann"), ..a_session() }).await;
    let of = |user: &str| NewMessage { confined_to: Some(participant(user)), ..a_message(&session) };
    assert_eq!(append_one(&store, of("bob")).await, AppendOutcome::SessionMissing);
    stored(append_one(&store, of("ann")).await);
    end(&store, &session).await;
    assert_eq!(append_one(&store, of("bob")).await, AppendOutcome::SessionMissing);
}

/// What has ended stays as it was said, and tells the `rev` at which it stands.
pub async fn an_ended_session_takes_no_more_messages<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, a_message(&session)).await;
    let ended = end(&store, &session).await;
    assert_eq!(append_one(&store, a_message(&session)).await, AppendOutcome::SessionEnded { rev: ended.rev });
}

/// Whatever stands between them, good messages are stored without a gap.
pub async fn a_refused_message_leaves_its_neighbours_untouched<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, over) = (any_session(&store).await, any_session(&store).await);
    let over = end(&store, &over).await;
    let keyed = |key: &str| NewMessage { idempotency: Some(a_key("k", key)), ..a_message(&session) };
    let batch = vec![
        a_message(&session),
        to_nowhere(&session),
        keyed("one"),
        a_message(&over),
        keyed("two"),
        a_message(&session),
        NewMessage { confined_to: Some(participant("nobody")), ..a_message(&session) },
        keyed("one"),
        NewMessage { tenant_id: tenant("other"), ..a_message(&session) },
        a_message(&session),
    ];
    let outcomes = append(&store, batch).await;
    let ended = AppendOutcome::SessionEnded { rev: over.rev };
    assert_eq!(outcomes[1], AppendOutcome::SessionMissing);
    assert_eq!(outcomes[3], ended);
    assert_eq!(outcomes[4], AppendOutcome::KeyReused);
    assert_eq!(outcomes[6], AppendOutcome::SessionMissing);
    assert!(matches!(outcomes[7], AppendOutcome::Replayed(_)), "{:?}", outcomes[7]);
    assert_eq!(outcomes[8], AppendOutcome::SessionMissing);
    let written = [0, 2, 5, 9].map(|n| stored(outcomes[n].clone()));
    assert_eq!(seqs(&written), counting(1, 4));
    assert_eq!(all_messages(&store, &session).await, written);
    assert_eq!(session_now(&store, &over).await, over);
}

/// Whoever may not see a session keeps nobody who may from writing to it, whatever else a batch brings.
pub async fn a_stranger_beside_a_message_does_not_keep_it_from_its_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, other) = (any_session(&store).await, any_session(&store).await);
    let stranger = || NewMessage { confined_to: Some(participant("nobody")), ..a_message(&session) };
    let of_its_user = || NewMessage { confined_to: Some(session.user_id.clone()), ..a_message(&session) };
    for [first, last] in [[a_message(&session), of_its_user()], [stranger(), a_message(&session)]] {
        let batch = vec![first, stranger(), a_message(&other), last, a_message(&session)];
        let is_missing: Vec<_> = batch.iter().map(|new| new.confined_to == stranger().confined_to).collect();
        let outcomes = append(&store, batch).await;
        for (outcome, is_missing) in outcomes.into_iter().zip(is_missing) {
            if is_missing {
                assert_eq!(outcome, AppendOutcome::SessionMissing);
            } else {
                stored(outcome);
            }
        }
    }
    let written = all_messages(&store, &session).await;
    assert_eq!(seqs(&written), counting(1, 5));
    let over = end(&store, &session).await;
    let outcomes = append(&store, vec![a_message(&session), stranger(), a_message(&other)]).await;
    let ended = AppendOutcome::SessionEnded { rev: over.rev };
    assert_eq!(&outcomes[..2], [ended, AppendOutcome::SessionMissing]);
    stored(outcomes[2].clone());
}

/// A batch of refusals moves no counter.
pub async fn a_refusal_changes_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, NewMessage { idempotency: Some(a_key("k", "one")), ..a_message(&session) }).await;
    let before = (session_now(&store, &session).await, all_messages(&store, &session).await);
    let refused = vec![
        NewMessage { idempotency: Some(a_key("k", "two")), ..a_message(&session) },
        NewMessage { confined_to: Some(participant("nobody")), ..a_message(&session) },
        to_nowhere(&session),
    ];
    append(&store, refused).await;
    assert_eq!((session_now(&store, &session).await, all_messages(&store, &session).await), before);
    assert_eq!(seqs(&[say(&store, a_message(&session)).await]), [2]);
}

/// A key that came with a refused message is free for the next attempt.
pub async fn a_refusal_is_not_remembered<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, over) = (any_session(&store).await, any_session(&store).await);
    end(&store, &over).await;
    let key = || Some(a_key("k", "one"));
    assert!(matches!(
        append_one(&store, NewMessage { idempotency: key(), ..a_message(&over) }).await,
        AppendOutcome::SessionEnded { .. }
    ));
    let missing = NewMessage { idempotency: key(), ..to_nowhere(&session) };
    assert_eq!(append_one(&store, missing).await, AppendOutcome::SessionMissing);
    stored(append_one(&store, NewMessage { idempotency: key(), ..a_message(&session) }).await);
}
