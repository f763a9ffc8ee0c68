//! What the routes of the audit take and show.

use chat_domain::access::Role;
use chat_domain::audit::{AuditDraft, AuditEntry, AuditPage};
use chat_domain::id::{AuditId, ParticipantId, SessionId};
use chat_domain::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::extract::parameters;
use crate::link::Links;

/// That somebody did something to a thing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditEntryView<'a> {
    /// A UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    id: AuditId,
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who did it.
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "sue")]
    actor_id: &'a ParticipantId,
    /// In which role.
    #[schema(schema_with = crate::openapi::schema::role)]
    actor_role: Role,
    /// What was done. There will be more kinds of deeds.
    #[schema(example = "delete_message")]
    action: &'a str,
    /// What kind of thing it was done to. There will be more kinds.
    #[schema(example = "message")]
    thing_kind: &'a str,
    /// That thing's id.
    thing_id: &'a str,
    /// The session that the thing is, or is in.
    #[schema(value_type = Option<String>, format = Uuid, required = true)]
    session_id: Option<SessionId>,
}

impl<'a> From<&'a AuditEntry> for AuditEntryView<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self {
            id: entry.id,
            created_at: entry.created_at,
            actor_id: &entry.actor_id,
            actor_role: entry.actor_role,
            action: &entry.action,
            thing_kind: &entry.thing_kind,
            thing_id: &entry.thing_id,
            session_id: entry.session_id,
        }
    }
}

/// Entries, one view made after the other while they are written.
pub(super) struct AuditList<'a>(pub(super) &'a [AuditEntry]);

impl Serialize for AuditList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(AuditEntryView::from))
    }
}

parameters! {
    /// Which entries of the audit are listed.
    pub(crate) struct ListAudit {
        /// How many, at most.
        #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 100)]
        limit,
        /// Where a page before left off: opaque, from a `Link` header.
        #[param(value_type = Option<String>, pattern = "^[on][0-9a-f]{1,14}-[0-9a-f]{32}$")]
        cursor,
        /// Only what this one did.
        #[param(value_type = Option<String>, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
        actor,
        /// Only what was done under this name.
        #[param(schema_with = crate::openapi::schema::action)]
        action,
    }
    faults(this, _caller) { this.draft().faults() }
}

impl ListAudit {
    pub(super) fn draft(&self) -> AuditDraft {
        AuditDraft {
            limit: self.limit.clone(),
            cursor: self.cursor.clone(),
            actor: self.actor.clone(),
            action: self.action.clone(),
        }
    }

    /// The pages around one page.
    pub(super) fn links(&self, mut links: Links, page: &AuditPage) -> Links {
        let cursors = [("next", page.next), ("prev", page.prev)];
        let cursors = cursors.map(|(rel, cursor)| (rel, cursor.map(|cursor| cursor.encode())));
        let question =
            [("actor", self.actor.as_deref()), ("action", self.action.as_deref()), ("limit", self.limit.as_deref())];
        links.add_around(cursors, &question);
        links
    }
}
