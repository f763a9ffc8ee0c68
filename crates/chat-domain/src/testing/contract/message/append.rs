//! Appending: order, counters, and that everything comes back.

use super::super::stage::{
    any_session, append, append_one, create, everything, internal, page, say, session_now, stored,
};
use crate::access::View;
use crate::message::{AppendOutcome, Changes, MessageType, NewMessage, Sender, SenderType, Step, Visibility};
use crate::revision::{Rev, Seq};
use crate::session::NewSession;
use crate::testing::builder::{a_key, a_message, a_session, metadata, next_moment, participant, tenant};
use crate::testing::rig::StoreRig;
use crate::timestamp::Timestamp;

/// The first message has `seq` 1 and takes `rev` 2, since the new session has 1; each further one counts both on.
pub async fn seq_counts_from_one_and_rev_from_two<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    for count in 1..=3 {
        let message = say(&store, a_message(&session)).await;
        assert_eq!((message.seq, message.rev), (Seq::new(count), Rev::new(count + 1)));
    }
    let batch = (0..3).map(|_| a_message(&session)).collect();
    let counters: Vec<_> = append(&store, batch).await.into_iter().map(stored).map(|m| (m.seq, m.rev)).collect();
    assert_eq!(counters, [4, 5, 6].map(|seq| (Seq::new(seq), Rev::new(seq + 1))));
    assert_eq!(session_now(&store, &session).await.rev, Rev::new(7));
}

/// Outcomes stand in the order of the batch, whatever sessions and tenants are mixed in it.
pub async fn outcomes_stand_in_the_order_of_the_batch<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let mut sessions = Vec::new();
    for name in ["one", "two", "three"] {
        for _ in 0..3 {
            sessions.push(create(&store, NewSession { tenant_id: tenant(name), ..a_session() }).await);
        }
    }
    // 0, 4, 8, 3, 7, 2, …: each session comes up five times, none twice in a row.
    let batch: Vec<_> = (0..sessions.len() * 5).map(|n| a_message(&sessions[n * 4 % sessions.len()])).collect();
    let outcomes = append(&store, batch.clone()).await;
    for (n, (new, outcome)) in batch.iter().zip(outcomes).enumerate() {
        let seq = i64::try_from(n / sessions.len()).expect("small") + 1;
        assert_eq!(stored(outcome), new.to_message(Seq::new(seq), Rev::new(seq + 1)));
    }
}

/// A batch of nothing is no fault.
pub async fn an_empty_batch_has_no_outcome<R: StoreRig>(rig: &R) {
    assert_eq!(append(&rig.node().await, Vec::new()).await, []);
}

/// Text and numbers come back to the last character and digit, from the append, from `find` and from a page.
pub async fn every_field_comes_back_as_it_was_sent<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, a_message(&session)).await;
    let new = NewMessage {
        sender: Sender { sender_type: SenderType::System, id: participant("böt 🤖 'x' \"y\" \\ %_") },
        content: "ä €\u{1F600}\u{301}\u{200D}\r\n\t' \" \\ $1 ? :a {}\u{FFFD}\u{10FFFF}".to_owned(),
        metadata: metadata(
            r#"{"z":-0.0,"a":123456789012345678901234567890,"n":0.1000000000000000055,"e":1E2,"ü":"\u00fc\/","o":{"b":[],"a":null}}"#,
        ),
        message_type: MessageType::Markdown,
        reply_to: Some(first.id),
        visibility: Visibility::Internal,
        ..a_message(&session)
    };
    let expected = new.to_message(Seq::new(2), Rev::new(3));
    assert_eq!(stored(append_one(&store, new.clone()).await), expected);
    assert_eq!(store.messages.find(&session.tenant_id, new.id).await.expect("the store works"), Some(expected.clone()));
    assert_eq!(page(&store, &session.tenant_id, session.id, &everything()).await.messages[..], [first, expected]);
}

/// Each sender type, message type and visibility is kept.
pub async fn every_named_value_comes_back<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let mut batch = Vec::new();
    for &sender_type in SenderType::ALL {
        for &message_type in MessageType::ALL {
            for &visibility in Visibility::ALL {
                let sender = Sender { sender_type, id: participant("somebody") };
                batch.push(NewMessage { sender, message_type, visibility, ..a_message(&session) });
            }
        }
    }
    append(&store, batch.clone()).await;
    let found = page(&store, &session.tenant_id, session.id, &everything()).await.messages;
    let named = |sender: &Sender, message_type, visibility| (sender.sender_type, message_type, visibility);
    let sent: Vec<_> = batch.iter().map(|m| named(&m.sender, m.message_type, m.visibility)).collect();
    let kept: Vec<_> = found.iter().map(|m| named(&m.sender, m.message_type, m.visibility)).collect();
    assert_eq!(kept, sent);
}

/// An internal message counts for those who see it, and for nobody else.
pub async fn counts_and_last_message_at_follow_each_view<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    assert_eq!(session.tally(View::Full).last_at, None);
    let public = say(&store, a_message(&session)).await;
    let note = say(&store, internal(&session)).await;
    let now = session_now(&store, &session).await;
    assert_eq!((now.tally(View::Full).count, now.tally(View::Full).last_at), (2, Some(note.created_at)));
    assert_eq!((now.tally(View::Public).count, now.tally(View::Public).last_at), (1, Some(public.created_at)));
    let last = append(&store, vec![internal(&session), a_message(&session)]).await.pop().map(stored);
    let last_at = last.map(|message| message.created_at);
    let now = session_now(&store, &session).await;
    assert_eq!((now.tally(View::Full).count, now.tally(View::Full).last_at), (4, last_at));
    assert_eq!((now.tally(View::Public).count, now.tally(View::Public).last_at), (2, last_at));
}

/// The state of a session can be told from one that a message led to and the messages that came after it, in one batch or
/// in several, whoever sees them.
pub async fn a_session_that_takes_messages_becomes_what_it_is_reckoned_to_be<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let mut outcomes = vec![append_one(&store, a_message(&session)).await];
    let then = session_now(&store, &session).await;
    outcomes.push(append_one(&store, internal(&session)).await);
    outcomes.extend(append(&store, vec![a_message(&session), internal(&session), internal(&session)]).await);
    outcomes.push(append_one(&store, a_message(&session)).await);
    let steps: Vec<_> = outcomes.iter().map(|outcome| step(outcome).expect("the clock goes on")).collect();
    let reckoned = Changes::taken(&then, &steps).expect("nothing else has changed");
    assert_eq!(reckoned.session, session_now(&store, &session).await);
}

/// A message that nothing speaks against says when its session had changed last, to the microsecond: with a key and
/// without, whatever its clock says, alone and behind others of its batch.
pub async fn a_message_says_how_it_found_its_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, other) = (any_session(&store).await, any_session(&store).await);
    let earlier = next_moment();
    let keyed = |key| NewMessage { idempotency: Some(a_key(key, "x")), ..a_message(&session) };
    let behind = || NewMessage { created_at: earlier, ..a_message(&session) };
    for new in [a_message(&session), internal(&session), keyed("one"), behind(), a_message(&session)] {
        let before = session_now(&store, &session).await;
        assert_eq!(found(&append_one(&store, new).await), Some(before.updated_at));
    }
    let [mine, others] = [session_now(&store, &session).await, session_now(&store, &other).await];
    let batch = vec![keyed("two"), a_message(&other), a_message(&session), behind(), a_message(&other), keyed("three")];
    let sent: Vec<_> = batch.iter().map(|new| new.created_at).collect();
    let outcomes = append(&store, batch).await;
    let wanted = [mine.updated_at, others.updated_at, sent[0], sent[2], sent[1], sent[2].moved_on(earlier)];
    assert_eq!(outcomes.iter().map(found).collect::<Vec<_>>(), wanted.map(Some));
}

/// Beside messages that are refused or repeated nothing is told, or what is true.
pub async fn what_a_message_says_that_it_found_is_what_was_there<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let keyed = || NewMessage { idempotency: Some(a_key("again", "x")), ..a_message(&session) };
    for batch in [vec![keyed(), keyed(), a_message(&session)], vec![a_message(&session), keyed(), a_message(&session)]]
    {
        let mut wanted = session_now(&store, &session).await.updated_at;
        for outcome in append(&store, batch).await {
            if let AppendOutcome::Stored { message, found } = outcome {
                assert!(found.is_none_or(|found| found == wanted), "{found:?}");
                wanted = wanted.moved_on(message.created_at);
            }
        }
        assert_eq!(session_now(&store, &session).await.updated_at, wanted);
    }
}

fn found(outcome: &AppendOutcome) -> Option<Timestamp> {
    match outcome {
        AppendOutcome::Stored { found, .. } => *found,
        other => panic!("a new message was not stored: {other:?}"),
    }
}

fn step(outcome: &AppendOutcome) -> Option<Step> {
    match outcome {
        AppendOutcome::Stored { message, found } => Step::of(message, (*found)?),
        other => panic!("a new message was not stored: {other:?}"),
    }
}

/// A message moves the session's `rev` and `updated_at`; the `version` is for the session's own fields.
pub async fn an_append_moves_the_session_and_leaves_its_version_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.updated_at, now.version), (message.rev, message.created_at, session.version));
    let same = |now| crate::session::Session {
        rev: session.rev,
        updated_at: session.updated_at,
        all_messages: session.all_messages,
        public_messages: session.public_messages,
        ..now
    };
    assert_eq!(same(now), session);
}

/// A message from a node whose clock is behind does not set the session back, nor leave its time alone; it is the newest all
/// the same.
pub async fn updated_at_moves_on_whatever_a_clock_says<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (earlier, later) = (next_moment(), next_moment());
    say(&store, NewMessage { created_at: later, ..a_message(&session) }).await;
    say(&store, NewMessage { created_at: earlier, ..a_message(&session) }).await;
    let now = session_now(&store, &session).await;
    assert_eq!(
        (now.updated_at, now.all_messages.last_at, now.public_messages.last_at),
        (later.moved_on(earlier), Some(earlier), Some(earlier))
    );
}
