//! What a session that somebody else holds costs the others of its writer: nothing, once it is known to be held.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_domain::deadline;
use chat_domain::error::RepositoryError;
use chat_domain::message::{AppendOutcome, MessageRepository as _};
use chat_domain::session::Session;
use chat_domain::testing::builder::a_message;
use chat_infra::decorator::{GroupCommit, GroupCommitConfig};
use tokio::task::JoinHandle;

use crate::decorator_doubles::{Gate, GatedMessages, stored_session, within};

type Answer = Result<Vec<AppendOutcome>, RepositoryError>;

/// A node with one writer, on a store in which whoever wants a session that is held waits at a gate, and is then told that
/// it is busy.
struct Rig {
    inner: Arc<GatedMessages>,
    commit: Arc<GroupCommit>,
}

impl Rig {
    fn new(queue: usize) -> Self {
        let inner = GatedMessages::new(Gate::closed());
        inner.free_all();
        let config = GroupCommitConfig { shards: 1, queue, ..GroupCommitConfig::default() };
        let commit = Arc::new(GroupCommit::spawn(inner.clone(), &config));
        Self { inner, commit }
    }

    async fn session(&self) -> Session {
        stored_session(&self.inner.store).await
    }

    fn append(&self, session: &Session) -> JoinHandle<Answer> {
        let (commit, message) = (Arc::clone(&self.commit), a_message(session));
        tokio::spawn(async move { commit.append(vec![message]).await })
    }

    /// A session that the writer has found to be held.
    async fn held_session(&self) -> Session {
        let session = self.session().await;
        self.inner.hold(session.id);
        let append = self.append(&session);
        self.inner.gate.let_on(1);
        assert_busy(&within(append).await.unwrap());
        session
    }
}

fn assert_busy(answer: &Answer) {
    assert!(matches!(answer, Err(RepositoryError::Busy(_))), "{answer:?}");
}

#[tokio::test]
async fn a_session_that_is_known_to_be_held_is_waited_for_by_its_own_messages_alone() {
    let rig = Rig::new(100);
    let held = rig.held_session().await;
    let mut waiting = vec![rig.append(&held)];
    rig.inner.gate.arrived(2).await;
    // One message waits for the lock now, and for as long as this test likes.
    let other = rig.session().await;
    for _ in 0..50 {
        waiting.push(rig.append(&held));
        within(rig.append(&other)).await.unwrap().unwrap();
    }
    rig.inner.gate.open_for_good();
    for append in waiting {
        assert_busy(&within(append).await.unwrap());
    }
}

#[tokio::test]
async fn sessions_that_share_a_batch_with_one_that_turns_out_to_be_held_come_through_while_it_is_waited_for() {
    let rig = Rig::new(100);
    let (held, others) = (rig.session().await, [rig.session().await, rig.session().await, rig.session().await]);
    rig.inner.hold(held.id);
    let first = rig.append(&held);
    rig.inner.gate.arrived(1).await;
    let again = rig.append(&held);
    let shared: Vec<_> = others.iter().map(|session| rig.append(session)).collect();
    tokio::task::yield_now().await;
    // The first fails and tells the writer; of what came meanwhile only the others are a batch.
    rig.inner.gate.let_on(1);
    assert_busy(&within(first).await.unwrap());
    for append in shared {
        within(append).await.unwrap().unwrap();
    }
    rig.inner.gate.open_for_good();
    assert_busy(&within(again).await.unwrap());
}

#[tokio::test]
async fn a_session_that_is_free_again_is_written_with_the_others() {
    let rig = Rig::new(100);
    let (held, other) = (rig.held_session().await, rig.session().await);
    rig.inner.free_all();
    within(rig.append(&held)).await.unwrap().unwrap();
    let before = rig.inner.batches().len();
    // Both in one call: what is no longer apart is one batch.
    let both = vec![a_message(&held), a_message(&other)];
    within(rig.commit.append(both)).await.unwrap();
    assert_eq!(rig.inner.batches()[before..], [2]);
}

#[tokio::test]
async fn many_held_sessions_leave_the_others_alone() {
    let rig = Rig::new(1_000);
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(rig.held_session().await);
    }
    let waiting: Vec<_> = held.iter().map(|session| rig.append(session)).collect();
    let other = rig.session().await;
    for _ in 0..50 {
        within(rig.append(&other)).await.unwrap().unwrap();
    }
    rig.inner.gate.open_for_good();
    for append in waiting {
        assert_busy(&within(append).await.unwrap());
    }
}

#[tokio::test]
async fn no_more_messages_wait_for_a_held_session_than_for_a_writer() {
    let rig = Rig::new(4);
    let held = rig.held_session().await;
    let mut waiting = vec![rig.append(&held)];
    rig.inner.gate.arrived(2).await;
    let mut refused = 0;
    for _ in 0..20 {
        let append = rig.append(&held);
        // Sees to it that the writer has taken the message.
        within(rig.append(&rig.session().await)).await.unwrap().unwrap();
        if append.is_finished() {
            let answer = append.await.unwrap();
            assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
            refused += 1;
        } else {
            waiting.push(append);
        }
    }
    assert_eq!((waiting.len(), refused), (5, 16));
    rig.inner.gate.open_for_good();
    for append in waiting {
        assert_busy(&within(append).await.unwrap());
    }
}

#[tokio::test]
async fn a_drain_waits_for_what_is_written_apart() {
    let rig = Rig::new(100);
    let held = rig.held_session().await;
    let waiting = [rig.append(&held), rig.append(&held)];
    rig.inner.gate.arrived(2).await;
    rig.inner.gate.open_for_good();
    within(rig.commit.drain()).await;
    for append in waiting {
        let answer = within(append).await.unwrap();
        assert!(answer.is_err(), "{answer:?}");
    }
}

#[tokio::test]
async fn messages_that_were_given_up_make_room_for_others() {
    let rig = Rig::new(4);
    let held = rig.held_session().await;
    let attempt = rig.append(&held);
    rig.inner.gate.arrived(2).await;
    for _ in 0..4 {
        let (commit, message) = (Arc::clone(&rig.commit), a_message(&held));
        let soon = Instant::now() + Duration::from_millis(100);
        let given_up = within(deadline::until(soon, commit.append(vec![message]))).await;
        assert!(matches!(given_up, Err(RepositoryError::Unavailable(_))), "{given_up:?}");
    }
    let waiting = rig.append(&held);
    within(rig.append(&rig.session().await)).await.unwrap().unwrap();
    assert!(!waiting.is_finished(), "there is room for it");
    rig.inner.gate.open_for_good();
    assert_busy(&within(attempt).await.unwrap());
    assert_busy(&within(waiting).await.unwrap());
}
