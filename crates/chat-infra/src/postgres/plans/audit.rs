//! The statements of the audit.

use chat_domain::cursor::CursorDirection;

use super::{LIMIT, List};
use crate::postgres::audit::{FORGET, sql};

/// All lists, from the newest and around a place in the middle.
pub(super) fn lists() -> Vec<List> {
    let place = "'2026-01-02T00:00:00Z', '00000000-0000-7000-8000-000000086400'";
    let newest = "'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'";
    let kinds = [
        (false, false, "audit_entries_pkey"),
        (true, false, "audit_entries_by_actor"),
        (false, true, "audit_entries_by_action"),
        (true, true, "audit_entries_by_actor_and_action"),
    ];
    let mut lists = Vec::new();
    for (direction, from) in
        [(CursorDirection::Older, newest), (CursorDirection::Older, place), (CursorDirection::Newer, place)]
    {
        for (by_actor, by_action, index) in kinds {
            let values = format!("'default', {from}, {}, 'busy', 'end_session'", LIMIT + 1);
            let (sql, types) = (sql(direction, by_actor, by_action), "text, timestamptz, uuid, bigint, text, text");
            lists.push(List { table: "audit_entries", sql, types, values, index });
        }
    }
    lists
}

/// The sweep: the statement, its types, its values.
pub(super) const SWEEP: (&str, &str, &str) = (FORGET, "timestamptz, bigint", "'2026-01-01T01:00:00Z', 2000");

/// The oldest come from the index of their ages; each is then looked up by that or by the key, as hangs on the sample: both
/// find it at once.
pub(super) const SWEEP_READS: [&[(&str, &str)]; 2] = [
    &[("audit_entries", "audit_entries_by_age"), ("audit_entries", "audit_entries_pkey")],
    &[("audit_entries", "audit_entries_by_age"), ("audit_entries", "audit_entries_by_age")],
];
