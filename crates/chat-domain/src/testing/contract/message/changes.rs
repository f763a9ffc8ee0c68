//! Changes since a state: with them, a page of then becomes the page of now.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::stage::{
    all_messages, any_session, edit, internal, page, remove, restore, say, session_now, two_nodes, update,
};
use super::page::questions;
use crate::access::View;
use crate::clock::IdSource;
use crate::extension::AddOutcome;
use crate::message::{Changes, Edit, EditOutcome, MessageChange, MessagePage, PageQuery, Since, Visibility};
use crate::revision::Revision;
use crate::session::{MetadataChange, Session, SessionChange, SessionKey};
use crate::testing::builder::{a_message, an_edit, an_extension, ids, metadata, next_moment, participant, tenant};
use crate::testing::rig::{Store, StoreRig};

/// So many changes of every kind are made.
const TURNS: usize = 37;
/// A page is moved on over so many of them at the most.
const BEHIND: usize = 4;

fn since(session: &Session) -> Since {
    let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
    Since { session: key, revision: session.revision() }
}

async fn changes(store: &Store, asked: Vec<Since>) -> Vec<Option<Arc<Changes>>> {
    let expected = asked.len();
    let told = store.revisions.news(Vec::new(), asked).await.expect("the store works").changes;
    assert_eq!(told.len(), expected, "one answer for each question");
    told
}

/// Whatever is asked of a page, and whatever has happened since: where a page can be moved on, it is what a reader gets.
pub async fn a_page_that_is_moved_on_is_the_page_that_a_reader_gets<R: StoreRig>(rig: &R) {
    let [writer, reader] = two_nodes(rig).await;
    let session = any_session(&writer).await;
    let queries: Vec<PageQuery> = questions().filter(|query| query.limit > 0 && query.limit < 1_000).collect();
    let (mut kept, mut moved) = (VecDeque::<(Session, Vec<MessagePage>)>::new(), 0);
    for turn in 0..TURNS {
        change(&writer, &session, turn).await;
        let now = session_now(&reader, &session).await;
        let mut present = Vec::new();
        for query in &queries {
            present.push(page(&reader, &session.tenant_id, session.id, query).await);
        }
        for (then, pages) in &kept {
            let [told] = &changes(&reader, vec![since(then)]).await[..] else { panic!("one answer") };
            let Some(told) = told else { continue };
            assert_eq!(told.session, now);
            moved += all_moved_on(&queries, pages, told, &present);
        }
        kept.push_back((now, present));
        kept.drain(..kept.len().saturating_sub(BEHIND));
    }
    // An adapter that never tells is right too; one that tells does so for nearly all.
    let told = changes(&reader, vec![since(&session_now(&reader, &session).await)]).await.remove(0).is_some();
    assert!(!told || moved > TURNS * queries.len(), "{moved}");
}

/// How many of the pages could be moved on.
fn all_moved_on(queries: &[PageQuery], then: &[MessagePage], told: &Changes, now: &[MessagePage]) -> usize {
    let moved = queries.iter().zip(then).zip(now).filter(|((query, then), now)| {
        let moved = then.moved_on(query, told);
        assert!(moved.as_ref().is_none_or(|moved| moved == *now), "{query:?}: {then:?} became {moved:?}");
        moved.is_some()
    });
    moved.count()
}

/// Messages of both kinds, deletions and edits near the beginning and near the end, restorations, other metadata,
/// extensions, changes of the session alone.
async fn change(store: &Store, session: &Session, turn: usize) {
    let all = all_messages(store, session).await;
    let alive: Vec<_> = all.iter().filter(|message| !message.is_deleted()).collect();
    let dead = all.iter().filter(|message| message.is_deleted());
    match (turn % 12, alive.first(), alive.last()) {
        (8, Some(first), _) => _ = edit(store, &session.tenant_id, first, &format!("text {turn}")).await,
        (9, _, Some(last)) => _ = edit(store, &session.tenant_id, last, &format!("text {turn}")).await,
        (10, ..) => {
            if let Some(first) = dead.min_by_key(|message| message.seq) {
                restore(store, &session.tenant_id, first).await;
            }
        }
        (11, Some(first), _) => {
            let metadata = Some(MetadataChange::Replace(metadata(&format!("{{\"turn\":{turn}}}"))));
            let change = MessageChange { content: None, metadata };
            let described = store.messages.edit(&session.tenant_id, first.id, Edit { change, ..an_edit("") }).await;
            assert!(matches!(described, Ok(EditOutcome::Edited(_))), "{described:?}");
        }
        (3, Some(first), _) => _ = remove(store, &session.tenant_id, first).await,
        (5, _, Some(last)) => _ = remove(store, &session.tenant_id, last).await,
        (6, _, Some(last)) => {
            let added = store.extensions.add(an_extension(&session.tenant_id, last)).await;
            assert!(matches!(added, Ok(AddOutcome::Added { .. })), "{added:?}");
        }
        (7, ..) => {
            let agent_id = Some(Some(participant(&format!("agent-{turn}"))));
            update(store, session, SessionChange { agent_id, ..SessionChange::default() }).await;
        }
        (1, ..) => _ = say(store, internal(session)).await,
        _ => _ = say(store, a_message(session)).await,
    }
}

/// Each question has its own answer, at its place; of a session that is not there nothing is told.
pub async fn changes_stand_in_the_order_of_the_question<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (calm, busy) = (any_session(&store).await, any_session(&store).await);
    let said = say(&store, a_message(&busy)).await;
    let then = session_now(&store, &busy).await;
    let after = say(&store, a_message(&busy)).await;
    let unknown = Since { session: SessionKey { id: ids().session_id(), ..since(&calm).session }, ..since(&calm) };
    let foreign = Since { session: SessionKey { tenant_id: tenant("other"), ..since(&busy).session }, ..since(&busy) };
    let told = changes(&store, vec![since(&busy), unknown, since(&calm), foreign, since(&then)]).await;
    let query = PageQuery::newest(View::Full, 5);
    let page = page(&store, &busy.tenant_id, calm.id, &query).await;
    let [of_new, None, of_calm, None, of_then] = &told[..] else { panic!("{told:?}") };
    let said_since = |told: &Option<Arc<Changes>>| {
        let told = told.as_ref()?;
        Some(page.moved_on(&query, told)?.messages.iter().map(|message| message.id).collect::<Vec<_>>())
    };
    for (told, expected) in [(of_new, vec![said.id, after.id]), (of_calm, Vec::new()), (of_then, vec![after.id])] {
        assert!(told.is_none() || said_since(told) == Some(expected), "{told:?}");
    }
}

/// A `rev` that the session took at another time belongs to a history that was lost: nothing follows from it.
pub async fn nothing_is_told_since_a_state_that_never_was<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, a_message(&session)).await;
    let then = session_now(&store, &session).await;
    say(&store, a_message(&session)).await;
    let other_time = Revision { updated_at: next_moment(), ..then.revision() };
    let ahead = Revision { rev: then.rev.next().next().next(), ..then.revision() };
    let other_beginning = Revision { updated_at: next_moment(), ..session.revision() };
    let asked = [other_time, ahead, other_beginning].map(|revision| Since { revision, ..since(&session) });
    assert_eq!(changes(&store, asked.to_vec()).await, [None, None, None]);
}

/// A note between agents, and that it was deleted, moves a user's page on without a trace.
pub async fn an_internal_message_moves_a_users_page_on_unseen<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, a_message(&session)).await;
    let query = PageQuery::newest(View::Public, 5);
    let then = page(&store, &session.tenant_id, session.id, &query).await;
    let note = say(&store, internal(&session)).await;
    assert_eq!(note.visibility, Visibility::Internal);
    remove(&store, &session.tenant_id, &note).await;
    let told = changes(&store, vec![since(&then.session)]).await.remove(0);
    let moved = told.as_deref().map(|told| then.moved_on(&query, told));
    let now = page(&store, &session.tenant_id, session.id, &query).await;
    assert_eq!(now.messages, then.messages);
    assert!(moved.is_none_or(|moved| moved == Some(now)));
}
