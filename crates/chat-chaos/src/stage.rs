//! What a case plays on: it says in which form, gives a world, and takes down what was seen.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::case::{Form, Store};
use crate::failure::{Failure, Outcome};
use crate::history::Recorder;
use crate::load::Load;
use crate::node::Node;
use crate::process::TICK;
use crate::programs::Programs;
use crate::settle::settle;
use crate::world::{Plan, World};

/// Generous: a promise about time is checked by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// What may be added to a request by a fault that does not concern it.
const ADDED: Duration = Duration::from_millis(100);

/// The stage of one case.
#[derive(Debug)]
pub(crate) struct Stage {
    store: Store,
    form: Form,
    programs: Programs,
    seen: Seen,
    /// The deadline of the nodes' stores, where the case has set one.
    deadline: Option<Duration>,
    recorder: Recorder,
    directory: TempDir,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The longest that the service took to be back.
    pub(crate) back: Option<Duration>,
    /// By how many MiB memory grew.
    pub(crate) growth: Option<f64>,
    /// The most that was added to the time of requests.
    pub(crate) added: Option<Duration>,
    /// The most that was added to the slowest read that needed Redis as it failed.
    pub(crate) struck: Option<Duration>,
    /// The longest queues, by the metrics that told of them.
    pub(crate) queues: BTreeMap<&'static str, f64>,
    /// What else is worth telling.
    pub(crate) notes: Vec<String>,
    /// Promises that were broken.
    pub(crate) broken: Vec<String>,
}

impl Stage {
    pub(crate) fn new(store: Store, form: Form, programs: Programs) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("chaos-").tempdir();
        let directory = directory.map_err(Failure::io("a directory for a case"))?;
        let (seen, recorder) = (Seen::default(), Recorder::default());
        Ok(Self { store, form, programs, seen, deadline: None, recorder, directory })
    }

    pub(crate) const fn store(&self) -> Store {
        self.store
    }

    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// How often something is done.
    pub(crate) const fn times(&self, long: usize, short: usize) -> usize {
        self.form.times(long, short)
    }

    /// From now on every answer is held to this deadline.
    pub(crate) const fn hold_to(&mut self, deadline: Duration) {
        self.deadline = Some(deadline);
    }

    pub(crate) const fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Where files of this case go; logs are the files that end in `.log`.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where clients write down what they are told.
    pub(crate) const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Servers and nodes, all of them up.
    pub(crate) async fn world(&self, plan: Plan) -> Outcome<World> {
        World::start(self, plan).await
    }

    /// Writes down that a promise was broken, unless it was kept.
    pub(crate) fn promise(&mut self, kept: bool, broken: impl FnOnce() -> String) {
        if !kept {
            self.seen.broken.push(broken());
        }
    }

    /// Writes down something worth telling.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.seen.notes.push(note.into());
    }

    /// By how much memory grew, which must be less than this.
    pub(crate) fn grown(&mut self, mib: f64, limit: f64) {
        self.seen.growth = Some(self.seen.growth.unwrap_or_default().max(mib));
        self.promise(mib < limit, || format!("memory grew by {mib:.0} MiB; at most {limit:.0} are allowed"));
    }

    /// Takes down how long a queue was.
    pub(crate) fn queued(&mut self, queue: &'static str, length: f64) {
        let longest = self.seen.queues.entry(queue).or_default();
        *longest = longest.max(length);
    }

    /// Takes down by how much requests took longer in one round. A promise holds for the worst of them.
    pub(crate) fn added(&mut self, added: Duration) {
        self.seen.added = self.seen.added.max(Some(added));
    }

    /// Takes down by how much the slowest read that needed Redis took longer as it failed, in one round.
    pub(crate) fn struck(&mut self, added: Duration) {
        self.seen.struck = self.seen.struck.max(Some(added));
    }

    /// Waits until all nodes say that they are ready, and messages are stored again. The time since the fault was over
    /// is taken down, and has a limit.
    pub(crate) async fn back(&mut self, world: &World, load: &Load, over: Instant) -> Outcome {
        for node in 0..world.nodes.len() {
            world.ready(node, PATIENCE).await?;
        }
        load.stored(1).await?;
        self.took_to_be_back(over.elapsed());
        Ok(())
    }

    /// The health page is there in time, whatever hangs.
    pub(crate) fn health_took(&mut self, took: Duration) {
        let limit = self.form.health_within();
        self.promise(took <= limit, || format!("/health took {took:.1?}; {limit:?} are promised"));
    }

    fn took_to_be_back(&mut self, took: Duration) {
        self.seen.back = self.seen.back.max(Some(took));
        let limit = self.form.back_within();
        self.promise(took <= limit, || format!("back after {took:.1?}; {limit:?} are promised"));
    }

    /// Stops the load, settles what is unknown, and holds the history against what is stored.
    pub(crate) async fn settle(&mut self, world: &mut World, load: Load) -> Outcome {
        load.stop().await?;
        for (number, node) in world.nodes.iter_mut().enumerate() {
            let runs = node.runs()?;
            self.promise(runs, || format!("node {number} has ended by itself"));
        }
        if self.form == Form::Long {
            let (added, struck) = (self.seen.added, self.seen.struck);
            for (added, to) in [(added, "1 in 100"), (struck, "the slowest read that needed Redis as it failed")] {
                let added = added.unwrap_or_default();
                self.promise(added <= ADDED, || format!("{added:.1?} were added to {to}; {ADDED:?} are promised"));
            }
        }
        let surprises = self.recorder.surprises();
        self.promise(surprises.is_empty(), || surprises.join("\n  "));
        if !world.nodes.iter().any(Node::was_harmed) {
            let silences = self.recorder.silences();
            let broken = || format!("requests had no answer, and a 503 is promised: {}", silences.join("\n  "));
            self.promise(silences.is_empty(), broken);
        }
        let (slowest, limit) = (self.recorder.tally().slowest, self.form.answered_within(self.deadline));
        self.promise(slowest <= limit, || format!("an answer took {slowest:.1?}; {limit:?} are allowed"));
        let broken = settle(world).await?;
        self.seen.broken.extend(broken);
        Ok(())
    }

    /// Waits a moment, where only time itself is the fault.
    pub(crate) async fn let_pass(&self, long: Duration, short: Duration) {
        let time = match self.form {
            Form::Long => long,
            Form::Short => short,
        };
        tokio::time::sleep(time.max(TICK)).await;
    }
}
