//! What [`AttachmentFiles`] promise.

use bytes::Bytes;

use super::stage::together;
use crate::attachment::{AttachmentFiles, FileKey, FileReader};
use crate::clock::IdSource as _;
use crate::testing::builder::{ids, tenant};
use crate::testing::rig::FilesRig;
use crate::timestamp::Timestamp;

/// Runs the suite of files on a [`FilesRig`](crate::testing::rig::FilesRig): `attachment_files_contract!(disk, DiskRig);`.
#[macro_export]
macro_rules! attachment_files_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as FilesRig,
            files,
            [
                a_file_comes_back_as_it_came,
                a_file_is_read_in_part,
                a_file_is_not_there_before_it_is_kept,
                a_removed_file_is_gone,
                an_unknown_file_is_not_there,
                tenants_have_their_own_files,
                old_files_are_listed,
                what_was_not_finished_leaves_nothing,
                many_files_at_once_come_back,
            ]
        );
    };
}

const FOREVER: Timestamp = Timestamp::MAX;

fn a_key(of: &str) -> FileKey {
    FileKey { tenant_id: tenant(of), id: ids().attachment_id() }
}

/// Bytes of which no two parts are alike.
fn content(length: usize) -> Bytes {
    (0..length).map(|place| (place % 251 + place / 251).to_le_bytes()[0]).collect()
}

async fn keep(files: &dyn AttachmentFiles, key: &FileKey, content: &Bytes, piece: usize) {
    let mut incoming = files.receive().await.expect("the disk works");
    for start in (0..content.len()).step_by(piece) {
        let end = (start + piece).min(content.len());
        incoming.write(content.slice(start..end)).await.expect("the disk works");
    }
    incoming.keep(key).await.expect("the store works");
}

async fn whole(mut reader: Box<dyn FileReader>) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(piece) = reader.next().await.expect("the store works") {
        assert!(!piece.is_empty(), "an empty piece looks like an end");
        read.extend_from_slice(&piece);
    }
    read
}

async fn read(files: &dyn AttachmentFiles, key: &FileKey, start: u64, end: u64) -> Option<Vec<u8>> {
    match files.read(key, start..end).await.expect("the store works") {
        Some(reader) => Some(whole(reader).await),
        None => None,
    }
}

async fn old(files: &dyn AttachmentFiles, time: Timestamp) -> Vec<FileKey> {
    let (mut listing, mut keys) = (files.kept_before(time).await.expect("the store works"), Vec::new());
    loop {
        let some = listing.next().await.expect("the store works");
        if some.is_empty() {
            keys.sort();
            return keys;
        }
        keys.extend(some);
    }
}

/// Small and large, in pieces of any size, and on another node.
pub async fn a_file_comes_back_as_it_came<R: FilesRig>(rig: &R) {
    let (files, other) = (rig.node().await, rig.node().await);
    for (length, piece) in [(1, 1), (1_000, 7), (100_000, 16_384), (12_000_000, 65_536)] {
        let (key, content) = (a_key("default"), content(length));
        keep(&*files, &key, &content, piece).await;
        let read = read(&*other, &key, 0, length as u64).await;
        assert!(read.is_some_and(|read| read == content), "{length} bytes in pieces of {piece}");
    }
}

/// From any byte to any other.
pub async fn a_file_is_read_in_part<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    let (key, content) = (a_key("default"), content(200_000));
    keep(&*files, &key, &content, 65_536).await;
    for (start, end) in [(0, 1), (199_999, 200_000), (65_530, 131_080), (5, 199_990)] {
        let part = read(&*files, &key, start as u64, end as u64).await;
        assert!(part.is_some_and(|part| part == content[start..end]), "{start}..{end}");
    }
}

/// Nobody sees half a file.
pub async fn a_file_is_not_there_before_it_is_kept<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    let key = a_key("default");
    let mut incoming = files.receive().await.expect("the disk works");
    incoming.write(content(100_000)).await.expect("the disk works");
    assert_eq!(read(&*files, &key, 0, 1).await, None);
    assert_eq!(old(&*files, FOREVER).await, []);
    incoming.keep(&key).await.expect("the store works");
    assert_eq!(old(&*files, FOREVER).await, [key]);
}

/// And gone it stays, however often it is removed.
pub async fn a_removed_file_is_gone<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    let (key, other) = (a_key("default"), a_key("default"));
    keep(&*files, &key, &content(10), 10).await;
    keep(&*files, &other, &content(20), 10).await;
    for _ in 0..2 {
        files.remove(&key).await.expect("the store works");
        assert_eq!(read(&*files, &key, 0, 10).await, None);
    }
    assert_eq!(read(&*files, &other, 0, 20).await.map(|read| read.len()), Some(20));
}

/// No error, but nothing.
pub async fn an_unknown_file_is_not_there<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    assert_eq!(read(&*files, &a_key("nobody"), 0, 1).await, None);
    files.remove(&a_key("nobody")).await.expect("the store works");
}

/// Whatever tenants are called.
pub async fn tenants_have_their_own_files<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    let id = ids().attachment_id();
    let names = ["default", "..", ".", "a:b", "-", "A-z_0.9:x", "t_default"];
    for (place, name) in names.into_iter().enumerate() {
        keep(&*files, &FileKey { tenant_id: tenant(name), id }, &content(place + 1), 10).await;
    }
    for (place, name) in names.into_iter().enumerate() {
        let key = FileKey { tenant_id: tenant(name), id };
        assert_eq!(read(&*files, &key, 0, place as u64 + 1).await.map(|read| read.len()), Some(place + 1), "{name}");
    }
    let mut expected = names.map(|name| FileKey { tenant_id: tenant(name), id });
    expected.sort();
    assert_eq!(old(&*files, FOREVER).await, expected);
}

/// Those that were kept before a time, and no others.
pub async fn old_files_are_listed<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    assert_eq!(old(&*files, FOREVER).await, []);
    let mut keys: Vec<_> = ["a", "b", "a"].map(a_key).into();
    for key in &keys {
        keep(&*files, key, &content(10), 10).await;
    }
    keys.sort();
    assert_eq!(old(&*files, FOREVER).await, keys);
    assert_eq!(old(&*files, Timestamp::EPOCH).await, []);
}

/// Neither where it is given up, nor once it is old.
pub async fn what_was_not_finished_leaves_nothing<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    let mut incoming = files.receive().await.expect("the disk works");
    incoming.write(content(100_000)).await.expect("the disk works");
    drop(incoming);
    assert_eq!(files.drop_unfinished_before(FOREVER).await.expect("the disk works"), 0);
    assert_eq!(old(&*files, FOREVER).await, []);
}

/// None is taken for another.
pub async fn many_files_at_once_come_back<R: FilesRig>(rig: &R) {
    let files = rig.node().await;
    let keeping = (1..=20_usize).map(|number| {
        let (files, key) = (files.clone(), a_key("default"));
        async move {
            keep(&*files, &key, &content(number * 10_000), 4_096).await;
            read(&*files, &key, 0, number as u64 * 10_000).await.is_some_and(|read| read == content(number * 10_000))
        }
    });
    assert_eq!(together(|task| rig.spawn(task), keeping).await, [true; 20]);
}
