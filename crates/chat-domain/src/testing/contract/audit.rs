//! What an [`AuditRepository`](crate::audit::AuditRepository) promises, and those who write entries with what they record.

use super::stage::{any_session, create, say, together, two_nodes};
use crate::access::{Action, Role};
use crate::audit::{AuditEntry, AuditPage, AuditQuery};
use crate::clock::IdSource as _;
use crate::id::TenantId;
use crate::message::{Removal, RemoveOutcome};
use crate::precondition::{Expected, Precondition};
use crate::query::MAX_LIMIT;
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_message, a_removal, a_session, an_entry, ids, next_moment, participant, tenant};
use crate::testing::rig::{Store, StoreRig};
use crate::timestamp::Timestamp;

/// Runs the suite of an audit repository on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `audit_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! audit_repository_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as StoreRig,
            audit,
            [
                an_entry_comes_back_as_it_was_written,
                a_removal_of_no_matter_to_the_audit_leaves_no_entry,
                what_changed_nothing_leaves_no_entry,
                twenty_removals_at_once_leave_one_entry,
                the_newest_entry_stands_first,
                pages_lead_through_all_entries_both_ways,
                entries_are_found_by_who_did_it_and_by_what_was_done,
                what_a_newer_version_recorded_is_shown,
                another_tenants_audit_is_not_shown,
                old_entries_of_all_tenants_are_forgotten,
            ]
        );
    };
}

/// The question for the newest thousand entries.
const ALL: AuditQuery = AuditQuery { actor: None, action: None, limit: MAX_LIMIT, cursor: None };

async fn list(store: &Store, tenant: &TenantId, query: &AuditQuery) -> AuditPage {
    store.audit.list(tenant, query).await.expect("the store works")
}

async fn all(store: &Store, session: &Session) -> Vec<AuditEntry> {
    list(store, &session.tenant_id, &ALL).await.entries
}

/// Has the entry written, with a removal.
async fn record(store: &Store, session: &Session, entry: AuditEntry) -> AuditEntry {
    let message = say(store, a_message(session)).await;
    let removal = Removal { audit: Some(entry.clone()), ..a_removal() };
    let outcome = store.messages.remove(&session.tenant_id, message.id, removal).await.expect("the store works");
    assert!(matches!(outcome, RemoveOutcome::Removed(_)), "{outcome:?}");
    entry
}

/// So many entries, one after the other, the oldest first.
async fn record_many(store: &Store, session: &Session, count: usize) -> Vec<AuditEntry> {
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(record(store, session, an_entry(session)).await);
    }
    entries
}

fn reversed(entries: &[AuditEntry]) -> Vec<AuditEntry> {
    entries.iter().rev().cloned().collect()
}

/// Every field, of every role, for things in a session and others.
pub async fn an_entry_comes_back_as_it_was_written<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let mut entries = Vec::new();
    for actor_role in Role::ALL {
        let actor_id = participant("Zoë \"O'Hara\"; --");
        entries.push(record(&store, &session, AuditEntry { actor_id, actor_role, ..an_entry(&session) }).await);
    }
    let of_a_user =
        AuditEntry { thing_kind: "user".into(), thing_id: "x".repeat(255), session_id: None, ..an_entry(&session) };
    entries.push(record(&store, &session, of_a_user).await);
    assert_eq!(all(&store, &session).await, reversed(&entries));
}

/// Whoever deletes what is its own moderates nobody.
pub async fn a_removal_of_no_matter_to_the_audit_leaves_no_entry<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    store.messages.remove(&session.tenant_id, message.id, a_removal()).await.expect("the store works");
    assert_eq!(list(&store, &session.tenant_id, &ALL).await, AuditPage::default());
}

/// An entry says that something was done: there is none where it was not.
pub async fn what_changed_nothing_leaves_no_entry<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let try_remove = async |id, precondition| {
        let removal = Removal { precondition, audit: Some(an_entry(&session)), ..a_removal() };
        store.messages.remove(&session.tenant_id, id, removal).await.expect("the store works")
    };
    let wrong = Precondition::OneOf(vec![Expected::Unknown]);
    assert_eq!(try_remove(message.id, wrong).await, RemoveOutcome::PreconditionFailed);
    assert_eq!(try_remove(ids().message_id(), Precondition::None).await, RemoveOutcome::Missing);
    assert_eq!(all(&store, &session).await, []);
    assert!(matches!(try_remove(message.id, Precondition::None).await, RemoveOutcome::Removed(_)));
    assert!(matches!(try_remove(message.id, Precondition::None).await, RemoveOutcome::AlreadyRemoved(_)));
    assert_eq!(all(&store, &session).await.len(), 1);
}

/// Only the one who deleted it stands in the audit.
pub async fn twenty_removals_at_once_leave_one_entry<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    let removals = (0..20).map(|task| {
        let (store, session) = (nodes[task % 2].clone(), session.clone());
        async move {
            let entry = AuditEntry { actor_id: participant(&format!("task-{task}")), ..an_entry(&session) };
            let removal = Removal { audit: Some(entry.clone()), ..a_removal() };
            let outcome = store.messages.remove(&session.tenant_id, message.id, removal).await;
            matches!(outcome.expect("the store works"), RemoveOutcome::Removed(_)).then_some(entry)
        }
    });
    let winners: Vec<_> = together(|task| rig.spawn(task), removals).await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(all(&nodes[1], &session).await, winners);
}

/// By time, and where that is the same by id, in whatever order they were written.
pub async fn the_newest_entry_stands_first<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (early, late) = (next_moment(), next_moment());
    let at = |created_at| AuditEntry { created_at, ..an_entry(&session) };
    // Each has a greater id than the one before.
    let entries = [at(late), at(early), at(late), at(early)];
    for entry in [2, 0, 3, 1].map(|place: usize| entries[place].clone()) {
        record(&store, &session, entry).await;
    }
    let expected = [2, 0, 3, 1].map(|place: usize| entries[place].clone());
    assert_eq!(all(&store, &session).await, expected);
}

/// Each page begins where the one before ended, forth and back again.
pub async fn pages_lead_through_all_entries_both_ways<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let newest_first = reversed(&record_many(&store, &session, 7).await);
    let (mut query, mut forth) = (AuditQuery { limit: 3, ..ALL }, Vec::new());
    let last = loop {
        let page = list(&store, &session.tenant_id, &query).await;
        assert_eq!(page.prev.is_none(), forth.is_empty());
        forth.extend(page.entries.clone());
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break page,
        }
    };
    assert_eq!(forth, newest_first);
    let (mut back, mut prev) = (last.entries, last.prev);
    while let Some(cursor) = prev {
        let page = list(&store, &session.tenant_id, &AuditQuery { cursor: Some(cursor), ..query.clone() }).await;
        assert!(page.next.is_some() && !page.entries.is_empty());
        back.splice(0..0, page.entries);
        prev = page.prev;
    }
    assert_eq!(back, newest_first);
}

/// Both narrow the list, alone and together, on every page.
pub async fn entries_are_found_by_who_did_it_and_by_what_was_done<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let mut entries = Vec::new();
    for (actor, action) in [("ann", Action::DeleteMessage), ("bob", Action::DeleteMessage), ("ann", Action::EndSession)]
    {
        for _ in 0..2 {
            let (actor_id, action) = (participant(actor), action.as_str().into());
            entries.push(record(&store, &session, AuditEntry { actor_id, action, ..an_entry(&session) }).await);
        }
    }
    let found = async |actor: Option<&str>, action| {
        let query = AuditQuery { actor: actor.map(participant), action, limit: 1, ..ALL };
        let mut found = Vec::new();
        let mut page = list(&store, &session.tenant_id, &query).await;
        found.append(&mut page.entries);
        while page.next.is_some() {
            page = list(&store, &session.tenant_id, &AuditQuery { cursor: page.next, ..query.clone() }).await;
            found.append(&mut page.entries);
        }
        let place = |entry: &AuditEntry| entries.iter().position(|known| known == entry).expect("a known entry");
        found.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(found(Some("ann"), None).await, [5, 4, 1, 0]);
    assert_eq!(found(None, Some(Action::DeleteMessage)).await, [3, 2, 1, 0]);
    assert_eq!(found(Some("ann"), Some(Action::DeleteMessage)).await, [1, 0]);
    assert_eq!(found(Some("eve"), None).await, [0; 0]);
    assert_eq!(found(Some("bob"), Some(Action::EndSession)).await, [0; 0]);
}

/// While a new version is rolled out, nodes of the old one show what it wrote.
pub async fn what_a_newer_version_recorded_is_shown<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let unknown = AuditEntry { action: "paint_session".into(), thing_kind: "colour".into(), ..an_entry(&session) };
    let entry = record(&store, &session, unknown).await;
    assert_eq!(all(&store, &session).await, [entry]);
}

/// Neither in the list nor by a cursor.
pub async fn another_tenants_audit_is_not_shown<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    record_many(&store, &session, 3).await;
    let other = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    assert_eq!(list(&store, &other.tenant_id, &ALL).await, AuditPage::default());
    let own = record(&store, &other, an_entry(&other)).await;
    let query = AuditQuery { limit: 1, actor: Some(own.actor_id.clone()), ..ALL };
    let page = list(&store, &other.tenant_id, &query).await;
    assert_eq!((page.entries, page.next), (vec![own], None));
    let foreign = list(&store, &session.tenant_id, &query).await.next;
    let page = list(&store, &other.tenant_id, &AuditQuery { cursor: foreign, ..ALL }).await;
    assert_eq!(page.entries, []);
}

/// Those of that very moment, and later ones, stay.
pub async fn old_entries_of_all_tenants_are_forgotten<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let other = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    let old = record(&store, &session, an_entry(&session)).await;
    record(&store, &other, an_entry(&other)).await;
    let young = record(&store, &session, an_entry(&session)).await;
    let forget = async |time: Timestamp| store.audit.forget_before(time).await.expect("the store works");
    assert_eq!(forget(old.created_at).await, 0);
    assert_eq!(forget(young.created_at).await, 2);
    assert_eq!(all(&store, &session).await, [young]);
    assert_eq!(all(&store, &other).await, []);
    assert_eq!(forget(next_moment()).await, 1);
}
