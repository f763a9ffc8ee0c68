//! The rule for migrations, held against every one there is: expand, then contract (see `migrations/README.md`). While
//! a new version is rolled out, the nodes of the one before work on the new tables, so each step must leave them what they
//! use.
#![cfg(test)]

mod rule;
mod statement;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rule::{Dialect, faults};

const STORES: [(&str, Dialect); 2] = [("postgres", Dialect::Postgres), ("sqlite", Dialect::Sqlite)];

fn directory(store: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(store)
}

/// The names of a store's migrations.
fn names(store: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(directory(store)).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn every_migration_leaves_the_version_before_what_it_uses() {
    let mut found = Vec::new();
    for (store, dialect) in STORES {
        for name in names(store) {
            let migration = directory(store).join(&name);
            let up = fs::read_to_string(migration.join("up.sql")).unwrap();
            let metadata = fs::read_to_string(migration.join("metadata.toml")).unwrap_or_default();
            let in_transaction = !metadata.lines().any(|line| line.trim() == "run_in_transaction = false");
            found.extend(
                faults(dialect, &up, in_transaction).into_iter().map(|fault| format!("{store}/{name}: {fault}")),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn both_stores_learn_the_same_under_the_same_name() {
    assert_eq!(names("postgres"), names("sqlite"));
    let numbers: Vec<_> = names("postgres").iter().map(|name| name.split('_').next().unwrap().to_owned()).collect();
    let counted: Vec<_> = (1..=numbers.len()).map(|number| format!("{number:04}")).collect();
    assert_eq!(numbers, counted);
}
