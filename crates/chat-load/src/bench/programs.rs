//! PostgreSQL's programs: on the path, or where packages put them.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::LoadError;

/// Directories of one version each, whose name is where the `*` stands, and directories as they are.
const PLACES: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/local/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
];

/// Finds a program that runs.
pub(super) fn find(name: &str) -> Result<PathBuf, LoadError> {
    let mut candidates = vec![PathBuf::from(name)];
    candidates.extend(PLACES.iter().flat_map(|place| expand(place)).map(|directory| directory.join(name)));
    let runs = |program: &PathBuf| {
        let silent = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        silent.is_ok_and(|status| status.success())
    };
    candidates.into_iter().find(runs).ok_or_else(|| {
        LoadError::failed(format!(
            "{name} is not here: install PostgreSQL's programs (Debian: apt-get install postgresql)"
        ))
    })
}

/// The directories that a pattern means, newest version first.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let Some((parent, prefix)) = before.rsplit_once('/') else { return Vec::new() };
    let names =
        fs::read_dir(parent).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut versions: Vec<(u32, String)> =
        names.filter_map(|name| Some((name.strip_prefix(prefix)?.split('.').next()?.parse().ok()?, name))).collect();
    versions.sort_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, name)| PathBuf::from(format!("{parent}/{name}{after}"))).collect()
}

/// Runs a program on this input; what it wrote.
///
/// # Errors
/// With the last line that it complained with, where it failed.
pub(super) fn output(command: &mut Command, input: &str) -> Result<String, LoadError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let cannot = |source| LoadError::io(format!("cannot run {name}"), source);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(cannot)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(cannot)?;
    }
    let output = child.wait_with_output().map_err(cannot)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(LoadError::failed(format!("{name} failed: {}", complaint.lines().last().unwrap_or("it does not say why"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["pg-9.6", "pg-15", "pg-17", "pg-x", "other"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let parent = directory.path().display();
        let wanted: Vec<PathBuf> =
            ["17", "15", "9.6"].iter().map(|version| format!("{parent}/pg-{version}/bin").into()).collect();
        assert_eq!(expand(&format!("{parent}/pg-*/bin")), wanted);
        assert_eq!(expand("/usr/local/bin"), [PathBuf::from("/usr/local/bin")]);
        assert!(expand("/no/such/place/*/bin").is_empty());
    }

    #[test]
    fn what_a_program_says_is_handed_on() {
        assert_eq!(output(&mut Command::new("cat"), "hello").unwrap(), "hello");
        let error = output(Command::new("cat").arg("/no/such/file"), "").unwrap_err().to_string();
        assert!(error.contains("/no/such/file"), "{error}");
        assert!(find("no-such-program").is_err());
    }
}
