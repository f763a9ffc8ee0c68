//! What has changed in a session since one of its states: a walk along the index of its `rev`s.

use std::sync::Arc;

use chat_domain::error::RepositoryError;
use chat_domain::message::{Changes, Since};
use diesel::prelude::*;

use super::row::{MessageRow, all_shown};
use crate::sqlite::error::read_failed;
use crate::sqlite::limit::at_most;
use crate::sqlite::schema::messages;
use crate::sqlite::session;
use crate::sqlite::traced::shown;
use crate::sqlite::value::StoredUuid;

/// The changes of each, in the read transaction that the caller has begun.
pub(in crate::sqlite) fn changes(
    connection: &mut SqliteConnection,
    asked: &[Since],
) -> Result<Vec<Option<Arc<Changes>>>, RepositoryError> {
    asked.iter().map(|since| Ok(changes_of(connection, since)?.map(Arc::new))).collect()
}

fn changes_of(connection: &mut SqliteConnection, since: &Since) -> Result<Option<Changes>, RepositoryError> {
    let Since { session: key, revision } = since;
    let Some(session) = session::find(connection, &key.tenant_id, key.id)? else { return Ok(None) };
    let shown = shown("read changes");
    let changed = messages::table
        .filter(messages::tenant_id.eq(key.tenant_id.as_str()))
        .filter(messages::session_id.eq(StoredUuid(key.id.as_uuid())))
        .filter(messages::rev.ge(revision.rev.get()))
        .order(messages::rev)
        .select(MessageRow::as_select());
    let rows = at_most(i64::try_from(Changes::ROWS).unwrap_or(i64::MAX), changed).load(connection);
    drop(shown);
    let rows = rows.map_err(|error| read_failed("message", error))?;
    Ok(Changes::assemble(session, *revision, all_shown(connection, &key.tenant_id, rows)?))
}
