//! The row of a participant.

use chat_domain::error::RepositoryError;
use chat_domain::id::SessionId;
use chat_domain::participant::Participant;
use chat_domain::revision::{Rev, Seq};
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::{Queryable, Selectable};

use crate::postgres::row::{Broken, parsed};
use crate::postgres::schema::participants;
use crate::postgres::time::from_pg;

/// A participant as it is stored, apart from its session, which the question named.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = participants, check_for_backend(Pg))]
pub(in crate::postgres) struct ParticipantRow {
    role: String,
    id: String,
    read_seq: i64,
    delivered_seq: i64,
    visibility: String,
    rev: i64,
    updated_at: PgTimestamp,
}

impl ParticipantRow {
    pub(super) fn into_participant(self, session: SessionId) -> Result<Participant, RepositoryError> {
        self.read(session).map_err(|broken| broken.in_a("participant"))
    }

    fn read(self, session_id: SessionId) -> Result<Participant, Broken> {
        Ok(Participant {
            session_id,
            role: parsed("role", &self.role)?,
            id: parsed("id", &self.id)?,
            read_seq: Seq::new(self.read_seq),
            delivered_seq: Seq::new(self.delivered_seq),
            visibility: parsed("visibility", &self.visibility)?,
            rev: Rev::new(self.rev),
            updated_at: from_pg(self.updated_at)?,
        })
    }
}
