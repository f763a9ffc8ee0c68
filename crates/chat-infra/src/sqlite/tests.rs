//! What can only be seen from inside: the settings of the connections, the threads, and failures that must be staged.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use chat_domain::error::RepositoryError;
use chat_domain::message::{AppendOutcome, NewMessage};
use chat_domain::session::{CreateOutcome, NewSession, Session};
use chat_domain::testing::builder::{a_message, a_session};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use futures_util::poll;
use tempfile::TempDir;

use super::connection::setting;
use super::error::failed;
use super::{OpenError, SqliteConfig, SqliteStore};

/// How far the only session has come.
const REV: &str = "SELECT CAST(rev AS TEXT) FROM sessions";

/// A store in a directory of its own, which goes with it.
struct Fixture {
    store: SqliteStore,
    path: PathBuf,
    _directory: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut SqliteConfig)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = SqliteConfig::new(directory.path().join("data/chat.db"));
        change(&mut config);
        let store = SqliteStore::open(&config).unwrap();
        Self { store, path: config.path, _directory: directory }
    }

    async fn create(&self) -> Session {
        created(self.store.sessions().create(a_session()).await)
    }

    async fn has(&self, session: &NewSession) -> bool {
        self.store.sessions().find(&session.tenant_id, session.id).await.unwrap().is_some()
    }

    /// Keeps the writer busy until something is sent, or the sender is dropped.
    async fn block_writer(&self) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), RepositoryError>>) {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = tokio::sync::mpsc::channel(1);
        let mut has_begun = has_begun;
        let writer = self.store.writer.clone();
        let blocking = tokio::spawn(async move {
            let block = move |_: &mut SqliteConnection| {
                _ = begun.try_send(());
                _ = released.recv();
                Ok(())
            };
            writer.write(block).await
        });
        has_begun.recv().await.unwrap();
        (release, blocking)
    }

    async fn on_writer(&self, sql: &'static str) {
        self.store.writer.write(move |connection| connection.batch_execute(sql).map_err(failed)).await.unwrap();
    }
}

fn created(outcome: Result<CreateOutcome, RepositoryError>) -> Session {
    match outcome.unwrap() {
        CreateOutcome::Created(session) => session,
        other => panic!("not created: {other:?}"),
    }
}

fn foreign(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

fn long(session: &Session) -> NewMessage {
    NewMessage { content: "x".repeat(16_000), ..a_message(session) }
}

fn is_unavailable<T>(result: &Result<T, RepositoryError>) -> bool {
    matches!(result, Err(RepositoryError::Unavailable(_)))
}

#[tokio::test]
async fn the_writer_syncs_every_commit_of_a_write_ahead_log() {
    let fixture = Fixture::new();
    let settings = ["journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync", "foreign_keys"];
    let read = move |connection: &mut SqliteConnection| {
        let read = settings.map(|name| setting(connection, &format!("PRAGMA {name}")).map_err(failed));
        read.into_iter().collect::<Result<Vec<_>, _>>()
    };
    // `synchronous`: 2 is FULL.
    assert_eq!(fixture.store.writer.write(read).await.unwrap(), ["wal", "2", "1", "1", "1"]);
}

#[tokio::test]
async fn no_connection_keeps_many_pages_in_memory() {
    let fixture = Fixture::new();
    let read = |connection: &mut SqliteConnection| {
        let cache = setting(connection, "PRAGMA cache_size").map_err(failed)?;
        Ok((cache, setting(connection, "PRAGMA mmap_size").map_err(failed)?))
    };
    let expected = |kib: &str| (format!("-{kib}"), "0".to_owned());
    assert_eq!(fixture.store.writer.write(read).await.unwrap(), expected("4096"));
    assert_eq!(fixture.store.readers.read(read).await.unwrap(), expected("2048"));
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let fixture = Fixture::new();
    let delete = |connection: &mut SqliteConnection| connection.batch_execute("DELETE FROM messages").map_err(failed);
    assert!(fixture.store.readers.read(delete).await.is_err());
}

#[tokio::test]
async fn work_that_waited_too_long_is_not_done_and_work_that_was_begun_is_in_doubt() {
    let fixture = Fixture::with(|config| config.deadline = Duration::from_secs(1));
    let (release, blocking) = fixture.block_writer().await;
    let late = a_session();
    assert!(is_unavailable(&fixture.store.sessions().create(late.clone()).await));
    assert!(matches!(blocking.await.unwrap(), Err(RepositoryError::OutcomeUnknown(_))));
    drop(release);
    // The writer takes its work in order: once this is done, the other would be.
    while fixture.store.probe().check().await.is_err() {}
    assert!(!fixture.has(&late).await);
}

#[tokio::test]
async fn who_finds_the_queue_full_waits_no_longer_than_the_deadline() {
    let fixture = Fixture::with(|config| {
        config.deadline = Duration::from_secs(1);
        config.queue = NonZeroUsize::MIN;
    });
    let (release, _) = fixture.block_writer().await;
    let sessions = fixture.store.sessions();
    let (queued, crowded_out) = tokio::join!(sessions.create(a_session()), sessions.create(a_session()));
    assert!(is_unavailable(&queued) && is_unavailable(&crowded_out));
    drop(release);
}

#[tokio::test]
async fn writes_that_wait_together_are_committed_together() {
    let fixture = Fixture::new();
    let (release, blocking) = fixture.block_writer().await;
    let (sessions, first, path) = (fixture.store.sessions(), a_session(), fixture.path.clone());
    let mut creating = std::pin::pin!(sessions.create(first.clone()));
    assert!(poll!(&mut creating).is_pending());
    let mut looking =
        std::pin::pin!(fixture.store.writer.write(move |_| {
            Ok(setting(&mut foreign(&path), "SELECT CAST(count(*) AS TEXT) FROM sessions").unwrap())
        }));
    assert!(poll!(&mut looking).is_pending());
    drop(release);
    created(creating.await);
    assert_eq!(looking.await.unwrap(), "0", "the first was not committed while the second was worked on");
    assert!(fixture.has(&first).await);
    blocking.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_write_at_fault_leaves_those_beside_it_untouched() {
    let fixture = Fixture::new();
    let twice = a_session();
    created(fixture.store.sessions().create(twice.clone()).await);
    let (release, _) = fixture.block_writer().await;
    let (sessions, before, after) = (fixture.store.sessions(), a_session(), a_session());
    let mut good = std::pin::pin!(sessions.create(before.clone()));
    let mut bad = std::pin::pin!(sessions.create(twice));
    let mut also_good = std::pin::pin!(sessions.create(after.clone()));
    assert!(poll!(&mut good).is_pending() && poll!(&mut bad).is_pending() && poll!(&mut also_good).is_pending());
    drop(release);
    created(good.await);
    assert!(matches!(bad.await, Err(RepositoryError::Internal(_))));
    created(also_good.await);
    assert!(fixture.has(&before).await && fixture.has(&after).await);
}

#[tokio::test]
async fn a_full_disk_stores_nothing_and_what_comes_later_is_stored() {
    let fixture = Fixture::new();
    let session = fixture.create().await;
    fixture.on_writer("PRAGMA max_page_count = 1").await;
    let messages = fixture.store.messages();
    let batch = (0..50).map(|_| long(&session)).collect();
    assert!(is_unavailable(&messages.append(batch).await));
    let unchanged = fixture.store.sessions().find(&session.tenant_id, session.id).await.unwrap();
    assert_eq!(unchanged.as_ref(), Some(&session));
    fixture.on_writer("PRAGMA max_page_count = 1000000").await;
    let outcomes = messages.append(vec![long(&session)]).await.unwrap();
    assert!(matches!(&outcomes[..], [AppendOutcome::Stored { message, .. }] if message.seq.get() == 1), "{outcomes:?}");
}

#[tokio::test]
async fn a_lock_of_a_foreign_tool_makes_the_store_unavailable_until_it_is_gone() {
    let fixture = Fixture::with(|config| config.deadline = Duration::from_secs(3));
    let session = fixture.create().await;
    let mut tool = foreign(&fixture.path);
    tool.batch_execute("BEGIN IMMEDIATE").unwrap();
    assert!(is_unavailable(&fixture.store.messages().append(vec![a_message(&session)]).await));
    assert!(is_unavailable(&fixture.store.probe().check().await));
    tool.batch_execute("ROLLBACK").unwrap();
    fixture.store.messages().append(vec![a_message(&session)]).await.unwrap();
    fixture.store.probe().check().await.unwrap();
}

#[tokio::test]
async fn a_file_that_a_foreign_tool_holds_is_refused_by_name_at_start_and_opens_when_it_is_free() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = SqliteConfig::new(directory.path().join("chat.db"));
    config.deadline = Duration::from_millis(200);
    SqliteStore::open(&config).unwrap().close().await;
    let mut tool = foreign(&config.path);
    tool.batch_execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let refused = SqliteStore::open(&config).err().unwrap();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(refused.to_string().contains("chat.db") && source.contains("database is locked"), "{refused}: {source}");
    drop(tool);
    SqliteStore::open(&config).unwrap().close().await;
}

#[tokio::test]
async fn a_closed_store_leaves_one_file_and_says_that_it_is_unavailable() {
    let fixture = Fixture::new();
    let session = fixture.create().await;
    fixture.store.close().await;
    let log = fixture.path.with_extension("db-wal");
    assert!(!log.exists(), "the log was moved into the database file");
    assert!(is_unavailable(&fixture.store.messages().append(vec![a_message(&session)]).await));
    assert!(is_unavailable(&fixture.store.sessions().find(&session.tenant_id, session.id).await));
    fixture.store.close().await;
}

#[tokio::test]
async fn what_was_queued_before_the_end_is_still_done() {
    let fixture = Fixture::new();
    let (release, _) = fixture.block_writer().await;
    let (sessions, new) = (fixture.store.sessions(), a_session());
    let mut queued = std::pin::pin!(sessions.create(new));
    assert!(poll!(&mut queued).is_pending());
    let mut closing = std::pin::pin!(fixture.store.close());
    assert!(poll!(&mut closing).is_pending());
    drop(release);
    let (outcome, ()) = tokio::join!(queued, closing);
    created(outcome);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    std::fs::write(&path, "not a database at all, and long enough to be looked at".repeat(100)).unwrap();
    let error = SqliteStore::open(&SqliteConfig::new(&path)).err().unwrap();
    assert!(matches!(&error, OpenError::Database { .. }), "{error:?}");
    assert!(error.to_string().contains("chat.db"));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
}

#[tokio::test]
async fn a_write_whose_asker_has_gone_is_still_done() {
    let fixture = Fixture::new();
    let (release, _) = fixture.block_writer().await;
    let (sessions, new) = (fixture.store.sessions(), a_session());
    let mut leaving = sessions.create(new.clone());
    assert!(poll!(&mut leaving).is_pending());
    drop(leaving);
    drop(release);
    fixture.store.probe().check().await.unwrap();
    assert!(fixture.has(&new).await);
}

#[tokio::test]
async fn a_write_that_panics_is_rolled_back_and_harms_no_neighbour() {
    let fixture = Fixture::new();
    let session = fixture.create().await;
    let (release, _) = fixture.block_writer().await;
    let (sessions, before, after) = (fixture.store.sessions(), a_session(), a_session());
    let mut good = std::pin::pin!(sessions.create(before.clone()));
    let mut bad = std::pin::pin!(fixture.store.writer.write(|connection| -> Result<(), RepositoryError> {
        connection.batch_execute("DELETE FROM sessions").unwrap();
        panic!("on purpose")
    }));
    let mut also_good = std::pin::pin!(sessions.create(after.clone()));
    assert!(poll!(&mut good).is_pending() && poll!(&mut bad).is_pending() && poll!(&mut also_good).is_pending());
    drop(release);
    created(good.await);
    assert!(matches!(bad.await, Err(RepositoryError::OutcomeUnknown(_))));
    created(also_good.await);
    assert!(fixture.has(&before).await && fixture.has(&after).await);
    let unchanged = fixture.store.sessions().find(&session.tenant_id, session.id).await.unwrap();
    assert_eq!(unchanged, Some(session));
}

#[tokio::test]
async fn a_read_that_panics_ends_itself_alone() {
    let fixture = Fixture::with(|config| config.readers = NonZeroUsize::MIN);
    let session = fixture.create().await;
    for _ in 0..3 {
        let read = fixture.store.readers.read(|connection| -> Result<(), RepositoryError> {
            setting(connection, "SELECT CAST(count(*) AS TEXT) FROM sessions").unwrap();
            panic!("on purpose")
        });
        assert!(is_unavailable(&read.await));
        fixture.store.messages().append(vec![a_message(&session)]).await.unwrap();
        // Also sees what was written meanwhile: the moment of the read that panicked is over.
        let now = fixture.store.sessions().find(&session.tenant_id, session.id).await.unwrap().unwrap();
        let rev = fixture.store.writer.write(|connection| setting(connection, REV).map_err(failed)).await.unwrap();
        assert_eq!(now.rev.to_string(), rev);
    }
}
