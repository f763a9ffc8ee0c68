//! Messages that the audit keeps: neither is there without the other.

use super::super::stage::{all_messages, any_session, append, create, end, stored, together, two_nodes};
use crate::access::Action;
use crate::audit::{AuditEntry, AuditQuery};
use crate::clock::IdSource as _;
use crate::error::RepositoryError;
use crate::message::{AppendOutcome, NewMessage};
use crate::query::MAX_LIMIT;
use crate::session::Session;
use crate::testing::builder::{a_key, a_message, a_session, an_entry, ids, participant};
use crate::testing::rig::{Store, StoreRig};

/// A message under another's name, with the entry that says who wrote it.
fn kept(session: &Session) -> NewMessage {
    let message = a_message(session);
    let (action, thing_id) = (Action::WriteMessage.as_str().into(), message.id.to_string());
    let entry = AuditEntry { action, thing_id, created_at: message.created_at, ..an_entry(session) };
    NewMessage { audit: Some(Box::new(entry)), ..message }
}

fn entry_of(new: &NewMessage) -> AuditEntry {
    new.audit.as_deref().cloned().expect("a message that the audit keeps")
}

/// All entries, the oldest first.
async fn entries(store: &Store, session: &Session) -> Vec<AuditEntry> {
    let query = AuditQuery { actor: None, action: None, limit: MAX_LIMIT, cursor: None };
    let page = store.audit.list(&session.tenant_id, &query).await.expect("the store works");
    page.entries.into_iter().rev().collect()
}

/// Whatever else stands in the batch: an entry says that something was said.
pub async fn an_entry_is_stored_where_its_message_is<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let over = create(&store, a_session()).await;
    end(&store, &over).await;
    let keyed = |command| NewMessage { idempotency: Some(a_key("k", command)), ..kept(&session) };
    let batch = vec![
        keyed("c"),
        a_message(&session),
        kept(&session),
        keyed("c"),
        keyed("another"),
        kept(&over),
        NewMessage { session_id: ids().session_id(), ..kept(&session) },
        NewMessage { confined_to: Some(participant("nobody")), ..kept(&session) },
    ];
    let expected = [entry_of(&batch[0]), entry_of(&batch[2])];
    let outcomes = append(&store, batch).await;
    let is_stored = |outcome: &AppendOutcome| matches!(outcome, AppendOutcome::Stored { .. });
    let places: Vec<_> = (0..outcomes.len()).filter(|place| is_stored(&outcomes[*place])).collect();
    assert_eq!(places, [0, 1, 2]);
    assert_eq!(entries(&store, &session).await, expected);
    append(&store, vec![keyed("c")]).await;
    assert_eq!(entries(&store, &session).await, expected);
}

/// Neither they nor what was to be said beside them is there.
pub async fn a_message_whose_entry_cannot_be_stored_is_not_stored<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = kept(&session);
    let again = NewMessage { audit: first.audit.clone(), ..a_message(&session) };
    let said = stored(append(&store, vec![first.clone()]).await.remove(0));
    let refused = store.messages.append(vec![a_message(&session), again]).await;
    assert!(matches!(refused, Err(RepositoryError::Internal(_))), "{refused:?}");
    assert_eq!(all_messages(&store, &session).await, [said]);
    assert_eq!(entries(&store, &session).await, [entry_of(&first)]);
}

/// Only the one that was stored stands in the audit.
pub async fn twenty_repeats_at_once_leave_one_entry<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let repeats = (0..20).map(|task| {
        let (store, session) = (nodes[task % 2].clone(), session.clone());
        async move {
            let new = NewMessage { idempotency: Some(a_key("k", "c")), ..kept(&session) };
            let entry = entry_of(&new);
            let outcome = append(&store, vec![new]).await.remove(0);
            matches!(outcome, AppendOutcome::Stored { .. }).then_some(entry)
        }
    });
    let winners: Vec<_> = together(|task| rig.spawn(task), repeats).await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(entries(&nodes[1], &session).await, winners);
}
