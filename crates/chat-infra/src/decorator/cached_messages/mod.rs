//! Pages of messages that did not change are not read again.

mod far;
mod figures;
mod flight;
mod key;
mod near;
mod own;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{Changes, Message, MessagePage, MessagePages, PageQuery, Since};
use chat_domain::revision::Revision;
use chat_domain::session::{RevisionSource, SessionKey};
use chat_domain::timestamp::Timestamp;
use tokio::time::timeout_at;

use self::far::{FarPages, Found};
use self::figures::Figures;
use self::flight::{Flights, Landing, Lost};
use self::key::Question;
use self::near::NearPages;
use self::own::OwnMessages;
use super::guarded::guarded;
use crate::deadline;

/// What [`CachedMessages`] keeps, and how long a read may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedMessagesConfig {
    /// The most bytes of pages in the memory of the process; 16 MiB. The bookkeeping comes on top.
    pub near_bytes: u64,
    /// How long a page is kept there; 10 minutes.
    pub near_ttl: Duration,
    /// The largest page that goes to the cache of all nodes, in bytes of JSON; 1 MiB.
    pub max_far_page_bytes: usize,
    /// How long a page may take altogether, the question for the revision included; 8 s.
    pub deadline: Duration,
}

impl Default for CachedMessagesConfig {
    fn default() -> Self {
        Self {
            near_bytes: 16 * 1024 * 1024,
            near_ttl: Duration::from_mins(10),
            max_far_page_bytes: 1024 * 1024,
            deadline: Duration::from_secs(8),
        }
    }
}

/// [`MessagePages`] around others, whose pages are kept while their session has not moved on: as values in the memory of
/// the process, and as JSON in a cache that nodes share, where there is one.
///
/// Each read asks the [`RevisionSource`] for the session's present [`Revision`], and takes a kept page only where it is of
/// just that one. A page that had to be read is kept as of the revision of the session *that came with it*, so a slow
/// fill is an answer only to those who want that very state. A `rev` that the store gives twice, because it lost what had
/// it first, is another revision: that also says when it was taken. No node needs to tell another anything.
///
/// A page in the memory of the process that is a few changes behind is not read again. The changes are read, for all
/// sessions that are asked for together, and [`MessagePage::moved_on`] makes the present page of both. As with a page, that
/// read begins after the question came. Such a page is soon behind again and does not go to the common cache. Where this
/// node stored all that has changed, as its [`stored`](MessagePages::stored) heard, nothing is read at all: the present
/// revision says that there is nothing else.
///
/// Reads of one page that miss at the same time are one read. It runs on the runtime in which this value was made and
/// goes on when a caller hangs up.
///
/// Counts `chat_page_reads_total` by `result`: `hit`, `moved` (made of a kept page and what has changed), `miss` (a read of
/// the store), `joined` (waited for the read of another), `unreadable` (a value that is no such page; a miss follows); and
/// `chat_cache_reads_total` by `tier` (`near`, `far`) and `result` (`hit`, `miss`).
pub struct CachedMessages {
    revs: Arc<dyn RevisionSource>,
    flights: Flights<(Question, Revision), Read>,
    deadline: Duration,
    source: Arc<Source>,
}

/// Where pages come from, beside the question for the revision.
struct Source {
    inner: Arc<dyn MessagePages>,
    near: NearPages,
    own: OwnMessages,
    far: Option<FarPages>,
    figures: Figures,
}

/// What the memory of the process has.
enum Near {
    /// The present page.
    Present(Arc<MessagePage>),
    /// A page of the session's recent past.
    Behind(Arc<MessagePage>),
    /// Nothing that helps.
    Nothing,
}

/// What a read gave, to be shared by those who wait for it.
type Read = Result<Option<Arc<MessagePage>>, RepositoryError>;

#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the page took too long")]
struct Late;

impl CachedMessages {
    /// Caches the pages of `inner`, also in `far` where that is given. `revs` must speak of the same store, with all that
    /// was answered before the question came. Must be called within a tokio runtime, which will run the reads.
    #[must_use]
    pub fn new(
        inner: Arc<dyn MessagePages>,
        revs: Arc<dyn RevisionSource>,
        far: Option<Arc<dyn Cache>>,
        config: &CachedMessagesConfig,
    ) -> Self {
        let near = NearPages::new(config.near_bytes, config.near_ttl);
        let far = far.map(|cache| FarPages::new(cache, config.max_far_page_bytes));
        let source = Arc::new(Source { inner, near, own: OwnMessages::new(), far, figures: Figures::new() });
        Self { revs, flights: Flights::new(), deadline: config.deadline, source }
    }
}

#[async_trait]
impl MessagePages for CachedMessages {
    async fn page(&self, tenant: &TenantId, session: SessionId, query: &PageQuery) -> Read {
        let deadline = deadline::within(self.deadline)?;
        let wanted = vec![SessionKey { tenant_id: tenant.clone(), id: session }];
        let Some(revision) = self.revs.revs(wanted).await?.pop().flatten() else { return Ok(None) };
        let question = Question { tenant: tenant.clone(), session, query: *query };
        match self.source.near(&question, revision) {
            Near::Present(page) => return Ok(Some(page)),
            Near::Behind(page) => {
                if let Some(page) = self.source.moved_on_by_own(&question, &page, revision) {
                    return Ok(Some(page));
                }
                let moved = timeout_at(deadline, self.moved_on(&question, &page)).await;
                if let Some(page) = moved.map_err(|_| RepositoryError::unavailable(Late))?? {
                    return Ok(Some(page));
                }
            }
            Near::Nothing => {}
        }
        let (flight, first) = self
            .flights
            .join((question.clone(), revision), |landing| Arc::clone(&self.source).fetch(question, revision, landing));
        if !first {
            self.source.figures.joined.increment(1);
        }
        let landed = timeout_at(deadline, flight.landed()).await;
        landed.map_err(|_| RepositoryError::unavailable(Late))?.map_err(|Lost| RepositoryError::internal(Lost))?
    }

    fn stored(&self, tenant: &TenantId, message: &Message, found: Timestamp) {
        self.source.own.note(tenant, message, found);
    }
}

impl CachedMessages {
    /// The page as it is now, where that can be told from how it was. Nobody is refused here who could still be told by a
    /// read of the page; but a store that is gone is asked once.
    async fn moved_on(&self, question: &Question, page: &Arc<MessagePage>) -> Read {
        let since = Since { session: question.session(), revision: page.session.revision() };
        let changes = match self.revs.news(Vec::new(), vec![since]).await {
            Ok(mut news) => news.changes.pop().flatten(),
            Err(error @ RepositoryError::Unavailable(_)) => return Err(error),
            Err(_) => None,
        };
        Ok(changes.and_then(|changes| self.source.moved_on(question, page, &changes)))
    }
}

impl Source {
    fn near(&self, question: &Question, present: Revision) -> Near {
        let near = match self.near.get(question) {
            Some(page) if question.is_answered_by(&page, present) => Near::Present(page),
            Some(page) if question.is_nearly_answered_by(&page, present) => Near::Behind(page),
            Some(_) | None => Near::Nothing,
        };
        let is_hit = matches!(near, Near::Present(_));
        self.figures.near.count(is_hit);
        if is_hit {
            self.figures.hit.increment(1);
        }
        near
    }

    /// The present page, where all that has changed since the kept one was stored by this node.
    fn moved_on_by_own(&self, question: &Question, page: &MessagePage, present: Revision) -> Option<Arc<MessagePage>> {
        let changes = self.own.since(&page.session, present)?;
        self.moved_on(question, page, &changes)
    }

    /// Those who ask the same at the same time are told the same changes: the first makes the page, the others find it.
    fn moved_on(&self, question: &Question, page: &MessagePage, changes: &Changes) -> Option<Arc<MessagePage>> {
        let found = self.near.get(question).filter(|page| question.is_answered_by(page, changes.session.revision()));
        let page = if let Some(page) = found {
            page
        } else {
            let page = Arc::new(page.moved_on(&question.query, changes)?);
            self.near.put(question.clone(), Arc::clone(&page));
            page
        };
        self.figures.moved.increment(1);
        Some(page)
    }

    /// Gets what is not near, for all who wait for it.
    async fn fetch(
        self: Arc<Self>,
        question: Question,
        present: Revision,
        landing: Landing<(Question, Revision), Read>,
    ) {
        if let Some(page) = self.far(&question, present).await {
            self.near.put(question, Arc::clone(&page));
            return landing.land(Ok(Some(page)));
        }
        self.figures.miss.increment(1);
        let page = guarded(self.inner.page(&question.tenant, question.session, &question.query)).await;
        let page = page.map_err(RepositoryError::internal).flatten();
        if let Ok(Some(page)) = &page {
            self.near.put(question.clone(), Arc::clone(page));
        }
        // Those who wait need not wait for the far cache too.
        landing.land(page.clone());
        drop(landing);
        if let (Ok(Some(page)), Some(far)) = (page, &self.far) {
            far.put(&question, &page).await;
        }
    }

    async fn far(&self, question: &Question, present: Revision) -> Option<Arc<MessagePage>> {
        let found = self.far.as_ref()?.get(question, present).await;
        self.figures.far.count(!matches!(found, Found::Nothing));
        match found {
            Found::Page(page) => {
                self.figures.hit.increment(1);
                Some(Arc::from(page))
            }
            Found::Nothing => None,
            Found::Unreadable => {
                self.figures.unreadable.increment(1);
                None
            }
        }
    }
}
