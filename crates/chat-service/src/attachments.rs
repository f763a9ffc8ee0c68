//! Attachments, put together: where they are known, where their files lie, and what removes them.

use std::sync::Arc;

use chat_domain::access::Guard;
use chat_domain::attachment::{AttachmentFiles, AttachmentRepository, AttachmentService, AttachmentSweep};
use chat_domain::clock::{Clock, IdSource};
use chat_domain::message::MessageRepository;
use chat_domain::session::SessionRepository;
use chat_infra::files::{DiskFiles, InvalidS3, S3Files};

use crate::settings::{AttachmentSettings, FilePlace};

/// The use cases, and the sweep.
pub(crate) struct Attachments {
    pub(crate) service: Arc<AttachmentService>,
    pub(crate) sweep: AttachmentSweep,
}

/// The stores of what attachments belong to.
pub(crate) struct Beside {
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) messages: Arc<dyn MessageRepository>,
}

/// Puts them together.
///
/// # Errors
/// A store of files that cannot be used as it is set.
pub(crate) fn attachments(
    settings: &AttachmentSettings,
    repository: Arc<dyn AttachmentRepository>,
    beside: Beside,
    guard: Guard,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
) -> Result<Attachments, InvalidS3> {
    let files = files(settings)?;
    let keep_unsent = i64::try_from(settings.keep_unsent.as_secs()).unwrap_or(i64::MAX);
    let sweep = AttachmentSweep::new(Arc::clone(&repository), Arc::clone(&files), keep_unsent);
    let beside = (beside.sessions, beside.messages);
    let service = AttachmentService::new((repository, files), beside, settings.rules.clone(), guard, clock, ids);
    Ok(Attachments { service: Arc::new(service), sweep })
}

fn files(settings: &AttachmentSettings) -> Result<Arc<dyn AttachmentFiles>, InvalidS3> {
    Ok(match &settings.place {
        FilePlace::Disk => Arc::new(DiskFiles::new(&settings.directory)),
        FilePlace::S3(s3) => Arc::new(S3Files::new(s3, &settings.directory)?),
    })
}
