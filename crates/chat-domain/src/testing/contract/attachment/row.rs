//! Rows: reserved, committed, counted, repeated.

use super::{commit, reserve, upload};
use crate::access::Role;
use crate::attachment::{CommitOutcome, FileName, NewAttachment, ReserveOutcome};
use crate::clock::IdSource as _;
use crate::idempotency::{Digest, Idempotency};
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_key, a_session, an_attachment, ids, participant, tenant};
use crate::testing::contract::stage::{any_session, create, together, two_nodes};
use crate::testing::rig::{Store, StoreRig};

async fn commit_with(store: &Store, new: &NewAttachment, key: Idempotency) -> CommitOutcome {
    store.attachments.commit(&new.tenant_id, new.id, Some(key)).await.expect("the store works")
}

async fn try_reserve(store: &Store, new: NewAttachment, quota: u64) -> ReserveOutcome {
    store.attachments.reserve(new, Some(quota)).await.expect("the store works")
}

fn of_size(session: &Session, size: u64) -> NewAttachment {
    NewAttachment { size, ..an_attachment(session) }
}

/// All that is known of it comes back, from `commit` and from `find`.
pub async fn an_attachment_comes_back_as_it_was_given<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let new = NewAttachment {
        filename: FileName::of(Some("Ünïcode 日本 👍🏽's.txt")),
        uploaded_by: participant("bob's \"agent\""),
        uploader_role: Role::Supervisor,
        content_type: "application/x.y+z".to_owned(),
        size: u64::from(u32::MAX) + 1,
        sha256: Digest::new([0xfe; 32]),
        ..an_attachment(&session)
    };
    reserve(&store, new.clone()).await;
    assert_eq!(commit(&store, &new).await, new.to_attachment());
    let found = store.attachments.find(&session.tenant_id, new.id).await.expect("the store works");
    assert_eq!(found, Some(new.to_attachment()));
}

/// A file that may not be there yet is nobody's.
pub async fn what_is_reserved_is_not_found<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let new = an_attachment(&any_session(&store).await);
    reserve(&store, new.clone()).await;
    assert_eq!(store.attachments.find(&new.tenant_id, new.id).await.expect("the store works"), None);
}

/// The same id in another tenant is the id of nothing.
pub async fn another_tenants_attachment_is_not_found<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let attachment = upload(&store, &session).await;
    assert_eq!(store.attachments.find(&tenant("other"), attachment.id).await.expect("the store works"), None);
    let committed = store.attachments.commit(&tenant("other"), attachment.id, None).await.expect("the store works");
    assert_eq!(committed, CommitOutcome::Missing);
}

/// Nor what was committed before.
pub async fn what_was_not_reserved_cannot_be_committed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    for id in [ids().attachment_id(), upload(&store, &session).await.id] {
        let committed = store.attachments.commit(&session.tenant_id, id, None).await.expect("the store works");
        assert_eq!(committed, CommitOutcome::Missing);
    }
}

/// What is reserved counts as what is kept does; each tenant has its own room.
pub async fn the_files_of_a_tenant_have_so_much_room_together<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = of_size(&session, 60);
    assert_eq!(try_reserve(&store, first.clone(), 100).await, ReserveOutcome::Reserved);
    assert_eq!(try_reserve(&store, of_size(&session, 41), 100).await, ReserveOutcome::QuotaExceeded);
    commit(&store, &first).await;
    assert_eq!(try_reserve(&store, of_size(&session, 41), 100).await, ReserveOutcome::QuotaExceeded);
    assert_eq!(try_reserve(&store, of_size(&session, 40), 100).await, ReserveOutcome::Reserved);
    assert_eq!(try_reserve(&store, of_size(&session, 1), 100).await, ReserveOutcome::QuotaExceeded);
    let other = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    assert_eq!(try_reserve(&store, of_size(&other, 100), 100).await, ReserveOutcome::Reserved);
    assert_eq!(try_reserve(&store, of_size(&other, 101), 100).await, ReserveOutcome::QuotaExceeded);
    // Without a quota what is there is counted all the same.
    reserve(&store, of_size(&session, 1_000)).await;
    assert_eq!(try_reserve(&store, of_size(&session, 1), 1_100).await, ReserveOutcome::QuotaExceeded);
    assert_eq!(try_reserve(&store, of_size(&session, 1), 1_101).await, ReserveOutcome::Reserved);
}

/// However many ask at once, on two nodes.
pub async fn a_race_for_the_last_room_has_one_winner<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let asking = (0..20).map(|number: usize| {
        let (store, new) = (nodes[number % 2].clone(), of_size(&session, 60));
        async move { try_reserve(&store, new, 100).await }
    });
    let outcomes = together(|task| rig.spawn(task), asking).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == ReserveOutcome::Reserved).count(), 1);
}

/// Before it is committed and when it is: the second makes nothing that is found.
pub async fn a_repeated_key_leads_to_the_first<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (key, [one, other]) = (a_key("k", "c"), [(); 2].map(|()| an_attachment(&session)));
    let replay = || async { store.attachments.replay(&session.tenant_id, key).await.expect("the store works") };
    reserve(&store, one.clone()).await;
    assert_eq!(replay().await, None, "nothing has come of it yet");
    assert_eq!(commit_with(&store, &one, key).await, CommitOutcome::Stored(one.to_attachment()));
    assert_eq!(replay().await, Some(CommitOutcome::Replayed(one.to_attachment())));
    reserve(&store, other.clone()).await;
    assert_eq!(commit_with(&store, &other, key).await, CommitOutcome::Replayed(one.to_attachment()));
    assert_eq!(store.attachments.find(&session.tenant_id, other.id).await.expect("the store works"), None);
}

/// A key stands for one command.
pub async fn a_key_is_refused_for_another_command<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let [one, other] = [(); 2].map(|()| an_attachment(&session));
    reserve(&store, one.clone()).await;
    reserve(&store, other.clone()).await;
    commit_with(&store, &one, a_key("k", "c")).await;
    assert_eq!(commit_with(&store, &other, a_key("k", "d")).await, CommitOutcome::KeyReused);
    let replayed = store.attachments.replay(&session.tenant_id, a_key("k", "d")).await.expect("the store works");
    assert_eq!(replayed, Some(CommitOutcome::KeyReused));
}

/// Another tenant's key is another key.
pub async fn a_key_belongs_to_its_tenant<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let key = a_key("k", "c");
    for name in ["default", "other"] {
        let session = create(&store, NewSession { tenant_id: tenant(name), ..a_session() }).await;
        assert_eq!(store.attachments.replay(&session.tenant_id, key).await.expect("the store works"), None);
        let new = an_attachment(&session);
        reserve(&store, new.clone()).await;
        assert_eq!(commit_with(&store, &new, key).await, CommitOutcome::Stored(new.to_attachment()));
    }
}

/// On two nodes, all at once.
pub async fn keys_that_race_make_one_attachment<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let key = a_key("k", "c");
    let racing = (0..12).map(|number: usize| {
        let (store, new) = (nodes[number % 2].clone(), an_attachment(&session));
        async move {
            reserve(&store, new.clone()).await;
            commit_with(&store, &new, key).await
        }
    });
    let outcomes = together(|task| rig.spawn(task), racing).await;
    let stored: Vec<_> = outcomes.iter().filter(|outcome| matches!(outcome, CommitOutcome::Stored(_))).collect();
    let [CommitOutcome::Stored(first)] = stored[..] else { panic!("{outcomes:?}") };
    let replays = outcomes.iter().filter(|outcome| **outcome == CommitOutcome::Replayed(first.clone())).count();
    assert_eq!(replays, 11);
}
