//! A fault suite: real processes, one fault at a time, and a proof from outside that the promises hold.
//!
//! A case starts a service on a store of its own, has clients write and read all the time, makes something go wrong, and
//! waits until all is well again. Every request is written down as done, not done, or unknown; in the end what is unknown
//! is asked again under its key, everything is read, and a checker holds the history against it.
//!
//! - `case`, `cases`: what a case is, and all of them, a file each.
//! - `stage`: what a case plays on; `world`: its servers and nodes; `load`: its clients, `noise`: what they say.
//! - `node`, `postgres`, `redis`, `process`, `programs`: real processes. `proxy`: what stands between them;
//!   `shim`: what stands below one.
//! - `memory`, `queues`: what piles up in a node, seen from outside.
//! - `client`: one request, and what an answer means.
//! - `history`: what was asked and told, and the rules that it must keep; `settle`: the end of a case.
//! - `report`: a case as a line of a table.
//!
//! # To add a case
//!
//! 1. Write `cases/<name>.rs` with `FAULT` and `EXPECTED` (cells of the table) and
//!    `pub(crate) async fn run(stage: &mut Stage) -> Outcome`.
//! 2. Add `mod <name>;` to `cases/mod.rs`, and a line with its stores to [`cases!`].
//!
//! `run` as a rule: take a world by `stage.world(Plan::nodes(1))`, a load by `world.load(Size::default())`, wait for
//! `load.stored(50)`, do the harm, look at what clients are told, end the harm, `stage.back(…)`, and last
//! `stage.settle(&mut world, load)`, which checks the history. What is promised beside it goes through `stage.promise(…)`.
//! `stage.times(50, 3)` says how often in which form; nothing may wait for a time where it can wait for a condition. A
//! case must see that its fault has struck: without a refusal or a cut it proves nothing.

mod case;
mod cases;
mod client;
mod failure;
mod history;
mod load;
mod memory;
mod node;
mod noise;
mod postgres;
mod process;
mod programs;
mod proxy;
mod queues;
mod redis;
mod report;
mod settle;
mod shim;
mod stage;
mod wait;
mod world;

pub use case::{Case, Form, Store};
pub use cases::{CASES, SABOTAGE, SABOTAGE_OF_DELETIONS};
pub use programs::Programs;
pub use report::Row;

use crate::stage::Stage;

/// Plays a case in this form. What it started is gone when this returns, or is dropped.
pub async fn play(case: Case, form: Form, programs: &Programs) -> Row {
    let mut stage = match Stage::new(case.store, form, programs.clone()) {
        Ok(stage) => stage,
        Err(failure) => return Row::without_stage(case, failure.chain()),
    };
    let played = (case.play)(&mut stage).await;
    Row::new(case, &stage, played)
}
