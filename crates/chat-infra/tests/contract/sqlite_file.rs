//! The file of an SQLite store: who may open it, and what is found when it is opened again.

use std::path::Path;

use chat_domain::access::View;
use chat_domain::message::PageQuery;
use chat_domain::session::CreateOutcome;
use chat_domain::testing::builder::{a_message, a_session};
use chat_infra::sqlite::{OpenError, SqliteConfig, SqliteStore};

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(&SqliteConfig::new(path))
}

#[tokio::test]
async fn a_store_that_is_opened_again_has_everything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let store = open(&path).unwrap();
    let outcome = store.sessions().create(a_session()).await.unwrap();
    let CreateOutcome::Created(session) = outcome else { panic!("not created: {outcome:?}") };
    store.messages().append(vec![a_message(&session), a_message(&session)]).await.unwrap();
    let query = PageQuery::newest(View::Full, 10);
    let before = store.pages().page(&session.tenant_id, session.id, &query).await.unwrap().unwrap();
    store.close().await;
    let again = open(&path).unwrap();
    let after = again.pages().page(&session.tenant_id, session.id, &query).await.unwrap().unwrap();
    assert_eq!(after, before);
    assert_eq!(after.messages.len(), 2);
}

#[test]
fn a_file_in_use_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let store = open(&path).unwrap();
    let error = open(&path).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("chat.db is in use by another process"), "{error}");
    drop(store);
}

/// A lock belongs to whoever opened the lock file: this one stands for another process.
#[test]
fn the_lock_of_another_process_is_respected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let other = std::fs::File::create(directory.path().join("chat.db.lock")).unwrap();
    other.try_lock().unwrap();
    assert!(matches!(open(&path), Err(OpenError::InUse { .. })));
    drop(other);
    open(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn another_name_of_the_same_file_is_the_same_file() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("chat.db"), directory.path().join("link.db"));
    let store = open(&path).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(open(&link), Err(OpenError::InUse { .. })));
    drop(store);
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_store_is_for_its_owners_eyes_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/data/chat.db");
    let store = open(&path).unwrap();
    store.sessions().create(a_session()).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.path().join("new")), 0o700);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for file in ["chat.db", "chat.db-wal", "chat.db-shm", "chat.db.lock"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let in_the_way = directory.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    let error = open(&in_the_way.join("chat.db")).err().unwrap();
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("file/chat.db"), "{error}");
}
