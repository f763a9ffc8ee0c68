//! An SQLite store remembers what it has written: what it says of that is never older than the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chat_domain::access::Role;
use chat_domain::id::ParticipantId;
use chat_domain::revision::Rev;
use chat_domain::session::{NewSession, Session, SessionKey, UserSessions};
use chat_domain::testing::builder::{a_message, a_session, caller, participant, tenant};
use chat_domain::testing::rig::{Store, StoreRig as _};
use chat_infra::decorator::{CachedMessages, CachedMessagesConfig};

use crate::decorator_doubles::{stored, within};
use crate::decorator_staleness::{all_at_once, take_turns};
use crate::sqlite::SqliteRig;

/// A node as the service composes it on SQLite: the store's own word on revisions, and no other cache behind.
async fn node() -> Store {
    let store = SqliteRig::start().await.node().await;
    let config = CachedMessagesConfig::default();
    let pages = Arc::new(CachedMessages::new(store.pages.clone(), store.revisions.clone(), None, &config));
    Store { pages, ..store }
}

fn of(user: &ParticipantId) -> UserSessions {
    let reader = caller(Role::Service).reader();
    UserSessions { user_id: user.clone(), reader, status: None, limit: 10, cursor: None }
}

async fn rev_of(store: &Store, session: &Session) -> Option<Rev> {
    let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
    store.revisions.revs(vec![key]).await.unwrap().pop().flatten().map(|revision| revision.rev)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_is_never_older_than_what_was_written_before_it_was_asked_for() {
    let store = node().await;
    take_turns(&store, std::slice::from_ref(&store), 300).await;
    all_at_once(&store, &[store.clone(), store.clone()], 300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revision_is_never_older_than_what_was_written_before_it_was_asked_for() {
    let store = node().await;
    let session = a_session();
    store.sessions.create(session.clone()).await.unwrap();
    let session = Arc::new(session.to_session());
    let known = Arc::new(AtomicI64::new(1));
    let last = 400;
    let writer = {
        let (store, session, known) = (store.clone(), session.clone(), known.clone());
        tokio::spawn(async move {
            for _ in 1..last {
                let outcomes = store.messages.append(vec![a_message(&session)]).await.unwrap();
                known.fetch_max(stored(&outcomes[0]).rev.get(), Ordering::SeqCst);
            }
        })
    };
    let readers = (0..4).map(|_| {
        let (store, session, known) = (store.clone(), session.clone(), known.clone());
        tokio::spawn(async move {
            let mut shown = 0;
            while shown < last {
                let before = known.load(Ordering::SeqCst).max(shown);
                shown = rev_of(&store, &session).await.unwrap().get();
                assert!(shown >= before, "{shown} after {before}");
                // A page that is at hand is there without waiting: readers would keep all threads from the writers.
                tokio::task::yield_now().await;
            }
        })
    });
    for task in std::iter::once(writer).chain(readers) {
        within(task).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_users_list_is_never_older_than_what_was_written_before_it_was_asked_for() {
    let store = node().await;
    let user = participant("ann");
    let sessions: Vec<_> = (0..3).map(|_| NewSession { user_id: user.clone(), ..a_session() }).collect();
    for session in &sessions {
        store.sessions.create(session.clone()).await.unwrap();
    }
    // The revs of all sessions of the user, one added to the other, only grow.
    let known = Arc::new(AtomicI64::new(3));
    let each = 150;
    let writers = sessions.into_iter().map(|session| {
        let (store, known) = (store.clone(), known.clone());
        tokio::spawn(async move {
            for _ in 0..each {
                let session = session.to_session();
                store.messages.append(vec![a_message(&session)]).await.unwrap();
                known.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    let readers = (0..4).map(|_| {
        let (store, user, known) = (store.clone(), user.clone(), known.clone());
        tokio::spawn(async move {
            let mut shown = 0;
            while shown < 3 + 3 * each {
                let before = known.load(Ordering::SeqCst).max(shown);
                let page = store.sessions.list_of_user(&tenant("default"), &of(&user)).await.unwrap();
                shown = page.sessions.iter().map(|seen| seen.session.rev.get()).sum();
                assert!(shown >= before, "{shown} after {before}");
                // A page that is at hand is there without waiting: readers would keep all threads from the writers.
                tokio::task::yield_now().await;
            }
        })
    });
    for task in writers.chain(readers).collect::<Vec<_>>() {
        within(task).await.unwrap();
    }
}

#[tokio::test]
async fn a_list_that_did_not_change_is_the_same_and_one_that_did_is_not() {
    let store = node().await;
    let (ann, bob) = (participant("ann"), participant("bob"));
    let make = async |user: &ParticipantId| {
        let new = NewSession { user_id: user.clone(), ..a_session() };
        store.sessions.create(new.clone()).await.unwrap();
        new.to_session()
    };
    let list = async |user| store.sessions.list_of_user(&tenant("default"), &of(user)).await.unwrap();
    let (session, other) = (make(&ann).await, make(&bob).await);
    let first = list(&ann).await;
    store.messages.append(vec![a_message(&other)]).await.unwrap();
    assert!(Arc::ptr_eq(&first, &list(&ann).await), "the sessions of others are of no matter");
    store.messages.append(vec![a_message(&session)]).await.unwrap();
    assert_eq!(list(&ann).await.sessions[0].session.all_messages.count, 1);
    make(&ann).await;
    assert_eq!(list(&ann).await.sessions.len(), 2);
}
