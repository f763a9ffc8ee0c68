//! What the build says of itself: its version, the revision of the sources where that is known, and the compiler.
//!
//! The revision is that of `CHAT_REVISION`, which whoever builds without a repository may set; else what git says; else
//! none. There is no time in it, so the same sources give the same version.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=CHAT_REVISION");
    let revision = given().or_else(of_the_repository).filter(|revision| is_plain(revision)).unwrap_or_default();
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

fn given() -> Option<String> {
    variable("CHAT_REVISION")
}

/// The commit that is checked out. Only where the repository is that of these sources: they may lie in another's, as a
/// vendored copy does.
fn of_the_repository() -> Option<String> {
    if !Path::new("../../.git").exists() {
        return None;
    }
    // Grows with each commit and each checkout.
    let log = said(Command::new("git").args(["rev-parse", "--git-path", "logs/HEAD"]))?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    said(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]))
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
    (1..=64).contains(&revision.len()) && revision.bytes().all(allowed)
}
