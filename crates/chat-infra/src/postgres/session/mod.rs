//! The sessions.

pub(super) mod create;
pub(super) mod list;
pub(super) mod row;
pub(super) mod update;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::session::{
    CreateOutcome, NewSession, Session, SessionPage, SessionRepository, SessionUpdate, UpdateOutcome, UserSessions,
};
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::{QueryDsl as _, SelectableHelper as _};
use diesel_async::AsyncPgConnection;
use diesel_async::methods::LoadQuery;

use self::row::SessionRow;
use super::pool::PgPool;
use super::schema::sessions;

/// The sessions of all tenants.
pub(super) struct PgSessions(pub(super) PgPool);

#[async_trait]
impl SessionRepository for PgSessions {
    async fn create(&self, new: NewSession) -> Result<CreateOutcome, RepositoryError> {
        create::create(&self.0, &new).await
    }

    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
        find(&self.0, tenant, id).await
    }

    async fn list_of_user(&self, tenant: &TenantId, query: &UserSessions) -> Result<SessionPage, RepositoryError> {
        list::list_of_user(&self.0, tenant, query).await
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<UpdateOutcome, RepositoryError> {
        update::update(&self.0, tenant, id, &update).await
    }
}

async fn find(pool: &PgPool, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
    let rows: Vec<SessionRow> = pool.read(|| row_of(tenant, id)).await?;
    rows.into_iter().next().map(|row| row.into_session(tenant)).transpose()
}

/// The session's row.
pub(super) fn row_of(
    tenant: &TenantId,
    id: SessionId,
) -> impl LoadQuery<'_, AsyncPgConnection, SessionRow> + QueryFragment<Pg> + Send {
    sessions::table.find((tenant.as_str(), id.as_uuid())).select(SessionRow::as_select())
}
