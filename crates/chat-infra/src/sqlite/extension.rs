//! The extensions of messages.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::extension::{AddOutcome, Extension, ExtensionRepository, NewExtension};
use chat_domain::id::{ExtensionId, MessageId, SessionId, TenantId};
use chat_domain::metadata::Metadata;
use chat_domain::revision::Rev;
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::SqliteStore;
use super::error::{failed, read_failed, unreadable};
use super::head::SessionHead;
use super::schema::{message_extensions, messages};
use super::store::Threads;
use super::traced::shown;
use super::update::update;
use super::value::{StoredUuid, Unreadable};
use crate::operation::{Observed, Operation};

/// The extensions of an SQLite store.
pub struct SqliteExtensions {
    threads: Observed<Threads>,
}

impl SqliteExtensions {
    /// The extensions of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl ExtensionRepository for SqliteExtensions {
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError> {
        let add = move |connection: &mut _| add(connection, &new);
        self.threads.run(Operation::ExtensionsAdd, |to| to.writer.write(add)).await
    }

    async fn list(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<Vec<Extension>, RepositoryError> {
        let (tenant, messages) = (tenant.clone(), messages.iter().copied().collect::<BTreeSet<_>>());
        let call = Operation::ExtensionsList.of(messages.len());
        let list = move |connection: &mut _| list(connection, &tenant, &messages);
        self.threads.run(call, |to| to.readers.read(list)).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
        at: Timestamp,
    ) -> Result<Option<Rev>, RepositoryError> {
        let tenant = tenant.clone();
        let remove = move |connection: &mut _| remove(connection, &tenant, message, id, at);
        self.threads.run(Operation::ExtensionsRemove, |to| to.writer.write(remove)).await
    }
}

/// What an extension must know of the message that it hangs on.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(Sqlite))]
struct Bearer {
    session_id: StoredUuid,
    deleted_at: Option<i64>,
    extension_count: i64,
}

impl Bearer {
    fn find(
        connection: &mut SqliteConnection,
        tenant: &TenantId,
        id: MessageId,
    ) -> Result<Option<Self>, RepositoryError> {
        let _shown = shown("find message");
        messages::table
            .filter(messages::tenant_id.eq(tenant.as_str()))
            .filter(messages::id.eq(StoredUuid(id.as_uuid())))
            .select(Self::as_select())
            .get_result(connection)
            .optional()
            .map_err(|error| read_failed("message", error))
    }

    const fn shows_extensions(&self) -> bool {
        self.deleted_at.is_none() && self.extension_count > 0
    }

    /// Gives the message so many extensions and the session's next `rev`, which is returned.
    fn count(
        &self,
        connection: &mut SqliteConnection,
        tenant: &TenantId,
        id: MessageId,
        (count, at): (i64, Timestamp),
    ) -> Result<Rev, RepositoryError> {
        let session = SessionId::new(self.session_id.0);
        let mut head = SessionHead::read(connection, tenant, session)?;
        head.move_on(at);
        head.write(connection, tenant, session)?;
        let changes = (messages::rev.eq(head.rev), messages::extension_count.eq(count));
        let this = messages::tenant_id.eq(tenant.as_str()).and(messages::id.eq(StoredUuid(id.as_uuid())));
        let _shown = shown("move message on");
        update(messages::table, changes, this).execute(connection).map_err(failed)?;
        Ok(Rev::new(head.rev))
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = message_extensions, check_for_backend(Sqlite))]
struct ExtensionRow {
    id: StoredUuid,
    extension_type: String,
    created_at: i64,
    data: String,
}

impl ExtensionRow {
    fn parse(self, message_id: MessageId) -> Result<Extension, Unreadable> {
        Ok(Extension {
            id: ExtensionId::new(self.id.0),
            message_id,
            extension_type: self.extension_type.parse()?,
            data: Metadata::from_stored(self.data)?,
            created_at: Timestamp::from_micros(self.created_at)?,
        })
    }
}

/// What hangs on a message, oldest first, whether it is a tombstone or not.
pub(super) fn extensions_of(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: MessageId,
) -> Result<Vec<Extension>, RepositoryError> {
    let _shown = shown("list extensions");
    let rows = message_extensions::table
        .filter(message_extensions::tenant_id.eq(tenant.as_str()))
        .filter(message_extensions::message_id.eq(StoredUuid(message.as_uuid())))
        .select(ExtensionRow::as_select())
        .load(connection)
        .map_err(|error| read_failed("extension", error))?;
    let extensions = rows.into_iter().map(|row| row.parse(message)).collect::<Result<Vec<_>, _>>();
    let mut extensions = extensions.map_err(unreadable("extension"))?;
    extensions.sort_by_key(|extension| (extension.created_at, extension.id));
    Ok(extensions)
}

fn list(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    messages: &BTreeSet<MessageId>,
) -> Result<Vec<Extension>, RepositoryError> {
    let mut extensions = Vec::new();
    for id in messages {
        if Bearer::find(connection, tenant, *id)?.is_some_and(|bearer| bearer.shows_extensions()) {
            extensions.extend(extensions_of(connection, tenant, *id)?);
        }
    }
    Ok(extensions)
}

fn add(connection: &mut SqliteConnection, new: &NewExtension) -> Result<AddOutcome, RepositoryError> {
    let Some(bearer) = Bearer::find(connection, &new.tenant_id, new.message_id)? else {
        return Ok(AddOutcome::MessageMissing);
    };
    if bearer.deleted_at.is_some() {
        return Ok(AddOutcome::MessageDeleted);
    }
    if usize::try_from(bearer.extension_count).is_ok_and(|count| count >= Extension::MAX_PER_MESSAGE) {
        return Ok(AddOutcome::TooMany);
    }
    let row = (
        message_extensions::tenant_id.eq(new.tenant_id.as_str()),
        message_extensions::message_id.eq(StoredUuid(new.message_id.as_uuid())),
        message_extensions::id.eq(StoredUuid(new.id.as_uuid())),
        message_extensions::extension_type.eq(new.extension_type.as_str()),
        message_extensions::created_at.eq(new.created_at.as_micros()),
        message_extensions::data.eq(new.data.as_str()),
    );
    let shown = shown("insert extension");
    diesel::insert_into(message_extensions::table).values(row).execute(connection).map_err(failed)?;
    drop(shown);
    let count = (bearer.extension_count + 1, new.created_at);
    let rev = bearer.count(connection, &new.tenant_id, new.message_id, count)?;
    let extension = Extension {
        id: new.id,
        message_id: new.message_id,
        extension_type: new.extension_type.clone(),
        data: new.data.clone(),
        created_at: new.created_at,
    };
    Ok(AddOutcome::Added { extension, rev })
}

fn remove(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: MessageId,
    id: ExtensionId,
    at: Timestamp,
) -> Result<Option<Rev>, RepositoryError> {
    let bearer = Bearer::find(connection, tenant, message)?.filter(Bearer::shows_extensions);
    let Some(bearer) = bearer else { return Ok(None) };
    let extension = message_extensions::table
        .filter(message_extensions::tenant_id.eq(tenant.as_str()))
        .filter(message_extensions::message_id.eq(StoredUuid(message.as_uuid())))
        .filter(message_extensions::id.eq(StoredUuid(id.as_uuid())));
    let shown = shown("delete extension");
    let deleted = diesel::delete(extension).execute(connection).map_err(failed)?;
    drop(shown);
    if deleted == 0 {
        return Ok(None);
    }
    bearer.count(connection, tenant, message, (bearer.extension_count - 1, at)).map(Some)
}
