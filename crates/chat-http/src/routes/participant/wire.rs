//! What the routes of participants take and show.

use chat_domain::id::ParticipantId;
use chat_domain::participant::{Participant, ParticipantRole, ReceiptDraft};
use chat_domain::revision::{Rev, Seq};
use chat_domain::timestamp::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::body;

/// How far somebody has come in a session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Participant)]
pub(crate) struct ParticipantView<'a> {
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "u-1")]
    id: &'a ParticipantId,
    /// `user` (the visitor) or `agent` (whoever serves: agents, supervisors, admins, services).
    #[schema(schema_with = crate::openapi::schema::participant_role)]
    role: ParticipantRole,
    /// The last message that was read; 0 for none.
    #[schema(value_type = i64, minimum = 0)]
    read_seq: Seq,
    /// The last message that was delivered; never below `read_seq`.
    #[schema(value_type = i64, minimum = 0)]
    delivered_seq: Seq,
    /// The session's `rev` at the last receipt that moved something.
    #[schema(value_type = i64, minimum = 1)]
    rev: Rev,
    /// When that was.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a Participant> for ParticipantView<'a> {
    fn from(participant: &'a Participant) -> Self {
        Self {
            id: &participant.id,
            role: participant.role,
            read_seq: participant.read_seq,
            delivered_seq: participant.delivered_seq,
            rev: participant.rev,
            updated_at: participant.updated_at,
        }
    }
}

body! {
    /// Up to where messages have come or were read.
    #[schema(example = json!({"seq": 9}))]
    pub(crate) struct SendReceipt {
        /// The last of them, by its `seq`; 0 for none. One beyond the last that there is stands for that.
        #[schema(value_type = i64, required = true, minimum = 0)]
        seq: i64,
    }
    faults(this, _media, _caller) { this.draft().faults() }
}

impl SendReceipt {
    pub(super) fn draft(self) -> ReceiptDraft {
        ReceiptDraft { seq: self.seq }
    }
}
