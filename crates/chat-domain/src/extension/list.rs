//! A page of all that hangs on a message, earlier versions of its text among it.

use super::model::Extension;
use crate::error::RepositoryError;
use crate::message::{HistoryQuery, MessageHistory};
use crate::revision::Rev;

/// A page of what hangs on a message: first what is shown with the message, then the earlier versions of its text, each
/// oldest first. Only the versions are paged: of the others a message holds no more than [`Extension::MAX_PER_MESSAGE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionPage {
    /// The message's `rev`.
    pub rev: Rev,
    /// What hangs on it.
    pub extensions: Vec<Extension>,
    /// Where the list goes on.
    pub next: Option<HistoryQuery>,
    /// Where the page before this one lies.
    pub prev: Option<HistoryQuery>,
}

impl ExtensionPage {
    /// Makes a page of the same page of the message's history.
    pub(super) fn of(history: MessageHistory, query: &HistoryQuery) -> Result<Self, RepositoryError> {
        let (next, prev) = (history.next(query), history.prev(query));
        let MessageHistory { message, versions, .. } = history;
        let mut extensions = if query.after == 0 { message.extensions } else { Vec::new() };
        for version in versions {
            let earlier = version.to_extension(message.id).map_err(RepositoryError::internal)?;
            extensions.extend(earlier);
        }
        Ok(Self { rev: message.rev, extensions, next, prev })
    }
}
