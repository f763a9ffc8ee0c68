//! What group commit promises about time: every caller has an answer within its deadline, and the answer is right.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_domain::deadline;
use chat_domain::error::RepositoryError;
use chat_domain::message::{AppendOutcome, MessageRepository as _, NewMessage};
use chat_domain::session::Session;
use chat_domain::testing::builder::a_message;
use chat_infra::decorator::{GroupCommit, GroupCommitConfig};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use crate::decorator_doubles::{Gate, GatedMessages, stored_session, within};

/// Long enough for what goes well to be well over.
const SHORT: Duration = Duration::from_millis(500);

struct Rig {
    inner: Arc<GatedMessages>,
    session: Session,
    commit: Arc<GroupCommit>,
}

type Append = BoxFuture<'static, Result<Vec<AppendOutcome>, RepositoryError>>;

impl Rig {
    async fn new(deadline: Duration) -> Self {
        let inner = GatedMessages::new(Gate::closed());
        let session = stored_session(&inner.store).await;
        let config = GroupCommitConfig { shards: 1, deadline, ..GroupCommitConfig::default() };
        let commit = Arc::new(GroupCommit::spawn(inner.clone(), &config));
        Self { inner, session, commit }
    }

    fn append(&self, content: &str) -> Append {
        let message = NewMessage { content: content.to_owned(), ..a_message(&self.session) };
        let commit = Arc::clone(&self.commit);
        let append = tokio::spawn(async move { commit.append(vec![message]).await });
        async move { append.await.unwrap() }.boxed()
    }

    /// How many messages each batch had that the store was given, once the writer has nothing more to do.
    async fn batches(&self) -> Vec<usize> {
        self.inner.gate.open_for_good();
        within(self.commit.drain()).await;
        self.inner.batches()
    }
}

#[tokio::test]
async fn what_waits_behind_a_store_that_hangs_is_refused_in_time_and_never_written() {
    let rig = Rig::new(SHORT).await;
    let under_way = rig.append("under way");
    rig.inner.gate.arrived(1).await;
    let waiting = rig.append("waiting");
    let refused = within(waiting).await;
    assert!(matches!(refused, Err(RepositoryError::Unavailable(_))), "{refused:?}");
    let unknown = within(under_way).await;
    assert!(matches!(unknown, Err(RepositoryError::OutcomeUnknown(_))), "{unknown:?}");
    assert_eq!(rig.batches().await, [1]);
}

#[tokio::test]
async fn what_waited_behind_a_store_that_hung_is_written_when_it_is_back_in_time() {
    let rig = Rig::new(Duration::from_mins(1)).await;
    let under_way = rig.append("under way");
    rig.inner.gate.arrived(1).await;
    let waiting = rig.append("waiting");
    sleep(SHORT).await;
    rig.inner.gate.open_for_good();
    assert!(within(under_way).await.is_ok() && within(waiting).await.is_ok());
    assert_eq!(rig.batches().await, [1, 1]);
}

#[tokio::test]
async fn a_caller_with_little_time_left_is_answered_within_it() {
    let rig = Rig::new(Duration::from_mins(1)).await;
    let soon = Instant::now() + SHORT;
    let (commit, message) = (Arc::clone(&rig.commit), a_message(&rig.session));
    let unknown = within(deadline::until(soon, commit.append(vec![message]))).await;
    assert!(matches!(unknown, Err(RepositoryError::OutcomeUnknown(_))), "{unknown:?}");
    let (commit, message) = (Arc::clone(&rig.commit), a_message(&rig.session));
    let refused = within(deadline::until(Instant::now() + SHORT, commit.append(vec![message]))).await;
    assert!(matches!(refused, Err(RepositoryError::Unavailable(_))), "{refused:?}");
    assert_eq!(rig.batches().await, [1]);
}

#[tokio::test]
async fn a_batch_has_the_time_that_the_most_patient_of_its_callers_has() {
    let rig = Rig::new(Duration::from_mins(1)).await;
    let first = rig.append("first");
    rig.inner.gate.arrived(1).await;
    let impatient = {
        let (commit, message) = (Arc::clone(&rig.commit), a_message(&rig.session));
        let soon = Instant::now() + SHORT * 4;
        tokio::spawn(async move { deadline::until(soon, commit.append(vec![message])).await })
    };
    let patient = rig.append("patient");
    rig.inner.gate.let_on(1);
    assert!(within(first).await.is_ok());
    rig.inner.gate.arrived(2).await;
    assert_eq!(rig.inner.batches(), [1, 2]);
    let unknown = within(impatient).await.unwrap();
    assert!(matches!(unknown, Err(RepositoryError::OutcomeUnknown(_))), "{unknown:?}");
    rig.inner.gate.open_for_good();
    assert!(within(patient).await.is_ok());
}
