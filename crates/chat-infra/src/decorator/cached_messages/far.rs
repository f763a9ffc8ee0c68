//! Pages in a cache that nodes share, as JSON.

use std::sync::Arc;

use chat_domain::cache::Cache;
use chat_domain::message::MessagePage;
use chat_domain::revision::Revision;

use super::key::Question;

/// Pages under keys that hold the revision: nodes that fill it at different times never overwrite each other.
pub(super) struct FarPages {
    cache: Arc<dyn Cache>,
    max_page_bytes: usize,
}

/// What was found under a key.
pub(super) enum Found {
    /// The page.
    Page(Box<MessagePage>),
    /// Nothing.
    Nothing,
    /// A value that is not this page.
    Unreadable,
}

impl FarPages {
    /// Keeps pages of at most so many bytes of JSON there.
    pub(super) fn new(cache: Arc<dyn Cache>, max_page_bytes: usize) -> Self {
        Self { cache, max_page_bytes }
    }

    /// The page of this state of the session.
    pub(super) async fn get(&self, question: &Question, revision: Revision) -> Found {
        let Some(bytes) = self.cache.get(&question.key(revision)).await else { return Found::Nothing };
        match serde_json::from_slice::<MessagePage>(&bytes) {
            Ok(page) if question.is_answered_by(&page, revision) => Found::Page(Box::new(page)),
            Ok(_) | Err(_) => Found::Unreadable,
        }
    }

    /// Keeps a page that was read from the store.
    pub(super) async fn put(&self, question: &Question, page: &MessagePage) {
        let Ok(bytes) = serde_json::to_vec(page) else { return };
        if bytes.len() <= self.max_page_bytes {
            self.cache.put(&question.key(page.session.revision()), bytes.into()).await;
        }
    }
}
