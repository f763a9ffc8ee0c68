//! The row of a session.

use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::revision::{Rev, Version};
use chat_domain::session::{Session, SessionState, Tally};
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{Queryable, Selectable};
use uuid::Uuid;

use crate::postgres::row::{Broken, json, parsed};
use crate::postgres::schema::sessions;
use crate::postgres::time::from_pg;

/// The columns that make a session, in the order of [`SessionColumns`]. The tenant is the one that was asked for.
pub(in crate::postgres) const SESSION_COLUMNS: &str = "s.id, s.user_id, s.agent_id, s.status, s.metadata, \
     s.created_at, s.updated_at, s.ended_at, s.previous_session_id, s.rev, s.version, \
     s.message_count, s.last_message_at, s.public_message_count, s.last_public_message_at";

/// In their place where there is none.
pub(in crate::postgres) const NO_SESSION: &str = "NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::text, \
     NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::uuid, NULL::bigint, NULL::bigint, \
     NULL::bigint, NULL::timestamptz, NULL::bigint, NULL::timestamptz";

/// Their types.
pub(in crate::postgres) type SessionColumns = (
    diesel::sql_types::Uuid,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Timestamptz,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<diesel::sql_types::Uuid>,
    BigInt,
    BigInt,
    BigInt,
    Nullable<Timestamptz>,
    BigInt,
    Nullable<Timestamptz>,
);

/// A session as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub(in crate::postgres) struct SessionRow {
    id: Uuid,
    user_id: String,
    agent_id: Option<String>,
    status: String,
    metadata: String,
    created_at: PgTimestamp,
    updated_at: PgTimestamp,
    ended_at: Option<PgTimestamp>,
    previous_session_id: Option<Uuid>,
    rev: i64,
    version: i64,
    message_count: i64,
    last_message_at: Option<PgTimestamp>,
    public_message_count: i64,
    last_public_message_at: Option<PgTimestamp>,
}

impl SessionRow {
    /// The session, which was asked for within this tenant.
    pub(in crate::postgres) fn into_session(self, tenant: &TenantId) -> Result<Session, RepositoryError> {
        self.read(tenant).map_err(|broken| broken.in_a("session"))
    }

    fn read(self, tenant: &TenantId) -> Result<Session, Broken> {
        let status = parsed("status", &self.status)?;
        let ended_at = self.ended_at.map(from_pg).transpose()?;
        Ok(Session {
            id: SessionId::new(self.id),
            tenant_id: tenant.clone(),
            user_id: parsed("user_id", &self.user_id)?,
            agent_id: self.agent_id.map(|id| parsed("agent_id", &id)).transpose()?,
            state: SessionState::from_stored(status, ended_at).ok_or(Broken("status and ended_at"))?,
            metadata: json("metadata", self.metadata)?,
            created_at: from_pg(self.created_at)?,
            updated_at: from_pg(self.updated_at)?,
            previous_session_id: self.previous_session_id.map(SessionId::new),
            rev: Rev::new(self.rev),
            version: Version::new(self.version),
            all_messages: tally(self.message_count, self.last_message_at)?,
            public_messages: tally(self.public_message_count, self.last_public_message_at)?,
        })
    }
}

fn tally(count: i64, last_at: Option<PgTimestamp>) -> Result<Tally, Broken> {
    Ok(Tally { count, last_at: last_at.map(from_pg).transpose()? })
}
