//! The task that writes for many callers.

use std::pin::pin;
use std::sync::Arc;

use chat_domain::message::MessageRepository;
use tokio::sync::mpsc;

use super::GroupCommitConfig;
use super::apart::Apart;
use super::batch::{Written, batches, write};
use super::figures::Figures;
use super::queue::Job;

/// Writes what lies in one queue, until the queue is closed and empty.
pub(super) struct Writer {
    store: Arc<dyn MessageRepository>,
    queue: mpsc::Receiver<Job>,
    max_batch: usize,
    apart: Apart,
    figures: Figures,
}

impl Writer {
    pub(super) fn new(
        store: Arc<dyn MessageRepository>,
        queue: mpsc::Receiver<Job>,
        config: &GroupCommitConfig,
        figures: Figures,
    ) -> Self {
        let max_batch = config.max_batch.max(1);
        let apart = Apart::new(Arc::clone(&store), max_batch, config.queue.max(1), figures.clone());
        Self { store, queue, max_batch, apart, figures }
    }

    pub(super) async fn run(mut self) {
        let mut taken = Vec::new();
        while self.take(&mut taken).await {
            for batch in batches(taken.drain(..), self.max_batch) {
                self.write(batch).await;
            }
        }
        self.apart.finish().await;
    }

    /// Waits for jobs, and takes as many as there are; `false` where none will come any more.
    async fn take(&mut self, taken: &mut Vec<Job>) -> bool {
        loop {
            tokio::select! {
                biased;
                jobs = self.queue.recv_many(taken, self.max_batch) => return jobs > 0,
                () = self.apart.step() => {}
            }
        }
    }

    async fn write(&mut self, batch: Vec<Job>) {
        let batch = self.apart.keep(batch);
        let jobs: Vec<_> = batch.into_iter().filter_map(|job| job.begun(&self.figures)).collect();
        if jobs.is_empty() {
            return;
        }
        let mut written = pin!(write(&*self.store, jobs, &self.figures));
        let written = loop {
            tokio::select! {
                biased;
                written = &mut written => break written,
                () = self.apart.step() => {}
            }
        };
        match written {
            Written::Answered => {}
            Written::Held(session) => self.apart.remember(session),
            Written::Refused(jobs) => self.apart.take_over(jobs),
        }
    }
}
