//! What group commit promises beyond the port: batches, bounds, and that nobody suffers for another.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chat_domain::error::RepositoryError;
use chat_domain::id::SessionId;
use chat_domain::message::{AppendOutcome, MessageRepository, NewMessage};
use chat_domain::session::{NewSession, Session};
use chat_domain::testing::builder::{a_message, a_session};
use chat_infra::decorator::{GroupCommit, GroupCommitConfig};
use futures_util::future::join_all;
use futures_util::poll;
use uuid::Uuid;

use crate::decorator_doubles::{Gate, GatedMessages, OnPurpose, stored, stored_session, within};

type Answer = Result<Vec<AppendOutcome>, RepositoryError>;
type Append = Pin<Box<dyn Future<Output = Answer> + Send>>;

fn one_writer() -> GroupCommitConfig {
    GroupCommitConfig { shards: 1, ..GroupCommitConfig::default() }
}

fn spawn(inner: &Arc<GatedMessages>, config: &GroupCommitConfig) -> Arc<GroupCommit> {
    Arc::new(GroupCommit::spawn(inner.clone(), config))
}

/// Hands the messages over, and gives what waits for the outcomes.
async fn send(commit: &Arc<GroupCommit>, batch: Vec<NewMessage>) -> Append {
    let commit = commit.clone();
    let mut append: Append = Box::pin(async move { commit.append(batch).await });
    assert!(poll!(&mut append).is_pending(), "the store is behind a gate");
    append
}

async fn answer_at_once(commit: &Arc<GroupCommit>, batch: Vec<NewMessage>) -> Answer {
    match poll!(Box::pin(commit.append(batch))) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("there was no answer at once"),
    }
}

fn saying(session: &Session, content: &str) -> NewMessage {
    NewMessage { content: content.to_owned(), ..a_message(session) }
}

async fn contents(inner: &GatedMessages, session: &Session) -> Vec<String> {
    use chat_domain::access::View;
    use chat_domain::message::{MessagePages as _, PageQuery};

    let query = PageQuery::newest(View::Full, 1_000);
    let page = inner.store.page(&session.tenant_id, session.id, &query).await.unwrap().unwrap();
    page.messages.iter().map(|message| message.content.clone()).collect()
}

/// Sessions whose ids end in 0, 1, 2 …: of as many shards, each belongs to another.
async fn sessions_of_shards(inner: &GatedMessages, shards: u128) -> Vec<Session> {
    let mut sessions = Vec::new();
    for shard in 0..shards {
        let id = SessionId::new(Uuid::from_u128(0xc0de << 64 | shard));
        let new = NewSession { id, ..a_session() };
        inner.store.store().sessions.create(new.clone()).await.unwrap();
        sessions.push(new.to_session());
    }
    sessions
}

#[tokio::test]
async fn what_comes_while_a_batch_is_written_is_the_next_batch() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &one_writer());
    let first = send(&commit, vec![a_message(&session)]).await;
    inner.gate.arrived(1).await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(send(&commit, vec![a_message(&session)]).await);
    }
    inner.gate.open_for_good();
    assert_eq!(within(first).await.unwrap().len(), 1);
    assert!(within(join_all(others)).await.iter().all(Result::is_ok));
    assert_eq!(inner.batches(), [1, 10]);
}

#[tokio::test]
async fn a_batch_is_no_larger_than_configured() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &GroupCommitConfig { max_batch: 4, ..one_writer() });
    let mut all = vec![send(&commit, vec![a_message(&session)]).await];
    inner.gate.arrived(1).await;
    for size in [1, 2, 2, 1, 1, 6, 1] {
        all.push(send(&commit, (0..size).map(|_| a_message(&session)).collect()).await);
    }
    inner.gate.open_for_good();
    assert!(within(join_all(all)).await.iter().all(Result::is_ok));
    // What one caller sends together stays together, so the six are a batch by themselves.
    assert_eq!(inner.batches(), [1, 3, 3, 1, 6, 1]);
}

#[tokio::test]
async fn messages_of_a_session_keep_the_order_in_which_they_were_sent() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &GroupCommitConfig { max_batch: 7, ..GroupCommitConfig::default() });
    let mut all = Vec::new();
    for n in 0..100 {
        all.push(send(&commit, vec![saying(&session, &n.to_string())]).await);
    }
    inner.gate.open_for_good();
    let answers = within(join_all(all)).await;
    let seqs: Vec<_> = answers.iter().map(|answer| stored(&answer.as_ref().unwrap()[0]).seq.get()).collect();
    assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
    assert_eq!(contents(&inner, &session).await, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_harms_nobody() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &GroupCommitConfig { queue: 2, ..one_writer() });
    let mut taken = vec![send(&commit, vec![saying(&session, "written")]).await];
    inner.gate.arrived(1).await;
    for _ in 0..2 {
        taken.push(send(&commit, vec![saying(&session, "queued")]).await);
    }
    let refused = answer_at_once(&commit, vec![saying(&session, "refused")]).await;
    assert!(matches!(refused, Err(RepositoryError::Unavailable(_))), "{refused:?}");
    inner.gate.open_for_good();
    assert!(within(join_all(taken)).await.iter().all(Result::is_ok));
    assert_eq!(contents(&inner, &session).await, ["written", "queued", "queued"]);
}

#[tokio::test]
async fn what_a_caller_who_hung_up_had_sent_is_stored_all_the_same() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &one_writer());
    drop(send(&commit, vec![saying(&session, "under way")]).await);
    inner.gate.arrived(1).await;
    drop(send(&commit, vec![saying(&session, "queued")]).await);
    inner.gate.open_for_good();
    within(commit.drain()).await;
    assert_eq!(contents(&inner, &session).await, ["under way", "queued"]);
}

#[tokio::test]
async fn a_batch_that_fails_tells_every_caller_the_same() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &one_writer());
    inner.then(|_| Ok(()));
    inner.then(|_| Err(RepositoryError::outcome_unknown(OnPurpose)));
    let first = send(&commit, vec![a_message(&session)]).await;
    inner.gate.arrived(1).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(send(&commit, vec![a_message(&session)]).await);
    }
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    for answer in within(join_all(others)).await {
        assert!(matches!(answer, Err(RepositoryError::OutcomeUnknown(_))), "{answer:?}");
    }
    assert_eq!(inner.batches(), [1, 3], "what may have been written is not written again");
}

/// What a store says to a message that it cannot take.
fn refuse_poison(batch: &[NewMessage]) -> Result<(), RepositoryError> {
    let poisonous = batch.iter().any(|message| message.content == "poison");
    if poisonous { Err(RepositoryError::internal(OnPurpose)) } else { Ok(()) }
}

#[tokio::test]
async fn a_message_that_the_store_cannot_take_harms_no_neighbour() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &one_writer());
    for _ in 0..5 {
        inner.then(refuse_poison);
    }
    let first = send(&commit, vec![saying(&session, "first")]).await;
    inner.gate.arrived(1).await;
    let mut others = Vec::new();
    for content in ["before", "poison", "after"] {
        others.push(send(&commit, vec![saying(&session, content)]).await);
    }
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    let answers = within(join_all(others)).await;
    assert!(matches!(answers.as_slice(), [Ok(_), Err(RepositoryError::Internal(_)), Ok(_)]));
    assert_eq!(contents(&inner, &session).await, ["first", "before", "after"]);
    assert_eq!(inner.batches(), [1, 3, 1, 1, 1]);
}

#[tokio::test]
async fn a_store_that_goes_away_after_a_refusal_is_not_asked_for_each_message() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &one_writer());
    inner.then(|_| Ok(()));
    inner.then(|_| Err(RepositoryError::internal(OnPurpose)));
    inner.then(|_| Err(RepositoryError::outcome_unknown(OnPurpose)));
    let first = send(&commit, vec![saying(&session, "first")]).await;
    inner.gate.arrived(1).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(send(&commit, vec![a_message(&session)]).await);
    }
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    let answers = within(join_all(others)).await;
    assert!(matches!(
        answers.as_slice(),
        [
            Err(RepositoryError::OutcomeUnknown(_)),
            Err(RepositoryError::Unavailable(_)),
            Err(RepositoryError::Unavailable(_))
        ]
    ));
    assert_eq!(inner.batches(), [1, 3, 1]);
    assert_eq!(contents(&inner, &session).await, ["first"]);
}

#[tokio::test]
async fn a_store_that_panics_ends_one_batch_and_not_the_writer() {
    let inner = GatedMessages::new(Gate::open());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &one_writer());
    inner.then(|_| panic!("on purpose"));
    let lost = within(commit.append(vec![a_message(&session)])).await;
    assert!(matches!(lost, Err(RepositoryError::OutcomeUnknown(_))), "{lost:?}");
    assert!(within(commit.append(vec![a_message(&session)])).await.is_ok());
}

#[tokio::test]
async fn a_drain_answers_all_that_were_taken_and_takes_no_more() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &GroupCommitConfig { max_batch: 2, ..one_writer() });
    let mut taken = Vec::new();
    for _ in 0..5 {
        taken.push(send(&commit, vec![a_message(&session)]).await);
    }
    let mut given_up = Box::pin(commit.drain());
    assert!(poll!(&mut given_up).is_pending());
    drop(given_up);
    let refused = answer_at_once(&commit, vec![a_message(&session)]).await;
    assert!(matches!(refused, Err(RepositoryError::Unavailable(_))), "{refused:?}");
    inner.gate.open_for_good();
    within(commit.drain()).await;
    for answer in taken {
        assert!(matches!(poll!(answer), Poll::Ready(Ok(_))), "the answer is there when the drain is over");
    }
    within(commit.drain()).await;
    assert_eq!(contents(&inner, &session).await.len(), 5);
}

#[tokio::test]
async fn a_batch_over_many_writers_comes_back_in_its_own_order() {
    let inner = GatedMessages::new(Gate::open());
    let sessions = sessions_of_shards(&inner, 4).await;
    let commit = spawn(&inner, &GroupCommitConfig { shards: 4, ..GroupCommitConfig::default() });
    let batch: Vec<_> = (0..40).map(|n| saying(&sessions[n * 7 % 4], &n.to_string())).collect();
    let sent: Vec<_> = batch.iter().map(|message| message.id).collect();
    let outcomes = within(commit.append(batch)).await.unwrap();
    assert_eq!(outcomes.iter().map(|outcome| stored(outcome).id).collect::<Vec<_>>(), sent);
    for session in &sessions {
        let numbers: Vec<u32> =
            contents(&inner, session).await.iter().map(|content| content.parse().unwrap()).collect();
        assert_eq!(numbers.len(), 10);
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
    assert_eq!(inner.batches(), [10; 4]);
}

#[tokio::test]
async fn a_batch_of_which_only_a_part_was_written_has_an_unknown_outcome() {
    let inner = GatedMessages::new(Gate::open());
    let sessions = sessions_of_shards(&inner, 2).await;
    let commit = spawn(&inner, &GroupCommitConfig { shards: 2, ..GroupCommitConfig::default() });
    let both = || sessions.iter().map(a_message).collect::<Vec<_>>();

    inner.then(|_| Err(RepositoryError::unavailable(OnPurpose)));
    let partly = within(commit.append(both())).await;
    assert!(matches!(partly, Err(RepositoryError::OutcomeUnknown(_))), "{partly:?}");

    for _ in 0..2 {
        inner.then(|_| Err(RepositoryError::unavailable(OnPurpose)));
    }
    let not_at_all = within(commit.append(both())).await;
    assert!(matches!(not_at_all, Err(RepositoryError::Unavailable(_))), "{not_at_all:?}");
}

#[tokio::test]
async fn a_batch_for_which_one_queue_is_full_is_queued_nowhere() {
    let inner = GatedMessages::new(Gate::closed());
    let sessions = sessions_of_shards(&inner, 2).await;
    let commit = spawn(&inner, &GroupCommitConfig { shards: 2, queue: 1, ..GroupCommitConfig::default() });
    let first = send(&commit, vec![saying(&sessions[1], "written")]).await;
    inner.gate.arrived(1).await;
    let second = send(&commit, vec![saying(&sessions[1], "queued")]).await;
    let refused = answer_at_once(&commit, sessions.iter().map(a_message).collect()).await;
    assert!(matches!(refused, Err(RepositoryError::Unavailable(_))), "{refused:?}");
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok() && within(second).await.is_ok());
    assert!(contents(&inner, &sessions[0]).await.is_empty());
}

#[tokio::test]
async fn what_waited_too_long_is_refused_and_not_written() {
    let inner = GatedMessages::new(Gate::open());
    let session = stored_session(&inner.store).await;
    // However fast the writer is, it comes later than this.
    let commit = spawn(&inner, &GroupCommitConfig { deadline: Duration::ZERO, ..one_writer() });
    let late = within(commit.append(vec![a_message(&session)])).await;
    assert!(matches!(late, Err(RepositoryError::Unavailable(_))), "{late:?}");
    assert!(inner.batches().is_empty());
}

#[tokio::test]
async fn a_batch_of_nothing_has_no_outcomes() {
    let inner = GatedMessages::new(Gate::open());
    let commit = spawn(&inner, &one_writer());
    assert_eq!(within(commit.append(Vec::new())).await.unwrap(), []);
    assert!(inner.batches().is_empty());
}

/// What a store says while somebody else holds this session.
fn held(session: &Session) -> impl Fn(&[NewMessage]) -> Result<(), RepositoryError> + Clone + Send + 'static {
    let id = session.id;
    move |batch: &[NewMessage]| {
        let meets = batch.iter().any(|message| message.session_id == id);
        if meets { Err(RepositoryError::busy(OnPurpose)) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_session_that_is_held_by_somebody_else_harms_no_neighbour() {
    let inner = GatedMessages::new(Gate::closed());
    let sessions = sessions_of_shards(&inner, 3).await;
    let commit = spawn(&inner, &one_writer());
    inner.then(|_| Ok(()));
    for _ in 0..4 {
        inner.then(held(&sessions[1]));
    }
    let first = send(&commit, vec![a_message(&sessions[0])]).await;
    inner.gate.arrived(1).await;
    let mut others = Vec::new();
    for n in 0..9 {
        others.push(send(&commit, vec![saying(&sessions[n % 3], &n.to_string())]).await);
    }
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    for (n, answer) in within(join_all(others)).await.into_iter().enumerate() {
        match n % 3 {
            1 => assert!(matches!(answer, Err(RepositoryError::Busy(_))), "{n}: {answer:?}"),
            _ => assert!(answer.is_ok(), "{n}: {answer:?}"),
        }
    }
    assert_eq!(inner.batches(), [1, 9, 3, 3, 3], "each session is written once more, by itself");
    assert!(contents(&inner, &sessions[0]).await.ends_with(&["0", "3", "6"].map(str::to_owned)));
    assert!(contents(&inner, &sessions[1]).await.is_empty());
    assert_eq!(contents(&inner, &sessions[2]).await, ["2", "5", "8"]);
}

#[tokio::test]
async fn a_session_that_waits_for_its_lock_does_not_hold_up_its_neighbours() {
    let inner = GatedMessages::new(Gate::closed());
    let sessions = sessions_of_shards(&inner, 2).await;
    let commit = spawn(&inner, &one_writer());
    inner.then(|_| Ok(()));
    inner.then(|_| Err(RepositoryError::busy(OnPurpose)));
    let first = send(&commit, vec![a_message(&sessions[0])]).await;
    inner.gate.arrived(1).await;
    let others =
        [send(&commit, vec![a_message(&sessions[0])]).await, send(&commit, vec![a_message(&sessions[1])]).await];
    inner.gate.let_on(2);
    assert!(within(first).await.is_ok());
    // Both are under way: neither waits until the other has ended.
    inner.gate.arrived(4).await;
    inner.gate.open_for_good();
    assert!(within(join_all(others)).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn messages_of_a_session_keep_their_order_when_they_are_written_again() {
    let inner = GatedMessages::new(Gate::closed());
    let sessions = sessions_of_shards(&inner, 3).await;
    let commit = spawn(&inner, &one_writer());
    inner.then(|_| Ok(()));
    inner.then(|_| Err(RepositoryError::busy(OnPurpose)));
    let first = send(&commit, vec![a_message(&sessions[2])]).await;
    inner.gate.arrived(1).await;
    let mut others = vec![
        send(&commit, vec![saying(&sessions[0], "before")]).await,
        send(&commit, vec![saying(&sessions[2], "alone")]).await,
        send(&commit, vec![saying(&sessions[0], "with"), saying(&sessions[1], "with")]).await,
        send(&commit, vec![saying(&sessions[1], "after")]).await,
    ];
    // The batch has failed, and each of its sessions is being written by itself when these come.
    inner.gate.let_on(2);
    inner.gate.arrived(5).await;
    for session in &sessions {
        others.push(send(&commit, vec![saying(session, "later")]).await);
    }
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    assert!(within(join_all(others)).await.iter().all(Result::is_ok));
    assert_eq!(contents(&inner, &sessions[0]).await, ["before", "with", "later"]);
    assert_eq!(contents(&inner, &sessions[1]).await, ["with", "after", "later"]);
    assert!(contents(&inner, &sessions[2]).await.ends_with(&["alone", "later"].map(str::to_owned)));
}

#[tokio::test]
async fn a_single_session_that_is_held_is_not_asked_for_twice() {
    let inner = GatedMessages::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let commit = spawn(&inner, &one_writer());
    inner.then(|_| Ok(()));
    inner.then(held(&session));
    let first = send(&commit, vec![a_message(&session)]).await;
    inner.gate.arrived(1).await;
    let others = [send(&commit, vec![a_message(&session)]).await, send(&commit, vec![a_message(&session)]).await];
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    for answer in within(join_all(others)).await {
        assert!(matches!(answer, Err(RepositoryError::Busy(_))), "{answer:?}");
    }
    assert_eq!(inner.batches(), [1, 2]);
}
