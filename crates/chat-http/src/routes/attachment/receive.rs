//! Taking a file in.

use std::sync::Arc;

use chat_domain::access::Caller;
use chat_domain::attachment::{Attachment, AttachmentService, Described};
use chat_domain::fault::{Faults, Rejection};
use chat_domain::id::SessionId;
use chat_domain::idempotency::IdempotencyKey;
use chat_domain::outcome::Written;

use crate::extract::{Form, Patience};
use crate::problem::Problem;
use crate::uploads::Uploads;

/// The field of the form that has the file.
const FILE: &str = "file";

/// Takes in the file of a form.
pub(super) async fn receive(
    service: &AttachmentService,
    uploads: &Arc<Uploads>,
    (caller, session): (&Caller, SessionId),
    mut form: Form,
    key: Option<&IdempotencyKey>,
) -> Result<Written<Attachment>, Problem> {
    let _slot = uploads.begin()?;
    let mut upload = service.begin(caller, session, key.is_some()).await?;
    let patience = Patience::new(uploads.pace());
    let mut described = None;
    while let Some(mut part) = form.next(&patience).await? {
        if part.name != FILE {
            return Err(part.fault("unknown_field", "is not known"));
        }
        if described.is_some() {
            return Err(part.fault("duplicate_field", "stands twice"));
        }
        while let Some(piece) = form.piece(&mut part, &patience).await? {
            uploads.received(piece.len());
            upload.write(piece).await?;
        }
        described = Some(Described { filename: part.filename.take(), content_type: part.content_type.take() });
    }
    form.finish(&patience).await?;
    let missing = || Faults::body("/file", Rejection::new("missing_field", "is required"));
    let described = described.ok_or_else(missing)?;
    Ok(upload.finish(&described, key).await?)
}
