//! The row of a message.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId};
use chat_domain::message::{Message, Sender};
use chat_domain::revision::{Rev, Seq};
use diesel::Queryable;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use uuid::Uuid;

use crate::postgres::row::{Broken, json, parsed};
use crate::postgres::time::from_pg;

/// The columns that make a message, in the order of [`MessageColumns`].
pub(super) const MESSAGE_COLUMNS: &str = "m.session_id, m.seq, m.id, m.rev, m.sender_type, m.sender_id, m.content, \
     m.message_type, m.metadata, m.reply_to, m.visibility, m.created_at, m.edited_at, m.deleted_at";

/// In their place where there is none.
pub(super) const NO_MESSAGE: &str = "NULL::uuid, NULL::bigint, NULL::uuid, NULL::bigint, NULL::text, NULL::text, \
     NULL::text, NULL::text, NULL::text, NULL::uuid, NULL::text, NULL::timestamptz, NULL::timestamptz, \
     NULL::timestamptz";

/// Their types.
pub(super) type MessageColumns = (
    diesel::sql_types::Uuid,
    BigInt,
    diesel::sql_types::Uuid,
    BigInt,
    Text,
    Text,
    Text,
    Text,
    Text,
    Nullable<diesel::sql_types::Uuid>,
    Text,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
);

/// A message as it is stored.
#[derive(Debug, Queryable)]
pub(super) struct MessageRow {
    session_id: Uuid,
    seq: i64,
    id: Uuid,
    rev: i64,
    sender_type: String,
    sender_id: String,
    content: String,
    message_type: String,
    metadata: String,
    reply_to: Option<Uuid>,
    visibility: String,
    created_at: PgTimestamp,
    edited_at: Option<PgTimestamp>,
    deleted_at: Option<PgTimestamp>,
}

impl MessageRow {
    /// The message without its extensions, and with what a tombstone must not show.
    pub(super) fn into_message(self) -> Result<Message, RepositoryError> {
        self.read().map_err(|broken| broken.in_a("message"))
    }

    fn read(self) -> Result<Message, Broken> {
        let sender = Sender {
            sender_type: parsed("sender_type", &self.sender_type)?,
            id: parsed("sender_id", &self.sender_id)?,
        };
        Ok(Message {
            id: MessageId::new(self.id),
            session_id: SessionId::new(self.session_id),
            seq: Seq::new(self.seq),
            rev: Rev::new(self.rev),
            sender,
            content: self.content,
            message_type: parsed("message_type", &self.message_type)?,
            metadata: json("metadata", self.metadata)?,
            reply_to: self.reply_to.map(MessageId::new),
            visibility: parsed("visibility", &self.visibility)?,
            created_at: from_pg(self.created_at)?,
            edited_at: self.edited_at.map(from_pg).transpose()?,
            deleted_at: self.deleted_at.map(from_pg).transpose()?,
            extensions: Vec::new(),
        })
    }
}
