//! Every setting there is: its name, its default and what it does. `docs/configuration.md`, `.env.example` and
//! `chat-service config` say the same, because they are made from this table or held against it.

/// What one setting is.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The key in a TOML file; in capitals, the environment variable.
    pub(crate) key: &'static str,
    /// The value where nobody sets it; empty for none.
    pub(crate) default: &'static str,
    /// What it does, with units.
    pub(crate) about: &'static str,
    /// How much of it may be shown.
    pub(crate) secrecy: Secrecy,
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// All of it.
    Open,
    /// A URL whose password is nobody's business.
    Url,
    /// Nothing of it.
    Secret,
}

impl Setting {
    /// The name of the environment variable.
    pub(crate) fn variable(&self) -> String {
        self.key.to_ascii_uppercase()
    }
}

const fn open(key: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { key, default, about, secrecy: Secrecy::Open }
}

const fn url(key: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { key, default, about, secrecy: Secrecy::Url }
}

const fn secret(key: &'static str, about: &'static str) -> Setting {
    Setting { key, default: "", about, secrecy: Secrecy::Secret }
}

/// All settings, in the order in which they are shown.
pub(crate) const CATALOGUE: &[Setting] = &[
    open("host", "127.0.0.1", "Address to listen on"),
    open("port", "8000", "Port to listen on; 0 takes a free one, which the log names"),
    open("data_dir", "./data", "Directory of the SQLite file, where no DATABASE_URL says otherwise"),
    url(
        "database_url",
        "",
        "postgres://user:password@host/name for PostgreSQL, sqlite://path for a file; chat.db in the data directory where empty",
    ),
    url("migrate_database_url", "", "Another PostgreSQL URL, for migrations only, whose role may alter tables"),
    url("redis_url", "", "redis://host or rediss://host for a cache that nodes share; an in-process cache where empty"),
    open(
        "redis_prefix",
        "chorus-chat",
        "What the names of all keys in Redis begin with; no two databases may share it",
    ),
    open("auth_mode", "open", "Who callers are: open (whoever the X-… headers say, unchecked)"),
    secret("secret_key", "Key of signed tokens; not used in open mode"),
    open("cors_origins", "", "Origins whose pages may call, separated by commas or as a JSON list; none where empty"),
    open("debug", "false", "true logs in more detail where RUST_LOG does not say otherwise"),
    open("rust_log", "", "Log filter, such as info,chat_infra=debug; info without the chatter of actix where empty"),
    open("log_format", "json", "json or pretty"),
    open("workers", "0", "Threads that serve HTTP; 0 for one a core"),
    open("max_connections", "20000", "Client connections at once"),
    open("store_deadline_ms", "5000", "Longest time that the work of one request in a store may take, in milliseconds"),
    open("database_max_connections", "16", "PostgreSQL connections of this process"),
    open("sqlite_readers", "2", "Connections that read the SQLite file"),
    open("group_commit_shards", "2", "Writers that append messages side by side on PostgreSQL; SQLite has one"),
    open("group_commit_max_batch", "256", "Most messages that one statement appends"),
    open("group_commit_queue", "4096", "Messages that may wait for each writer; beyond that, 503"),
    open("cache_mib", "16", "Size of the in-process cache in MiB"),
    open("cache_ttl_s", "600", "How long a cached page is kept, in seconds"),
    open(
        "shutdown_delay_s",
        "1",
        "How long after SIGTERM the node still takes new connections, while it says that it is not ready, in seconds",
    ),
    open("shutdown_timeout_s", "25", "Longest time from SIGTERM to the exit, in seconds"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/configuration.md");
    const EXAMPLE: &str = include_str!("../../../../.env.example");

    #[test]
    fn the_documents_list_every_setting_with_its_default() {
        for setting in CATALOGUE {
            let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
            let row = format!("| `{}` | {default} | {} |", setting.variable(), setting.about);
            assert!(DOCUMENT.contains(&row), "docs/configuration.md lacks: {row}");
            let lines = format!("# {}\n# {}={}\n", setting.about, setting.variable(), setting.default);
            assert!(EXAMPLE.contains(&lines), ".env.example lacks: {lines}");
        }
    }

    #[test]
    fn the_documents_list_no_setting_that_does_not_exist() {
        let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `")).count();
        let name = |line: &str| line.trim_start_matches("# ").split_once('=').map(|(name, _)| name.to_owned());
        let is_variable = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let variables = EXAMPLE.lines().filter_map(name).filter(is_variable).count();
        assert_eq!((rows, variables), (CATALOGUE.len(), CATALOGUE.len()));
    }
}
