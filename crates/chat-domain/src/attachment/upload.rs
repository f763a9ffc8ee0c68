//! An upload, from its first byte to its answer.

use bytes::Bytes;
use serde::Serialize;

use super::error::AttachmentError;
use super::intake::{Intake, Taken};
use super::kind::agrees;
use super::model::Attachment;
use super::name::FileName;
use super::port::{CommitOutcome, IncomingFile, NewAttachment, ReserveOutcome};
use super::service::AttachmentService;
use crate::access::{Caller, Permit};
use crate::id::SessionId;
use crate::idempotency::{Idempotency, IdempotencyKey};
use crate::outcome::Written;
use crate::revision::Rev;

/// What a client says of its file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// What it is called.
    pub filename: Option<String>,
    /// What kind it is said to be. Nothing hangs on it, but a lie is refused.
    pub content_type: Option<String>,
}

/// A file on its way in, for a caller who may. Of one that is dropped nothing is left.
#[must_use]
pub struct Upload<'a> {
    pub(super) service: &'a AttachmentService,
    pub(super) caller: &'a Caller,
    pub(super) permit: Permit<'a>,
    pub(super) session_id: SessionId,
    /// Where the session has ended, its `rev`: only a repeat is answered then.
    pub(super) ended: Option<Rev>,
    pub(super) incoming: Box<dyn IncomingFile>,
    pub(super) intake: Intake,
}

/// What a repeat of an upload must bring again.
#[derive(Serialize)]
struct Command<'a> {
    filename: &'a FileName,
    sha256: String,
}

impl Upload<'_> {
    /// Takes the next piece of the file.
    ///
    /// # Errors
    /// A file that is too long, a disk at fault.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), AttachmentError> {
        let limit = self.service.rules.max_bytes;
        self.intake.take(&piece).map_err(|_| AttachmentError::TooLarge { limit })?;
        Ok(self.incoming.write(piece).await?)
    }

    /// Keeps the file, which has come to its end; it is durable when this returns.
    ///
    /// # Errors
    /// A file that is empty or of a kind that is not taken or was not told, a session that has ended, a reused key, a quota
    /// that is used up, a store at fault. Then nothing is left of the file, or the sweep finds it.
    pub async fn finish(
        self,
        described: &Described,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written<Attachment>, AttachmentError> {
        let Self { service, caller, permit, session_id, ended, incoming, intake } = self;
        let taken = intake.finish();
        check(service, &taken, described)?;
        let filename = FileName::of(described.filename.as_deref());
        let key = bound(key, caller, session_id, &filename, &taken)?;
        let attachments = service.attachments.with(&permit);
        if let Some(key) = key
            && let Some(known) = attachments.replay(caller.tenant(), key).await?
        {
            return settled(known);
        }
        if let Some(rev) = ended {
            return Err(AttachmentError::SessionEnded { rev });
        }
        let new = NewAttachment {
            tenant_id: caller.tenant().clone(),
            id: service.ids.attachment_id(),
            session_id,
            uploaded_by: caller.id().clone(),
            uploader_role: caller.role(),
            filename,
            content_type: taken.content_type.to_owned(),
            size: taken.size,
            sha256: taken.sha256,
            created_at: service.clock.now(),
        };
        let place = new.key();
        if attachments.reserve(new, service.rules.quota).await? == ReserveOutcome::QuotaExceeded {
            return Err(AttachmentError::QuotaExceeded);
        }
        if let Err(error) = incoming.keep(&place).await {
            service.undo(&permit, &place).await;
            return Err(error.into());
        }
        // Where nobody knows whether it was committed the file must stay; the sweep finds it where it was not.
        let outcome = attachments.commit(&place.tenant_id, place.id, key).await?;
        if !matches!(outcome, CommitOutcome::Stored(_)) {
            service.undo(&permit, &place).await;
        }
        settled(outcome)
    }
}

fn check(service: &AttachmentService, taken: &Taken, described: &Described) -> Result<(), AttachmentError> {
    if taken.size == 0 {
        return Err(AttachmentError::of_file("empty", "must not be empty"));
    }
    if !service.rules.types.allow(taken.content_type) {
        return Err(AttachmentError::TypeNotAllowed(taken.content_type));
    }
    if !agrees(described.content_type.as_deref().unwrap_or_default(), taken.content_type) {
        return Err(AttachmentError::TypeMismatch(taken.content_type));
    }
    Ok(())
}

fn bound(
    key: Option<&IdempotencyKey>,
    caller: &Caller,
    session_id: SessionId,
    filename: &FileName,
    taken: &Taken,
) -> Result<Option<Idempotency>, AttachmentError> {
    let command = Command { filename, sha256: taken.sha256.to_string() };
    let parent = session_id.to_string();
    let bound = key.map(|key| Idempotency::new(key, caller, "attachments.create", &parent, &command));
    Ok(bound.transpose()?)
}

fn settled(outcome: CommitOutcome) -> Result<Written<Attachment>, AttachmentError> {
    match outcome {
        CommitOutcome::Stored(attachment) => Ok(Written::fresh(attachment)),
        CommitOutcome::Replayed(attachment) => Ok(Written::replayed(attachment)),
        CommitOutcome::KeyReused => Err(AttachmentError::KeyReused),
        CommitOutcome::Missing => Err(AttachmentError::NotFound),
    }
}
