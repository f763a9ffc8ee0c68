//! Every operation of every port, so that every statement runs.

use std::collections::HashMap;

use chat_domain::access::{Action, Role, View};
use chat_domain::attachment::Enclosure;
use chat_domain::audit::{AuditCursor, AuditEntry, AuditQuery};
use chat_domain::clock::IdSource as _;
use chat_domain::extension::{DetachOutcome, Detachment, Extension, NewExtension, Which};
use chat_domain::id::TenantId;
use chat_domain::message::{
    AppendOutcome, Edit, HistoryQuery, Message, MessagePage, NewMessage, PageQuery, Removal, Restoration, Since, Window,
};
use chat_domain::participant::{MarkOutcome, Receipt, ReceiptKind};
use chat_domain::precondition::Precondition;
use chat_domain::query::Order;
use chat_domain::revision::Seq;
use chat_domain::session::{
    CreateOutcome, CursorDirection, NewSession, Session, SessionChange, SessionCursor, SessionKey, SessionStatus,
    SessionUpdate, UserSessions,
};
use chat_domain::testing::builder::{
    a_detachment, a_detachment_of, a_key, a_message, a_reaction, a_removal, a_restoration, a_session, an_attachment,
    an_edit, an_entry, an_extension, caller, ids, metadata, next_moment, participant, tenant,
};

use super::bulk::{DELETED_ABOVE, INTERNAL_ABOVE, LONG, LONG_SESSION, SHOWN_ABOVE};
use super::watched::Watched;
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
    call_extensions(store, &session.tenant_id, &message, an_entry(&session)).await;
    call_edits(store, &session, &message).await;
    call_participants(store, &session).await;
    let removal = Removal { audit: Some(an_entry(&session)), ..a_removal() };
    store.messages().remove(&session.tenant_id, message.id, removal).await.unwrap();
    let key = Some(a_key(&message.id.to_string(), "restore"));
    let restoration = Restoration { idempotency: key, audit: Some(an_entry(&session)), ..a_restoration() };
    store.messages().restore(&session.tenant_id, message.id, restoration).await.unwrap();
    for query in every_page() {
        store.pages().page(&session.tenant_id, session.id, &query).await.unwrap().unwrap();
    }
    store.idempotency().forget_before(next_moment()).await.unwrap();
    call_attachments(store, &session).await;
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

/// From the reservation to the end, and with a message.
async fn call_attachments(store: &SqliteStore, session: &Session) {
    let (attachments, tenant) = (store.attachments(), &session.tenant_id);
    let key = a_key(&ids().attachment_id().to_string(), "upload");
    let [sent, unsent] = [(); 2].map(|()| an_attachment(session));
    for (new, key) in [(&sent, Some(key)), (&unsent, None)] {
        attachments.reserve(new.clone(), Some(u64::MAX)).await.unwrap();
        attachments.commit(tenant, new.id, key).await.unwrap();
        attachments.find(tenant, new.id).await.unwrap().unwrap();
    }
    attachments.replay(tenant, key).await.unwrap().unwrap();
    let enclosures = vec![Enclosure { id: sent.id, data: metadata("{}") }];
    let message = NewMessage { enclosures, ..a_message(session) };
    let outcomes = store.messages().append(vec![message.clone()]).await.unwrap();
    assert!(matches!(outcomes[..], [AppendOutcome::Stored { .. }]), "{outcomes:?}");
    attachments.doom_sent(tenant, &[message.id]).await.unwrap();
    let doomed = attachments.doom(next_moment(), next_moment()).await.unwrap();
    assert_eq!(doomed.len(), 2);
    attachments.forget(&doomed).await.unwrap();
    assert_eq!(attachments.strays(doomed).await.unwrap().len(), 2);
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
            let query = UserSessions {
                user_id: participant("crowd"),
                reader: caller(Role::Agent).reader(),
                status,
                limit: 10,
                cursor,
            };
            store.sessions().list_of_user(&session.tenant_id, &query).await.unwrap();
            let query = UserSessions { reader: caller(Role::User).reader(), ..query };
            store.sessions().list_of_user(&session.tenant_id, &query).await.unwrap();
        }
    }
}

async fn call_messages(store: &SqliteStore, session: &Session) -> Message {
    let key = a_key(&ids().message_id().to_string(), "append");
    let new = NewMessage { idempotency: Some(key), ..a_message(session) };
    let outcomes = store.messages().append(vec![new.clone(), new, a_message(session)]).await.unwrap();
    let [AppendOutcome::Stored { message, .. }, AppendOutcome::Replayed(_), AppendOutcome::Stored { .. }] =
        &outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    store.messages().find(&session.tenant_id, message.id).await.unwrap().unwrap();
    message.clone()
}

/// On both sides, the first time and again, with a key and without.
async fn call_participants(store: &SqliteStore, session: &Session) {
    for role in [Role::User, Role::Agent] {
        let reader = caller(role).reader();
        for (seq, key) in [(1, None), (2, Some(a_key(&ids().message_id().to_string(), "mark")))] {
            let (reader, seq) = (reader.clone(), Seq::new(seq));
            let (kind, at) = (ReceiptKind::Read, next_moment());
            let receipt = Receipt { reader, kind, seq, at, confined_to: None, idempotency: key };
            let marked = store.participants().mark(&session.tenant_id, session.id, receipt).await.unwrap();
            assert!(matches!(marked, MarkOutcome::Moved(_)), "{marked:?}");
        }
        let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
        store.unread().unread(&reader, vec![(key, session.revision())]).await.unwrap()[0].unwrap();
    }
    assert_eq!(store.participants().list(&session.tenant_id, session.id).await.unwrap().len(), 2);
}

async fn call_edits(store: &SqliteStore, session: &Session, message: &Message) {
    for content in ["one", "two"] {
        let edit = Edit { audit: Some(an_entry(session)), ..an_edit(content) };
        store.messages().edit(&session.tenant_id, message.id, edit).await.unwrap();
    }
    let query = HistoryQuery { after: 1, limit: 10 };
    let history = store.messages().history(&session.tenant_id, message.id, &query).await.unwrap().unwrap();
    assert_eq!(history.versions.len(), 2);
}

async fn call_extensions(store: &SqliteStore, tenant: &TenantId, message: &Message, entry: AuditEntry) {
    let extensions = store.extensions();
    let key = a_key(&ids().extension_id().to_string(), "add");
    let new = NewExtension { idempotency: Some(key), ..an_extension(tenant, message) };
    extensions.add(new.clone()).await.unwrap();
    extensions.find(tenant, message.id, new.id).await.unwrap().unwrap();
    // For the second there is no room, and the third is there already.
    let (thumb, key) = (a_reaction(tenant, message, "ann", "👍"), |new: &NewExtension| new.unique_key.unwrap());
    extensions.add(thumb.clone()).await.unwrap();
    for _ in 2..Extension::MAX_PER_MESSAGE {
        extensions.add(an_extension(tenant, message)).await.unwrap();
    }
    for reaction in [a_reaction(tenant, message, "ben", "👍"), a_reaction(tenant, message, "ann", "👍")] {
        extensions.add(reaction).await.unwrap();
    }
    let audit = Some(AuditEntry { action: Action::RemoveExtension.as_str().into(), ..entry });
    let detachment = Detachment { audit, ..a_detachment_of(new.id) };
    for detachment in [detachment, a_detachment(Which::UniqueKey(key(&thumb)))] {
        let removed = extensions.remove(tenant, message.id, detachment).await.unwrap();
        assert!(matches!(removed, DetachOutcome::Removed(_)), "{removed:?}");
    }
}

/// How many statements a page of thirty messages takes, and what has changed since their session began, where so many of
/// them bear an extension; and each shows its own.
pub(super) async fn reads_with_bearers(watched: &Watched, bearers: usize) -> [usize; 2] {
    let store = &watched.store;
    let CreateOutcome::Created(session) = store.sessions().create(a_session()).await.unwrap() else { panic!() };
    let query = PageQuery::newest(View::Full, 30);
    let mut hung = HashMap::new();
    for place in 0..30 {
        let outcome = store.messages().append(vec![a_message(&session)]).await.unwrap().remove(0);
        let AppendOutcome::Stored { message, .. } = outcome else { panic!("{outcome:?}") };
        if place < bearers {
            let new = an_extension(&session.tenant_id, &message);
            hung.insert(message.id, new.id);
            store.extensions().add(new).await.unwrap();
        }
    }
    let before = watched.runs();
    let page = store.pages().page(&session.tenant_id, session.id, &query).await.unwrap().unwrap();
    let between = watched.runs();
    let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
    let since = Since { session: key, revision: session.revision() };
    store.revisions().news(Vec::new(), vec![since]).await.unwrap();
    let after = watched.runs();
    for message in page.messages.iter() {
        let shown: Vec<_> = message.extensions.iter().map(|extension| extension.id).collect();
        assert_eq!(shown, Vec::from_iter(hung.get(&message.id).copied()));
    }
    assert_eq!(page.messages.len(), 30);
    [between - before, after - between]
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
