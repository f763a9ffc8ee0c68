//! Group commit: many appends become one.

mod apart;
mod queue;
mod split;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Message, MessagePage, MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use self::queue::Queues;
use self::writer::Writer;

/// How [`GroupCommit`] writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupCommitConfig {
    /// So many writers, each with sessions of its own; 4. A store with one writer wants 1.
    pub shards: usize,
    /// The most messages that are written at once; 256. What one caller sends together stays together, however much.
    pub max_batch: usize,
    /// So many appends may wait for each writer; 1,024. More are refused at once.
    pub queue: usize,
    /// What waited longer for its writer is refused, not written; 3 s. Together with the store's own deadline it bounds
    /// the time after which a caller has an answer: the two must stay under 9 s, so that callers hear it before they give
    /// up. A store should answer [`RepositoryError::Busy`] well within this time, since what lay in one batch with a
    /// session that is held is tried once more.
    pub max_wait: Duration,
}

impl Default for GroupCommitConfig {
    fn default() -> Self {
        Self { shards: 4, max_batch: 256, queue: 1_024, max_wait: Duration::from_secs(3) }
    }
}

/// A [`MessageRepository`] around another, in which writers append whatever came while they wrote.
///
/// Sessions are spread over the writers by id, so that what one session is sent stays in order. There is no timer: a lone
/// caller waits for nobody. A batch of one caller whose sessions lie with several writers is split between them and the
/// outcomes are joined; where only some of it could be written, the answer is [`RepositoryError::OutcomeUnknown`]. (An
/// idempotency key is one of its session, so all its uses meet at one writer.)
///
/// - A full queue, a wait beyond the limit and a shutdown are [`RepositoryError::Unavailable`]: nothing was written.
/// - What a caller who hung up had sent is still stored.
/// - A batch that fails answers every caller with the same error, with two exceptions in which the store says that it
///   wrote nothing, so that nobody suffers for another. After [`RepositoryError::Internal`] (it did not like a statement)
///   each caller's messages are tried once more by themselves. After [`RepositoryError::Busy`] (somebody else holds a
///   session) each session's messages are.
///
/// Counts `chat_append_refusals_total` by `reason` (`full`, `late`), and keeps the histogram `chat_append_batch_size` and
/// the gauge `chat_append_queue_depth`.
pub struct GroupCommit {
    inner: Arc<dyn MessageRepository>,
    queues: Queues,
    writers: Mutex<Vec<JoinHandle<()>>>,
}

impl GroupCommit {
    /// Starts the writers, on the runtime in which this is called. Dropped without [`drain`](Self::drain), they write
    /// what is queued and end.
    #[must_use]
    pub fn spawn(inner: Arc<dyn MessageRepository>, config: &GroupCommitConfig) -> Self {
        let (queues, receivers) = Queues::new(config.shards.max(1), config.queue.max(1));
        let writers = receivers
            .into_iter()
            .map(|queue| tokio::spawn(Writer::new(Arc::clone(&inner), queue, config).run()))
            .collect();
        Self { inner, queues, writers: Mutex::new(writers) }
    }

    /// Takes no more appends, and returns when all that were taken are answered. May be called again, also when an
    /// earlier call was given up.
    pub async fn drain(&self) {
        self.queues.close();
        let mut writers = self.writers.lock().await;
        while let Some(writer) = writers.last_mut() {
            // A writer that panicked has nothing left to wait for; its callers know.
            let _ = writer.await;
            writers.pop();
        }
    }
}

#[async_trait]
impl MessageRepository for GroupCommit {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.queues.push(split::split(batch, self.queues.shards()))?;
        split::join(answers).await
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
        self.inner.page(tenant, session, query).await
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
