//! Versions side by side: what an older one wrote is read, and tables that a newer one has expanded are worked on.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chat_domain::access::View;
use chat_domain::clock::IdSource as _;
use chat_domain::id::{MessageId, SessionId};
use chat_domain::message::{
    AppendOutcome, EditOutcome, HistoryQuery, Message, MessagePages, MessageRepository, NewMessage, PageQuery,
    RemoveOutcome, Restoration, RestoreOutcome, Visibility,
};
use chat_domain::precondition::Precondition;
use chat_domain::session::{
    CreateOutcome, NewSession, SessionChange, SessionRepository, SessionStatus, SessionUpdate, UpdateOutcome,
};
use chat_domain::testing::builder::{
    a_key, a_message, a_removal, a_restoration, a_session, an_edit, ids, next_moment, participant, tenant,
};
use uuid::Uuid;

/// The session that the first version of the tables is filled with, and its only messages: one is deleted, one is a note.
const SESSION: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0001);
const DELETED: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0002);
const NOTE: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0003);

/// What diesel keeps of the migrations that have run.
pub(crate) const LIST: &str = "CREATE TABLE __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";

/// What a version to come may do to the tables, in words that both stores understand.
pub(crate) const EXPANSION: &str = "
    CREATE TABLE things_to_come (tenant_id TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant_id, id));
    ALTER TABLE sessions ADD COLUMN mood TEXT;
    ALTER TABLE messages ADD COLUMN mood TEXT DEFAULT 'fine' NOT NULL;
    ALTER TABLE message_extensions ADD COLUMN weight INTEGER DEFAULT 7;
    ALTER TABLE idempotency_keys ADD COLUMN weight INTEGER;
    CREATE INDEX messages_by_mood ON messages (tenant_id, session_id, mood, seq);
    INSERT INTO __diesel_schema_migrations (version) VALUES ('9999');";

/// The ports of a store that has been opened.
pub(crate) struct Ports {
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) messages: Arc<dyn MessageRepository>,
    pub(crate) pages: Arc<dyn MessagePages>,
}

/// The numbers and the scripts of a store's migrations, oldest first.
pub(crate) fn scripts(store: &str) -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(store);
    let names = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut scripts: Vec<_> = names
        .map(|name| {
            let script = fs::read_to_string(directory.join(&name).join("up.sql")).unwrap();
            (name.split('_').next().unwrap().to_owned(), script)
        })
        .collect();
    scripts.sort();
    scripts
}

/// Rows as the first version of the tables had them; the store says how it writes an id, bytes and a time.
pub(crate) fn first_rows(id: fn(Uuid) -> String, bytes: fn(u8) -> String, time: fn(u32) -> String) -> String {
    let (session, deleted, note) = (id(SESSION), id(DELETED), id(NOTE));
    let (first, second, third) = (time(1), time(2), time(3));
    format!(
        "INSERT INTO sessions (tenant_id, id, user_id, status, metadata, created_at, updated_at, rev, version, last_seq,
             message_count, last_message_at, public_message_count)
         VALUES ('old', {session}, 'ann', 'active', '{{\"a\":1.50}}', {first}, {third}, 4, 1, 2, 1, {second}, 0);
         INSERT INTO messages (tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type,
             metadata, visibility, created_at, deleted_at, extension_count)
         VALUES ('old', {session}, 1, {deleted}, 4, 'user', 'ann', 'gone', 'text', '{{}}', 'public', {first}, {third}, 0),
                ('old', {session}, 2, {note}, 3, 'agent', 'bob', 'kept', 'markdown', '{{}}', 'internal', {second}, NULL, 1);
         INSERT INTO message_extensions (tenant_id, message_id, id, extension_type, data, created_at)
         VALUES ('old', {note}, {session}, 'reaction', '{{\"emoji\":\"x\"}}', {third});
         INSERT INTO idempotency_keys (tenant_id, scope, command, resource_id, created_at)
         VALUES ('old', {scope}, {command}, {session}, {first});",
        scope = bytes(1),
        command = bytes(2),
    )
}

/// Reads the rows of the first version, and goes on with them.
pub(crate) async fn goes_on_with_first_rows(store: &Ports) {
    let (tenant, id) = (tenant("old"), SessionId::new(SESSION));
    let session = store.sessions.find(&tenant, id).await.unwrap().unwrap();
    assert_eq!((session.rev.get(), session.metadata.as_str()), (4, r#"{"a":1.50}"#));
    assert_eq!((session.all_messages.count, session.public_messages.count), (1, 0));
    let query = PageQuery { include_deleted: true, ..PageQuery::newest(View::Full, 10) };
    let page = store.pages.page(&tenant, id, &query).await.unwrap().unwrap();
    let [deleted, note] = &page.messages[..] else { panic!("{page:?}") };
    assert!(deleted.is_deleted() && deleted.content.is_empty() && deleted.id == MessageId::new(DELETED));
    assert_eq!((note.content.as_str(), note.visibility, note.extensions.len()), ("kept", Visibility::Internal, 1));
    let next = append(store, a_message(&session)).await;
    assert_eq!((next.seq.get(), next.rev.get()), (3, 5));
}

/// Does everything that the service does with sessions and messages.
pub(crate) async fn does_all_its_work(store: &Ports) {
    let key = ids().session_id().to_string();
    let new = NewSession { idempotency: Some(a_key(&key, "c")), ..a_session() };
    let CreateOutcome::Created(session) = store.sessions.create(new.clone()).await.unwrap() else { panic!("not made") };
    assert_eq!(store.sessions.create(new).await.unwrap(), CreateOutcome::Replayed(session.clone()));
    let message = append(store, a_message(&session)).await;
    let keyed = NewMessage { idempotency: Some(a_key(&key, "m")), ..a_message(&session) };
    append(store, keyed.clone()).await;
    let again = store.messages.append(vec![keyed]).await.unwrap();
    assert!(matches!(&again[..], [AppendOutcome::Replayed(_)]), "{again:?}");
    let tenant = &session.tenant_id;
    let removed = store.messages.remove(tenant, message.id, a_removal()).await.unwrap();
    assert!(matches!(removed, RemoveOutcome::Removed(_)), "{removed:?}");
    assert!(store.messages.find(tenant, message.id).await.unwrap().unwrap().is_deleted());
    let restoration = Restoration { idempotency: Some(a_key(&format!("{key}-r"), "r")), ..a_restoration() };
    let restored = store.messages.restore(tenant, message.id, restoration).await.unwrap();
    assert!(matches!(restored, RestoreOutcome::Restored(_)), "{restored:?}");
    let edited = store.messages.edit(tenant, message.id, an_edit("other")).await.unwrap();
    assert!(matches!(edited, EditOutcome::Edited(_)), "{edited:?}");
    let history = store.messages.history(tenant, message.id, &HistoryQuery { after: 0, limit: 10 }).await.unwrap();
    assert_eq!(history.unwrap().versions.len(), 2);
    let page = store.pages.page(tenant, session.id, &PageQuery::newest(View::Public, 10)).await.unwrap().unwrap();
    assert_eq!(page.messages.len(), 2);
    let change = SessionChange {
        agent_id: Some(Some(participant("bob"))),
        status: Some(SessionStatus::Waiting),
        ..SessionChange::default()
    };
    let idempotency = Some(a_key(&format!("{key}-u"), "u"));
    let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency };
    let updated = store.sessions.update(tenant, session.id, update).await.unwrap();
    assert!(matches!(updated, UpdateOutcome::Updated(_)), "{updated:?}");
}

async fn append(store: &Ports, new: NewMessage) -> Message {
    match store.messages.append(vec![new]).await.unwrap().pop() {
        Some(AppendOutcome::Stored { message, .. }) => message,
        other => panic!("not stored: {other:?}"),
    }
}
