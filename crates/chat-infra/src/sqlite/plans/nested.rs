//! Statements of many parts: how counts of what is unread, and what receipts ask of messages, go about each of them.

use super::watched::Watched;

/// Every way in which a part of such a statement finds rows. The counts end by themselves: where the table is searched there
/// are no more rows than can be counted, the index of the senders gives one row or is left after so many, and the rest are
/// single rows.
const SEARCHES: [&str; 10] = [
    "SEARCH sessions USING INDEX sessions_by_user (tenant_id=? AND user_id=?)",
    "SEARCH sessions USING INDEX sessions_by_user (tenant_id=? AND user_id=? AND (created_at,id)<(?,?))",
    "SEARCH sessions USING INDEX sessions_by_user (tenant_id=? AND user_id=? AND (created_at,id)>(?,?))",
    "SEARCH sessions USING INDEX sessions_by_user_and_status (tenant_id=? AND user_id=? AND status=? AND (created_at,id)<(?,?))",
    "SEARCH sessions USING INDEX sessions_by_user_and_status (tenant_id=? AND user_id=? AND status=? AND (created_at,id)>(?,?))",
    "SEARCH sessions USING PRIMARY KEY (tenant_id=? AND id=?)",
    "SEARCH p USING PRIMARY KEY (tenant_id=? AND session_id=? AND role=? AND id=?)",
    "SEARCH m USING PRIMARY KEY (tenant_id=? AND session_id=? AND seq>?)",
    "SEARCH messages USING COVERING INDEX messages_by_kind (tenant_id=? AND session_id=? AND visibility=? AND <expr>=?)",
    "SEARCH messages USING INDEX messages_by_sender (tenant_id=? AND session_id=? AND visibility=? AND sender_type=? AND sender_id=?)",
];

/// The same along the index of the senders: the first of a kind, the next one, and what one has sent.
const SENDERS: [&str; 3] = [
    "(tenant_id=? AND session_id=? AND visibility=? AND sender_type=?)",
    "(tenant_id=? AND session_id=? AND visibility=? AND sender_type=? AND sender_id>?)",
    "(tenant_id=? AND session_id=? AND visibility=? AND sender_type=? AND sender_id=? AND seq>?)",
];

/// Whether this is such a statement.
pub(super) fn is_nested(sql: &str) -> bool {
    sql.contains(" FROM participants p ")
        || sql.starts_with("SELECT max(coalesce(")
        || sql.starts_with("SELECT EXISTS (")
}

/// Whether this reads what hangs on messages, which are given as one list.
pub(super) fn is_of_a_list(sql: &str) -> bool {
    sql.contains(" FROM json_each(")
}

/// Asserts that the statement goes along its list, and finds the rows of each thing on it by their key.
pub(super) async fn assert_searches_for_each(watched: &Watched, sql: &str) {
    let by_key = "SEARCH message_extensions USING PRIMARY KEY (tenant_id=? AND message_id=?)";
    assert_eq!(watched.plan(sql).await, ["SCAN listed VIRTUAL TABLE INDEX 1:", by_key], "{sql}");
}

/// Asserts that each part of the statement finds its rows by an index made for it, and that nothing is sorted.
pub(super) async fn assert_searches_in_all_parts(watched: &Watched, sql: &str) {
    let plan = watched.plan(sql).await;
    let searches: Vec<_> = plan.iter().filter(|step| step.starts_with("SEARCH ")).collect();
    assert!(searches.len() > 1 || sql.contains("EXISTS"), "{sql}\n{plan:#?}");
    for step in searches {
        let of_sender = step.strip_prefix("SEARCH m USING INDEX messages_by_sender ");
        let is_known = of_sender.map_or(SEARCHES.contains(&step.as_str()), |terms| SENDERS.contains(&terms));
        assert!(is_known, "{step}\n{sql}");
    }
    let made_up = |thing: &str| ["sender", "k", "CONSTANT ROW"].contains(&thing) || thing.starts_with("(subquery-");
    for step in plan.iter().filter_map(|step| step.strip_prefix("SCAN ")) {
        assert!(made_up(step) || step.ends_with("CONSTANT ROWS"), "{step}\n{sql}");
    }
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}\n{plan:#?}");
}
