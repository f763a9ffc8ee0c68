//! Pages in the memory of the process, as values: a hit neither parses nor copies anything.

use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use chat_domain::extension::Extension;
use chat_domain::message::{Message, MessagePage};
use foldhash::fast::RandomState;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::key::Question;

/// The last page that was read for each question, bounded by the bytes of all; what was used least recently goes first.
///
/// A page is kept under its question alone, so the next state of a session takes the place of the one before. Whoever
/// takes a page out must hold it against the present revision.
pub(super) struct NearPages {
    pages: Cache<Question, Arc<MessagePage>, RandomState>,
    max_bytes: u64,
}

impl NearPages {
    /// Keeps so many bytes of pages, each for so long.
    pub(super) fn new(max_bytes: u64, ttl: Duration) -> Self {
        let pages = Cache::builder()
            .max_capacity(max_bytes)
            .time_to_live(ttl)
            .weigher(|question, page: &Arc<MessagePage>| weight(question, page))
            // The default policy lets a key in only when it was asked for more often than those that it would push out;
            // here what was asked for last is most likely asked for again.
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(RandomState::default());
        Self { pages, max_bytes }
    }

    pub(super) fn get(&self, question: &Question) -> Option<Arc<MessagePage>> {
        self.pages.get(question)
    }

    /// Keeps the page in the place of the one before. The cache would let go of one that is too large, but not at once.
    pub(super) fn put(&self, question: Question, page: Arc<MessagePage>) {
        if u64::from(weight(&question, &page)) <= self.max_bytes {
            self.pages.insert(question, page);
        } else {
            self.pages.invalidate(&question);
        }
    }
}

/// About what an entry takes of the memory, in bytes. One that is too large to be counted is too large to be kept.
fn weight(question: &Question, page: &MessagePage) -> u32 {
    let Question { tenant, .. } = question;
    let session = &page.session;
    let texts = tenant.as_str().len() + session.user_id.as_str().len() + session.metadata.as_str().len();
    let messages: usize = page.messages.iter().map(message_weight).sum();
    let entry = size_of::<Question>() + size_of::<MessagePage>();
    u32::try_from(entry + texts + messages).unwrap_or(u32::MAX)
}

pub(super) fn message_weight(message: &Message) -> usize {
    let texts = message.content.len() + message.metadata.as_str().len() + message.sender.id.as_str().len();
    let extensions = message.extensions.iter().map(|extension| size_of::<Extension>() + extension.data.as_str().len());
    size_of::<Message>() + texts + extensions.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use chat_domain::access::View;
    use chat_domain::message::{NewMessage, PageQuery};
    use chat_domain::revision::{Rev, Seq};
    use chat_domain::testing::builder::{a_message, a_session};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    /// A page of one message with so many bytes of content, and the question for it.
    fn entry(bytes: usize) -> (Question, Arc<MessagePage>) {
        let session = a_session().to_session();
        let query = PageQuery::newest(View::Full, 10);
        let message = NewMessage { content: "x".repeat(bytes), ..a_message(&session) };
        let question = Question { tenant: session.tenant_id.clone(), session: session.id, query };
        let page = MessagePage::assemble(session, &query, vec![message.to_message(Seq::FIRST, Rev::new(2))]);
        (question, Arc::new(page))
    }

    #[test]
    fn the_pages_together_stay_below_the_bound() {
        let near = NearPages::new(100_000, DAY);
        for _ in 0..200 {
            let (question, page) = entry(5_000);
            near.put(question, page);
        }
        near.pages.run_pending_tasks();
        assert!(near.pages.weighted_size() <= 100_000, "{}", near.pages.weighted_size());
        assert!((1..20).contains(&near.pages.entry_count()), "{}", near.pages.entry_count());
    }

    #[test]
    fn a_new_page_pushes_out_the_one_that_was_used_least_recently() {
        let near = NearPages::new(25_000, DAY);
        let [(old, old_page), (new, new_page), (newest, newest_page)] = [entry(10_000), entry(10_000), entry(10_000)];
        near.put(old.clone(), old_page);
        near.put(new.clone(), new_page);
        for question in [&old, &old, &old, &new] {
            assert!(near.get(question).is_some());
        }
        near.put(newest.clone(), newest_page);
        near.pages.run_pending_tasks();
        assert!(near.get(&old).is_none());
        assert!(near.get(&new).is_some() && near.get(&newest).is_some());
    }

    #[test]
    fn a_page_above_the_bound_is_dropped_in_silence() {
        let near = NearPages::new(10_000, DAY);
        let (question, page) = entry(20_000);
        near.put(question.clone(), page);
        near.pages.run_pending_tasks();
        assert!(near.get(&question).is_none());
    }

    #[test]
    fn a_page_weighs_at_least_what_its_texts_do() {
        let (question, page) = entry(5_000);
        assert!(weight(&question, &page) > 5_000);
    }
}
