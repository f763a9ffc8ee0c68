//! Sessions that are written apart from all others, because somebody else holds them or may do so.
//!
//! A batch fails as a whole when one of its sessions is held, and only after the store has waited for it. So after such a
//! failure each session of the batch is written by itself, beside the batches to come; those that are free come through
//! at once and are as before. One that is held is remembered: what comes for it is written apart, whoever waits for it
//! waits alone, and the first message that comes through sets it free again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chat_domain::error::RepositoryError;
use chat_domain::id::SessionId;
use chat_domain::message::MessageRepository;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::batch::{Written, answer_all, batches, write};
use super::figures::Figures;
use super::queue::Job;

/// So many sessions are written apart at once; each takes a connection of the store.
const AT_ONCE: usize = 3;
/// So many of them may be sessions that are known to be held, so that these do not keep those waiting that may be free.
const HELD_AT_ONCE: usize = 1;
/// So many sessions that are held and have no message are remembered.
const REMEMBERED: usize = 1_024;

/// The sessions that one writer writes apart.
pub(super) struct Apart {
    store: Arc<dyn MessageRepository>,
    max_batch: usize,
    /// So many jobs may wait here.
    capacity: usize,
    waiting: usize,
    rooms: HashMap<SessionId, Room>,
    /// Sessions with jobs, in the order in which they came: those that may be free, and those that were held.
    suspects: VecDeque<SessionId>,
    held: VecDeque<SessionId>,
    writes: FuturesUnordered<BoxFuture<'static, Attempt>>,
    held_writes: usize,
    figures: Figures,
}

/// What waits for one session.
#[derive(Default)]
struct Room {
    jobs: Vec<Job>,
    stage: Stage,
    /// Whether somebody held it when it was written last.
    held: bool,
}

/// What is being done about a session.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing: nobody writes to it.
    #[default]
    Idle,
    Queued,
    Writing,
}

/// An attempt to write to a session.
struct Attempt {
    session: SessionId,
    was_held: bool,
    is_held: bool,
}

/// The others of a session that was found to be held.
#[derive(Debug, thiserror::Error)]
#[error("somebody else holds the session")]
struct HeldBefore;

impl Apart {
    pub(super) fn new(store: Arc<dyn MessageRepository>, max_batch: usize, capacity: usize, figures: Figures) -> Self {
        let (rooms, suspects, held) = (HashMap::new(), VecDeque::new(), VecDeque::new());
        let writes = FuturesUnordered::new();
        Self { store, max_batch, capacity, waiting: 0, rooms, suspects, held, writes, held_writes: 0, figures }
    }

    /// Keeps what is for sessions that are written apart, and gives the rest.
    pub(super) fn keep(&mut self, batch: Vec<Job>) -> Vec<Job> {
        if self.rooms.is_empty() {
            return batch;
        }
        let (kept, rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| self.rooms.contains_key(&job.session));
        for job in kept {
            self.put(job);
        }
        self.begin();
        rest
    }

    /// Takes over a batch of which nothing was written, since somebody else holds one of its sessions.
    pub(super) fn take_over(&mut self, batch: Vec<Job>) {
        tracing::debug!(batch.size = batch.len(), "a session is held by somebody else; writing each by itself");
        for job in batch {
            job.claim.put_back();
            self.put(job);
        }
        self.begin();
    }

    /// Remembers that somebody else holds the session.
    pub(super) fn remember(&mut self, session: SessionId) {
        self.forget_some();
        self.change(|rooms| rooms.entry(session).or_default().held = true);
    }

    /// Sees one attempt to its end; waits for ever where none is under way. May be dropped at any time.
    pub(super) async fn step(&mut self) {
        match self.writes.next().await {
            Some(attempt) => self.settle(&attempt),
            None => std::future::pending().await,
        }
    }

    /// Writes all that waits.
    pub(super) async fn finish(&mut self) {
        while let Some(attempt) = self.writes.next().await {
            self.settle(&attempt);
        }
    }

    fn put(&mut self, job: Job) {
        if self.waiting >= self.capacity {
            self.drop_given_up();
        }
        if self.waiting >= self.capacity {
            return job.answer(Err(self.figures.full()));
        }
        self.waiting += 1;
        self.figures.put_apart();
        let session = job.session;
        self.change(|rooms| rooms.entry(session).or_default().jobs.push(job));
        self.queue(session);
    }

    /// Makes room: nobody waits for a job that its caller has given up.
    fn drop_given_up(&mut self) {
        let mut waiting = 0;
        for room in self.rooms.values_mut() {
            room.jobs.retain(|job| !job.claim.is_given_up());
            waiting += room.jobs.len();
        }
        self.figures.taken_from_apart(self.waiting - waiting);
        self.waiting = waiting;
    }

    /// Queues the session where it is not yet queued.
    fn queue(&mut self, session: SessionId) {
        let Some(room) = self.rooms.get_mut(&session) else { return };
        if room.stage == Stage::Idle {
            room.stage = Stage::Queued;
            if room.held { self.held.push_back(session) } else { self.suspects.push_back(session) }
        }
    }

    /// Begins with as many sessions as may be written at once.
    fn begin(&mut self) {
        while self.writes.len() < AT_ONCE {
            let suspect = self.suspects.pop_front();
            let held = || (self.held_writes < HELD_AT_ONCE).then(|| self.held.pop_front()).flatten();
            let Some(session) = suspect.or_else(held) else { return };
            let Some(room) = self.rooms.get_mut(&session) else { continue };
            room.stage = Stage::Writing;
            let (jobs, was_held) = (std::mem::take(&mut room.jobs), room.held);
            self.held_writes += usize::from(was_held);
            self.waiting -= jobs.len();
            self.figures.taken_from_apart(jobs.len());
            let (store, figures) = (Arc::clone(&self.store), self.figures.clone());
            let batches = batches(jobs.into_iter(), self.max_batch);
            let attempt = async move {
                let is_held = attempt(&*store, batches, was_held, &figures).await;
                Attempt { session, was_held, is_held }
            };
            self.writes.push(attempt.boxed());
        }
    }

    /// Forgets the sessions that nobody writes to, where they have become many.
    fn forget_some(&mut self) {
        if self.rooms.len() >= REMEMBERED {
            self.change(|rooms| rooms.retain(|_, room| room.stage != Stage::Idle));
        }
    }

    fn settle(&mut self, attempt: &Attempt) {
        self.forget_some();
        self.held_writes -= usize::from(attempt.was_held);
        let session = attempt.session;
        self.change(|rooms| match rooms.get_mut(&session) {
            Some(room) if room.jobs.is_empty() && !attempt.is_held => drop(rooms.remove(&session)),
            Some(room) => (room.stage, room.held) = (Stage::Idle, attempt.is_held),
            None => {}
        });
        if self.rooms.get(&session).is_some_and(|room| !room.jobs.is_empty()) {
            self.queue(session);
        }
        self.begin();
    }

    fn change(&mut self, change: impl FnOnce(&mut HashMap<SessionId, Room>)) {
        let before = self.rooms.len();
        change(&mut self.rooms);
        self.figures.sessions_apart(before, self.rooms.len());
    }
}

/// Writes what waits for one session, until somebody is found to hold it; whether somebody does, as far as is known.
async fn attempt(store: &dyn MessageRepository, batches: Vec<Vec<Job>>, was_held: bool, figures: &Figures) -> bool {
    let mut is_held = was_held;
    let mut batches = batches.into_iter();
    while let Some(batch) = batches.next() {
        let begun: Vec<_> = batch.into_iter().filter_map(|job| job.begun(figures)).collect();
        if begun.is_empty() {
            continue;
        }
        is_held = matches!(write(store, begun, figures).await, Written::Held(_));
        if is_held {
            answer_all(batches.by_ref().flatten(), &RepositoryError::busy(HeldBefore));
        }
    }
    is_held
}
