//! Pages of a session's messages, by `seq`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::Message;
use crate::access::View;
use crate::fault::{Faults, Place, Rejection};
use crate::query::{self, Order};
use crate::revision::Seq;
use crate::session::Session;

/// The deepest offset; what lies beyond is reached by following `Link`, which costs the same at any depth.
const MAX_OFFSET: i64 = 10_000;

/// The query parameters of a list of messages, unchecked.
#[derive(Debug, Default)]
pub struct PageDraft {
    /// Rows a page, 1 to 1000.
    pub limit: Option<String>,
    /// Rows to leave out, 0 to 10,000.
    pub offset: Option<String>,
    /// Only messages above this `seq`.
    pub after: Option<String>,
    /// Only messages below this `seq`.
    pub before: Option<String>,
    /// `asc` or `desc`.
    pub order: Option<String>,
    /// Whether tombstones are listed.
    pub include_deleted: Option<String>,
}

/// Which part of a session a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// So many rows from the beginning of the order.
    Offset(u16),
    /// Between two `seq`s, both exclusive.
    Between {
        /// The lower bound.
        after: Option<Seq>,
        /// The upper bound.
        before: Option<Seq>,
    },
}

/// A checked question for a page of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageQuery {
    /// What the caller may see.
    pub view: View,
    /// Whether tombstones are listed.
    pub include_deleted: bool,
    /// The order of the page.
    pub order: Order,
    /// At most so many.
    pub limit: u16,
    /// Which part.
    pub window: Window,
}

impl PageDraft {
    /// Checks every parameter.
    pub(super) fn check(&self, view: View) -> Result<PageQuery, Faults> {
        let mut faults = Faults::none();
        let limit = query::limit("limit", self.limit.as_deref(), 1, &mut faults);
        let offset = query::number("offset", self.offset.as_deref(), 0, MAX_OFFSET, &mut faults);
        let after = query::number("after", self.after.as_deref(), 0, i64::MAX, &mut faults).map(Seq::new);
        let before = query::number("before", self.before.as_deref(), 0, i64::MAX, &mut faults).map(Seq::new);
        let order = query::order("order", self.order.as_deref(), &mut faults);
        let include_deleted = query::flag("include_deleted", self.include_deleted.as_deref(), &mut faults);
        if self.offset.is_some() && (self.after.is_some() || self.before.is_some()) {
            let rejection = Rejection::new("conflicting_parameters", "cannot go with after or before");
            faults.add(Place::Query, "/offset", rejection);
        }
        faults.into_result()?;
        let window = match offset.and_then(|offset| u16::try_from(offset).ok()) {
            Some(offset) if offset > 0 => Window::Offset(offset),
            _ => Window::Between { after, before },
        };
        Ok(PageQuery { view, include_deleted, order, limit, window })
    }

    /// All faults that the parameters have, for a query that could not be read whole.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.check(View::Public).err().unwrap_or_default()
    }
}

/// What is wrong with the `message_limit` of a session's newest messages, for a query that could not be read whole.
#[must_use]
pub fn newest_faults(limit: Option<&str>) -> Faults {
    let mut faults = Faults::none();
    query::limit("message_limit", limit, 0, &mut faults);
    faults
}

impl PageQuery {
    /// The newest messages of a session, oldest first: what a session is shown with.
    #[must_use]
    pub const fn newest(view: View, limit: u16) -> Self {
        // Between a bound that excludes nothing and below: "nearest to `before`" is then the end of the session.
        let window = Window::Between { after: None, before: Some(Seq::new(i64::MAX)) };
        Self { view, include_deleted: false, order: Order::Asc, limit, window }
    }

    /// The order in which a store walks: from the bound to which the page must be nearest. Where there are two bounds or
    /// none, from the beginning of the page's own order.
    #[must_use]
    pub const fn walk(&self) -> Order {
        match self.window {
            Window::Between { after: Some(_), before: None } => Order::Asc,
            Window::Between { after: None, before: Some(_) } => Order::Desc,
            Window::Offset(_) | Window::Between { .. } => self.order,
        }
    }
}

/// A page of a session's messages, and the session as it was at the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// The session.
    pub session: Session,
    /// The messages, in the order that was asked for. Pages of several states of the session share them where they are the
    /// same.
    pub messages: Arc<Vec<Message>>,
    /// Whether there are more where the store's walk stopped.
    pub(super) more: bool,
}

impl MessagePage {
    /// Makes a page from what a store found when it went as [`PageQuery::walk`] says and took up to one row more than
    /// the limit.
    #[must_use]
    pub fn assemble(session: Session, query: &PageQuery, mut found: Vec<Message>) -> Self {
        let limit = usize::from(query.limit);
        let more = found.len() > limit;
        found.truncate(limit);
        if query.walk() != query.order {
            found.reverse();
        }
        Self { session, messages: Arc::new(found), more }
    }

    /// Where the page goes on in its order: a keyset window, good for as long as messages are written. It keeps the far
    /// bound where the question had two.
    #[must_use]
    pub fn next(&self, query: &PageQuery) -> Option<Window> {
        let last = self.messages.last()?.seq;
        let more = self.more || query.walk() != query.order;
        let next = match (query.order, query.window) {
            (Order::Asc, Window::Between { after: Some(_), before }) => Window::Between { after: Some(last), before },
            (Order::Desc, Window::Between { after, before: Some(_) }) => Window::Between { after, before: Some(last) },
            (Order::Asc, _) => Window::Between { after: Some(last), before: None },
            (Order::Desc, _) => Window::Between { after: None, before: Some(last) },
        };
        more.then_some(next)
    }

    /// Where the page before this one lies.
    #[must_use]
    pub fn prev(&self, query: &PageQuery) -> Option<Window> {
        let first = self.messages.first()?.seq;
        let (bounded, prev) = match query.order {
            Order::Asc => (first > Seq::FIRST, Window::Between { after: None, before: Some(first) }),
            Order::Desc => (true, Window::Between { after: Some(first), before: None }),
        };
        let begins = query.window == Window::Between { after: None, before: None };
        let known = if query.walk() == query.order { bounded && !begins } else { self.more };
        known.then_some(prev)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(value: &str) -> Option<String> {
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn check(limit: &str, offset: &str, after: &str, before: &str, order: &str) -> Result<PageQuery, Faults> {
        let draft = PageDraft {
            limit: parameter(limit),
            offset: parameter(offset),
            after: parameter(after),
            before: parameter(before),
            order: parameter(order),
            include_deleted: None,
        };
        draft.check(View::Full)
    }

    fn pointers(faults: &Faults) -> Vec<&str> {
        faults.iter().map(|fault| fault.pointer.as_str()).collect()
    }

    #[test]
    fn every_bad_parameter_is_named_at_once() {
        let faults = check("0", "10001", "-1", "x", "up").unwrap_err();
        assert_eq!(pointers(&faults), ["/limit", "/offset", "/after", "/before", "/order"]);
        assert_eq!(pointers(&check("", "0", "1", "", "").unwrap_err()), ["/offset"]);
        assert!(check("1000", "10000", "", "", "desc").is_ok());
    }

    #[test]
    fn a_walk_begins_at_the_bound_to_which_the_page_is_nearest() {
        for (after, before, order, walk) in [
            ("", "", "asc", Order::Asc),
            ("", "", "desc", Order::Desc),
            ("5", "", "desc", Order::Asc),
            ("", "5", "asc", Order::Desc),
            ("1", "5", "desc", Order::Desc),
        ] {
            assert_eq!(check("", "", after, before, order).unwrap().walk(), walk, "{after} {before} {order}");
        }
    }
}
