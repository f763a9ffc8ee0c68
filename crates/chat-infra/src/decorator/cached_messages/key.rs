//! What a page is asked for, and under which key it lies: everything that decides what is in it.

use chat_domain::access::View;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{MessagePage, PageQuery, Since, Window};
use chat_domain::query::Order;
use chat_domain::revision::{Revision, Seq};
use chat_domain::session::SessionKey;

/// The form of a kept page. A release in which a page looks different as JSON takes the next number, so that nodes of two
/// releases can share a cache.
const FORMAT: u32 = 1;

/// What a page is asked for: whose, of which session, which part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) tenant: TenantId,
    pub(super) session: SessionId,
    pub(super) query: PageQuery,
}

impl Question {
    /// **The** rule of freshness: a kept page is an answer only at the present revision of its session. That it is the
    /// session of the question is implied by whatever it lay under; but a cache that mixes up its keys must not show one
    /// tenant what is another's.
    pub(super) fn is_answered_by(&self, page: &MessagePage, present: Revision) -> bool {
        let kept = &page.session;
        kept.revision() == present && kept.id == self.session && kept.tenant_id == self.tenant
    }

    /// Whether a kept page was an answer not long ago, so that what has changed since is quickly told.
    pub(super) fn is_nearly_answered_by(&self, page: &MessagePage, present: Revision) -> bool {
        let since = Since { session: self.session(), revision: page.session.revision() };
        since.is_near(present.rev) && self.is_answered_by(page, since.revision)
    }

    /// The session that it is about.
    pub(super) fn session(&self) -> SessionKey {
        SessionKey { tenant_id: self.tenant.clone(), id: self.session }
    }

    /// The key under which a page lies with others, as of this state of its session. The tenant stands last: it alone may
    /// hold the sign between the parts.
    pub(super) fn key(&self, revision: Revision) -> String {
        let Self { tenant, session, query } = self;
        let Revision { rev, updated_at } = revision;
        let changed = updated_at.as_micros();
        let PageQuery { view, include_deleted, order, limit, window } = *query;
        let view = match view {
            View::Public => 'p',
            View::Full => 'f',
        };
        let deleted = if include_deleted { 'd' } else { '-' };
        let order = match order {
            Order::Asc => 'a',
            Order::Desc => 'z',
        };
        let window = match window {
            Window::Offset(rows) => format!("o{rows}"),
            Window::Between { after, before } => format!("{}..{}", bound(after), bound(before)),
        };
        format!("page:{FORMAT}:{session}:{rev}@{changed}:{view}{deleted}{order}:{limit}:{window}:{tenant}")
    }
}

fn bound(seq: Option<Seq>) -> String {
    seq.map(|seq| seq.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chat_domain::query::Order;
    use chat_domain::revision::Rev;
    use chat_domain::timestamp::Timestamp;

    use super::*;

    fn revision(rev: i64, micros: i64) -> Revision {
        Revision { rev: Rev::new(rev), updated_at: Timestamp::from_micros(micros).unwrap() }
    }

    fn windows() -> Vec<Window> {
        let bounds = [None, Some(Seq::new(0)), Some(Seq::new(1)), Some(Seq::new(12)), Some(Seq::new(i64::MAX))];
        let between = bounds.iter().flat_map(|&after| bounds.map(|before| Window::Between { after, before }));
        between.chain([0, 1, 12].map(Window::Offset)).collect()
    }

    fn queries() -> Vec<PageQuery> {
        let mut queries = Vec::new();
        for window in windows() {
            for view in [View::Public, View::Full] {
                for include_deleted in [false, true] {
                    for order in [Order::Asc, Order::Desc] {
                        for limit in [0, 1, 11, 1_000] {
                            queries.push(PageQuery { view, include_deleted, order, limit, window });
                        }
                    }
                }
            }
        }
        queries
    }

    #[test]
    fn no_two_questions_share_a_key() {
        let session = |n| SessionId::new(uuid::Uuid::from_u128(n));
        let mut keys = HashSet::new();
        let mut asked = 0;
        for tenant in ["a", "a:a", "1:a", "1"].map(|name| name.parse::<TenantId>().unwrap()) {
            for session in [session(1), session(2)] {
                for revision in [revision(1, 1), revision(1, 11), revision(11, 1), revision(1, -1)] {
                    for query in queries() {
                        let question = Question { tenant: tenant.clone(), session, query };
                        keys.insert(question.key(revision));
                        asked += 1;
                    }
                }
            }
        }
        assert_eq!(keys.len(), asked);
    }

    #[test]
    fn a_key_looks_as_it_always_did() {
        let (session, query) = (SessionId::new(uuid::Uuid::nil()), PageQuery::newest(View::Public, 100));
        let question = Question { tenant: "default".parse().unwrap(), session, query };
        assert_eq!(
            question.key(revision(7, 42)),
            "page:1:00000000-0000-0000-0000-000000000000:7@42:p-a:100:..9223372036854775807:default",
        );
    }
}
