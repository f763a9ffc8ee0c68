//! Pages: exactly the rows that were asked for, with the session of the same moment.

use std::sync::Arc;

use super::super::stage::{
    all_messages, any_session, append, create, everything, internal, page, remove, say, say_many, seqs, session_now,
    together, two_nodes,
};
use crate::access::View;
use crate::clock::IdSource;
use crate::error::RepositoryError;
use crate::extension::AddOutcome;
use crate::message::{Message, NewMessage, PageQuery, Window};
use crate::query::{MAX_LIMIT, Order};
use crate::revision::Seq;
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_message, a_session, an_extension, ids, tenant};
use crate::testing::rig::{Store, StoreRig};

/// There is nothing to show of a session that was never made.
pub async fn an_unknown_session_has_no_page<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let page = store.pages.page(&tenant("default"), ids().session_id(), &everything()).await;
    assert_eq!(page.expect("the store works"), None);
}

/// A session's id is worth nothing in another tenant, also where that tenant has sessions of its own.
pub async fn another_tenants_session_has_no_page<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say(&store, a_message(&session)).await;
    create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    let page = store.pages.page(&tenant("other"), session.id, &everything()).await;
    assert_eq!(page.expect("the store works"), None);
}

/// A session without messages is there all the same.
pub async fn a_new_session_has_an_empty_page<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    for query in [everything(), PageQuery::newest(View::Public, 5)] {
        let page = page(&store, &session.tenant_id, session.id, &query).await;
        assert_eq!((page.next(&query), page.prev(&query)), (None, None));
        assert_eq!((page.session, page.messages), (session.clone(), Arc::default()));
    }
}

/// A page takes the rows nearest to its bound, and shows them in the order that was asked for.
pub async fn a_page_is_nearest_to_its_bound<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 10).await;
    for (after, before, order, expected) in [
        (None, None, Order::Asc, [1, 2, 3]),
        (None, None, Order::Desc, [10, 9, 8]),
        (Some(4), None, Order::Asc, [5, 6, 7]),
        (Some(4), None, Order::Desc, [7, 6, 5]),
        (None, Some(8), Order::Asc, [5, 6, 7]),
        (None, Some(8), Order::Desc, [7, 6, 5]),
        (Some(2), Some(9), Order::Asc, [3, 4, 5]),
        (Some(2), Some(9), Order::Desc, [8, 7, 6]),
        (None, Some(i64::MAX), Order::Asc, [8, 9, 10]),
    ] {
        let window = Window::Between { after: after.map(Seq::new), before: before.map(Seq::new) };
        let query = PageQuery { order, limit: 3, window, ..everything() };
        let found = page(&store, &session.tenant_id, session.id, &query).await.messages;
        assert_eq!(seqs(&found), expected, "{query:?}");
    }
}

/// Both views, with and without tombstones, both orders, all windows, small and great limits.
pub async fn every_question_gets_the_rows_it_asks_for<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let all = mixed_messages(&store, &session).await;
    for query in questions() {
        let found = page(&store, &session.tenant_id, session.id, &query).await.messages;
        assert_eq!(*found, answer(&all, &query), "{query:?}");
    }
}

/// Of thirty messages every third is internal, every fifth deleted, every seventh has an extension.
async fn mixed_messages(store: &Store, session: &Session) -> Vec<Message> {
    let new = |n: usize| if n % 3 == 1 { internal(session) } else { a_message(session) };
    append(store, (0..30).map(new).collect()).await;
    for (n, message) in all_messages(store, session).await.iter().enumerate() {
        if n % 7 == 1 {
            let added = store.extensions.add(an_extension(&session.tenant_id, message)).await;
            assert!(matches!(added, Ok(AddOutcome::Added { .. })), "{added:?}");
        }
        if n % 5 == 1 {
            remove(store, &session.tenant_id, message).await;
        }
    }
    let all = all_messages(store, session).await;
    assert!(all.iter().any(|message| message.extensions.len() == 1));
    all
}

pub(super) fn questions() -> impl Iterator<Item = PageQuery> {
    let between = |after: Option<i64>, before: Option<i64>| Window::Between {
        after: after.map(Seq::new),
        before: before.map(Seq::new),
    };
    let windows = [
        between(None, None),
        between(Some(0), None),
        between(Some(11), None),
        between(Some(30), None),
        between(None, Some(12)),
        between(None, Some(1)),
        between(Some(5), Some(20)),
        between(Some(20), Some(5)),
        Window::Offset(1),
        Window::Offset(9),
        Window::Offset(10_000),
    ];
    let limits = [0, 1, 4, MAX_LIMIT];
    let kinds = [View::Full, View::Public].into_iter().flat_map(|view| [(view, true), (view, false)]);
    kinds.flat_map(move |(view, include_deleted)| {
        [Order::Asc, Order::Desc].into_iter().flat_map(move |order| {
            let rows = windows.into_iter().flat_map(move |window| limits.map(|limit| (window, limit)));
            rows.map(move |(window, limit)| PageQuery { view, include_deleted, order, limit, window })
        })
    })
}

/// The same question, answered by looking at every message.
fn answer(all: &[Message], query: &PageQuery) -> Vec<Message> {
    let (after, before, offset) = match query.window {
        Window::Offset(offset) => (None, None, usize::from(offset)),
        Window::Between { after, before } => (after, before, 0),
    };
    let mut rows: Vec<_> = all
        .iter()
        .filter(|m| query.include_deleted || m.deleted_at.is_none())
        .filter(|m| m.visibility.shown_in(query.view))
        .filter(|m| m.seq > after.unwrap_or(Seq::new(i64::MIN)) && m.seq < before.unwrap_or(Seq::new(i64::MAX)))
        .cloned()
        .collect();
    if query.order == Order::Desc {
        rows.reverse();
    }
    let limit = usize::from(query.limit).min(rows.len().saturating_sub(offset));
    // A single bound draws the page to its own end of the rows.
    let bound_is_last = match query.window {
        Window::Between { after: Some(_), before: None } => query.order == Order::Desc,
        Window::Between { after: None, before: Some(_) } => query.order == Order::Asc,
        Window::Between { .. } | Window::Offset(_) => false,
    };
    let first = if bound_is_last { rows.len() - limit } else { offset };
    rows.into_iter().skip(first).take(limit).collect()
}

/// `limit` 0 asks for the session alone.
pub async fn a_page_of_no_rows_still_has_the_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 2).await;
    let found = page(&store, &session.tenant_id, session.id, &PageQuery::newest(View::Full, 0)).await;
    assert_eq!(found.messages[..], []);
    assert_eq!(found.session, session_now(&store, &session).await);
}

/// While others write, what a page says of the session is true of the messages that it shows.
pub async fn a_page_and_its_session_are_of_one_moment<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let tasks = (0..8).map(|task| {
        let (store, session) = (nodes[task % 2].clone(), session.clone());
        async move {
            for _ in 0..10 {
                if task < 4 {
                    say(&store, a_message(&session)).await;
                    continue;
                }
                let found = page(&store, &session.tenant_id, session.id, &everything()).await;
                let count = i64::try_from(found.messages.len()).expect("small");
                assert_eq!((found.session.all_messages.count, found.session.rev.get()), (count, count + 1));
                assert_eq!(found.session.all_messages.last_at, found.messages.last().map(|last| last.created_at));
            }
        }
    });
    together(|task| rig.spawn(task), tasks).await;
}

/// Without its tenant a message cannot be found, and an unknown one not at all.
pub async fn a_message_is_found_in_its_tenant_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let find = async |in_tenant: &str, id| store.messages.find(&tenant(in_tenant), id).await.expect("the store works");
    assert_eq!(find("default", message.id).await, Some(message.clone()));
    assert_eq!(find("other", message.id).await, None);
    assert_eq!(find("default", ids().message_id()).await, None);
}

/// A row that breaks the model's rules is named as such, not taken for something else and not hidden.
pub async fn a_damaged_row_is_reported_as_corrupt<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, NewMessage { content: "sound".to_owned(), ..a_message(&session) }).await;
    if !rig.damage_message(&session.tenant_id, message.id).await {
        return;
    }
    let found = store.messages.find(&session.tenant_id, message.id).await;
    assert!(matches!(found, Err(RepositoryError::Corrupt(..))), "{found:?}");
    let found = store.pages.page(&session.tenant_id, session.id, &everything()).await;
    assert!(matches!(found, Err(RepositoryError::Corrupt(..))), "{found:?}");
}
