//! Histories: page by page, of one moment, and of nobody's business elsewhere.

use super::super::stage::{any_session, edit, history, remove, restore, say, texts_of, together, two_nodes};
use crate::clock::IdSource as _;
use crate::extension::AddOutcome;
use crate::message::{HistoryQuery, KeptText};
use crate::testing::builder::{a_message, an_edit, an_extension, ids, tenant};
use crate::testing::rig::StoreRig;

/// Pages of any size lead through all versions, and the message and what hangs on it comes with each of them.
pub async fn pages_lead_through_all_versions<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let mut message = say(&store, a_message(&session)).await;
    let added = store.extensions.add(an_extension(&session.tenant_id, &message)).await;
    assert!(matches!(added, Ok(AddOutcome::Added { .. })), "{added:?}");
    for turn in 1..6 {
        message = edit(&store, &session.tenant_id, &message, &format!("text {turn}")).await;
    }
    let all = history(&store, &session.tenant_id, message.id).await.versions;
    assert_eq!(all.len(), 6);
    for limit in 1..8 {
        let (mut query, mut read) = (HistoryQuery { after: 0, limit }, Vec::new());
        loop {
            let found = store.messages.history(&session.tenant_id, message.id, &query).await.expect("the store works");
            let found = found.expect("the message is there");
            assert_eq!(found.message, message);
            let next = found.next(&query);
            read.extend(found.versions);
            let Some(next) = next else { break };
            query = next;
        }
        assert_eq!(read, all, "{limit}");
    }
    let beyond = HistoryQuery { after: i64::MAX, limit: 1_000 };
    let beyond = store.messages.history(&session.tenant_id, message.id, &beyond).await.expect("the store works");
    assert!(beyond.is_some_and(|beyond| beyond.versions.is_empty() && !beyond.more));
}

/// An earlier text is an extension under the id that its edit brought, since that edit.
pub async fn earlier_texts_are_kept_under_the_ids_of_their_edits<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let edits = ["one", "two"].map(an_edit);
    let expected = edits.each_ref().map(|edit| Some(KeptText { id: edit.extension_id, replaced_at: edit.at }));
    for edit in edits {
        store.messages.edit(&session.tenant_id, message.id, edit).await.expect("the store works");
    }
    let versions = history(&store, &session.tenant_id, message.id).await.versions.into_iter();
    let kept: Vec<_> = versions.map(|version| version.kept).collect();
    assert_eq!(kept, [expected[0], expected[1], None]);
}

/// What a deleted message read is told to nobody, until it is restored.
pub async fn a_tombstone_tells_no_text<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    edit(&store, &session.tenant_id, &message, "other").await;
    let before = history(&store, &session.tenant_id, message.id).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    let hidden = history(&store, &session.tenant_id, message.id).await;
    assert_eq!((hidden.message, hidden.versions, hidden.more), (tombstone, Vec::new(), false));
    let message = restore(&store, &session.tenant_id, &message).await;
    let after = history(&store, &session.tenant_id, message.id).await;
    assert_eq!((after.message, after.versions), (message, before.versions));
}

/// Other messages have other histories.
pub async fn each_message_has_its_own_history<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let [one, other] = [say(&store, a_message(&session)).await, say(&store, a_message(&session)).await];
    edit(&store, &session.tenant_id, &one, "one").await;
    edit(&store, &session.tenant_id, &other, "other").await;
    edit(&store, &session.tenant_id, &one, "one more").await;
    assert_eq!(texts_of(&store, &session.tenant_id, one.id).await, ["hello", "one", "one more"]);
    assert_eq!(texts_of(&store, &session.tenant_id, other.id).await, ["hello", "other"]);
}

/// Neither is there a history of what was never written, nor of another tenant's message.
pub async fn what_is_not_there_has_no_history<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    edit(&store, &session.tenant_id, &message, "other").await;
    let query = HistoryQuery { after: 0, limit: 10 };
    for (tenant, id) in [(session.tenant_id, ids().message_id()), (tenant("other"), message.id)] {
        let found = store.messages.history(&tenant, id, &query).await.expect("the store works");
        assert_eq!(found, None, "{tenant} {id}");
    }
}

/// Whoever reads while others edit reads of one moment: the last version is what the message then reads, and none before it
/// is missing.
pub async fn a_history_and_its_message_are_of_one_moment<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    let tasks = (0..24).map(|task| {
        let (store, tenant, message) = (nodes[task % 2].clone(), session.tenant_id.clone(), message.clone());
        async move {
            for turn in 0..4 {
                if task % 3 == 0 {
                    edit(&store, &tenant, &message, &format!("text {task} {turn}")).await;
                    continue;
                }
                let found = history(&store, &tenant, message.id).await;
                let last = found.versions.last().expect("a message reads something");
                assert_eq!((&last.content, last.kept), (&found.message.content, None));
                let edits = i64::try_from(found.versions.len()).expect("small") - 1;
                assert_eq!(found.message.rev.get(), message.rev.get() + edits, "each edit took a rev and is told");
            }
        }
    });
    together(|task| rig.spawn(task), tasks).await;
}
