//! What is doomed, forgotten, and without a row.

use super::{commit, find, reserve, upload};
use crate::attachment::{Attachment, CommitOutcome, Enclosure, FileKey, NewAttachment, ReserveOutcome};
use crate::clock::IdSource as _;
use crate::message::{AppendOutcome, NewMessage};
use crate::session::Session;
use crate::testing::builder::{a_message, an_attachment, ids, metadata, next_moment, tenant};
use crate::testing::contract::stage::{any_session, append_one, say};
use crate::testing::rig::{Store, StoreRig};
use crate::timestamp::Timestamp;

const NEVER: Timestamp = Timestamp::EPOCH;

fn key(session: &Session, attachment: &Attachment) -> FileKey {
    FileKey { tenant_id: session.tenant_id.clone(), id: attachment.id }
}

async fn doomed(store: &Store, reserved: Timestamp, unsent: Timestamp) -> Vec<FileKey> {
    let mut keys = store.attachments.doom(reserved, unsent).await.expect("the store works");
    keys.sort();
    keys
}

async fn forget(store: &Store, keys: &[FileKey]) {
    store.attachments.forget(keys).await.expect("the store works");
}

fn enclosing(session: &Session, attachment: &Attachment) -> NewMessage {
    let enclosures = vec![Enclosure { id: attachment.id, data: metadata("{}") }];
    NewMessage { enclosures, ..a_message(session) }
}

/// In each stage by its own age, and again until it is forgotten; what was sent never.
pub async fn what_is_old_and_was_not_sent_is_doomed_until_it_is_forgotten<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let sent = upload(&store, &session).await;
    say(&store, enclosing(&session, &sent)).await;
    let reserved = an_attachment(&session);
    reserve(&store, reserved.clone()).await;
    let unsent = upload(&store, &session).await;
    let later = next_moment();
    let young = upload(&store, &session).await;
    assert_eq!(doomed(&store, NEVER, NEVER).await, []);
    assert_eq!(doomed(&store, reserved.created_at, unsent.created_at).await, [], "only what is older");
    assert_eq!(doomed(&store, later, NEVER).await, [reserved.key()]);
    let both = [reserved.key(), key(&session, &unsent)];
    assert_eq!(doomed(&store, later, later).await, both);
    assert_eq!(find(&store, &session, &unsent).await, None);
    assert_eq!(doomed(&store, NEVER, NEVER).await, both, "until they are forgotten");
    forget(&store, &both).await;
    assert_eq!(doomed(&store, later, later).await, []);
    assert!(find(&store, &session, &young).await.is_some() && find(&store, &session, &sent).await.is_some());
}

/// Its file may be gone.
pub async fn what_is_doomed_can_neither_be_committed_nor_sent<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let reserved = an_attachment(&session);
    reserve(&store, reserved.clone()).await;
    let unsent = upload(&store, &session).await;
    let later = next_moment();
    assert_eq!(doomed(&store, later, later).await.len(), 2);
    let committed = store.attachments.commit(&session.tenant_id, reserved.id, None).await.expect("the store works");
    assert_eq!(committed, CommitOutcome::Missing);
    let outcome = append_one(&store, enclosing(&session, &unsent)).await;
    assert_eq!(outcome, AppendOutcome::AttachmentTaken(unsent.id));
}

/// However often it is forgotten.
pub async fn what_was_forgotten_gives_its_room_back_once<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let of_size = |size| NewAttachment { size, ..an_attachment(&session) };
    let (first, second) = (of_size(60), of_size(40));
    reserve(&store, first.clone()).await;
    reserve(&store, second.clone()).await;
    for _ in 0..3 {
        forget(&store, &[first.key(), FileKey { tenant_id: tenant("other"), ..second.key() }]).await;
    }
    let try_reserve = async |size| store.attachments.reserve(of_size(size), Some(100)).await.expect("the store works");
    assert_eq!(try_reserve(61).await, ReserveOutcome::QuotaExceeded);
    assert_eq!(try_reserve(60).await, ReserveOutcome::Reserved);
}

/// Whoever asks for it by mistake.
pub async fn what_is_good_is_not_forgotten<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let attachment = upload(&store, &session).await;
    forget(&store, &[key(&session, &attachment)]).await;
    assert_eq!(find(&store, &session, &attachment).await, Some(attachment));
}

/// Of these messages and no others, and of this tenant.
pub async fn what_went_with_erased_messages_is_doomed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let [erased, kept] = [upload(&store, &session).await, upload(&store, &session).await];
    let message = say(&store, enclosing(&session, &erased)).await.id;
    let other = say(&store, enclosing(&session, &kept)).await.id;
    store.attachments.doom_sent(&tenant("other"), &[message, other]).await.expect("the store works");
    store.attachments.doom_sent(&session.tenant_id, &[message]).await.expect("the store works");
    assert_eq!(doomed(&store, NEVER, NEVER).await, [key(&session, &erased)]);
    assert_eq!(find(&store, &session, &erased).await, None);
    assert!(find(&store, &session, &kept).await.is_some());
}

/// A row in any stage keeps its file.
pub async fn strays_are_files_without_a_row<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let reserved = an_attachment(&session);
    reserve(&store, reserved.clone()).await;
    let new = an_attachment(&session);
    reserve(&store, new.clone()).await;
    commit(&store, &new).await;
    let stray = FileKey { tenant_id: session.tenant_id.clone(), id: ids().attachment_id() };
    let of_another = FileKey { tenant_id: tenant("other"), id: new.id };
    let asked = vec![reserved.key(), stray.clone(), new.key(), of_another.clone()];
    let mut strays = store.attachments.strays(asked).await.expect("the store works");
    strays.sort();
    let mut expected = [stray, of_another];
    expected.sort();
    assert_eq!(strays, expected);
    assert_eq!(store.attachments.strays(Vec::new()).await.expect("the store works"), []);
}
