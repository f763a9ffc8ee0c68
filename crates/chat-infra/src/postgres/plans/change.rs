//! The statements that change a message, or tell what it read before: edit, delete and restore it, or move it on with what
//! hangs on it.

use super::database::Database;
use super::{MESSAGE, Other, other};
use crate::postgres::extension::write::MOVE_ON;
use crate::postgres::message::edit::EDIT;
use crate::postgres::message::history::history_sql;
use crate::postgres::message::plain_removal::plain_removal_sql;
use crate::postgres::message::remove::{LOCK, REMOVE};
use crate::postgres::message::restore::RESTORE;

/// All of them.
pub(super) fn others() -> Vec<Other> {
    let (sessions, by_id) = (("sessions", "sessions_pkey"), ("messages", "messages_by_id"));
    let thing = format!("'default', {MESSAGE}");
    let at = "'2026-02-01T00:00:00Z'";
    let plain = format!("{thing}, {at}");
    let removal = format!("{thing}, 1000000, {at}, true");
    let (edits, extensions) =
        (("message_edits", "message_edits_pkey"), ("message_extensions", "message_extensions_pkey"));
    let edit = format!("{thing}, 1000000, {at}, gen_random_uuid(), 'user', true, 'other', '{{}}'");
    let edit_types = "text, uuid, bigint, timestamptz, uuid, text, boolean, text, text";
    let history = format!("{thing}, 5000, 5100");
    let moved_on = format!("{thing}, 1000000, {at}, 1");
    vec![
        other(LOCK, "text, uuid", thing, vec![sessions, by_id]),
        other(plain_removal_sql(), "text, uuid, timestamptz", plain, vec![sessions, by_id, by_id, sessions]),
        other(REMOVE, "text, uuid, bigint, timestamptz, boolean", removal.clone(), vec![sessions, by_id]),
        other(EDIT, edit_types, edit, vec![edits, by_id, by_id, sessions]),
        other(RESTORE, "text, uuid, bigint, timestamptz, boolean", removal, vec![sessions, by_id]),
        other(history_sql(), "text, uuid, bigint, bigint", history, vec![by_id, edits, extensions]),
        other(MOVE_ON, "text, uuid, bigint, timestamptz, integer", moved_on, vec![sessions, by_id]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_made_while_the_tables_are_empty_does_not_go_through_a_tenants_sessions() {
    let mut database = Database::migrated().await;
    for other in others() {
        let plan = database.plan(&other.sql, other.types, &other.values).await;
        plan.assert_compares_nothing();
    }
}
