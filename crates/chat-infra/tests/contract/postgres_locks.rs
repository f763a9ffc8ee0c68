//! What a locked session costs those who do not need it: nothing.

use std::time::Duration;

use chat_domain::error::RepositoryError;
use chat_domain::health::Probe as _;
use chat_domain::message::AppendOutcome;
use chat_domain::precondition::Precondition;
use chat_domain::session::{CreateOutcome, Session, SessionChange, SessionStatus, SessionUpdate, UpdateOutcome};
use chat_domain::testing::builder::{a_message, a_removal, a_restoration, a_session, an_edit, next_moment};
use chat_infra::postgres::{PgConfig, PgStore};
use tokio_postgres::Client;

use crate::postgres_server::{Database, waiting};

/// A node, and a connection that holds the lock of all its sessions until it commits.
struct Rig {
    store: PgStore,
    session: Session,
    holder: Client,
    database: Database,
}

impl Rig {
    async fn start(change: impl FnOnce(PgConfig) -> PgConfig) -> Self {
        let database = Database::migrated().await;
        let store = PgStore::connect(&change(database.config())).await.unwrap();
        let CreateOutcome::Created(session) = store.sessions().create(a_session()).await.unwrap() else { panic!() };
        let holder = database.tool().await;
        Self { store, session, holder, database }
    }

    async fn lock(&self) {
        self.holder.batch_execute("BEGIN; SELECT FROM sessions FOR UPDATE").await.unwrap();
    }

    async fn unlock(&self) {
        self.holder.batch_execute("COMMIT").await.unwrap();
    }

    async fn append(&self) -> Result<Vec<AppendOutcome>, RepositoryError> {
        self.store.messages().append(vec![a_message(&self.session)]).await
    }

    /// Ends the session, whoever asks for it again.
    fn end(&self) -> impl Future<Output = Result<UpdateOutcome, RepositoryError>> + Send + 'static {
        let (sessions, session) = (self.store.sessions(), self.session.clone());
        let change = SessionChange { status: Some(SessionStatus::Ended), ..SessionChange::default() };
        let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency: None };
        async move { sessions.update(&session.tenant_id, session.id, update).await }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_too_long_for_a_lock_was_not_made_and_is_busy() {
    let rig = Rig::start(|config| PgConfig { lock_wait: Duration::from_millis(50), ..config }).await;
    let stored = rig.append().await.unwrap();
    let [AppendOutcome::Stored { message, .. }] = &stored[..] else { panic!("{stored:?}") };
    rig.lock().await;
    assert!(matches!(rig.append().await, Err(RepositoryError::Busy(_))));
    assert!(matches!(rig.end().await, Err(RepositoryError::Busy(_))));
    let removal = a_removal();
    let removed = rig.store.messages().remove(&rig.session.tenant_id, message.id, removal).await;
    assert!(matches!(removed, Err(RepositoryError::Busy(_))));
    let edited = rig.store.messages().edit(&rig.session.tenant_id, message.id, an_edit("other")).await;
    assert!(matches!(edited, Err(RepositoryError::Busy(_))), "{edited:?}");
    let restored = rig.store.messages().restore(&rig.session.tenant_id, message.id, a_restoration()).await;
    assert!(matches!(restored, Err(RepositoryError::Busy(_))), "{restored:?}");
    rig.unlock().await;
    let stored = rig.append().await.unwrap();
    assert!(matches!(&stored[..], [AppendOutcome::Stored { message, .. }] if message.seq.get() == 2), "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_an_ended_session_keeps_no_message_beside_it_waiting() {
    let rig = Rig::start(|config| PgConfig { lock_wait: Duration::from_millis(50), ..config }).await;
    rig.end().await.unwrap();
    let CreateOutcome::Created(open) = rig.store.sessions().create(a_session()).await.unwrap() else { panic!() };
    let hold = format!("BEGIN; SELECT FROM sessions WHERE id = '{}' FOR UPDATE", rig.session.id);
    rig.holder.batch_execute(&hold).await.unwrap();
    let outcomes = rig.store.messages().append(vec![a_message(&rig.session), a_message(&open)]).await.unwrap();
    let [AppendOutcome::SessionEnded { rev }, AppendOutcome::Stored { message: stored, .. }] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!((rev.get(), stored.session_id), (rig.session.rev.get() + 1, open.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_does_not_become_unknown_because_a_neighbour_waits_for_a_connection() {
    let rig = Rig::start(|config| PgConfig {
        max_connections: 1,
        connect_timeout: Duration::from_secs(2),
        lock_wait: Duration::from_secs(4),
        deadline: Duration::from_secs(20),
        ..config
    })
    .await;
    rig.end().await.unwrap();
    let CreateOutcome::Created(open) = rig.store.sessions().create(a_session()).await.unwrap() else { panic!() };
    let hold = format!("BEGIN; SELECT FROM sessions WHERE id = '{}' FOR UPDATE", open.id);
    rig.holder.batch_execute(&hold).await.unwrap();
    let other = rig.database.tool().await;
    other.batch_execute("BEGIN; LOCK TABLE message_extensions").await.unwrap();
    let (messages, batch) = (rig.store.messages(), vec![a_message(&open), a_message(&rig.session)]);
    let appending = tokio::spawn(async move { messages.append(batch).await });
    waiting(&rig.database, 1).await;
    // Waits for the only connection, and then keeps it.
    let (messages, message) = (rig.store.messages(), a_message(&open));
    let mut next = Box::pin(async move { messages.find(&message.tenant_id, message.id).await });
    assert!(futures_util::poll!(&mut next).is_pending());
    let next = tokio::spawn(next);
    rig.unlock().await;
    let outcomes = appending.await.unwrap().unwrap();
    let [AppendOutcome::Stored { .. }, AppendOutcome::SessionEnded { .. }] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(next.await.unwrap().unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_session_leaves_the_probe_alone() {
    let rig = Rig::start(|config| PgConfig { max_connections: 4, ..config }).await;
    let probe = rig.store.probe();
    rig.lock().await;
    let updates: Vec<_> = (0..16).map(|_| tokio::spawn(rig.end())).collect();
    let appends = async { tokio::join!(rig.append(), rig.append()) };
    let probing = async {
        // Every connection of the pool that may wait does.
        waiting(&rig.database, 3).await;
        for _ in 0..3 {
            probe.check().await.unwrap();
        }
        rig.unlock().await;
    };
    let ((one, other), ()) = tokio::join!(appends, probing);
    one.and(other).unwrap();
    for update in updates {
        update.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_wait_for_a_lock_leave_connections_to_those_who_read() {
    let rig = Rig::start(|config| PgConfig { max_connections: 4, ..config }).await;
    rig.lock().await;
    let updates: Vec<_> = (0..16).map(|_| tokio::spawn(rig.end())).collect();
    waiting(&rig.database, 2).await;
    for _ in 0..50 {
        rig.store.sessions().find(&rig.session.tenant_id, rig.session.id).await.unwrap().unwrap();
    }
    rig.unlock().await;
    for update in updates {
        update.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_and_changes_that_wait_for_locks_leave_a_connection_to_those_who_read() {
    let rig = Rig::start(|config| PgConfig { max_connections: 4, ..config }).await;
    rig.lock().await;
    let updates: Vec<_> = (0..16).map(|_| tokio::spawn(rig.end())).collect();
    let appends: Vec<_> = (0..16)
        .map(|_| {
            let (messages, message) = (rig.store.messages(), a_message(&rig.session));
            tokio::spawn(async move { messages.append(vec![message]).await })
        })
        .collect();
    waiting(&rig.database, 3).await;
    for _ in 0..50 {
        rig.store.sessions().find(&rig.session.tenant_id, rig.session.id).await.unwrap().unwrap();
    }
    rig.unlock().await;
    for update in updates {
        update.await.unwrap().unwrap();
    }
    for append in appends {
        append.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_makes_itself_a_new_connection_when_its_own_is_lost() {
    let rig = Rig::start(|config| config).await;
    let kill = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..2 {
        rig.store.probe().check().await.unwrap();
        rig.holder.batch_execute(kill).await.unwrap();
    }
    rig.store.probe().check().await.unwrap();
}
