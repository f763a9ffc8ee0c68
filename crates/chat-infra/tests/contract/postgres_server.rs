//! Databases of their own for the tests that need PostgreSQL, on the server that `TEST_DATABASE_URL` names.
//!
//! The tables are made once, in templates that are named after what they are made of and stay on the server; a test's
//! database is a copy of one and goes with the test.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use chat_infra::postgres::{PgConfig, PgStore, migrate};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// Whoever makes the template holds this advisory lock: the letters of `test`.
const LOCK: i64 = 1_952_805_748;

/// A database of one test, dropped with it.
pub(crate) struct Database {
    name: String,
}

impl Database {
    /// With all tables, and nothing in them.
    pub(crate) async fn migrated() -> Self {
        let template = template().await;
        Self::made(&format!("TEMPLATE {template}")).await
    }

    /// The same, with the tables in partitions, as `deploy/postgresql/partitions.sql` makes them.
    pub(crate) async fn partitioned() -> Self {
        let template = partitioned_template().await;
        Self::made(&format!("TEMPLATE {template}")).await
    }

    /// Without tables.
    pub(crate) async fn empty() -> Self {
        Self::made("TEMPLATE template0").await
    }

    async fn made(how: &str) -> Self {
        let name = unlike_others();
        admin().await.batch_execute(&format!("CREATE DATABASE {name} {how}")).await.expect("a database can be made");
        Self { name }
    }

    /// How a node reaches it: few connections, since many tests run at once, and the patience of a busy machine.
    pub(crate) fn config(&self) -> PgConfig {
        config(&self.name)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        url_of(&self.name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A node over it.
    pub(crate) async fn node(&self) -> PgStore {
        PgStore::connect(&self.config()).await.expect("the database is there")
    }

    /// A connection beside those of the nodes.
    pub(crate) async fn tool(&self) -> Client {
        connect(&self.name).await
    }
}

impl Drop for Database {
    /// A drop cannot wait, and the test's runtime may be about to end: a thread with a runtime of its own does it.
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { admin().await.batch_execute(&statement).await })
        });
        let dropped = dropped.join();
        if !std::thread::panicking() {
            dropped.expect("the thread ends").expect("the database can be dropped");
        }
    }
}

/// Waits until that many statements in the database wait for a lock.
pub(crate) async fn waiting(database: &Database, many: i64) {
    let tool = database.tool().await;
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while tool.query_one(count, &[]).await.expect("activity can be read").get::<_, i64>(0) < many {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A name that no other test has.
pub(crate) fn unlike_others() -> String {
    use chat_domain::clock::IdSource as _;

    format!("chat_test_{}", chat_infra::system::SystemIds.session_id().as_uuid().simple())
}

/// The server's address, with this database instead of the one that is named there.
fn url_of(database: &str) -> String {
    let mut url = url::Url::parse(&server()).expect("TEST_DATABASE_URL is a url");
    url.set_path(database);
    url.into()
}

/// A connection to the database that `TEST_DATABASE_URL` names.
pub(crate) async fn admin() -> Client {
    let url = server();
    open(&url).await
}

fn config(database: &str) -> PgConfig {
    PgConfig {
        max_connections: 3,
        deadline: Duration::from_mins(1),
        lock_wait: Duration::from_mins(1),
        connect_timeout: Duration::from_mins(1),
        ..PgConfig::new(url_of(database).into())
    }
}

async fn connect(database: &str) -> Client {
    open(&url_of(database)).await
}

async fn open(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
fn server() -> String {
    std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL must name a PostgreSQL server, as in postgres://chat@127.0.0.1:5432/postgres")
}

const TABLES: [&str; 9] = [
    include_str!("../../../../migrations/postgres/0001_sessions_and_messages/up.sql"),
    include_str!("../../../../migrations/postgres/0002_audit/up.sql"),
    include_str!("../../../../migrations/postgres/0003_messages_by_kind/up.sql"),
    include_str!("../../../../migrations/postgres/0004_message_edits/up.sql"),
    include_str!("../../../../migrations/postgres/0005_makers_of_extensions/up.sql"),
    include_str!("../../../../migrations/postgres/0006_attachments/up.sql"),
    include_str!("../../../../migrations/postgres/0007_participants/up.sql"),
    include_str!("../../../../migrations/postgres/0008_found_by_appends/up.sql"),
    include_str!("../../../../migrations/postgres/0009_messages_by_sender/up.sql"),
];
const PARTITIONS: &str = include_str!("../../../../deploy/postgresql/partitions.sql");

/// The template's name, once it is there.
async fn template() -> &'static str {
    static NAME: OnceCell<String> = OnceCell::const_new();
    NAME.get_or_init(|| async {
        kept("chat_template", &TABLES.concat(), "", async |draft| {
            migrate(&config(draft), None).await.expect("the migrations run");
        })
        .await
    })
    .await
}

/// The same, with the tables in partitions.
async fn partitioned_template() -> &'static str {
    static NAME: OnceCell<String> = OnceCell::const_new();
    NAME.get_or_init(|| async {
        let whole = format!("TEMPLATE {}", template().await);
        let made_of = TABLES.concat() + PARTITIONS;
        kept("chat_partitioned", &made_of, &whole, async |draft| {
            connect(draft).await.batch_execute(PARTITIONS).await.expect("the tables can be put into partitions");
        })
        .await
    })
    .await
}

/// A database that stays on the server, named after what it is made of; made where it is not there yet.
async fn kept(kind: &str, made_of: &str, how: &str, make: impl AsyncFnOnce(&str)) -> String {
    let mut text = DefaultHasher::new();
    made_of.hash(&mut text);
    let name = format!("{kind}_{:016x}", text.finish());
    let admin = admin().await;
    admin.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.expect("a lock can be had");
    let known = "SELECT FROM pg_database WHERE datname = $1";
    if admin.query_opt(known, &[&name]).await.expect("databases can be listed").is_none() {
        // Under another name until it is whole, in case that this is cut short.
        let draft = unlike_others();
        admin.batch_execute(&format!("CREATE DATABASE {draft} {how}")).await.expect("a database can be made");
        make(&draft).await;
        admin.batch_execute(&format!("ALTER DATABASE {draft} RENAME TO {name}")).await.expect("it can be renamed");
    }
    name
}
