//! What a client sends to make or change a session, and what becomes of it once every field is checked.

use serde_json::value::RawValue;

use super::model::{MetadataChange, SessionChange};
use super::state::SessionStatus;
use crate::fault::{Faults, Place, Rejection};
use crate::field::Field;
use crate::id::{ParticipantId, SessionId};
use crate::metadata::{MergePatch, Metadata};

/// The fields of a request for a new session, unchecked.
#[derive(Debug, Default)]
pub struct SessionDraft {
    /// The visitor. Required.
    pub user_id: Field<String>,
    /// An agent who serves from the start; `null` for nobody.
    pub agent_id: Field<String>,
    /// The client's own data; `null` for none.
    pub metadata: Field<Box<RawValue>>,
    /// The session that this one continues; `null` for none.
    pub previous_session_id: Field<String>,
}

/// A checked request for a new session.
#[derive(Debug, serde::Serialize)]
pub(super) struct CheckedSession {
    pub(super) user_id: ParticipantId,
    pub(super) agent_id: Option<ParticipantId>,
    pub(super) metadata: Metadata,
    pub(super) previous_session_id: Option<SessionId>,
}

impl SessionDraft {
    /// Checks every field.
    ///
    /// # Errors
    /// All faults at once.
    pub(super) fn check(self) -> Result<CheckedSession, Faults> {
        let mut faults = Faults::none();
        let user_id = self.user_id.required("/user_id", &mut faults);
        let user_id = user_id.and_then(|text| faults.take(Place::Body, "/user_id", text.try_into()));
        let agent_id = self.agent_id.value().and_then(|text| faults.take(Place::Body, "/agent_id", text.try_into()));
        let metadata = metadata(self.metadata, &mut faults).unwrap_or_default();
        let previous_session_id = uuid(self.previous_session_id.value(), "/previous_session_id", &mut faults);
        let checked = user_id.map(|user_id| CheckedSession { user_id, agent_id, metadata, previous_session_id });
        faults.settle(checked)
    }

    /// All faults that the fields have, for a body that could not be read whole.
    #[must_use]
    pub fn faults(self) -> Faults {
        self.check().err().unwrap_or_default()
    }
}

/// How the metadata of a patch is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetadataEdit {
    /// It takes the place of what was there.
    #[default]
    Replace,
    /// It is merged into what was there (RFC 7396).
    Merge,
}

/// The fields of a request to change a session, unchecked.
#[derive(Debug, Default)]
pub struct SessionPatch {
    /// The new agent; `null` for nobody.
    pub agent_id: Field<String>,
    /// The new status.
    pub status: Field<String>,
    /// The new metadata; `null` for none at all.
    pub metadata: Field<Box<RawValue>>,
    /// How the metadata is meant.
    pub metadata_edit: MetadataEdit,
}

impl SessionPatch {
    /// Checks every field.
    ///
    /// # Errors
    /// All faults at once.
    pub(super) fn check(self) -> Result<SessionChange, Faults> {
        let mut faults = Faults::none();
        let agent_id = match self.agent_id {
            Field::Absent => None,
            Field::Null => Some(None),
            Field::Value(text) => faults.take(Place::Body, "/agent_id", text.try_into()).map(Some),
        };
        let status = self.status.optional("/status", &mut faults);
        let status = status.and_then(|text| faults.take(Place::Body, "/status", text.parse::<SessionStatus>()));
        let metadata = metadata_change(self.metadata, self.metadata_edit, &mut faults);
        faults.into_result()?;
        Ok(SessionChange { agent_id, status, metadata })
    }

    /// All faults that the fields have, for a body that could not be read whole.
    #[must_use]
    pub fn faults(self) -> Faults {
        self.check().err().unwrap_or_default()
    }
}

/// Reads a metadata field: `None` where it was not sent or is at fault.
pub(crate) fn metadata(field: Field<Box<RawValue>>, faults: &mut Faults) -> Option<Metadata> {
    let raw = match field {
        Field::Absent => return None,
        Field::Null => return Some(Metadata::default()),
        Field::Value(raw) => raw,
    };
    Metadata::parse(raw.get())
        .map_err(|(below, rejection)| faults.add(Place::Body, format!("/metadata{below}"), rejection))
        .ok()
}

/// Reads a metadata field of a patch: `None` where it was not sent or is at fault.
pub(crate) fn metadata_change(
    field: Field<Box<RawValue>>,
    edit: MetadataEdit,
    faults: &mut Faults,
) -> Option<MetadataChange> {
    // In a merge patch `null` takes the whole member away (RFC 7396), which for metadata means the empty object.
    let merges = edit == MetadataEdit::Merge && !matches!(field, Field::Null);
    metadata(field, faults).map(|metadata| {
        if merges { MetadataChange::Merge(MergePatch::new(metadata)) } else { MetadataChange::Replace(metadata) }
    })
}

/// Reads an id field.
pub(crate) fn uuid<T: std::str::FromStr>(text: Option<String>, pointer: &str, faults: &mut Faults) -> Option<T> {
    let text = text?;
    // Only the form with hyphens: one id has one spelling, letter case aside.
    let id = if text.len() == 36 { text.parse().ok() } else { None };
    let id = id.ok_or_else(|| Rejection::new("invalid_uuid", "must be a UUID, 36 characters with hyphens"));
    faults.take(Place::Body, pointer, id)
}
