//! What shared questions promise beyond the port: fewer queries, and answers no older than the question.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use chat_domain::deadline;
use chat_domain::error::RepositoryError;
use chat_domain::message::{MessageRepository, Since};
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::{RevisionSource, Session, SessionKey};
use chat_domain::testing::builder::{a_message, tenant};
use chat_infra::decorator::{SharedChanges, SharedRevs, SharedRevsConfig};
use futures_util::future::join_all;
use futures_util::poll;

use crate::decorator_doubles::{Gate, GatedRevs, stored_session, within};

fn one_worker() -> SharedRevsConfig {
    SharedRevsConfig { workers: 1, ..SharedRevsConfig::default() }
}

/// One that lets no query overtake another.
fn one_patient_worker() -> SharedRevsConfig {
    SharedRevsConfig { overtake: Duration::from_secs(30), ..one_worker() }
}

fn since(session: &Session) -> Since {
    Since { session: key(session), revision: session.revision() }
}

fn spawn(inner: &Arc<GatedRevs>, config: &SharedRevsConfig) -> SharedRevs {
    SharedRevs::spawn(inner.clone(), config)
}

fn key(session: &Session) -> SessionKey {
    SessionKey { tenant_id: session.tenant_id.clone(), id: session.id }
}

fn revs(answer: Result<Vec<Option<Revision>>, RepositoryError>) -> Vec<Option<Rev>> {
    answer.unwrap().into_iter().map(|revision| revision.map(|revision| revision.rev)).collect()
}

#[tokio::test]
async fn a_question_that_comes_while_a_query_runs_is_answered_by_a_later_one() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = spawn(&inner, &one_worker());
    let mut early = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut early).is_pending());
    inner.gate.arrived(1).await;
    // The query has read; what is written now it does not know.
    inner.store.append(vec![a_message(&session)]).await.unwrap();
    let mut late = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut late).is_pending());
    inner.gate.open_for_good();
    assert_eq!(revs(within(early).await), [Some(Rev::new(1))]);
    assert_eq!(revs(within(late).await), [Some(Rev::new(2))]);
}

#[tokio::test]
async fn all_who_wait_are_answered_by_one_query_that_asks_for_each_session_once() {
    let inner = GatedRevs::new(Gate::closed());
    let (busy, calm) = (stored_session(&inner.store).await, stored_session(&inner.store).await);
    inner.store.append(vec![a_message(&busy), a_message(&busy)]).await.unwrap();
    let missing = SessionKey { tenant_id: tenant("other"), id: busy.id };
    let shared = spawn(&inner, &one_worker());
    let mut first = Box::pin(shared.revs(vec![key(&calm)]));
    assert!(poll!(&mut first).is_pending());
    inner.gate.arrived(1).await;
    let mut waiting: Vec<_> =
        (0..50).map(|_| Box::pin(shared.revs(vec![key(&calm), key(&busy), missing.clone(), key(&busy)]))).collect();
    for question in &mut waiting {
        assert!(poll!(question).is_pending());
    }
    inner.gate.open_for_good();
    assert_eq!(revs(within(first).await), [Some(Rev::new(1))]);
    for answer in within(join_all(waiting)).await {
        assert_eq!(revs(answer), [Some(Rev::new(1)), Some(Rev::new(3)), None, Some(Rev::new(3))]);
    }
    assert_eq!(inner.asked(), [vec![key(&calm)], vec![key(&calm), key(&busy), missing]]);
}

#[tokio::test]
async fn as_many_queries_run_at_once_as_there_are_workers() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = spawn(&inner, &SharedRevsConfig { workers: 2, ..SharedRevsConfig::default() });
    let mut questions: Vec<_> = (0..2).map(|_| Box::pin(shared.revs(vec![key(&session)]))).collect();
    for (asked, question) in questions.iter_mut().enumerate() {
        assert!(poll!(question).is_pending());
        inner.gate.arrived(asked + 1).await;
    }
    inner.gate.open_for_good();
    assert!(within(join_all(questions)).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn until_a_query_has_taken_long_all_who_come_wait_for_the_next_one() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let patient = SharedRevsConfig { workers: 4, overtake: Duration::from_hours(1), ..SharedRevsConfig::default() };
    let shared = spawn(&inner, &patient);
    let mut first = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut first).is_pending());
    inner.gate.arrived(1).await;
    let mut waiting: Vec<_> = (0..9).map(|_| Box::pin(shared.revs(vec![key(&session)]))).collect();
    for question in &mut waiting {
        assert!(poll!(question).is_pending());
        tokio::task::yield_now().await;
    }
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    assert!(within(join_all(waiting)).await.iter().all(Result::is_ok));
    assert_eq!(inner.asked().len(), 2);
}

#[tokio::test]
async fn whoever_keeps_its_question_without_listening_holds_up_nobody() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = Arc::new(spawn(&inner, &one_worker()));
    let mut first = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut first).is_pending());
    inner.gate.arrived(1).await;
    let (deaf, of_deaf) = (shared.clone(), key(&session));
    let deaf = tokio::spawn(async move {
        let mut kept = Box::pin(deaf.revs(vec![of_deaf]));
        assert!(poll!(&mut kept).is_pending());
        std::future::pending::<()>().await;
        drop(kept);
    });
    tokio::task::yield_now().await;
    let mut listening = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut listening).is_pending());
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    assert_eq!(revs(within(listening).await), [Some(Rev::new(1))]);
    deaf.abort();
}

#[tokio::test]
async fn a_query_that_fails_tells_all_who_waited_and_nobody_else() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = spawn(&inner, &one_worker());
    inner.fail(1);
    let mut first = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut first).is_pending());
    inner.gate.arrived(1).await;
    let mut second = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut second).is_pending());
    inner.gate.open_for_good();
    assert!(matches!(within(first).await, Err(RepositoryError::Unavailable(_))));
    assert_eq!(revs(within(second).await), [Some(Rev::new(1))]);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = spawn(&inner, &SharedRevsConfig { queue: 1, ..one_worker() });
    let mut under_way = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut under_way).is_pending());
    inner.gate.arrived(1).await;
    let mut queued = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut queued).is_pending());
    let refused = poll!(Box::pin(shared.revs(vec![key(&session)])));
    assert!(matches!(refused, Poll::Ready(Err(RepositoryError::Unavailable(_)))), "{refused:?}");
    // Who asks for changes reads the page instead.
    let untold = poll!(shared.news(Vec::new(), vec![since(&session)]));
    assert!(matches!(&untold, Poll::Ready(Ok(news)) if news.changes == [None]), "{untold:?}");
    inner.gate.open_for_good();
    assert!(within(under_way).await.is_ok() && within(queued).await.is_ok());
}

#[tokio::test]
async fn those_who_ask_at_once_what_has_changed_share_one_query_and_revisions_go_straight_to_the_source() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = SharedChanges::spawn(inner.clone(), &one_patient_worker());
    let mut asking: Vec<_> = (0..64).map(|_| shared.news(Vec::new(), vec![since(&session)])).collect();
    assert!(poll!(&mut asking[0]).is_pending());
    inner.gate.arrived(1).await;
    for asking in &mut asking {
        assert!(poll!(asking).is_pending());
    }
    let mut straight = shared.revs(vec![key(&session)]);
    assert!(poll!(&mut straight).is_pending());
    assert_eq!(inner.asked(), [vec![], vec![key(&session)]]);
    inner.gate.open_for_good();
    for news in within(join_all(asking)).await {
        assert_eq!(news.unwrap().changes.len(), 1);
    }
    assert_eq!(revs(within(straight).await), [Some(Rev::new(1))]);
    // The one that came alone, the revision, and one for the 63 others.
    assert_eq!(inner.asked().len(), 3);
}

#[tokio::test]
async fn nobody_asks_for_a_caller_who_hung_up() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let gone = stored_session(&inner.store).await;
    let shared = spawn(&inner, &one_worker());
    let mut first = Box::pin(shared.revs(vec![key(&session)]));
    assert!(poll!(&mut first).is_pending());
    inner.gate.arrived(1).await;
    let mut hung_up = Box::pin(shared.revs(vec![key(&gone)]));
    assert!(poll!(&mut hung_up).is_pending());
    drop(hung_up);
    inner.gate.open_for_good();
    assert!(within(first).await.is_ok());
    assert!(within(shared.revs(vec![key(&session)])).await.is_ok());
    assert!(inner.asked().iter().flatten().all(|asked| *asked == key(&session)));
}

#[tokio::test]
async fn a_store_that_never_answers_is_unavailable() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = spawn(&inner, &SharedRevsConfig { patience: Duration::from_millis(50), ..one_worker() });
    for _ in 0..2 {
        let answer = within(shared.revs(vec![key(&session)])).await;
        assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_caller_with_little_time_waits_no_longer_than_that() {
    let inner = GatedRevs::new(Gate::closed());
    let session = stored_session(&inner.store).await;
    let shared = spawn(&inner, &SharedRevsConfig { patience: Duration::from_hours(1), ..one_worker() });
    let soon = Instant::now() + Duration::from_millis(50);
    for _ in 0..2 {
        let answer = within(deadline::until(soon, shared.revs(vec![key(&session)]))).await;
        assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
    }
    assert!(inner.asked().len() <= 1, "whoever has no time left asks nothing");
}
