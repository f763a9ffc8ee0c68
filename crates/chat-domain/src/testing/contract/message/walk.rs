//! Following the links of pages.

use super::super::stage::{all_messages, any_session, append, everything, internal, page, remove};
use crate::access::View;
use crate::message::{Message, MessagePage, PageQuery, Window};
use crate::query::Order;
use crate::revision::Seq;
use crate::session::Session;
use crate::testing::builder::a_message;
use crate::testing::rig::{Store, StoreRig};

/// More steps than any of these walks may need.
const TOO_FAR: usize = 100;

/// Forty messages, of which some are internal and some deleted, whole pages of them in a row.
async fn long_session<R: StoreRig>(rig: &R) -> (Store, Session, Vec<Message>) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let hidden = |n: i32| n < 3 || (11..19).contains(&n) || n % 7 == 0;
    append(&store, (0..40).map(|n| if hidden(n) { internal(&session) } else { a_message(&session) }).collect()).await;
    for (n, message) in all_messages(&store, &session).await.iter().enumerate() {
        if (20..29).contains(&n) || n % 9 == 0 {
            remove(&store, &session.tenant_id, message).await;
        }
    }
    let all = all_messages(&store, &session).await;
    (store, session, all)
}

fn visible(all: &[Message], query: &PageQuery) -> Vec<Message> {
    let seen = |m: &&Message| m.visibility.shown_in(query.view) && (query.include_deleted || m.deleted_at.is_none());
    let mut rows: Vec<_> = all.iter().filter(seen).cloned().collect();
    if query.order == Order::Desc {
        rows.reverse();
    }
    rows
}

/// All pages that one gets by following links from a question on.
async fn follow(
    (store, session): (&Store, &Session),
    mut query: PageQuery,
    link: impl Fn(&MessagePage, &PageQuery) -> Option<Window>,
) -> Vec<(PageQuery, MessagePage)> {
    let mut pages = Vec::new();
    loop {
        let found = page(store, &session.tenant_id, session.id, &query).await;
        let window = link(&found, &query);
        pages.push((query, found));
        assert!(pages.len() < TOO_FAR, "the links lead in a circle");
        let Some(window) = window else { return pages };
        query = PageQuery { window, ..query };
    }
}

fn rows(pages: Vec<(PageQuery, MessagePage)>) -> Vec<Message> {
    pages.into_iter().flat_map(|(_, page)| page.messages.to_vec()).collect()
}

/// `next` leads from the first page through all rows to the last one, and `prev` back to the first, without a repeat.
pub async fn links_lead_through_the_whole_list_and_back<R: StoreRig>(rig: &R) {
    let (store, session, all) = long_session(rig).await;
    for (view, include_deleted) in
        [(View::Full, true), (View::Full, false), (View::Public, true), (View::Public, false)]
    {
        for (order, limit) in [(Order::Asc, 4), (Order::Desc, 4), (Order::Asc, 1), (Order::Desc, 40)] {
            let query = PageQuery { view, include_deleted, order, limit, ..everything() };
            let expected = visible(&all, &query);
            let pages = follow((&store, &session), query, MessagePage::next).await;
            let last = pages.last().map(|(query, _)| *query).expect("there is always a page");
            assert_eq!(pages[0].1.prev(&query), None, "nothing lies before the beginning, {query:?}");
            assert_eq!(rows(pages), expected, "forth, {query:?}");
            let mut pages = follow((&store, &session), last, MessagePage::prev).await;
            let turns_back = |(query, page): &(PageQuery, MessagePage)| page.next(query).is_some();
            assert!(pages[1..].iter().all(turns_back), "what lies behind is reached again, {query:?}");
            pages.reverse();
            assert_eq!(rows(pages), expected, "back, {query:?}");
        }
    }
}

/// What a session is shown with leads by `prev` to its beginning.
pub async fn the_newest_messages_lead_back_to_the_first<R: StoreRig>(rig: &R) {
    let (store, session, all) = long_session(rig).await;
    for view in [View::Full, View::Public] {
        let query = PageQuery::newest(view, 6);
        let mut pages = follow((&store, &session), query, MessagePage::prev).await;
        pages.reverse();
        assert_eq!(rows(pages), visible(&all, &query), "{view:?}");
    }
}

/// A far bound that was asked for is kept on every page.
pub async fn a_walk_between_two_bounds_stays_between_them<R: StoreRig>(rig: &R) {
    let (store, session, all) = long_session(rig).await;
    for order in [Order::Asc, Order::Desc] {
        let window = Window::Between { after: Some(Seq::new(6)), before: Some(Seq::new(33)) };
        let query = PageQuery { order, window, limit: 5, ..everything() };
        let mut expected = visible(&all, &query);
        expected.retain(|message| (7..33).contains(&message.seq.get()));
        assert_eq!(rows(follow((&store, &session), query, MessagePage::next).await), expected, "{order:?}");
    }
}
