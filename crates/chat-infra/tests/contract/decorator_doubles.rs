//! Test doubles around a store in memory: they count, wait at a gate, and fail when told to.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Edit, EditOutcome, HistoryQuery, Message, MessageHistory, MessagePage, MessagePages,
    MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome, Restoration, RestoreOutcome,
};
use chat_domain::revision::Revision;
use chat_domain::session::{self, CreateOutcome, RevisionSource, Session, SessionKey};
use chat_domain::testing::builder::a_session;
use chat_domain::testing::fake::FakeStore;
use chat_domain::testing::rig::Task;
use tokio::sync::{Semaphore, watch};

/// Runs a task beside the others.
pub(crate) fn beside(task: Task) -> Task {
    let running = tokio::spawn(task);
    Box::pin(async move { running.await.expect("the task does not panic") })
}

/// Waits, but not for ever: whatever takes this long hangs.
pub(crate) async fn within<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it does not hang")
}

/// A session in the store.
pub(crate) async fn stored_session(store: &dyn session::SessionRepository) -> Session {
    match store.create(a_session()).await.expect("the store works") {
        CreateOutcome::Created(session) => session,
        other => panic!("a new session was not stored: {other:?}"),
    }
}

/// The message of an outcome that says that it was stored.
pub(crate) fn stored(outcome: &AppendOutcome) -> &Message {
    match outcome {
        AppendOutcome::Stored { message, .. } => message,
        other => panic!("a new message was not stored: {other:?}"),
    }
}

/// Something went wrong on purpose.
#[derive(Debug, thiserror::Error)]
#[error("on purpose")]
pub(crate) struct OnPurpose;

/// A place where calls wait until a test lets them on.
pub(crate) struct Gate {
    arrived: watch::Sender<usize>,
    passes: Semaphore,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self { arrived: watch::Sender::new(0), passes: Semaphore::new(0) }
    }

    pub(crate) fn open() -> Self {
        let gate = Self::closed();
        gate.open_for_good();
        gate
    }

    /// What a call does.
    pub(crate) async fn pass(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
        self.passes.acquire().await.expect("the gate stays").forget();
    }

    /// Waits until so many calls have come in all.
    pub(crate) async fn arrived(&self, calls: usize) {
        let mut arrived = self.arrived.subscribe();
        within(arrived.wait_for(|arrived| *arrived >= calls)).await.expect("the gate stays");
    }

    /// Lets so many calls on.
    pub(crate) fn let_on(&self, calls: usize) {
        self.passes.add_permits(calls);
    }

    pub(crate) fn open_for_good(&self) {
        self.let_on(1_000_000);
    }
}

/// A store that notes what it is asked to append, waits at its gate, and then does it, or what the test said.
pub(crate) struct GatedMessages {
    pub(crate) store: FakeStore,
    pub(crate) gate: Gate,
    batches: Mutex<Vec<usize>>,
    faults: Mutex<VecDeque<Fault>>,
    /// Sessions that somebody else holds; `None` where the gate is for everybody.
    held: Mutex<Option<HashSet<SessionId>>>,
}

/// What a batch meets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing.
    Free,
    /// The gate.
    Gate,
    /// The gate, and behind it somebody who holds a session.
    Busy,
}

/// What comes of one call in place of its work.
pub(crate) type Fault = Box<dyn FnOnce(&[NewMessage]) -> Result<(), RepositoryError> + Send>;

impl GatedMessages {
    pub(crate) fn new(gate: Gate) -> Arc<Self> {
        let (batches, faults, held) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { store: FakeStore::new(), gate, batches, faults, held })
    }

    /// From now on the gate is only for those who want a session that somebody else holds; behind it they are told so.
    /// Nobody holds one yet, or any more.
    pub(crate) fn free_all(&self) {
        *self.held.lock().unwrap() = Some(HashSet::new());
    }

    /// Somebody else holds this session.
    pub(crate) fn hold(&self, session: SessionId) {
        self.held.lock().unwrap().get_or_insert_default().insert(session);
    }

    /// Whether a batch is free to go, waits, or wants what somebody else holds.
    fn way(&self, batch: &[NewMessage]) -> Way {
        match &*self.held.lock().unwrap() {
            None => Way::Gate,
            Some(held) if batch.iter().any(|message| held.contains(&message.session_id)) => Way::Busy,
            Some(_) => Way::Free,
        }
    }

    /// The next call that has no fault yet gets this one.
    pub(crate) fn then(&self, fault: impl FnOnce(&[NewMessage]) -> Result<(), RepositoryError> + Send + 'static) {
        self.faults.lock().unwrap().push_back(Box::new(fault));
    }

    /// The sizes of all batches so far.
    pub(crate) fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }
}

#[async_trait]
impl MessageRepository for GatedMessages {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        self.batches.lock().unwrap().push(batch.len());
        let fault = self.faults.lock().unwrap().pop_front();
        let way = self.way(&batch);
        if way != Way::Free {
            self.gate.pass().await;
        }
        if way == Way::Busy {
            return Err(RepositoryError::busy(OnPurpose));
        }
        if let Some(fault) = fault {
            fault(&batch)?;
        }
        self.store.append(batch).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        self.store.find(tenant, id).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        self.store.remove(tenant, id, removal).await
    }

    async fn edit(&self, tenant: &TenantId, id: MessageId, edit: Edit) -> Result<EditOutcome, RepositoryError> {
        self.store.edit(tenant, id, edit).await
    }

    async fn restore(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError> {
        self.store.restore(tenant, id, restoration).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError> {
        self.store.history(tenant, id, query).await
    }
}

/// When a slow reader reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slow {
    /// At once; its answer is on the way for long.
    Answer,
    /// After it has waited.
    Read,
}

/// A store whose pages wait at a gate.
pub(crate) struct SlowPages {
    pub(crate) store: FakeStore,
    pub(crate) gate: Gate,
    slow: Slow,
    reads: AtomicUsize,
    failures: AtomicUsize,
}

impl SlowPages {
    pub(crate) fn new(store: FakeStore, gate: Gate, slow: Slow) -> Arc<Self> {
        Arc::new(Self { store, gate, slow, reads: AtomicUsize::new(0), failures: AtomicUsize::new(0) })
    }

    /// How many pages were read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// So many reads from now on fail.
    pub(crate) fn fail(&self, reads: usize) {
        self.failures.store(reads, Ordering::SeqCst);
    }
}

#[async_trait]
impl MessagePages for SlowPages {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.slow == Slow::Read {
            self.gate.pass().await;
        }
        let page = self.store.page(tenant, session, query).await;
        if self.slow == Slow::Answer {
            self.gate.pass().await;
        }
        let failing = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() { Err(RepositoryError::unavailable(OnPurpose)) } else { page }
    }
}

/// A source of `rev`s that reads at once, notes what it was asked, and answers after it has waited at its gate.
pub(crate) struct GatedRevs {
    pub(crate) store: FakeStore,
    pub(crate) gate: Gate,
    asked: Mutex<Vec<Vec<SessionKey>>>,
    failures: AtomicUsize,
}

impl GatedRevs {
    pub(crate) fn new(gate: Gate) -> Arc<Self> {
        let store = FakeStore::new();
        Arc::new(Self { store, gate, asked: Mutex::default(), failures: AtomicUsize::new(0) })
    }

    /// The sessions of each query so far.
    pub(crate) fn asked(&self) -> Vec<Vec<SessionKey>> {
        self.asked.lock().unwrap().clone()
    }

    /// So many queries from now on fail.
    pub(crate) fn fail(&self, queries: usize) {
        self.failures.store(queries, Ordering::SeqCst);
    }
}

#[async_trait]
impl RevisionSource for GatedRevs {
    async fn revs(&self, sessions: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError> {
        self.asked.lock().unwrap().push(sessions.clone());
        let revs = self.store.revs(sessions).await;
        self.gate.pass().await;
        let failing = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() { Err(RepositoryError::unavailable(OnPurpose)) } else { revs }
    }
}
