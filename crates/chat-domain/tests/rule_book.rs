//! Who may do what is decided by the rule book alone: held against the text of everything else.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// Where a role is looked at and nothing is decided by it, each with why.
const LOOKS_AT_ROLES: [(&str, &str); 3] = [
    ("attachment/model.rs", "an attachment is its uploader's own"),
    ("attachment/upload.rs", "the uploader is kept with it"),
    ("idempotency.rs", "a key is one of its caller"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The domain, apart from the rule book and from what tests are made with: names and texts.
fn texts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let texts = sources(&folder).into_iter().map(|path| {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    });
    texts.filter(|(name, _)| !name.starts_with("access/") && !name.starts_with("testing/")).collect()
}

#[test]
fn nothing_else_looks_at_a_callers_role() {
    let looks = texts().into_iter().filter(|(_, text)| text.contains(".role()")).map(|(name, _)| name);
    let mut looks: Vec<_> = looks.collect();
    looks.sort_unstable();
    assert_eq!(looks, LOOKS_AT_ROLES.map(|(name, _)| name));
}

/// To whom a caller is confined is for the store to judge by, in the statement that writes.
#[test]
fn nothing_else_judges_by_whom_a_caller_is_confined_to() {
    let mut handed_over = 0;
    for (name, text) in texts() {
        for after in text.split("caller.confined_to()").skip(1) {
            assert!(after.starts_with(".cloned()"), "{name}: {after:.60}");
            handed_over += 1;
        }
    }
    assert!(handed_over > 0);
}
