//! What the suites do over and over: write something, see what is there, run things at once.

use std::sync::{Arc, Mutex, PoisonError};

use crate::access::View;
use crate::id::{MessageId, SessionId, TenantId};
use crate::message::{
    AppendOutcome, EditOutcome, HistoryQuery, Message, MessageHistory, MessagePage, NewMessage, PageQuery,
    RemoveOutcome, RestoreOutcome, Visibility, Window,
};
use crate::precondition::Precondition;
use crate::query::{MAX_LIMIT, Order};
use crate::session::{CreateOutcome, NewSession, Session, SessionChange, SessionStatus, SessionUpdate, UpdateOutcome};
use crate::testing::builder::{a_message, a_removal, a_restoration, a_session, an_edit, next_moment};
use crate::testing::rig::{Store, StoreRig, Task};

/// Two nodes on the same data.
pub(super) async fn two_nodes<R: StoreRig>(rig: &R) -> [Store; 2] {
    [rig.node().await, rig.node().await]
}

/// Runs all tasks at once, and gives what came of them in the order of the tasks.
pub(super) async fn together<T: Send + 'static>(
    spawn: impl Fn(Task) -> Task,
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut running = Vec::new();
    for task in tasks {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let task = async move {
            let value = task.await;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        };
        running.push((spawn(Box::pin(task)), result));
    }
    let mut results = Vec::new();
    for (done, result) in running {
        done.await;
        let value = result.lock().unwrap_or_else(PoisonError::into_inner).take();
        results.push(value.expect("the task came to its end"));
    }
    results
}

/// Stores a session.
pub(super) async fn create(store: &Store, new: NewSession) -> Session {
    match store.sessions.create(new).await.expect("the store works") {
        CreateOutcome::Created(session) => session,
        other => panic!("a new session was not stored: {other:?}"),
    }
}

/// Stores a session like any other.
pub(super) async fn any_session(store: &Store) -> Session {
    create(store, a_session()).await
}

/// The session as it is now.
pub(super) async fn session_now(store: &Store, session: &Session) -> Session {
    let found = store.sessions.find(&session.tenant_id, session.id).await.expect("the store works");
    found.expect("the session is there")
}

/// Changes the session's own fields.
pub(super) async fn update(store: &Store, session: &Session, change: SessionChange) -> UpdateOutcome {
    let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency: None };
    store.sessions.update(&session.tenant_id, session.id, update).await.expect("the store works")
}

/// A change of nothing but the status.
pub(super) fn to_status(status: SessionStatus) -> SessionChange {
    SessionChange { status: Some(status), ..SessionChange::default() }
}

/// Ends the session.
pub(super) async fn end(store: &Store, session: &Session) -> Session {
    match update(store, session, to_status(SessionStatus::Ended)).await {
        UpdateOutcome::Updated(session) => session,
        other => panic!("a session was not ended: {other:?}"),
    }
}

/// Appends a batch.
pub(super) async fn append(store: &Store, batch: Vec<NewMessage>) -> Vec<AppendOutcome> {
    let expected = batch.len();
    let outcomes = store.messages.append(batch).await.expect("the store works");
    assert_eq!(outcomes.len(), expected, "one outcome for each message");
    outcomes
}

/// Appends a batch of one.
pub(super) async fn append_one(store: &Store, new: NewMessage) -> AppendOutcome {
    append(store, vec![new]).await.remove(0)
}

/// The message of an outcome that says that it was stored.
pub(super) fn stored(outcome: AppendOutcome) -> Message {
    match outcome {
        AppendOutcome::Stored { message, .. } => message,
        other => panic!("a new message was not stored: {other:?}"),
    }
}

/// Stores a message.
pub(super) async fn say(store: &Store, new: NewMessage) -> Message {
    stored(append_one(store, new).await)
}

/// Stores so many public messages.
pub(super) async fn say_many(store: &Store, session: &Session, count: usize) -> Vec<Message> {
    let batch = (0..count).map(|_| a_message(session)).collect();
    append(store, batch).await.into_iter().map(stored).collect()
}

/// A note between agents.
pub(super) fn internal(session: &Session) -> NewMessage {
    NewMessage { visibility: Visibility::Internal, ..a_message(session) }
}

/// Deletes a message that is not deleted.
pub(super) async fn remove(store: &Store, tenant: &TenantId, message: &Message) -> Message {
    let removal = a_removal();
    match store.messages.remove(tenant, message.id, removal).await.expect("the store works") {
        RemoveOutcome::Removed(message) => message,
        other => panic!("a message was not deleted: {other:?}"),
    }
}

/// Gives a message that is not deleted another text.
pub(super) async fn edit(store: &Store, tenant: &TenantId, message: &Message, content: &str) -> Message {
    match store.messages.edit(tenant, message.id, an_edit(content)).await.expect("the store works") {
        EditOutcome::Edited(message) => message,
        other => panic!("a message was not edited: {other:?}"),
    }
}

/// Restores a message that is deleted.
pub(super) async fn restore(store: &Store, tenant: &TenantId, message: &Message) -> Message {
    match store.messages.restore(tenant, message.id, a_restoration()).await.expect("the store works") {
        RestoreOutcome::Restored(message) => message,
        other => panic!("a message was not restored: {other:?}"),
    }
}

/// All that a message ever read, and the message, which is there.
pub(super) async fn history(store: &Store, tenant: &TenantId, id: MessageId) -> MessageHistory {
    let query = HistoryQuery { after: 0, limit: MAX_LIMIT };
    let found = store.messages.history(tenant, id, &query).await.expect("the store works");
    found.expect("the message is there")
}

/// The texts of that.
pub(super) async fn texts_of(store: &Store, tenant: &TenantId, id: MessageId) -> Vec<String> {
    history(store, tenant, id).await.versions.into_iter().map(|version| version.content).collect()
}

/// The question for the first thousand messages, tombstones among them, whoever sees them.
pub(super) const fn everything() -> PageQuery {
    PageQuery {
        view: View::Full,
        include_deleted: true,
        order: Order::Asc,
        limit: MAX_LIMIT,
        window: Window::Between { after: None, before: None },
    }
}

/// A page of a session that is there.
pub(super) async fn page(store: &Store, tenant: &TenantId, session: SessionId, query: &PageQuery) -> MessagePage {
    let page = store.pages.page(tenant, session, query).await.expect("the store works");
    Arc::unwrap_or_clone(page.expect("the session is there"))
}

/// All messages of a session that is there, tombstones among them.
pub(super) async fn all_messages(store: &Store, session: &Session) -> Vec<Message> {
    page(store, &session.tenant_id, session.id, &everything()).await.messages.to_vec()
}

/// The `seq`s of messages.
pub(super) fn seqs(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.seq.get()).collect()
}

/// The numbers from `first` to `last`.
pub(super) fn counting(first: i64, last: i64) -> Vec<i64> {
    (first..=last).collect()
}
