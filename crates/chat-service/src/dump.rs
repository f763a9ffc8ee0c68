//! Keeping keys and what people write out of core dumps.

use std::io;

/// Sees to it that no core dump is written of this process, whoever may have asked for dumps. On Linux, no other
/// process of the same user can look into its memory or its environment either; root can.
///
/// A service that cannot forbid it serves all the same, and says so.
pub(crate) fn forbid() {
    if let Err(error) = try_forbid() {
        tracing::warn!(%error, "core dumps of this process cannot be forbidden; one would hold its keys");
    }
}

#[cfg(target_os = "linux")]
fn try_forbid() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(not(target_os = "linux"))]
fn try_forbid() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    use super::*;

    #[test]
    fn a_process_that_forbade_it_is_not_dumped() {
        forbid();
        let forbidden = dumpable_behavior().unwrap();
        // The test's own process may be looked into again.
        set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
        assert_eq!(forbidden, DumpableBehavior::NotDumpable);
    }
}
