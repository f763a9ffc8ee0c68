//! What a [`RevisionSource`](crate::session::RevisionSource) promises.

use super::stage::{any_session, create, remove, say, session_now, together, two_nodes, update};
use crate::access::View;
use crate::clock::IdSource;
use crate::message::{NewMessage, PageQuery};
use crate::revision::{Rev, Revision};
use crate::session::{NewSession, Session, SessionChange, SessionKey};
use crate::testing::builder::{a_message, a_session, ids, participant, tenant};
use crate::testing::rig::{Store, StoreRig};

/// Runs the suite of a revision source on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `revision_source_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! revision_source_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as StoreRig,
            revision,
            [
                revs_stand_in_the_order_of_the_question,
                an_unknown_session_has_none,
                another_tenants_session_has_none,
                a_revision_is_that_of_the_session_as_it_is_read,
                a_question_about_nothing_has_an_empty_answer,
                every_change_is_seen_at_once_on_the_other_node,
                no_reader_is_told_less_than_was_answered_before_it_asked,
            ]
        );
    };
}

fn key(session: &Session) -> SessionKey {
    SessionKey { tenant_id: session.tenant_id.clone(), id: session.id }
}

async fn revisions(store: &Store, keys: Vec<SessionKey>) -> Vec<Option<Revision>> {
    store.revisions.revs(keys).await.expect("the store works")
}

async fn revs(store: &Store, keys: Vec<SessionKey>) -> Vec<Option<Rev>> {
    let found = revisions(store, keys).await;
    found.into_iter().map(|revision| revision.map(|revision| revision.rev)).collect()
}

async fn rev(store: &Store, session: &Session) -> Option<Rev> {
    revs(store, vec![key(session)]).await.remove(0)
}

/// One answer for each question, also where one session is asked for twice, and tenants are mixed.
pub async fn revs_stand_in_the_order_of_the_question<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let mut sessions = Vec::new();
    for count in 0..5 {
        let session = create(&store, NewSession { tenant_id: tenant(&format!("t{}", count % 2)), ..a_session() }).await;
        for _ in 0..count {
            say(&store, a_message(&session)).await;
        }
        sessions.push(key(&session));
    }
    let order = [3, 0, 4, 1, 4, 2, 0, 3];
    let found = revs(&store, order.iter().map(|n| sessions[*n].clone()).collect()).await;
    let expected: Vec<_> = order.iter().map(|n| Some(Rev::new(i64::try_from(*n).expect("small") + 1))).collect();
    assert_eq!(found, expected);
}

/// Nothing is known of a session that was never made, and those beside it are answered.
pub async fn an_unknown_session_has_none<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let unknown = SessionKey { tenant_id: session.tenant_id.clone(), id: ids().session_id() };
    let found = revs(&store, vec![unknown.clone(), key(&session), unknown]).await;
    assert_eq!(found, [None, Some(Rev::FIRST), None]);
}

/// A session's id is worth nothing in another tenant, also beside one of that tenant's own.
pub async fn another_tenants_session_has_none<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let other = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    let crossed = vec![
        SessionKey { tenant_id: tenant("other"), ..key(&session) },
        key(&other),
        SessionKey { tenant_id: tenant("default"), ..key(&other) },
        key(&session),
    ];
    assert_eq!(revs(&store, crossed).await, [None, Some(Rev::FIRST), None, Some(Rev::FIRST)]);
}

/// Whoever reads the session or a page meets the same `rev` and the same time as whoever asks, after each kind of change.
pub async fn a_revision_is_that_of_the_session_as_it_is_read<R: StoreRig>(rig: &R) {
    let [writer, reader] = two_nodes(rig).await;
    let session = any_session(&writer).await;
    is_as_read(&reader, &session).await;
    let later = session.created_at.plus_seconds(7);
    let message = say(&writer, NewMessage { created_at: later, ..a_message(&session) }).await;
    assert_eq!(is_as_read(&reader, &session).await, Revision { rev: message.rev, updated_at: later });
    remove(&writer, &session.tenant_id, &message).await;
    is_as_read(&reader, &session).await;
    let agent_id = Some(Some(participant("agent")));
    update(&writer, &session, SessionChange { agent_id, ..SessionChange::default() }).await;
    is_as_read(&reader, &session).await;
}

async fn is_as_read(store: &Store, session: &Session) -> Revision {
    let told = revisions(store, vec![key(session)]).await.remove(0).expect("the session is there");
    assert_eq!(told, session_now(store, session).await.revision());
    let query = PageQuery::newest(View::Full, 1);
    let page = store.pages.page(&session.tenant_id, session.id, &query).await.expect("the store works");
    assert_eq!(Some(told), page.map(|page| page.session.revision()));
    told
}

/// Nobody asked, nothing answered.
pub async fn a_question_about_nothing_has_an_empty_answer<R: StoreRig>(rig: &R) {
    assert_eq!(revs(&rig.node().await, Vec::new()).await, []);
}

/// What one node has answered is what the other one knows, whatever kind of change it was.
pub async fn every_change_is_seen_at_once_on_the_other_node<R: StoreRig>(rig: &R) {
    let [writer, reader] = two_nodes(rig).await;
    let session = any_session(&writer).await;
    assert_eq!(rev(&reader, &session).await, Some(Rev::FIRST));
    for turn in 0..10 {
        let message = say(&writer, a_message(&session)).await;
        assert_eq!(rev(&reader, &session).await, Some(message.rev));
        let tombstone = remove(&writer, &session.tenant_id, &message).await;
        assert_eq!(rev(&reader, &session).await, Some(tombstone.rev));
        let agent_id = Some(Some(participant(&format!("agent-{turn}"))));
        update(&writer, &session, SessionChange { agent_id, ..SessionChange::default() }).await;
        assert_eq!(rev(&reader, &session).await, Some(tombstone.rev.next()));
    }
}

/// An answer may be shared between those who wait for it, but never with one who came after it was read.
pub async fn no_reader_is_told_less_than_was_answered_before_it_asked<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let tasks = (0..16).map(|task| {
        let (writer, reader) = (nodes[task % 2].clone(), nodes[(task + 1) % 2].clone());
        let session = session.clone();
        async move {
            for _ in 0..10 {
                let message = say(&writer, a_message(&session)).await;
                let known = rev(&reader, &session).await.expect("the session is there");
                assert!(known >= message.rev, "{known} is older than {}", message.rev);
            }
        }
    });
    together(|task| rig.spawn(task), tasks).await;
    assert_eq!(rev(&nodes[1], &session).await, Some(session_now(&nodes[0], &session).await.rev));
}
