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
    open(
        "auth_mode",
        "open",
        "How callers become known: open (whoever the X-… headers say, unchecked), gateway (the same headers, from TRUSTED_PROXIES only) or jwt (a Bearer token)",
    ),
    open(
        "trusted_proxies",
        "",
        "Addresses and networks (10.0.0.0/8) whose word counts on who calls and from where, separated by commas or as a JSON list",
    ),
    secret("secret_key", "Key of HS256 tokens, from chance and at least 32 bytes long; not used in the other modes"),
    secret("secret_key_previous", "Key that tokens may still be signed with while SECRET_KEY is being replaced"),
    open(
        "jwks_file",
        "",
        "File with the public keys of RS256, ES256 and EdDSA tokens (JWKS), read again every 5 seconds",
    ),
    url("jwks_url", "", "URL of such keys: https, or http on a loopback address; instead of JWKS_FILE"),
    open(
        "jwks_refresh_s",
        "300",
        "How often the keys at JWKS_URL are fetched anew, in seconds; sooner when a token names another",
    ),
    open(
        "jwt_audience",
        "",
        "Audiences (aud) of which tokens must name one, separated by commas or as a JSON list; not asked for where empty",
    ),
    open(
        "jwt_issuer",
        "",
        "Issuers (iss) of which tokens must name one, separated by commas or as a JSON list; not asked for where empty",
    ),
    open("cors_origins", "", "Origins whose pages may call, separated by commas or as a JSON list; none where empty"),
    open("debug", "false", "true logs in more detail where RUST_LOG does not say otherwise"),
    open("rust_log", "", "Log filter, such as info,chat_infra=debug; info without the chatter of actix where empty"),
    open("log_format", "json", "json or pretty"),
    open(
        "log_sample_2xx",
        "1",
        "Share of answers below 400 that leave an event in the log, from 0 to 1; all others leave theirs always",
    ),
    open(
        "metrics_port",
        "",
        "Port for /metrics and for probes of health, open to whoever reaches it; /metrics on PORT where empty, 0 takes a free one",
    ),
    url(
        "attachments_url",
        "",
        "s3://bucket/path for the files of attachments, which only one database may use; in the data directory where empty",
    ),
    secret("aws_access_key_id", "Id of the key for the bucket; where empty, as AWS finds it on the machine"),
    secret("aws_secret_access_key", "Key for the bucket"),
    secret("aws_session_token", "What goes with a key that is lent for a while"),
    open("aws_region", "", "Region of the bucket; us-east-1 where empty"),
    url("aws_endpoint_url", "", "Address of a store other than AWS that speaks S3, such as https://s3.example.com"),
    open("attachment_max_bytes", "26214400", "Longest file that is taken, in bytes"),
    open(
        "attachment_types",
        "image/jpeg,image/png,image/gif,image/webp,application/pdf,text/plain,application/zip,application/vnd.openxmlformats-officedocument.wordprocessingml.document,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet,application/vnd.openxmlformats-officedocument.presentationml.presentation,audio/mpeg,video/mp4",
        "Media types of files that are taken, as their bytes say, separated by commas or as a JSON list; image/* for all images",
    ),
    open("attachment_quota_mib", "10240", "What all files of a tenant may have together, in MiB; 0 for any number"),
    open("attachment_uploads_at_once", "64", "Files that a node takes in at once; a further one is answered 503"),
    open("attachment_unsent_hours", "24", "How long a file is kept that is sent with no message, in hours"),
    open("audit_retention_days", "365", "How long an entry of the audit is kept, in days"),
    url(
        "otel_exporter_otlp_endpoint",
        "",
        "Collector that takes traces by OTLP over HTTP, such as http://collector:4318; nothing is traced where empty",
    ),
    secret("otel_exporter_otlp_headers", "Headers for the collector, as name=value separated by commas"),
    open("otel_exporter_otlp_timeout", "10000", "Longest time that the collector may take to answer, in milliseconds"),
    open("otel_service_name", "chat-service", "What traces call the service"),
    open("otel_resource_attributes", "", "What else traces say of this process, as name=value separated by commas"),
    open(
        "otel_traces_sampler",
        "parentbased_always_on",
        "Which requests are traced: always_on, always_off or traceidratio; parentbased_ before it leaves that to callers who trace",
    ),
    open("otel_traces_sampler_arg", "", "Share that traceidratio traces, from 0 to 1; all where empty"),
    open("workers", "0", "Threads that serve HTTP; 0 for one a core"),
    open("max_connections", "20000", "Client connections at once"),
    open("rate_limit", "100", "Requests a second of one caller, in the long run; 0 for any number; not in open mode"),
    open("rate_burst", "200", "Requests of one caller at once, after a pause"),
    open(
        "rate_limit_messages",
        "",
        "Messages a second that one caller may write, which count as requests too; no limit of their own where empty or 0",
    ),
    open("rate_burst_messages", "", "Messages of one caller at once; twice RATE_LIMIT_MESSAGES where empty"),
    open(
        "rate_limit_tenant",
        "",
        "Requests a second of all callers of a tenant together; a hundred times RATE_LIMIT where empty, 0 for any number",
    ),
    open("rate_burst_tenant", "", "Requests of a tenant at once; a hundred times RATE_BURST where empty"),
    open(
        "rate_limit_tenant_messages",
        "",
        "Messages a second of all callers of a tenant together; a hundred times RATE_LIMIT_MESSAGES where empty, 0 for any number",
    ),
    open(
        "rate_burst_tenant_messages",
        "",
        "Messages of a tenant at once; a hundred times RATE_BURST_MESSAGES where empty",
    ),
    open(
        "rate_limit_unauthenticated",
        "100",
        "Requests a second of one address that do not say who calls, before they are answered 429 instead of 401; 0 for any number",
    ),
    open("rate_burst_unauthenticated", "1000", "Such requests of one address at once"),
    open(
        "max_requests_per_caller",
        "200",
        "Requests of one caller that a node serves at once; 0 for any number; not in open mode",
    ),
    open(
        "max_connections_per_address",
        "",
        "Client connections of one address at once, other than TRUSTED_PROXIES and this machine; an eighth of MAX_CONNECTIONS where empty, 0 for any number",
    ),
    open("store_deadline_ms", "5000", "Longest time that the work of one request in a store may take, in milliseconds"),
    open("database_max_connections", "16", "PostgreSQL connections of this process"),
    open("sqlite_readers", "2", "Connections that read the SQLite file"),
    open("group_commit_shards", "1", "Writers that append messages side by side on PostgreSQL; SQLite has one"),
    open("group_commit_max_batch", "256", "Most messages that one statement appends"),
    open("group_commit_queue", "4096", "Messages that may wait for each writer; beyond that, 503"),
    open(
        "cache_mib",
        "32",
        "Size of the caches within the process in MiB: half for pages, the rest for printed answers and lists",
    ),
    open(
        "long_answers_mib",
        "128",
        "Room for lists above 64 KiB on their way to clients, of all callers together, beside what CACHE_MIB keeps, in MiB; those above 1 MiB may fill three quarters of it; what finds no room is answered 503",
    ),
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
        let is_variable = |name: &String| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let variables = EXAMPLE.lines().filter_map(name).filter(is_variable).count();
        assert_eq!((rows, variables), (CATALOGUE.len(), CATALOGUE.len()));
    }
}
