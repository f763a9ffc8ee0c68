//! What tests of this crate, of its adapters and of the services that reuse it are made with: fakes of every port,
//! builders, and one contract suite for each port.
//!
//! A fake is an adapter like any other: it runs under the same suites as the real ones, so it cannot drift from them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first thing that is not as promised, and this is what they stop with"
)]

pub mod builder;
pub mod contract;
pub mod fake;
pub mod rig;
