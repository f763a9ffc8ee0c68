//! Counts that are kept: asked once for each reader and state of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::message::MessageRepository as _;
use chat_domain::participant::{
    MarkOutcome, MockUnreadCounts, ParticipantRepository as _, ParticipantRole, Reader, Receipt, ReceiptKind, Unread,
    UnreadCount, UnreadCounts,
};
use chat_domain::revision::{Rev, Revision, Seq};
use chat_domain::session::{Session, SessionKey, SessionRepository};
use chat_domain::testing::builder::{a_message, a_session, next_moment, participant};
use chat_domain::testing::fake::FakeStore;
use chat_infra::decorator::CachedUnread;

const DAY: Duration = Duration::from_hours(24);

fn reader(name: &str) -> Reader {
    Reader { role: ParticipantRole::Agent, id: participant(name) }
}

fn key() -> SessionKey {
    let session = a_session();
    SessionKey { tenant_id: session.tenant_id, id: session.id }
}

/// Counts as many as the session's `rev`, so many times.
fn counts(times: usize, now: Revision, may_be_kept: bool) -> CachedUnread {
    let mut inner = MockUnreadCounts::new();
    let count = UnreadCount::of(usize::try_from(now.rev.get()).unwrap());
    let unread = Unread { revision: now, count, may_be_kept };
    inner.expect_unread().times(times).returning(move |_, sessions| Ok(vec![Some(unread); sessions.len()]));
    CachedUnread::new(Arc::new(inner), DAY)
}

async fn ask(counts: &CachedUnread, session: &SessionKey, name: &str, present: Revision) -> u8 {
    let sessions = vec![(session.clone(), present)];
    counts.unread(&reader(name), sessions).await.unwrap()[0].unwrap().count.get()
}

#[tokio::test]
async fn a_count_is_made_once_for_each_reader_session_and_state() {
    let now = Revision { rev: Rev::new(7), updated_at: next_moment() };
    let (counts, session) = (counts(4, now, true), key());
    for _ in 0..3 {
        assert_eq!(ask(&counts, &session, "bob", now).await, 7);
        assert_eq!(ask(&counts, &session, "cleo", now).await, 7);
    }
    assert_eq!(ask(&counts, &key(), "bob", now).await, 7);
    // What is kept is of another state than is asked for now.
    let later = Revision { rev: Rev::new(8), ..now };
    assert_eq!(ask(&counts, &session, "bob", later).await, 7);
}

#[tokio::test]
async fn a_rev_that_was_given_twice_is_another_state() {
    let now = Revision { rev: Rev::new(7), updated_at: next_moment() };
    let (counts, session) = (counts(2, now, true), key());
    assert_eq!(ask(&counts, &session, "bob", now).await, 7);
    assert_eq!(ask(&counts, &session, "bob", Revision { updated_at: next_moment(), ..now }).await, 7);
}

#[tokio::test]
async fn what_fails_or_is_not_there_is_asked_again() {
    let mut inner = MockUnreadCounts::new();
    let outage = || Err(RepositoryError::unavailable(std::io::Error::other("down")));
    inner.expect_unread().once().return_once(move |_, _| outage());
    inner.expect_unread().times(2).returning(|_, _| Ok(vec![None]));
    let counts = CachedUnread::new(Arc::new(inner), DAY);
    let (session, present) = (key(), Revision { rev: Rev::FIRST, updated_at: next_moment() });
    let ask = async || counts.unread(&reader("bob"), vec![(session.clone(), present)]).await;
    assert!(ask().await.is_err());
    for _ in 0..2 {
        assert_eq!(ask().await.unwrap(), [None]);
    }
}

#[tokio::test]
async fn what_may_not_be_kept_is_asked_each_time() {
    let now = Revision { rev: Rev::new(7), updated_at: next_moment() };
    let (counts, session) = (counts(3, now, false), key());
    for _ in 0..3 {
        assert_eq!(ask(&counts, &session, "bob", now).await, 7);
    }
}

fn counted(revision: Revision) -> Unread {
    Unread { revision, count: UnreadCount::of(7), may_be_kept: true }
}

#[tokio::test]
async fn those_that_are_not_kept_are_asked_for_together() {
    let now = Revision { rev: Rev::new(7), updated_at: next_moment() };
    let sessions: Vec<_> = (0..5).map(|_| (key(), now)).collect();
    let (mut inner, missing) =
        (MockUnreadCounts::new(), [sessions[0].clone(), sessions[2].clone(), sessions[4].clone()]);
    let all = move |asked: &[(SessionKey, Revision)]| Ok(asked.iter().map(|_| Some(counted(now))).collect());
    inner.expect_unread().times(2).withf(|_, asked| asked.len() == 1).returning(move |_, asked| all(&asked));
    inner.expect_unread().once().withf(move |_, asked| *asked == missing).returning(move |_, asked| all(&asked));
    let counts = CachedUnread::new(Arc::new(inner), DAY);
    for kept in [1, 3] {
        ask(&counts, &sessions[kept].0, "bob", now).await;
    }
    for _ in 0..3 {
        assert_eq!(counts.unread(&reader("bob"), sessions.clone()).await.unwrap(), [Some(counted(now)); 5]);
    }
}

/// A store that loses its last commits: what it was, and what takes its place.
struct Failover {
    before: FakeStore,
    after: FakeStore,
    is_over: AtomicBool,
}

impl Failover {
    fn now(&self) -> &FakeStore {
        if self.is_over.load(Ordering::SeqCst) { &self.after } else { &self.before }
    }
}

#[async_trait]
impl UnreadCounts for Failover {
    async fn unread(
        &self,
        reader: &Reader,
        sessions: Vec<(SessionKey, Revision)>,
    ) -> Result<Vec<Option<Unread>>, RepositoryError> {
        self.now().unread(reader, sessions).await
    }
}

/// What is done to a session in which both know of three messages.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Message,
    Read(&'static str, i64),
}

impl Deed {
    async fn act(self, store: &FakeStore, session: &Session) {
        match self {
            Self::Message => drop(store.append(vec![a_message(session)]).await.unwrap()),
            Self::Read(name, seq) => {
                let (reader, kind, at) = (reader(name), ReceiptKind::Read, next_moment());
                let receipt = Receipt { reader, kind, seq: Seq::new(seq), at, confined_to: None, idempotency: None };
                let marked = store.mark(&session.tenant_id, session.id, receipt).await.unwrap();
                assert!(matches!(marked, MarkOutcome::Moved(_)), "{marked:?}");
            }
        }
    }
}

/// All that may happen one after the other, up to so many deeds long. Everybody reads on as they are counted.
fn courses(length: usize) -> Vec<Vec<Deed>> {
    let mut all = vec![Vec::new()];
    for step in 0..length {
        let longest: Vec<_> = all.iter().filter(|course: &&Vec<Deed>| course.len() == step).cloned().collect();
        for course in longest {
            let seq = 1 + i64::try_from(step).unwrap();
            for deed in [Deed::Message, Deed::Read("bob", seq), Deed::Read("cleo", seq)] {
                all.push([&course[..], &[deed]].concat());
            }
        }
    }
    all
}

#[tokio::test]
async fn no_count_is_told_of_what_a_store_has_lost() {
    for lost in courses(3) {
        for kept in courses(3) {
            let new = a_session();
            let session = new.to_session();
            let (before, after) = (FakeStore::new(), FakeStore::new());
            let messages: Vec<_> = (0..3).map(|_| a_message(&session)).collect();
            for store in [&before, &after] {
                store.create(new.clone()).await.unwrap();
                store.append(messages.clone()).await.unwrap();
            }
            let store = Arc::new(Failover { before, after, is_over: AtomicBool::new(false) });
            let node = CachedUnread::new(Arc::<Failover>::clone(&store), DAY);
            let look = async || {
                let now = SessionRepository::find(store.now(), &session.tenant_id, session.id).await.unwrap().unwrap();
                let asked = vec![now.to_count(View::Full).unwrap()];
                for name in ["bob", "cleo"] {
                    let truth = store.now().unread(&reader(name), asked.clone()).await.unwrap();
                    let told = node.unread(&reader(name), asked.clone()).await.unwrap();
                    assert_eq!(told, truth, "{name}: {lost:?} was lost, then came {kept:?}");
                }
            };
            for deed in &lost {
                deed.act(&store.before, &session).await;
                look().await;
            }
            store.is_over.store(true, Ordering::SeqCst);
            for deed in &kept {
                deed.act(&store.after, &session).await;
                look().await;
            }
        }
    }
}
