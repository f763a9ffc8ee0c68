//! Receipts: what they move, and what they leave alone.

use std::collections::BTreeSet;

use super::super::stage::{any_session, create, end, say, say_many, session_now, together, two_nodes};
use super::acts::{agent, delivered, from, mark, moved, note, read, user};
use crate::clock::IdSource;
use crate::participant::{MarkOutcome, Participant, Receipt};
use crate::revision::Seq;
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_key, a_session, ids, participant, tenant};
use crate::testing::rig::{Store, StoreRig};

/// The participant's and the session's `rev` are the same; nothing else of the session changes.
pub async fn a_receipt_takes_the_next_rev_and_leaves_the_rest_of_the_session_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 3).await;
    let before = session_now(&store, &session).await;
    let receipt = read(&agent("bob"), 2);
    let bob = moved(&store, &session, receipt.clone()).await;
    assert_eq!((bob.session_id, &bob.id, bob.role), (session.id, &receipt.reader.id, receipt.reader.role));
    assert_eq!((bob.read_seq, bob.delivered_seq), (Seq::new(2), Seq::new(2)));
    assert_eq!((bob.rev, bob.updated_at), (before.rev.next(), receipt.at));
    assert_eq!(session_now(&store, &session).await, Session { rev: bob.rev, ..before });
    assert_eq!(store.participants.list(&session.tenant_id, session.id).await.expect("the store works"), [bob]);
}

/// But what was delivered was not read for that.
pub async fn what_was_read_was_delivered<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 5).await;
    let bob = agent("bob");
    let places = |participant: Participant| (participant.read_seq.get(), participant.delivered_seq.get());
    assert_eq!(places(moved(&store, &session, delivered(&bob, 2)).await), (0, 2));
    assert_eq!(places(moved(&store, &session, read(&bob, 1)).await), (1, 2));
    assert_eq!(places(moved(&store, &session, read(&bob, 4)).await), (4, 4));
    assert_eq!(places(moved(&store, &session, delivered(&bob, 5)).await), (4, 5));
}

/// The answer is the participant as it stands.
pub async fn a_receipt_never_moves_back_and_what_moves_nothing_takes_no_rev<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 5).await;
    let bob = agent("bob");
    let stands = moved(&store, &session, read(&bob, 4)).await;
    let before = session_now(&store, &session).await;
    for receipt in [read(&bob, 4), read(&bob, 3), read(&bob, 0), delivered(&bob, 4), delivered(&bob, 1)] {
        assert_eq!(mark(&store, &session, receipt).await, MarkOutcome::Unmoved(stands.clone()));
    }
    assert_eq!(session_now(&store, &session).await, before);
}

/// Whatever it says.
pub async fn a_receipt_ends_at_the_last_message<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 3).await;
    let bob = agent("bob");
    assert_eq!(moved(&store, &session, read(&bob, i64::MAX)).await.read_seq, Seq::new(3));
    assert!(matches!(mark(&store, &session, read(&bob, 4)).await, MarkOutcome::Unmoved(_)));
    say_many(&store, &session, 1).await;
    assert_eq!(moved(&store, &session, delivered(&bob, 9)).await.delivered_seq, Seq::new(4));
}

/// So that a receipt tells it nothing of notes. A deleted message is seen, as a tombstone.
pub async fn a_users_receipt_ends_at_the_last_message_that_it_sees<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (ann, bob) = (user("user"), agent("bob"));
    say(&store, note(&session, &bob)).await;
    assert!(
        matches!(mark(&store, &session, read(&ann, 9)).await, MarkOutcome::Unmoved(ann) if ann.read_seq.get() == 0)
    );
    say(&store, from(&session, &bob)).await;
    let last = say(&store, from(&session, &bob)).await;
    super::super::stage::remove(&store, &session.tenant_id, &last).await;
    say(&store, note(&session, &bob)).await;
    assert_eq!(moved(&store, &session, read(&ann, 9)).await.read_seq, Seq::new(3));
    assert_eq!(moved(&store, &session, read(&bob, 9)).await.read_seq, Seq::new(4));
}

/// The answer is somebody of whom nothing has come yet, since the session began.
pub async fn a_session_without_messages_takes_receipts_that_move_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let silent = Participant::silent(session.id, &user("user"), session.created_at);
    assert_eq!(mark(&store, &session, read(&user("user"), 7)).await, MarkOutcome::Unmoved(silent));
    assert_eq!(session_now(&store, &session).await, session);
    assert_eq!(store.participants.list(&session.tenant_id, session.id).await.expect("the store works"), []);
}

/// To read on is no change of what was said.
pub async fn an_ended_session_takes_receipts<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 2).await;
    let ended = end(&store, &session).await;
    let bob = moved(&store, &session, read(&agent("bob"), 2)).await;
    assert_eq!(session_now(&store, &session).await, Session { rev: bob.rev, ..ended });
}

/// Where there is none, where it is another tenant's, and where it is another user's than the only one that the caller may
/// learn of.
pub async fn a_session_that_is_not_there_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = create(&store, NewSession { user_id: participant("ann"), ..a_session() }).await;
    say_many(&store, &session, 1).await;
    let before = session_now(&store, &session).await;
    let try_mark = async |of_tenant: &str, id, receipt| {
        let marked = store.participants.mark(&tenant(of_tenant), id, receipt).await;
        marked.expect("the store works")
    };
    let missing = MarkOutcome::SessionMissing;
    assert_eq!(try_mark("default", ids().session_id(), read(&user("ann"), 1)).await, missing);
    assert_eq!(try_mark("other", session.id, read(&user("ann"), 1)).await, missing);
    let confined = |name: &str| Receipt { confined_to: Some(participant(name)), ..read(&user(name), 1) };
    assert_eq!(try_mark("default", session.id, confined("bob")).await, missing);
    assert_eq!(session_now(&store, &session).await, before);
    assert!(matches!(try_mark("default", session.id, confined("ann")).await, MarkOutcome::Moved(_)));
}

/// And changes nothing; with another command it is refused. A tenant's keys are its own.
pub async fn a_repeated_key_gives_the_participant_of_now<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 5).await;
    let bob = agent("bob");
    let keyed = |seq, command: &str| Receipt { idempotency: Some(a_key("k", command)), ..read(&bob, seq) };
    moved(&store, &session, keyed(2, "2")).await;
    let later = moved(&store, &session, read(&bob, 4)).await;
    let before = session_now(&store, &session).await;
    assert_eq!(mark(&store, &session, keyed(2, "2")).await, MarkOutcome::Replayed(later));
    assert_eq!(mark(&store, &session, keyed(5, "5")).await, MarkOutcome::KeyReused);
    assert_eq!(session_now(&store, &session).await, before);
    let namesake = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    say_many(&store, &namesake, 5).await;
    moved(&store, &namesake, keyed(5, "5")).await;
}

/// Whatever order they come in: what moved took a `rev` of its own, and nobody was moved back.
pub async fn twenty_four_receipts_at_once_end_at_the_highest<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    say_many(&nodes[0], &session, 24).await;
    let before = session_now(&nodes[0], &session).await;
    let receipts = (1..=24_i64).map(|n| {
        let (store, session) = (nodes[usize::from(n % 2 == 0)].clone(), session.clone());
        // All places are sent, and of each three one is no more than a delivery.
        let (seq, bob) = ((n * 7) % 25, agent("bob"));
        let receipt = if n % 3 == 0 { delivered(&bob, seq) } else { read(&bob, seq) };
        async move { (receipt.clone(), mark(&store, &session, receipt).await) }
    });
    let outcomes = together(|task| rig.spawn(task), receipts).await;
    let mut revs = BTreeSet::new();
    let mut read_to = Seq::new(0);
    for (receipt, outcome) in outcomes {
        let participant = match outcome {
            MarkOutcome::Moved(participant) => {
                assert!(revs.insert(participant.rev), "two receipts took one rev");
                participant
            }
            MarkOutcome::Unmoved(participant) => participant,
            other => panic!("a receipt came to {other:?}"),
        };
        if receipt.kind == crate::participant::ReceiptKind::Read {
            read_to = read_to.max(receipt.seq);
            assert!(participant.read_seq >= receipt.seq);
        }
        assert!(participant.delivered_seq >= receipt.seq && participant.delivered_seq >= participant.read_seq);
    }
    let now = session_now(&nodes[1], &session).await;
    assert_eq!(now.rev.get() - before.rev.get(), i64::try_from(revs.len()).expect("few"));
    assert_eq!(now, Session { rev: now.rev, ..before });
    let bob = only(&nodes[1], &session).await;
    assert_eq!((bob.read_seq, bob.delivered_seq, bob.rev), (read_to, Seq::new(24), now.rev));
}

async fn only(store: &Store, session: &Session) -> Participant {
    let mut all = store.participants.list(&session.tenant_id, session.id).await.expect("the store works");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// A message and a receipt never share one, nor is one left out.
pub async fn receipts_beside_messages_take_revs_of_their_own<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let clients = (0..8_usize).map(|n| {
        let (store, session) = (nodes[n % 2].clone(), session.clone());
        async move {
            let me = agent(&format!("agent-{n}"));
            let mut revs = Vec::new();
            for _ in 0..6 {
                let message = say(&store, from(&session, &me)).await;
                revs.push(message.rev);
                if let MarkOutcome::Moved(me) = mark(&store, &session, read(&me, message.seq.get())).await {
                    revs.push(me.rev);
                }
            }
            revs
        }
    });
    let revs: Vec<_> = together(|task| rig.spawn(task), clients).await.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = revs.iter().map(|rev| rev.get()).collect();
    assert_eq!((revs.len(), distinct.len()), (96, 96));
    assert_eq!(distinct, (2..=97).collect());
    assert_eq!(session_now(&nodes[1], &session).await.rev.get(), 97);
}

/// The others are replays.
pub async fn one_key_on_two_nodes_takes_one_rev<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    say_many(&nodes[0], &session, 3).await;
    let before = session_now(&nodes[0], &session).await;
    let repeats = (0..16_usize).map(|n| {
        let (store, session) = (nodes[n % 2].clone(), session.clone());
        let receipt = Receipt { idempotency: Some(a_key("k", "3")), ..read(&agent("bob"), 3) };
        async move { mark(&store, &session, receipt).await }
    });
    let outcomes = together(|task| rig.spawn(task), repeats).await;
    let bob = only(&nodes[0], &session).await;
    let count = |wanted: &MarkOutcome| outcomes.iter().filter(|outcome| *outcome == wanted).count();
    assert_eq!(count(&MarkOutcome::Moved(bob.clone())), 1);
    assert_eq!(count(&MarkOutcome::Replayed(bob)), 15);
    assert_eq!(session_now(&nodes[1], &session).await.rev, before.rev.next());
}
