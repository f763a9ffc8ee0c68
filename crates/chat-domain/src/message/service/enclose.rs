//! Finding the attachments that a new message is sent with.

use super::{MessageError, MessageService};
use crate::access::{Action, Caller};
use crate::attachment::Enclosure;
use crate::audit::Thing;
use crate::error::RepositoryError;
use crate::fault::{Faults, Place, Rejection};
use crate::id::{AttachmentId, SessionId};

impl MessageService {
    /// The attachments, each of this session and for the caller to send; every fault at once. One that was sent before is
    /// left to the store, which knows whether this is a repeat of what sent it.
    pub(super) async fn enclosures(
        &self,
        caller: &Caller,
        session_id: SessionId,
        ids: &[AttachmentId],
    ) -> Result<Vec<Enclosure>, MessageError> {
        let (mut faults, mut enclosures) = (Faults::none(), Vec::with_capacity(ids.len()));
        for (place, id) in ids.iter().enumerate() {
            match self.enclosure(caller, session_id, *id).await? {
                Some(enclosure) => enclosures.push(enclosure),
                None => faults.add(Place::Body, format!("/attachments/{place}"), not_found()),
            }
        }
        if faults.is_empty() {
            return Ok(enclosures);
        }
        Err(if self.is_shown(caller, session_id).await? { faults.into() } else { MessageError::SessionNotFound })
    }

    async fn enclosure(
        &self,
        caller: &Caller,
        session_id: SessionId,
        id: AttachmentId,
    ) -> Result<Option<Enclosure>, RepositoryError> {
        let Some(attachments) = &self.attachments else { return Ok(None) };
        let found = attachments.look(|attachments| attachments.find(caller.tenant(), id)).await?;
        let Some(found) = found.filter(|found| found.to_judge().session_id == session_id) else { return Ok(None) };
        let relation = found.to_judge().relation_to(caller);
        let thing = || Thing::Session(session_id);
        let Ok((attachment, _)) = self.guard.open(found, caller, Action::UseAttachment, relation, thing) else {
            return Ok(None);
        };
        attachment.enclosure().map(Some).map_err(RepositoryError::internal)
    }
}

/// The fault of an attachment that went with another message.
pub(super) fn taken(ids: &[AttachmentId], taken: AttachmentId) -> MessageError {
    let place = ids.iter().position(|id| *id == taken).unwrap_or_default();
    let rejection = Rejection::new("attachment_sent", "names an attachment that was sent with another message");
    Faults::body(&format!("/attachments/{place}"), rejection).into()
}

fn not_found() -> Rejection {
    Rejection::new("attachment_not_found", "names no attachment of this session that is yours to send")
}
