//! What the operator allows of attachments.

use super::kind::AllowedTypes;

/// The limits of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRules {
    /// The longest file, in bytes.
    pub max_bytes: u64,
    /// What all files of a tenant may have together, in bytes; `None` for any.
    pub quota: Option<u64>,
    /// Which kinds of files are taken.
    pub types: AllowedTypes,
}
