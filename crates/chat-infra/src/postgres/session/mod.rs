//! The sessions.

pub(super) mod create;
pub(super) mod list;
pub(super) mod row;
pub(super) mod update;

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::participant::UnreadCounts;
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
use crate::operation::{Observed, Operation};

/// The sessions of all tenants.
pub(super) struct PgSessions {
    pub(super) pool: Observed<PgPool>,
    /// Of what is unread in the sessions of a list.
    pub(super) counts: Arc<dyn UnreadCounts>,
}

#[async_trait]
impl SessionRepository for PgSessions {
    async fn create(&self, new: NewSession) -> Result<CreateOutcome, RepositoryError> {
        self.pool.run(Operation::SessionsCreate, |pool| create::create(pool, &new)).await
    }

    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
        self.pool.run(Operation::SessionsFind, |pool| find(pool, tenant, id)).await
    }

    async fn list_of_user(&self, tenant: &TenantId, query: &UserSessions) -> Result<Arc<SessionPage>, RepositoryError> {
        let mut page = self.pool.run(Operation::SessionsList, |pool| list::list_of_user(pool, tenant, query)).await?;
        list::count(&*self.counts, &query.reader, &mut page).await?;
        Ok(Arc::new(page))
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<UpdateOutcome, RepositoryError> {
        self.pool.run(Operation::SessionsUpdate, |pool| update::update(pool, tenant, id, &update)).await
    }
}

async fn find(pool: &PgPool, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
    let rows: Vec<SessionRow> = pool.read("find session", || row_of(tenant, id)).await?;
    rows.into_iter().next().map(|row| row.into_session(tenant)).transpose()
}

/// The session's row.
pub(super) fn row_of(
    tenant: &TenantId,
    id: SessionId,
) -> impl LoadQuery<'_, AsyncPgConnection, SessionRow> + QueryFragment<Pg> + Send {
    sessions::table.find((tenant.as_str(), id.as_uuid())).select(SessionRow::as_select())
}
