//! Pages of messages that did not change are not read again.

mod flight;
mod key;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Message, MessagePage, MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome,
};
use chat_domain::revision::Revision;
use chat_domain::session::{RevisionSource, SessionKey};

use self::flight::{Flights, Landing, Lost};
use super::guarded::guarded;

/// What [`CachedMessages`] keeps, and how long a read may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedMessagesConfig {
    /// The largest page that is kept, in bytes of JSON; 1 MiB. Larger ones are read each time.
    pub max_value_bytes: usize,
    /// How long a page may take altogether, the question for the revision included; 8 s.
    pub deadline: Duration,
}

impl Default for CachedMessagesConfig {
    fn default() -> Self {
        Self { max_value_bytes: 1024 * 1024, deadline: Duration::from_secs(8) }
    }
}

/// A [`MessageRepository`] around another, whose pages come from a cache while their session has not moved on.
///
/// Each read asks the [`RevisionSource`] for the session's present [`Revision`], and takes a page only from under that. A
/// page that had to be read is kept under the revision of the session *that came with it*, so a slow fill lies where only
/// those look who want that very state. A `rev` that the store gives twice, because it lost what had it first, leads to
/// another page than before: the revision also says when it was taken. Nothing is ever removed or overwritten with something else, and no node needs to
/// tell another anything.
///
/// Reads of one page that miss at the same time are one read of the store. It runs on the runtime in which this value was
/// made and goes on when a caller hangs up.
///
/// Counts `chat_page_reads_total` by `result`: `hit`, `miss` (a read of the store), `joined` (waited for the miss of
/// another), `unreadable` (a value that is no such page; a miss follows).
pub struct CachedMessages {
    inner: Arc<dyn MessageRepository>,
    revs: Arc<dyn RevisionSource>,
    cache: Arc<dyn Cache>,
    flights: Flights<Read>,
    config: CachedMessagesConfig,
}

/// What a read of the store gave, to be shared by those who wait for it.
type Read = Result<Option<Arc<MessagePage>>, RepositoryError>;

#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the page took too long")]
struct Late;

impl CachedMessages {
    /// Caches the pages of `inner`. `revs` must speak of the same store, with all that was answered before the question
    /// came. Must be called within a tokio runtime, which will run the fills.
    #[must_use]
    pub fn new(
        inner: Arc<dyn MessageRepository>,
        revs: Arc<dyn RevisionSource>,
        cache: Arc<dyn Cache>,
        config: CachedMessagesConfig,
    ) -> Self {
        Self { inner, revs, cache, flights: Flights::new(), config }
    }

    async fn fresh_page(&self, tenant: &TenantId, session: SessionId, query: &PageQuery) -> Read {
        let wanted = vec![SessionKey { tenant_id: tenant.clone(), id: session }];
        let Some(revision) = self.revs.revs(wanted).await?.pop().flatten() else { return Ok(None) };
        let key = key::page(tenant, session, revision, query);
        if let Some(page) = self.kept(&key, tenant, session, revision).await {
            count("hit");
            return Ok(Some(Arc::new(page)));
        }
        let (flight, first) = self.flights.join(&key, |landing| {
            let fill = Fill {
                inner: Arc::clone(&self.inner),
                cache: Arc::clone(&self.cache),
                max_value_bytes: self.config.max_value_bytes,
                tenant: tenant.clone(),
                session,
                query: *query,
            };
            fill.run(landing)
        });
        count(if first { "miss" } else { "joined" });
        flight.landed().await.map_err(|Lost| RepositoryError::internal(Lost))?
    }

    async fn kept(&self, key: &str, tenant: &TenantId, session: SessionId, revision: Revision) -> Option<MessagePage> {
        let bytes = self.cache.get(key).await?;
        let page = serde_json::from_slice::<MessagePage>(&bytes).ok();
        // The key says all this already: a cache that mixed up its keys must not show one tenant what is another's.
        let page = page.filter(|page| {
            let kept = &page.session;
            kept.revision() == revision && kept.id == session && kept.tenant_id == *tenant
        });
        if page.is_none() {
            count("unreadable");
        }
        page
    }
}

fn count(result: &'static str) {
    metrics::counter!("chat_page_reads_total", "result" => result).increment(1);
}

/// One read of the store, and what is to be kept of it.
struct Fill {
    inner: Arc<dyn MessageRepository>,
    cache: Arc<dyn Cache>,
    max_value_bytes: usize,
    tenant: TenantId,
    session: SessionId,
    query: PageQuery,
}

impl Fill {
    async fn run(self, landing: Landing<Read>) {
        let page = guarded(self.inner.page(&self.tenant, self.session, &self.query)).await;
        let page = page.map_err(RepositoryError::internal).flatten();
        let page = page.map(|page| page.map(Arc::new));
        // Those who wait need not wait for the cache too; those who come until it has the page get it from here.
        landing.land(page.clone());
        if let Ok(Some(page)) = page {
            self.keep(&page).await;
        }
    }

    async fn keep(&self, page: &MessagePage) {
        let Ok(bytes) = serde_json::to_vec(page) else { return };
        if bytes.len() <= self.max_value_bytes {
            let key = key::page(&self.tenant, self.session, page.session.revision(), &self.query);
            self.cache.put(&key, bytes.into()).await;
        }
    }
}

#[async_trait]
impl MessageRepository for CachedMessages {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        self.inner.append(batch).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        self.inner.find(tenant, id).await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<MessagePage>, RepositoryError> {
        let page = tokio::time::timeout(self.config.deadline, self.fresh_page(tenant, session, query)).await;
        let page = page.map_err(|_| RepositoryError::unavailable(Late))??;
        Ok(page.map(Arc::unwrap_or_clone))
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        self.inner.remove(tenant, id, removal).await
    }
}
