//! All cases, a file each.

mod beside;
mod cacheless;
mod clock_wrong;
mod five_nodes;
mod idle_connections;
mod kill_nine;
mod outage;
mod postgres_black_hole;
mod postgres_commit_cut;
mod postgres_cut_off;
mod postgres_disk_full;
mod postgres_killed;
mod postgres_locked;
mod postgres_restarted;
mod postgres_session_killed;
mod postgres_silent_start;
mod postgres_slots;
mod postgres_slow;
mod redis_absent;
mod redis_cut_off;
mod redis_fill_late;
mod redis_full;
mod redis_killed;
mod redis_limits;
mod redis_stalled;
mod sabotage;
mod sigterm;
mod slow_clients;
mod sqlite_disk_full;
mod sqlite_locked;
mod unasked;
mod versions;

pub use sabotage::{SABOTAGE, SABOTAGE_OF_DELETIONS};

use std::process::ExitStatus;
use std::time::Duration;

use crate::case::{Case, Store};
use crate::node::Node;
use crate::stage::Stage;

/// By how much the memory of a node may grow while a store does not answer: more than the buffers of all connections may
/// take, less than a queue that grows.
const GROWTH_MIB: f64 = 64.0;

/// The deadline of a node's stores, where a case is about it: the default, and less where nobody wants to wait for it.
/// Answers are held to it.
fn deadline(stage: &mut Stage) -> Duration {
    let deadline = Duration::from_millis(stage.times(5_000, 1_500) as u64);
    stage.hold_to(deadline);
    deadline
}

/// A node that does not start ends with 1, and says in its last line which file it could not have.
fn refusal_is_clear(stage: &mut Stage, node: &Node, status: ExitStatus) {
    let log = std::fs::read_to_string(node.log()).unwrap_or_default();
    let last = log.lines().last().unwrap_or_default().to_owned();
    let clear = status.code() == Some(1) && last.contains("chat.db");
    stage.promise(clear, || format!("a refusal to start was {status}, and said: {last}"));
}

/// Gives the table of cases to a macro: each line a case and the stores on which it is played.
#[macro_export]
macro_rules! cases {
    ($use:ident) => {
        $use! {
            kill_nine: sqlite postgres,
            postgres_killed: postgres,
            postgres_restarted: postgres,
            postgres_session_killed: postgres,
            postgres_commit_cut: postgres,
            postgres_slow: postgres,
            postgres_black_hole: postgres,
            postgres_silent_start: postgres,
            postgres_locked: postgres,
            postgres_slots: postgres,
            postgres_cut_off: postgres,
            postgres_disk_full: postgres,
            redis_absent: sqlite postgres,
            redis_killed: sqlite postgres,
            redis_stalled: sqlite postgres,
            redis_limits: postgres,
            redis_full: sqlite postgres,
            redis_cut_off: postgres,
            redis_fill_late: sqlite postgres,
            clock_wrong: sqlite postgres,
            five_nodes: postgres,
            versions: sqlite postgres,
            sigterm: sqlite postgres,
            slow_clients: sqlite postgres,
            idle_connections: sqlite postgres,
            sqlite_disk_full: sqlite,
            sqlite_locked: sqlite,
        }
    };
}

macro_rules! table {
    ($($name:ident: $($store:ident)+,)+) => {
        /// All cases.
        pub static CASES: &[Case] = &[$($(
            Case {
                name: stringify!($name),
                store: table!(@ $store),
                fault: $name::FAULT,
                expected: $name::EXPECTED,
                play: |stage| Box::pin($name::run(stage)),
            },
        )+)+];
    };
    (@ sqlite) => { Store::Sqlite };
    (@ postgres) => { Store::Postgres };
}

cases!(table);
