//! What a crash between a file and its row leaves: nothing that is served, and nothing that is never swept.

use std::sync::Arc;

use bytes::Bytes;
use chat_domain::attachment::{AttachmentFiles, AttachmentSweep, FileKey, NewAttachment, ReserveOutcome, Swept};
use chat_domain::session::{CreateOutcome, Session};
use chat_domain::testing::builder::{a_session, an_attachment};
use chat_domain::testing::rig::{FilesRig, Store, StoreRig};
use chat_domain::timestamp::Timestamp;

use crate::files::{DiskRig, S3Rig};
use crate::postgres::PostgresRig;
use crate::sqlite::SqliteRig;

const DAY: i64 = 24 * 3_600;
const SIZE: u64 = 1_000;

/// A store and a place of files, to be crashed over.
struct Scene {
    store: Store,
    files: Arc<dyn AttachmentFiles>,
    session: Session,
}

impl Scene {
    async fn new(store: Store, files: Arc<dyn AttachmentFiles>) -> Self {
        let CreateOutcome::Created(session) = store.sessions.create(a_session()).await.unwrap() else { panic!() };
        Self { store, files, session }
    }

    /// An upload, as far as this step: 1 in the midst of its bytes, 2 reserved, 3 kept, 4 committed.
    async fn upload_until(&self, step: u8) -> FileKey {
        let new = NewAttachment { size: SIZE, ..an_attachment(&self.session) };
        let key = new.key();
        let mut incoming = self.files.receive().await.unwrap();
        incoming.write(Bytes::from(vec![b'x'; 1_000])).await.unwrap();
        if step >= 2 {
            let reserved = self.store.attachments.reserve(new.clone(), None).await.unwrap();
            assert_eq!(reserved, ReserveOutcome::Reserved);
        }
        if step >= 3 {
            incoming.keep(&key).await.unwrap();
        } else {
            // A process that is killed drops nothing.
            std::mem::forget(incoming);
        }
        if step >= 4 {
            self.store.attachments.commit(&key.tenant_id, key.id, None).await.unwrap();
        }
        key
    }

    async fn is_served(&self, key: &FileKey) -> bool {
        self.store.attachments.find(&key.tenant_id, key.id).await.unwrap().is_some()
    }

    async fn kept(&self) -> Vec<FileKey> {
        let mut listing = self.files.kept_before(Timestamp::MAX).await.unwrap();
        let mut kept = Vec::new();
        loop {
            let some = listing.next().await.unwrap();
            if some.is_empty() {
                kept.sort();
                return kept;
            }
            kept.extend(some);
        }
    }

    /// What the tenant's files take, found out by what there is room for.
    async fn takes(&self, bytes: u64) {
        let try_reserve = async |size: u64, quota: u64| {
            let new = NewAttachment { size, ..an_attachment(&self.session) };
            let key = new.key();
            let outcome = self.store.attachments.reserve(new, Some(quota)).await.unwrap();
            self.store.attachments.forget(&[key]).await.unwrap();
            outcome
        };
        assert_eq!(try_reserve(1, bytes).await, ReserveOutcome::QuotaExceeded);
        assert_eq!(try_reserve(1, bytes + 1).await, ReserveOutcome::Reserved);
    }
}

async fn crash<R: StoreRig, F: FilesRig>() {
    let (store, files) = (R::start().await, F::start().await);
    let scene = Scene::new(store.node().await, files.node().await).await;
    let [begun, reserved, kept, whole] = [
        scene.upload_until(1).await,
        scene.upload_until(2).await,
        scene.upload_until(3).await,
        scene.upload_until(4).await,
    ];
    for lost in [&begun, &reserved, &kept] {
        assert!(!scene.is_served(lost).await, "it was never whole");
    }
    assert!(scene.is_served(&whole).await);
    scene.takes(3 * SIZE).await;
    let sweep = AttachmentSweep::new(scene.store.attachments.clone(), scene.files.clone(), DAY);
    // Rows are as old as the domain's clock says, files as old as the disk's: each sweep sees one of them grow old.
    let now = whole_moment(&scene, &whole).await;
    let rows = sweep.sweep(now.plus_seconds(2 * 3_600)).await.unwrap();
    assert_eq!(rows.attachments, 2, "those that were reserved and never committed");
    assert_eq!(scene.kept().await, std::slice::from_ref(&whole));
    assert!(scene.is_served(&whole).await, "what is whole has a day to be sent");
    scene.takes(SIZE).await;
    let all = sweep.sweep(Timestamp::MAX).await.unwrap();
    assert_eq!((all.attachments, rows.unfinished + all.unfinished), (1, 2));
    assert_eq!(scene.kept().await, []);
    assert!(!scene.is_served(&whole).await);
    assert_eq!(sweep.sweep(Timestamp::MAX).await.unwrap(), Swept::default());
    // A row that is gone leaves no file for ever, whatever became of it.
    let stray = scene.upload_until(3).await;
    scene.store.attachments.forget(std::slice::from_ref(&stray)).await.unwrap();
    assert_eq!(sweep.sweep_strays(Timestamp::EPOCH).await.unwrap(), Swept::default(), "it is young");
    assert_eq!(scene.kept().await, [stray]);
    assert_eq!(sweep.sweep_strays(Timestamp::MAX).await.unwrap().strays, 1);
    assert_eq!(scene.kept().await, []);
}

async fn whole_moment(scene: &Scene, key: &FileKey) -> Timestamp {
    scene.store.attachments.find(&key.tenant_id, key.id).await.unwrap().unwrap().created_at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_on_sqlite_and_disk_leaves_nothing_for_ever() {
    crash::<SqliteRig, DiskRig>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_on_postgres_and_s3_leaves_nothing_for_ever() {
    crash::<PostgresRig, S3Rig>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_on_postgres_and_disk_leaves_nothing_for_ever() {
    crash::<PostgresRig, DiskRig>().await;
}
