//! What the build says of itself: its version, the revision of the sources where that is known, and the compiler.
//!
//! The revision is that of `CHAT_REVISION`, which whoever builds without a repository may set; else what git says; else
//! none. Where what is built differs from what was committed, a release says so (`-dirty`). There is no time in it, so the
//! same sources give the same version.

use std::path::Path;
use std::process::Command;

const ROOT: &str = "../..";

/// What of the repository is built. What else lies there may differ.
const BUILT: [&str; 4] = ["Cargo.lock", "Cargo.toml", "crates", "migrations"];

/// What changes with each commit and each checkout, in the repository, whichever of them it has.
const COMMITTED: [&str; 4] = ["HEAD", "packed-refs", "refs/heads", "reftable"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CHAT_REVISION");
    let revision = variable("CHAT_REVISION").or_else(of_the_repository).unwrap_or_default();
    if !is_plain(&revision) {
        println!("cargo::error=CHAT_REVISION may have letters, digits, dots and hyphens, 64 at most: {revision:?}");
    }
    let version = variable("CARGO_PKG_VERSION").unwrap_or_default();
    let version = if revision.is_empty() { version } else { format!("{version}+{revision}") };
    println!("cargo::rustc-env=CHAT_BUILD_VERSION={version}");
    println!("cargo::rustc-env=CHAT_BUILD_REVISION={revision}");
    println!("cargo::rustc-env=CHAT_BUILD_RUSTC={}", compiler().unwrap_or_default());
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script everything by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The commit that is checked out. Only where the repository is that of these sources: they may lie in another's, as a
/// vendored copy does. None without git, and where git does not trust whoever owns the repository.
fn of_the_repository() -> Option<String> {
    if !Path::new(ROOT).join(".git").exists() {
        return None;
    }
    for name in COMMITTED {
        let path = said(git().args(["rev-parse", "--git-path", name]))?;
        watch(&Path::new(ROOT).join(path));
    }
    let revision = said(git().args(["rev-parse", "--short=12", "HEAD"]))?;
    Some(if is_changed()? { format!("{revision}-dirty") } else { revision })
}

/// Whether what is built differs from the commit. Looked at in a release only: it has to be looked at after each edit, and
/// this crate built anew, which nobody should wait for who tries something out.
fn is_changed() -> Option<bool> {
    if variable("PROFILE")? != "release" {
        return Some(false);
    }
    for path in BUILT {
        watch(&Path::new(ROOT).join(path));
    }
    Some(!said(git().args(["status", "--porcelain", "--untracked-files=normal", "--"]).args(BUILT))?.is_empty())
}

/// Cargo asks again when this changes, and always where it is not there.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// Without locks: somebody may be at a commit.
fn git() -> Command {
    let mut git = Command::new("git");
    git.args(["--no-optional-locks", "-C", ROOT]);
    git
}

/// The release of the compiler: `rustc 1.95.0 (…)` without what follows the number.
fn compiler() -> Option<String> {
    let said = said(Command::new(variable("RUSTC")?).arg("--version"))?;
    said.split(' ').nth(1).map(str::to_owned)
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// It becomes a part of a version (`1.2.3+revision`), a label and a line of text.
fn is_plain(revision: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    revision.len() <= 64 && revision.bytes().all(allowed)
}
