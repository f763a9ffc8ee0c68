//! What is asked of a store that speaks S3 beyond the contract, and of one that fails.

use bytes::Bytes;
use chat_domain::attachment::{AttachmentFiles as _, FileKey};
use chat_domain::clock::IdSource as _;
use chat_domain::error::RepositoryError;
use chat_domain::testing::builder::{ids, tenant};
use chat_domain::timestamp::Timestamp;
use chat_infra::files::{DiskFiles, S3Files};
use tempfile::TempDir;

use crate::files::config;
use crate::s3_server::{KEY, S3Server, count};

/// A node's way in.
fn files(server: &S3Server, prefix: &str, spool: &TempDir) -> S3Files {
    S3Files::new(&config(server, prefix, KEY), spool.path()).unwrap()
}

fn a_key() -> FileKey {
    FileKey { tenant_id: tenant("default"), id: ids().attachment_id() }
}

/// Takes a file of so many bytes in, and puts it there.
async fn keep(files: &S3Files, key: &FileKey, bytes: usize) -> Result<(), RepositoryError> {
    let mut incoming = files.receive().await.unwrap();
    incoming.write(Bytes::from(vec![b'x'; bytes])).await.unwrap();
    incoming.keep(key).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prefixes_of_a_bucket_know_nothing_of_each_other() {
    let (server, spool) = (S3Server::start().await, tempfile::tempdir().unwrap());
    let (one, other) = (files(&server, "one", &spool), files(&server, "other", &spool));
    let key = a_key();
    keep(&one, &key, 10).await.unwrap();
    assert!(other.read(&key, 0..10).await.unwrap().is_none());
    let mut old = other.kept_before(Timestamp::MAX).await.unwrap();
    assert_eq!(old.next().await.unwrap(), []);
    let whole = files(&server, "", &spool);
    assert_eq!(whole.kept_before(Timestamp::MAX).await.unwrap().next().await.unwrap(), [], "a prefix is no tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lets_nobody_in_is_unavailable_and_nothing_stays_on_the_disk() {
    let (server, spool) = (S3Server::start().await, tempfile::tempdir().unwrap());
    let files = S3Files::new(&config(&server, "", "open barley"), spool.path()).unwrap();
    let key = a_key();
    for bytes in [10, 12_000_000] {
        let kept = keep(&files, &key, bytes).await;
        assert!(matches!(kept, Err(RepositoryError::Unavailable(_))), "{kept:?}");
    }
    let read = files.read(&key, 0..10).await.err();
    assert!(matches!(read, Some(RepositoryError::Unavailable(_))), "{read:?}");
    assert_eq!(count(spool.path()), 0);
    assert_eq!(count(&server.bucket()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_is_unavailable() {
    let (server, spool) = (S3Server::start().await, tempfile::tempdir().unwrap());
    let files = files(&server, "", &spool);
    drop(server);
    let kept = keep(&files, &a_key(), 10).await;
    assert!(matches!(kept, Err(RepositoryError::Unavailable(_))), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_file_leaves_the_disk_on_which_it_was_taken_in() {
    let (server, spool) = (S3Server::start().await, tempfile::tempdir().unwrap());
    let files = files(&server, "", &spool);
    for bytes in [10, 12_000_000] {
        keep(&files, &a_key(), bytes).await.unwrap();
    }
    assert_eq!(count(spool.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_half_taken_in_is_found_by_its_age() {
    let directory = tempfile::tempdir().unwrap();
    let files = DiskFiles::new(directory.path());
    let mut incoming = files.receive().await.unwrap();
    incoming.write(Bytes::from_static(b"half")).await.unwrap();
    // A process that is killed drops nothing.
    std::mem::forget(incoming);
    assert_eq!(files.drop_unfinished_before(Timestamp::EPOCH).await.unwrap(), 0);
    assert_eq!(count(directory.path()), 1);
    assert_eq!(files.drop_unfinished_before(Timestamp::MAX).await.unwrap(), 1);
    assert_eq!(count(directory.path()), 0);
}
