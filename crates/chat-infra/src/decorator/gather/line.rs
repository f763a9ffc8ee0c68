//! Where questions wait until they are asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use tokio::sync::Notify;
use tracing::Span;

use super::group::{Group, Place};

/// The groups that wait, in the order in which they began.
pub(super) struct Line<Q, A> {
    waiting: Mutex<Waiting<Q, A>>,
    /// Rung when there is somebody again.
    bell: Notify,
    max_waiting: usize,
    max_batch: usize,
}

struct Waiting<Q, A> {
    groups: VecDeque<Open<Q, A>>,
    questions: usize,
}

/// A group that others of its thread may still join.
struct Open<Q, A> {
    group: Arc<Group<Q, A>>,
    thread: ThreadId,
    questions: usize,
}

impl<Q, A> Line<Q, A> {
    pub(super) fn new(max_waiting: usize, max_batch: usize) -> Self {
        let waiting = Mutex::new(Waiting { groups: VecDeque::new(), questions: 0 });
        Self { waiting, bell: Notify::new(), max_waiting: max_waiting.max(1), max_batch: max_batch.max(1) }
    }

    /// Joins those of this thread; `None` where too many wait.
    pub(super) fn join(&self, question: Q, span: Span) -> Option<Place<Q, A>> {
        let thread = thread::current().id();
        let mut waiting = self.waiting();
        if waiting.questions >= self.max_waiting {
            return None;
        }
        waiting.questions += 1;
        let is_first = waiting.groups.is_empty();
        let open = waiting.groups.iter_mut().rev().find(|open| open.thread == thread);
        let place = if let Some(open) = open.filter(|open| open.questions < self.max_batch) {
            open.questions += 1;
            open.group.join(question, span)
        } else {
            let group = Group::new();
            let place = group.join(question, span);
            waiting.groups.push_back(Open { group, thread, questions: 1 });
            place
        };
        drop(waiting);
        if is_first {
            self.bell.notify_one();
        }
        Some(place)
    }

    /// Takes whatever waits, at most one batch of it; waits for the first. Nobody joins what was taken.
    pub(super) async fn next(&self) -> Vec<Arc<Group<Q, A>>> {
        loop {
            let groups = self.take();
            if !groups.is_empty() {
                return groups;
            }
            self.bell.notified().await;
        }
    }

    fn take(&self) -> Vec<Arc<Group<Q, A>>> {
        let mut waiting = self.waiting();
        let (mut groups, mut questions) = (Vec::new(), 0);
        while let Some(first) = waiting.groups.front() {
            questions += first.questions;
            if questions > self.max_batch && !groups.is_empty() {
                break;
            }
            waiting.questions = waiting.questions.saturating_sub(first.questions);
            groups.extend(waiting.groups.pop_front().map(|open| open.group));
        }
        groups
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<Q, A>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
