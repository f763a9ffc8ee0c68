//! Every operation of every port, so that every statement runs.

use chat_domain::access::{Action, View};
use chat_domain::audit::{AuditCursor, AuditQuery};
use chat_domain::clock::IdSource as _;
use chat_domain::id::TenantId;
use chat_domain::message::{AppendOutcome, Message};
use chat_domain::message::{MessagePage, NewMessage, PageQuery, Removal, Window};
use chat_domain::precondition::Precondition;
use chat_domain::query::Order;
use chat_domain::revision::Seq;
use chat_domain::session::{
    CreateOutcome, CursorDirection, NewSession, Session, SessionChange, SessionCursor, SessionKey, SessionStatus,
    SessionUpdate, UserSessions,
};
use chat_domain::testing::builder::{
    a_key, a_message, a_removal, a_session, an_entry, an_extension, ids, next_moment, participant, tenant,
};

use super::bulk::{DELETED_ABOVE, INTERNAL_ABOVE, LONG, LONG_SESSION, SHOWN_ABOVE};
use crate::sqlite::SqliteStore;

const WINDOWS: [Window; 5] = [
    Window::Offset(3),
    Window::Between { after: None, before: None },
    Window::Between { after: Some(Seq::FIRST), before: None },
    Window::Between { after: None, before: Some(Seq::new(9)) },
    Window::Between { after: Some(Seq::FIRST), before: Some(Seq::new(9)) },
];

/// Calls everything, with and without keys, on what is there and what is not.
pub(super) async fn call_everything(store: &SqliteStore) {
    let session = call_sessions(store).await;
    call_lists(store, &session).await;
    let message = call_messages(store, &session).await;
    call_extensions(store, &session.tenant_id, &message).await;
    let removal = Removal { audit: Some(an_entry(&session)), ..a_removal() };
    store.messages().remove(&session.tenant_id, message.id, removal).await.unwrap();
    for query in every_page() {
        store.pages().page(&session.tenant_id, session.id, &query).await.unwrap().unwrap();
    }
    store.idempotency().forget_before(next_moment()).await.unwrap();
    call_audit(store, &session.tenant_id).await;
    store.probe().check().await.unwrap();
}

/// Every question, and then the sweep, which has the entry of the removal before to forget.
async fn call_audit(store: &SqliteStore, tenant: &TenantId) {
    for actor in [None, Some(participant("supervisor"))] {
        for action in [None, Some(Action::DeleteMessage)] {
            for direction in [CursorDirection::Older, CursorDirection::Newer] {
                let cursor = Some(AuditCursor { direction, created_at: next_moment(), id: ids().audit_id() });
                let query = AuditQuery { actor: actor.clone(), action, limit: 10, cursor };
                store.audit().list(tenant, &query).await.unwrap();
            }
        }
    }
    assert!(store.audit().forget_before(next_moment()).await.unwrap() > 0);
}

async fn call_sessions(store: &SqliteStore) -> Session {
    let key = a_key(&ids().session_id().to_string(), "create");
    let new = NewSession { idempotency: Some(key), ..a_session() };
    let created = store.sessions().create(new.clone()).await.unwrap();
    let CreateOutcome::Created(session) = created else { panic!("{created:?}") };
    store.sessions().create(new).await.unwrap();
    let change = SessionChange { status: Some(SessionStatus::Waiting), ..SessionChange::default() };
    let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency: None };
    store.sessions().update(&session.tenant_id, session.id, update).await.unwrap();
    store.sessions().find(&session.tenant_id, session.id).await.unwrap().unwrap();
    let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
    store.revisions().revs(vec![key]).await.unwrap();
    session
}

async fn call_lists(store: &SqliteStore, session: &Session) {
    let at = |direction| SessionCursor { direction, created_at: session.created_at, id: session.id };
    for status in [None, Some(SessionStatus::Active)] {
        for cursor in [None, Some(at(CursorDirection::Older)), Some(at(CursorDirection::Newer))] {
            let query = UserSessions { user_id: participant("crowd"), status, limit: 10, cursor };
            store.sessions().list_of_user(&session.tenant_id, &query).await.unwrap();
        }
    }
}

async fn call_messages(store: &SqliteStore, session: &Session) -> Message {
    let key = a_key(&ids().message_id().to_string(), "append");
    let new = NewMessage { idempotency: Some(key), ..a_message(session) };
    let outcomes = store.messages().append(vec![new.clone(), new, a_message(session)]).await.unwrap();
    let [AppendOutcome::Stored(message), AppendOutcome::Replayed(_), AppendOutcome::Stored(_)] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    store.messages().find(&session.tenant_id, message.id).await.unwrap().unwrap();
    message.clone()
}

async fn call_extensions(store: &SqliteStore, tenant: &TenantId, message: &Message) {
    let new = an_extension(tenant, message);
    store.extensions().add(new.clone()).await.unwrap();
    assert_eq!(store.extensions().list(tenant, &[message.id]).await.unwrap().len(), 1);
    store.extensions().remove(tenant, message.id, new.id, next_moment()).await.unwrap().unwrap();
}

fn every_page() -> Vec<PageQuery> {
    let mut pages = Vec::new();
    for view in [View::Public, View::Full] {
        for include_deleted in [false, true] {
            for order in [Order::Asc, Order::Desc] {
                pages.extend(WINDOWS.map(|window| PageQuery { view, include_deleted, order, limit: 10, window }));
            }
        }
    }
    pages
}

/// Asserts that pages of the long session leap over what they do not show, from both sides.
pub(super) async fn assert_pages_around_runs(store: &SqliteStore) {
    let after = Window::Between { after: Some(Seq::new(DELETED_ABOVE - 1)), before: None };
    let before = Window::Between { after: None, before: Some(Seq::new(SHOWN_ABOVE + 2)) };
    let up = |view, include_deleted| page(store, view, include_deleted, Order::Asc, after);
    let down = |view, include_deleted| page(store, view, include_deleted, Order::Desc, before);
    assert_eq!(seqs(&up(View::Full, true).await), [DELETED_ABOVE, DELETED_ABOVE + 1]);
    assert_eq!(seqs(&up(View::Full, false).await), [DELETED_ABOVE, INTERNAL_ABOVE + 1]);
    assert_eq!(seqs(&up(View::Public, true).await), [DELETED_ABOVE, DELETED_ABOVE + 1]);
    assert_eq!(seqs(&up(View::Public, false).await), [DELETED_ABOVE, SHOWN_ABOVE + 1]);
    assert_eq!(seqs(&down(View::Full, false).await), [SHOWN_ABOVE + 1, SHOWN_ABOVE]);
    assert_eq!(seqs(&down(View::Public, true).await), [SHOWN_ABOVE + 1, INTERNAL_ABOVE]);
    assert_eq!(seqs(&down(View::Public, false).await), [SHOWN_ABOVE + 1, DELETED_ABOVE]);
    let far = page(store, View::Public, false, Order::Desc, Window::Offset(10_000)).await;
    let shown_at_the_end = LONG - SHOWN_ABOVE;
    let first = DELETED_ABOVE - (10_000 - shown_at_the_end);
    assert_eq!(seqs(&far), [first, first - 1]);
}

async fn page(store: &SqliteStore, view: View, include_deleted: bool, order: Order, window: Window) -> MessagePage {
    let query = PageQuery { view, include_deleted, order, limit: 2, window };
    let page = store.pages().page(&tenant("default"), LONG_SESSION, &query).await.unwrap().unwrap();
    MessagePage::clone(&page)
}

fn seqs(page: &MessagePage) -> Vec<i64> {
    page.messages.iter().map(|message| message.seq.get()).collect()
}
