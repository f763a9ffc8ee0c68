//! Which statements are steps of expanding. The list says what may be done, not what may not: a statement that nobody
//! thought of has to be thought of first.
//!
//! A step of contracting says so in a comment right before it, `-- contract: …`, with the reason why no node that may
//! still run misses what it takes away.

use std::collections::HashSet;

use crate::statement::{Statement, statements};

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Several nodes, of two versions while one replaces the other, and tables that are in use.
    Postgres,
    /// One process, which may be of the version before after a step back.
    Sqlite,
}

/// What begins a statement that changes nothing about tables.
const HARMLESS: [&str; 5] =
    ["analyze", "comment on", "set lock_timeout", "set local lock_timeout", "set statement_timeout"];

/// What a new column may not bring along: old rows and old code know nothing of it, or the table would be rewritten.
const NOT_WITH_A_COLUMN: [&str; 7] =
    ["primary key", "unique", "references", "check", "generated", "serial", "bigserial"];

/// What is wrong with a migration.
pub(crate) fn faults(dialect: Dialect, script: &str, in_transaction: bool) -> Vec<String> {
    let statements = statements(script);
    let made: HashSet<&str> = statements.iter().filter_map(|made| name(made.after("create table")?)).collect();
    let mut faults = Vec::new();
    for (place, statement) in statements.iter().enumerate() {
        let context = Context {
            dialect,
            made: &made,
            is_alone: statements.len() == 1 && !in_transaction,
            has_lock_timeout: lock_timeouts(&statements[..place]).next_back().unwrap_or(false),
        };
        if let Err(fault) = context.check(statement)
            && !is_contraction(statement)
        {
            faults.push(format!("{fault}: {}", statement.text));
        }
    }
    faults
}

/// What has to be known of the rest of a migration.
struct Context<'m> {
    dialect: Dialect,
    /// The tables that it makes: nobody uses them yet.
    made: &'m HashSet<&'m str>,
    is_alone: bool,
    has_lock_timeout: bool,
}

impl Context<'_> {
    fn check(&self, statement: &Statement) -> Result<(), &'static str> {
        if HARMLESS.iter().any(|beginning| statement.after(beginning).is_some() || statement.text == *beginning) {
            return Ok(());
        }
        if let Some(table) = statement.after("create table") {
            return self.check_table(table);
        }
        if let Some(index) = statement.after("create index") {
            return self.check_index(index);
        }
        if let Some(index) = statement.after("create unique index") {
            return if self.is_on_new_table(index) { Ok(()) } else { Err("the version before may not keep it unique") };
        }
        if let Some(altered) = statement.after("alter table") {
            return self.check_alter(altered);
        }
        Err("not known to be a step of expanding")
    }

    fn check_table(&self, table: &str) -> Result<(), &'static str> {
        if table.starts_with("if not exists ") {
            return Err("may be there already, and be another: leave IF NOT EXISTS out");
        }
        let padded = format!(" {table} ");
        if padded.contains(" partition of ") || padded.contains(" inherits ") {
            return Err("a part of a table in use is not a new table");
        }
        if top_level(&padded, " as ").len() > 1 {
            return Err("reads a table in use for as long as it takes");
        }
        let mut referenced = padded.split(" references ").skip(1).filter_map(name);
        match referenced.find(|table| !self.made.contains(table)) {
            Some(_) => Err("what refers to a table in use locks it, and stands in the way of the version before"),
            None => Ok(()),
        }
    }

    fn check_index(&self, index: &str) -> Result<(), &'static str> {
        let concurrently = index.starts_with("concurrently ");
        match (self.dialect, self.is_on_new_table(index)) {
            (_, true) | (Dialect::Sqlite, false) => Ok(()),
            (Dialect::Postgres, false) if !concurrently => Err("stops all writers unless made concurrently"),
            (Dialect::Postgres, false) if !self.is_alone => Err("must stand alone, with run_in_transaction = false"),
            (Dialect::Postgres, false) => Ok(()),
        }
    }

    fn check_alter(&self, altered: &str) -> Result<(), &'static str> {
        let table = name(altered).ok_or("names no table")?;
        if self.made.contains(table) {
            return Ok(());
        }
        let actions = altered.trim_start_matches("if exists ").trim_start_matches("only ");
        let actions = actions.strip_prefix(table).ok_or("names no table")?;
        for action in top_level(actions, " , ") {
            check_action(action.trim())?;
        }
        match self.dialect {
            Dialect::Postgres if !self.has_lock_timeout => Err("everyone queues behind it: set lock_timeout before"),
            _ => Ok(()),
        }
    }

    fn is_on_new_table(&self, index: &str) -> bool {
        let table = index.split_once(" on ").and_then(|(_, rest)| name(rest));
        table.is_some_and(|table| self.made.contains(table))
    }
}

fn check_action(action: &str) -> Result<(), &'static str> {
    let tunes = action.starts_with("set (") || (action.starts_with("alter column ") && action.contains(" set ("));
    if tunes || action.starts_with("validate constraint ") {
        return Ok(());
    }
    let Some(column) = action.strip_prefix("add column ") else {
        return Err("not known to be a step of expanding");
    };
    if NOT_WITH_A_COLUMN.iter().any(|more| format!(" {column} ").contains(&format!(" {more} "))) {
        return Err("a new column brings nothing else along");
    }
    let default = column.split_once(" default ").map(|(_, default)| default);
    if column.contains(" not null") && default.is_none() {
        return Err("the version before leaves the column out, so it may be null or has a default");
    }
    match default.map(|default| default.trim_end_matches(" not null")) {
        Some(default) if !is_constant(default) => Err("a default that is not constant rewrites the table"),
        _ => Ok(()),
    }
}

fn is_constant(default: &str) -> bool {
    let is_number = default.chars().all(|char| char.is_ascii_digit() || matches!(char, '.' | '-'));
    let is_word =
        |text: &str| text.trim().chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | ' '));
    let is_text = default
        .strip_prefix("''")
        .is_some_and(|cast| cast.is_empty() || cast.trim_start().strip_prefix("::").is_some_and(is_word));
    is_number || is_text || matches!(default, "true" | "false" | "null")
}

/// For each statement that sets how long to wait for a lock, whether it is a time at all: zero waits for ever.
fn lock_timeouts(statements: &[Statement]) -> impl DoubleEndedIterator<Item = bool> {
    let set = |statement: &Statement| {
        let rest = statement.after("set lock_timeout").or_else(|| statement.after("set local lock_timeout"))?;
        let value = statement.literals.first().map(String::as_str).or_else(|| rest.split(' ').nth(1))?;
        let digits = value.split(|char: char| !char.is_ascii_digit()).next()?;
        Some(digits.parse().is_ok_and(|time: u32| time > 0))
    };
    statements.iter().filter_map(set)
}

fn is_contraction(statement: &Statement) -> bool {
    statement.comments.iter().any(|comment| comment.strip_prefix("contract:").is_some_and(|why| !why.trim().is_empty()))
}

/// The name of the thing that a statement is about, which stands next.
fn name(rest: &str) -> Option<&str> {
    let ignored = ["if", "not", "exists", "only"];
    rest.split(' ').find(|word| !ignored.contains(word))
}

/// Cuts where the parentheses are closed.
fn top_level<'t>(text: &'t str, at: &str) -> Vec<&'t str> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    for (place, _) in text.match_indices(at) {
        let before = &text[begin..place];
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(before);
            begin = place + at.len();
        }
    }
    parts.push(&text[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(dialect: Dialect, script: &str) -> bool {
        !faults(dialect, script, true).is_empty()
    }

    #[test]
    fn what_expands_passes() {
        for script in [
            "CREATE TABLE t (a text NOT NULL, b text REFERENCES t (a), PRIMARY KEY (a)); CREATE UNIQUE INDEX i ON t (a);
             CREATE INDEX j ON t (a); ALTER TABLE t ADD PRIMARY KEY (a); ALTER TABLE t ALTER COLUMN a SET (n_distinct = 4)",
            "SET LOCAL lock_timeout = '2s'; ALTER TABLE sessions ADD COLUMN a text",
            "SET lock_timeout = '2s'; ALTER TABLE sessions ADD COLUMN a numeric(10, 2), ADD COLUMN b integer NOT NULL DEFAULT -7",
            "SET lock_timeout = '2s'; ALTER TABLE sessions ADD COLUMN a text DEFAULT 'now()' NOT NULL",
            "SET lock_timeout = '2s'; ALTER TABLE sessions ADD COLUMN a boolean DEFAULT false",
            "SET lock_timeout = 2000; ALTER TABLE sessions ADD COLUMN a jsonb NOT NULL DEFAULT '{}'::jsonb",
            "SET lock_timeout = '2s'; ALTER TABLE sessions VALIDATE CONSTRAINT c; ALTER TABLE sessions SET (fillfactor = 70)",
            "COMMENT ON TABLE sessions IS 'x'; ANALYZE; ANALYZE sessions",
            "-- contract: nothing since 0.3 reads it\nALTER TABLE sessions DROP COLUMN a",
        ] {
            assert_eq!(faults(Dialect::Postgres, script, true), Vec::<String>::new());
        }
        let alone = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON messages (tenant_id, session_id)";
        assert!(faults(Dialect::Postgres, alone, false).is_empty());
        assert!(!is_refused(Dialect::Sqlite, "CREATE INDEX i ON messages (a); ALTER TABLE messages ADD COLUMN b TEXT"));
    }

    #[test]
    fn what_breaks_the_version_before_is_refused() {
        for script in [
            "DROP TABLE sessions",
            "DROP INDEX sessions_by_user",
            "TRUNCATE sessions",
            "UPDATE sessions SET status = 'x'",
            "ALTER TABLE sessions DROP COLUMN status",
            "ALTER TABLE sessions RENAME COLUMN status TO state",
            "ALTER TABLE sessions RENAME TO chats",
            "ALTER TABLE sessions ALTER COLUMN rev TYPE integer",
            "ALTER TABLE sessions ALTER COLUMN agent_id SET NOT NULL",
            "ALTER TABLE sessions ALTER COLUMN rev DROP DEFAULT",
            "ALTER TABLE sessions ADD COLUMN a text NOT NULL",
            "ALTER TABLE sessions ADD COLUMN a timestamptz DEFAULT now()",
            "ALTER TABLE sessions ADD COLUMN a uuid DEFAULT gen_random_uuid()",
            "ALTER TABLE sessions ADD COLUMN a bigserial",
            "ALTER TABLE sessions ADD COLUMN a text UNIQUE",
            "ALTER TABLE sessions ADD COLUMN a bigint GENERATED ALWAYS AS (rev * 2) STORED",
            "ALTER TABLE sessions ADD COLUMN a text, DROP COLUMN status",
            "ALTER TABLE sessions ADD CONSTRAINT c CHECK (rev > 0)",
            "ALTER TABLE sessions ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX i ON sessions (tenant_id, user_id)",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON sessions (tenant_id, user_id)",
            "CREATE TABLE t (a text); DROP TABLE sessions",
            "CREATE TABLE IF NOT EXISTS sessions (a text); ALTER TABLE sessions DROP COLUMN status",
            "CREATE TABLE t (a uuid REFERENCES sessions (id))",
            "CREATE TABLE t (a uuid, FOREIGN KEY (a) REFERENCES sessions (id))",
            "CREATE TABLE p PARTITION OF messages FOR VALUES IN ('a')",
            "CREATE TABLE t AS SELECT * FROM sessions",
            "ALTER TABLE sessions ADD COLUMN a text DEFAULT '' || gen_random_uuid()",
            "CREATE TRIGGER t BEFORE INSERT ON sessions EXECUTE FUNCTION f()",
            "-- contract:\nDROP TABLE sessions",
            "-- contract: it is not used\nDROP TABLE a; DROP TABLE b",
        ] {
            let with_timeout = format!("SET lock_timeout = '2s'; {script}");
            assert!(is_refused(Dialect::Postgres, &with_timeout), "{script}");
            assert!(is_refused(Dialect::Sqlite, script), "{script}");
        }
    }

    #[test]
    fn what_stops_a_table_in_use_is_refused() {
        for script in [
            "CREATE INDEX i ON messages (tenant_id)",
            "CREATE INDEX CONCURRENTLY i ON messages (tenant_id)",
            "ALTER TABLE messages ADD COLUMN a text",
            "SET lock_timeout = 0; ALTER TABLE messages ADD COLUMN a text",
            "SET lock_timeout = '0'; ALTER TABLE messages ADD COLUMN a text",
            "SET lock_timeout = '2s'; SET lock_timeout TO DEFAULT; ALTER TABLE messages ADD COLUMN a text",
        ] {
            assert!(is_refused(Dialect::Postgres, script), "{script}");
        }
        let not_alone = "CREATE INDEX CONCURRENTLY i ON messages (a); CREATE INDEX CONCURRENTLY j ON messages (b)";
        assert!(!faults(Dialect::Postgres, not_alone, false).is_empty());
    }
}
