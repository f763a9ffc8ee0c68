//! The contract suites: one plain function for each promise of a port, and a macro that makes a test of each.
//!
//! An adapter writes a rig (see [`rig`](super::rig)) and one line:
//!
//! ```text
//! message_repository_contract!(postgres, PostgresRig);
//! store_contract!(sqlite, SqliteRig); // all suites of a store at once
//! ```
//!
//! A promise that needs two things at once runs them through the rig, so it meets the adapter's own parallelism. No
//! promise is about speed.
//!
//! Each macro lists the functions of its suites by name; a test of this crate sees to it that none is left out.

pub mod attachment;
pub mod audit;
pub mod cache;
pub mod deadline;
pub mod event;
pub mod extension;
pub mod files;
pub mod history;
pub mod idempotency;
pub mod limit;
pub mod message;
pub mod participant;
pub mod revision;
pub mod session;
mod stage;
pub mod token;

/// Makes a module with a test of each promise of one suite.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_suite {
    ($name:ident, $rig:ty as $kind:ident, $($part:ident)::+, [$($promise:ident),+ $(,)?]) => {
        mod $name {
            use super::*;
            use $crate::testing::contract::$($part)::+ as promises;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $promise() {
                    let rig = <$rig as $crate::testing::rig::$kind>::start().await;
                    promises::$promise(&rig).await;
                }
            )+
        }
    };
}

/// Runs all suites of a store on a [`StoreRig`](crate::testing::rig::StoreRig): `store_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! store_contract {
    ($name:ident, $rig:ty) => {
        mod $name {
            use super::*;

            $crate::session_repository_contract!(sessions, $rig);
            $crate::message_repository_contract!(messages, $rig);
            $crate::extension_repository_contract!(extensions, $rig);
            $crate::idempotency_repository_contract!(idempotency, $rig);
            $crate::attachment_repository_contract!(attachments, $rig);
            $crate::audit_repository_contract!(audit, $rig);
            $crate::participant_repository_contract!(participants, $rig);
            $crate::revision_source_contract!(revisions, $rig);
            $crate::history_contract!(history, $rig);
            $crate::deadline_contract!(deadline, $rig);
        }
    };
}
