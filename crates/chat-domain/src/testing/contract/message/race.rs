//! Many at once, over two nodes.

use std::collections::BTreeSet;

use super::super::stage::{
    all_messages, any_session, append, append_one, counting, end, everything, page, say, seqs, session_now, stored,
    together, two_nodes,
};
use crate::message::{AppendOutcome, Message, NewMessage, PageQuery, Window};
use crate::revision::Seq;
use crate::session::Session;
use crate::testing::builder::{a_key, a_message};
use crate::testing::rig::{Store, StoreRig};

/// All messages of the session, seen to have `seq` 1…n, each with the `rev` one above it, as appends alone leave them.
async fn gapless(store: &Store, session: &Session, count: i64) -> Vec<Message> {
    let messages = all_messages(store, session).await;
    assert_eq!(seqs(&messages), counting(1, count));
    assert!(messages.iter().all(|message| message.rev.get() == message.seq.get() + 1));
    let now = session_now(store, session).await;
    assert_eq!((now.rev.get(), now.all_messages.count), (count + 1, count));
    messages
}

/// A hundred clients write two messages each: `seq` is 1…200, and each client's own messages stand in its own order.
pub async fn a_hundred_appends_at_once_leave_no_gap<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let clients = (0..100).map(|client| {
        let (store, session) = (nodes[client % 2].clone(), session.clone());
        async move { [say(&store, a_message(&session)).await, say(&store, a_message(&session)).await] }
    });
    let answers = together(|task| rig.spawn(task), clients).await;
    let messages = gapless(&nodes[1], &session, 200).await;
    for [first, second] in answers {
        assert!(first.seq < second.seq);
        for answer in [first, second] {
            assert!(messages.contains(&answer), "what was answered is what is stored");
        }
    }
}

/// Fifty equal requests on two nodes: one row, one answer.
pub async fn one_key_on_two_nodes_makes_one_message<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let attempts = (0..50).map(|attempt| {
        let (store, session) = (nodes[attempt % 2].clone(), session.clone());
        let new = NewMessage { idempotency: Some(a_key("k", "c")), ..a_message(&session) };
        async move { append_one(&store, new).await }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let messages = gapless(&nodes[1], &session, 1).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, AppendOutcome::Stored { .. })).count(), 1);
    for outcome in outcomes {
        assert!(
            matches!(&outcome, AppendOutcome::Stored { message: m, .. } | AppendOutcome::Replayed(m) if *m == messages[0])
        );
    }
}

/// Batches that share some keys and not others: each key makes one message, and its losers leave no hole.
pub async fn keys_that_race_in_batches_leave_no_gap<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let writers = (0..12).map(|writer| {
        let (store, session) = (nodes[writer % 2].clone(), session.clone());
        let mut batch: Vec<_> = (0..6)
            .map(|key| NewMessage { idempotency: Some(a_key(&key.to_string(), "c")), ..a_message(&session) })
            .collect();
        batch.rotate_left(writer % 6);
        batch.push(a_message(&session));
        async move { append(&store, batch).await }
    });
    let outcomes = together(|task| rig.spawn(task), writers).await;
    let messages = gapless(&nodes[1], &session, 6 + 12).await;
    for outcome in outcomes.into_iter().flatten() {
        assert!(
            matches!(&outcome, AppendOutcome::Stored { message: m, .. } | AppendOutcome::Replayed(m) if messages.contains(m))
        );
    }
}

/// Batches that go through the same sessions in different orders wait for each other, and never for ever.
pub async fn batches_with_crossed_sessions_all_come_through<R: StoreRig>(rig: &R) {
    const WRITERS: usize = 16;
    let nodes = two_nodes(rig).await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(any_session(&nodes[0]).await);
    }
    let writers = (0..WRITERS).map(|writer| {
        let (store, mut order) = (nodes[writer % 2].clone(), sessions.clone());
        order.rotate_left(writer % 8);
        if writer % 2 == 1 {
            order.reverse();
        }
        async move {
            for _ in 0..3 {
                append(&store, order.iter().map(a_message).collect()).await.into_iter().for_each(|o| drop(stored(o)));
            }
        }
    });
    together(|task| rig.spawn(task), writers).await;
    for session in &sessions {
        gapless(&nodes[1], session, 3 * 16).await;
    }
}

/// Whoever asks again and again for what comes after the last `seq` it saw gets each message once, in order.
pub async fn a_reader_that_follows_by_after_skips_nothing<R: StoreRig>(rig: &R) {
    const TOTAL: i64 = 8 * 10;
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let mut running = Vec::new();
    for writer in 0..8 {
        let (store, session) = (nodes[writer % 2].clone(), session.clone());
        running.push(rig.spawn(Box::pin(async move {
            for _ in 0..10 {
                say(&store, a_message(&session)).await;
            }
        })));
    }
    let mut seen = Vec::new();
    while seen.len() < 80 {
        let after = Some(Seq::new(seen.last().copied().unwrap_or(0)));
        let query = PageQuery { window: Window::Between { after, before: None }, limit: 7, ..everything() };
        let found = page(&nodes[seen.len() % 2], &session.tenant_id, session.id, &query).await;
        seen.extend(seqs(&found.messages));
        assert_eq!(seen, counting(1, i64::try_from(seen.len()).expect("small")));
    }
    for writer in running {
        writer.await;
    }
    assert_eq!(i64::try_from(seen.len()), Ok(TOTAL));
}

/// Writers and the end of the session race: what was stored was stored before it, all else is refused.
pub async fn nothing_is_written_after_the_end<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    say(&nodes[0], a_message(&session)).await;
    let mut running = Vec::new();
    for writer in 0..8 {
        let (store, session) = (nodes[writer % 2].clone(), session.clone());
        running.push(rig.spawn(Box::pin(async move {
            for _ in 0..50 {
                match append_one(&store, a_message(&session)).await {
                    AppendOutcome::Stored { .. } => {}
                    AppendOutcome::SessionEnded { .. } => return,
                    other => panic!("neither stored nor refused: {other:?}"),
                }
            }
        })));
    }
    let ended = end(&nodes[1], &session).await;
    for writer in running {
        writer.await;
    }
    let messages = all_messages(&nodes[0], &session).await;
    let revs: BTreeSet<_> = messages.iter().map(|message| message.rev).collect();
    assert_eq!(seqs(&messages), counting(1, i64::try_from(messages.len()).expect("small")));
    assert!(revs.iter().all(|rev| *rev < ended.rev));
    assert_eq!(session_now(&nodes[0], &session).await, ended);
}
