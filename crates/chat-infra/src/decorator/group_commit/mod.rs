//! Group commit: many appends become one.

mod apart;
mod batch;
mod claim;
mod figures;
mod queue;
mod split;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{
    AppendOutcome, Edit, EditOutcome, HistoryQuery, Message, MessageHistory, MessageRepository, NewMessage, Removal,
    RemoveOutcome, Restoration, RestoreOutcome,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use self::figures::Figures;
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
    /// The longest that an append takes, waiting for its writer included, where the caller's own time is not bounded
    /// (see [`deadline`](chat_domain::deadline)); 5 s. What has not been begun after three fifths of the time that its
    /// caller has is refused and not written. A store should answer [`RepositoryError::Busy`] well within this time,
    /// since what lay in one batch with a session that is held is tried once more.
    pub deadline: Duration,
}

impl Default for GroupCommitConfig {
    fn default() -> Self {
        Self { shards: 4, max_batch: 256, queue: 1_024, deadline: Duration::from_secs(5) }
    }
}

/// A [`MessageRepository`] around another, in which writers append whatever came while they wrote.
///
/// Sessions are spread over the writers by id, so that what one session is sent stays in order. There is no timer: a lone
/// caller waits for nobody. A batch of one caller is split by session and the outcomes are joined; where only some of it
/// could be written, the answer is [`RepositoryError::OutcomeUnknown`]. (An idempotency key is one of its session, so all
/// its uses meet at one writer.)
///
/// - A full queue, a wait beyond the limit and a shutdown are [`RepositoryError::Unavailable`]: nothing was written, and
///   nothing will be.
/// - Every caller has an answer within its deadline: [`RepositoryError::OutcomeUnknown`] where its message was being
///   written by then.
/// - What a caller who hung up had sent is still stored.
/// - A batch that fails answers every caller with the same error, with two exceptions in which the store says that it
///   wrote nothing, so that nobody suffers for another. After [`RepositoryError::Internal`] (it did not like a statement)
///   each caller's messages are tried once more by themselves. After [`RepositoryError::Busy`] (somebody else holds a
///   session) each session's messages are, beside the next batches; and the session that is held is written apart until
///   it is free, so that no other waits for it.
///
/// Counts `chat_append_refusals_total` by `reason` (`full`, `late`), and keeps the histograms `chat_append_batch_size` and
/// `chat_append_wait_seconds`, and the gauges `chat_append_sessions_apart` and `chat_append_queue_depth`, which
/// [`look`](Self::look) sets.
pub struct GroupCommit {
    inner: Arc<dyn MessageRepository>,
    queues: Queues,
    figures: Figures,
    writers: Mutex<Vec<JoinHandle<()>>>,
}

impl GroupCommit {
    /// Starts the writers, on the runtime in which this is called. Dropped without [`drain`](Self::drain), they write
    /// what is queued and end.
    #[must_use]
    pub fn spawn(inner: Arc<dyn MessageRepository>, config: &GroupCommitConfig) -> Self {
        let figures = Figures::new();
        let (shards, capacity) = (config.shards.max(1), config.queue.max(1));
        let (queues, receivers) = Queues::new(shards, capacity, config.deadline, figures.clone());
        let writers = receivers
            .into_iter()
            .map(|queue| tokio::spawn(Writer::new(Arc::clone(&inner), queue, config, figures.clone()).run()))
            .collect();
        Self { inner, queues, writers: Mutex::new(writers), figures }
    }

    /// Sets the gauge of the queues to what waits in them at the moment.
    pub fn look(&self) {
        self.figures.waiting(self.queues.waiting());
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
        split::join(answers, &self.figures).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        self.inner.find(tenant, id).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        self.inner.remove(tenant, id, removal).await
    }

    async fn edit(&self, tenant: &TenantId, id: MessageId, edit: Edit) -> Result<EditOutcome, RepositoryError> {
        self.inner.edit(tenant, id, edit).await
    }

    async fn restore(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError> {
        self.inner.restore(tenant, id, restoration).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError> {
        self.inner.history(tenant, id, query).await
    }
}
