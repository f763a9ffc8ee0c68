//! Under which key a page lies: everything that decides what is in it.

use chat_domain::access::View;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{PageQuery, Window};
use chat_domain::query::Order;
use chat_domain::revision::{Revision, Seq};

/// The form of a kept page. A release in which a page looks different as JSON takes the next number, so that nodes of two
/// releases can share a cache.
const FORMAT: u32 = 1;

/// The key of a page as of this state of its session. The tenant stands last: it alone may hold the sign between the parts.
pub(super) fn page(tenant: &TenantId, session: SessionId, revision: Revision, query: &PageQuery) -> String {
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
        for tenant in ["a", "a:a", "1:a", "1"].map(|name| name.parse().unwrap()) {
            for session in [session(1), session(2)] {
                for revision in [revision(1, 1), revision(1, 11), revision(11, 1), revision(1, -1)] {
                    for query in queries() {
                        keys.insert(page(&tenant, session, revision, &query));
                        asked += 1;
                    }
                }
            }
        }
        assert_eq!(keys.len(), asked);
    }

    #[test]
    fn a_key_looks_as_it_always_did() {
        let tenant = "default".parse().unwrap();
        let session = SessionId::new(uuid::Uuid::nil());
        assert_eq!(
            page(&tenant, session, revision(7, 42), &PageQuery::newest(View::Public, 100)),
            "page:1:00000000-0000-0000-0000-000000000000:7@42:p-a:100:..9223372036854775807:default",
        );
    }
}
