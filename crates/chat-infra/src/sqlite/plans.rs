//! How SQLite goes about the statements: every one searches one index, reads nothing that it does not show, sorts
//! nothing, and is prepared once.
//!
//! The statements are not written down here: the connections tell what they are asked to run while every operation of
//! the ports is called, so none can be forgotten or differ from the one that serves.

mod bulk;
mod calls;
mod nested;
mod watched;

use std::collections::BTreeSet;

use self::watched::Watched;

/// What stands between a `WHERE` and the end of the conditions.
fn conditions(sql: &str) -> &str {
    let (_, conditions) = sql.split_once(" WHERE ").unwrap_or_else(|| panic!("reads without a condition: {sql}"));
    conditions.split(" ORDER BY ").next().unwrap().split(" LIMIT ").next().unwrap()
}

/// Asserts that the statement finds exactly its rows through one index, and each part of it so where it merges several.
async fn assert_searches_one_index(watched: &Watched, sql: &str) {
    let plan = watched.plan(sql).await;
    let searches: Vec<_> = plan.iter().filter(|step| step.starts_with("SEARCH ")).collect();
    let merging = plan.iter().filter(|step| ["MERGE (UNION ALL)", "LEFT", "RIGHT"].contains(&step.as_str())).count();
    let parts: Vec<_> = sql.split(" UNION ALL ").collect();
    let expected = if parts.len() == 1 { 0 } else { 3 * (parts.len() - 1) };
    assert!(searches.len() == parts.len() && merging == expected, "{sql}\n{plan:#?}");
    assert_eq!(plan.len(), searches.len() + merging, "{sql}\n{plan:#?}");
    for (part, step) in parts.into_iter().zip(searches) {
        assert_takes_all_conditions(watched, part, step).await;
    }
}

/// A condition as an index has it: without the table's name, quotes and brackets.
fn bare(condition: &str) -> String {
    condition.replace(['(', ')', '`'], "").rsplit('.').next().unwrap().to_owned()
}

/// Asserts that the index of a search takes every condition that is not the index's own.
async fn assert_takes_all_conditions(watched: &Watched, sql: &str, step: &str) {
    assert!(!step.contains("AUTOMATIC"), "{sql}\n{step}");
    let index = step.split("INDEX ").nth(1).unwrap_or_default().split(' ').next().unwrap();
    let definition = watched.definition(index).await;
    let own: Vec<_> = definition.split_once(" WHERE ").unwrap_or_default().1.split(" AND ").collect();
    let conditions = conditions(sql);
    let literals = conditions.split(" AND ").filter(|condition| !condition.contains('?'));
    let taken =
        literals.filter(|literal| !own.contains(&bare(literal).as_str())).count() + conditions.matches('?').count();
    assert_eq!(step.matches('?').count(), taken, "{sql}\n{step}");
}

#[tokio::test]
async fn every_statement_searches_one_index_and_sorts_nothing_among_a_million_messages() {
    let watched = Watched::over(bulk::fill).await;
    calls::call_everything(&watched.store).await;
    let statements: BTreeSet<String> = watched.prepared().into_iter().collect();
    let (inserts, others): (Vec<_>, Vec<_>) = statements.iter().partition(|sql| sql.starts_with("INSERT "));
    let count = |part: &str| others.iter().filter(|sql| sql.contains(part)).count();
    // Four kinds of page in two orders, and as many searches for the place where an offset leads; lists of any status
    // and of one, each for both views, and four of the audit, from both sides. Whatever else there is needs no shape of its own.
    assert_eq!((count(" ORDER BY seq "), count(" ORDER BY created_at ")), (16, 16), "{others:#?}");
    assert!(inserts.len() == 10 && others.len() > 30, "{statements:#?}");
    let (nested, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|sql| nested::is_nested(sql));
    let (of_lists, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|sql| nested::is_of_a_list(sql));
    for sql in others {
        assert_searches_one_index(&watched, sql).await;
    }
    // Lists and single counts for both views, what a user sees last, and whether somebody has spoken.
    assert_eq!(nested.len(), 12, "{nested:#?}");
    for sql in nested {
        nested::assert_searches_in_all_parts(&watched, sql).await;
    }
    // Whatever hangs on however many messages.
    assert_eq!(of_lists.len(), 1, "{of_lists:#?}");
    for sql in of_lists {
        nested::assert_searches_for_each(&watched, sql).await;
    }
    for sql in inserts {
        assert_eq!(watched.plan(sql).await, [""; 0], "{sql}");
    }
}

#[tokio::test]
async fn pages_are_found_behind_long_runs_of_what_is_not_shown() {
    let watched = Watched::over(bulk::fill_one_session).await;
    calls::assert_pages_around_runs(&watched.store).await;
}

#[tokio::test]
async fn what_hangs_on_messages_is_one_statement_for_them_all_and_none_where_nothing_does() {
    let watched = Watched::over(|_| ()).await;
    let bare = calls::reads_with_bearers(&watched, 0).await;
    for bearers in [3, 30] {
        let reads = calls::reads_with_bearers(&watched, bearers).await;
        assert_eq!(reads, bare.map(|statements| statements + 1), "{bearers}");
    }
}

#[tokio::test]
async fn every_statement_is_prepared_once() {
    let watched = Watched::over(|_| ()).await;
    calls::call_everything(&watched.store).await;
    let prepared = watched.prepared();
    calls::call_everything(&watched.store).await;
    assert_eq!(watched.prepared(), prepared, "a second time nothing is prepared anew");
    let mut known: BTreeSet<String> = prepared.into_iter().collect();
    // The look at the log is one in many commits.
    let plain = ["BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "PRAGMA wal_checkpoint(NOOP)"];
    known.extend(plain.map(str::to_owned));
    // SQLite itself would prepare such a statement anew.
    assert!(!known.iter().any(|sql| sql.contains("LIMIT ?")), "{known:#?}");
    let uncached: Vec<_> = watched.run().difference(&known).cloned().collect();
    assert_eq!(uncached, [""; 0]);
}

#[tokio::test]
async fn every_primary_and_unique_key_begins_with_the_tenant() {
    let watched = Watched::over(|_| ()).await;
    let keys = watched.unique_keys().await;
    assert!(keys.len() >= 7, "{keys:?}");
    for (key, first_column) in keys {
        assert_eq!(first_column, "tenant_id", "{key}");
    }
}
