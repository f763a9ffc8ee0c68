//! The use cases of attachments: take one in, give one out.

use std::ops::Range;
use std::sync::Arc;

use super::error::{AttachmentError, refused};
use super::intake::Intake;
use super::model::{Attachment, FileKey};
use super::port::{AttachmentFiles, AttachmentRepository, FileReader};
use super::rules::AttachmentRules;
use super::upload::Upload;
use crate::access::{Action, Caller, Guard, Guarded, Permit, Relation};
use crate::audit::Thing;
use crate::clock::{Clock, IdSource};
use crate::error::RepositoryError;
use crate::id::{AttachmentId, MessageId, SessionId};
use crate::message::MessageRepository;
use crate::session::{SessionRepository, SessionStatus};

/// The use cases of attachments.
pub struct AttachmentService {
    pub(super) attachments: Guarded<dyn AttachmentRepository>,
    pub(super) files: Guarded<dyn AttachmentFiles>,
    pub(super) rules: AttachmentRules,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    sessions: Guarded<dyn SessionRepository>,
    messages: Guarded<dyn MessageRepository>,
    guard: Guard,
}

/// An attachment, for a caller who may have its file.
#[derive(Debug)]
pub struct Opened<'a> {
    /// What is known of it.
    pub attachment: Attachment,
    permit: Permit<'a>,
}

/// A row says that a file is there, and it is not.
#[derive(Debug, thiserror::Error)]
#[error("the file of an attachment is gone")]
struct FileGone;

impl AttachmentService {
    /// Puts the use cases on top of their ports: where attachments are known, where their files lie, and the sessions and
    /// messages that they belong to.
    #[must_use]
    pub fn new(
        (attachments, files): (Arc<dyn AttachmentRepository>, Arc<dyn AttachmentFiles>),
        (sessions, messages): (Arc<dyn SessionRepository>, Arc<dyn MessageRepository>),
        rules: AttachmentRules,
        guard: Guard,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            attachments: Guarded::new(attachments),
            files: Guarded::new(files),
            rules,
            clock,
            ids,
            sessions: Guarded::new(sessions),
            messages: Guarded::new(messages),
            guard,
        }
    }

    /// The longest file that is taken, in bytes.
    #[must_use]
    pub const fn max_bytes(&self) -> u64 {
        self.rules.max_bytes
    }

    /// Begins to take in a file for a session. One that repeats another by its key is taken in whatever state the session
    /// is in, since what it repeats may have been before the end.
    ///
    /// # Errors
    /// A session that is not there or has ended, a disk at fault.
    pub async fn begin<'a>(
        &'a self,
        caller: &'a Caller,
        session_id: SessionId,
        may_repeat: bool,
    ) -> Result<Upload<'a>, AttachmentError> {
        let found = self.sessions.look(|sessions| sessions.find(caller.tenant(), session_id)).await?;
        let found = found.ok_or(AttachmentError::SessionNotFound)?;
        let relation = caller.relation_to(&found.to_judge().user_id);
        let opened = self.guard.open(found, caller, Action::UploadAttachment, relation, || Thing::Session(session_id));
        let (session, permit) = opened.map_err(|denied| refused(denied, AttachmentError::SessionNotFound))?;
        let ended = (session.state.status() == SessionStatus::Ended).then_some(session.rev);
        if let Some(rev) = ended.filter(|_| !may_repeat) {
            return Err(AttachmentError::SessionEnded { rev });
        }
        let incoming = self.files.with(&permit).receive().await?;
        let intake = Intake::new(self.rules.max_bytes);
        Ok(Upload { service: self, caller, permit, session_id, ended, incoming, intake })
    }

    /// An attachment whose file the caller may have: one that was sent, where it may see the message; one that was not,
    /// where it uploaded it or may send it for others.
    ///
    /// # Errors
    /// [`AttachmentError::NotFound`] also where the caller may not see it; a store at fault.
    pub async fn open<'a>(&self, caller: &'a Caller, id: AttachmentId) -> Result<Opened<'a>, AttachmentError> {
        let hidden = |denied| refused(denied, AttachmentError::NotFound);
        let found = self.attachments.look(|attachments| attachments.find(caller.tenant(), id)).await?;
        let found = found.ok_or(AttachmentError::NotFound)?;
        let session_id = found.to_judge().session_id;
        let thing = || Thing::Session(session_id);
        let relation = self.relation_to(caller, session_id).await?;
        let (attachment, permit) =
            self.guard.open(found, caller, Action::ReadSession, relation, thing).map_err(hidden)?;
        let permit = match attachment.message_id {
            Some(message) if self.hangs_on(caller, &attachment, message).await? => permit,
            Some(_) => return Err(AttachmentError::NotFound),
            None => {
                let relation = attachment.relation_to(caller);
                self.guard.ask(caller, Action::UseAttachment, relation, thing).map_err(hidden)?
            }
        };
        Ok(Opened { attachment, permit })
    }

    /// A part of its file.
    ///
    /// # Errors
    /// A store at fault, which it also is where the file is gone.
    pub async fn read(&self, opened: &Opened<'_>, range: Range<u64>) -> Result<Box<dyn FileReader>, AttachmentError> {
        let key = FileKey { tenant_id: opened.permit.caller().tenant().clone(), id: opened.attachment.id };
        let reader = self.files.with(&opened.permit).read(&key, range).await?;
        reader.ok_or_else(|| RepositoryError::corrupt("file", FileGone).into())
    }

    /// Removes what came of an upload that did not come to its end. Where that fails the sweep does it.
    pub(super) async fn undo(&self, permit: &Permit<'_>, key: &FileKey) {
        if self.files.with(permit).remove(key).await.is_ok() {
            _ = self.attachments.with(permit).forget(std::slice::from_ref(key)).await;
        }
    }

    /// Whether the caller sees the message, and the attachment on it.
    async fn hangs_on(
        &self,
        caller: &Caller,
        attachment: &Attachment,
        message: MessageId,
    ) -> Result<bool, RepositoryError> {
        let found = self.messages.look(|messages| messages.find(caller.tenant(), message)).await?;
        Ok(found.is_some_and(|found| {
            let message = found.to_judge();
            // A tombstone shows no extensions.
            message.visibility.shown_in(caller.view())
                && message.extensions.iter().any(|extension| extension.id == attachment.extension_id())
        }))
    }

    /// What the session is to the caller. To those who see all sessions it makes no difference, so it is not looked up.
    async fn relation_to(&self, caller: &Caller, session_id: SessionId) -> Result<Relation, RepositoryError> {
        if caller.may(Action::ReadSession, Relation::Other) {
            return Ok(Relation::Other);
        }
        let session = self.sessions.look(|sessions| sessions.find(caller.tenant(), session_id)).await?;
        Ok(session.map_or(Relation::Other, |session| caller.relation_to(&session.to_judge().user_id)))
    }
}
