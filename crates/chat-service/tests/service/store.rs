//! The stores under the service: a file in a directory of its own, or a database of its own and Redis.

use std::path::Path;
use std::time::Duration;

use chat_domain::clock::IdSource as _;
use chat_infra::system::SystemIds;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::client::Client;
use crate::node::Node;

/// What the nodes of one test run on. Gone when it is dropped.
pub(crate) struct Store {
    kind: Kind,
    directory: TempDir,
}

enum Kind {
    Sqlite,
    Postgres { url: String, redis: String },
}

impl Store {
    /// An SQLite file and the in-process cache.
    pub(crate) async fn sqlite() -> Self {
        Self { kind: Kind::Sqlite, directory: TempDir::new().unwrap() }
    }

    /// An empty PostgreSQL database and Redis.
    pub(crate) async fn postgres_redis() -> Self {
        let url = new_database(&given("TEST_DATABASE_URL")).await;
        let kind = Kind::Postgres { url, redis: given("TEST_REDIS_URL") };
        Self { kind, directory: TempDir::new().unwrap() }
    }

    /// The data directory of its nodes.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The variables that put a node on this store.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("DATA_DIR", self.directory.path().display().to_string())];
        if let Kind::Postgres { url, redis } = &self.kind {
            variables.push(("DATABASE_URL", url.clone()));
            variables.push(("REDIS_URL", redis.clone()));
            variables.push(("DATABASE_MAX_CONNECTIONS", "8".to_owned()));
        }
        variables
    }

    /// Has the server do something to this store's database. PostgreSQL only.
    pub(crate) async fn execute(&self, statement: &str) {
        let Kind::Postgres { url, .. } = &self.kind else { panic!("only a server can be asked from outside") };
        execute(url, statement).await;
    }

    /// Has the server let nobody into this store's database, and throw out who is in, or let them in again. PostgreSQL only.
    pub(crate) async fn is_away(&self, away: bool) {
        let Kind::Postgres { url, .. } = &self.kind else { panic!("only a server can do that") };
        let name = url.rsplit('/').next().unwrap();
        let server = given("TEST_DATABASE_URL");
        execute(&server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {}", !away)).await;
        if away {
            let out = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
            execute(&server, &format!("{out} = '{name}'")).await;
        }
    }

    /// One node.
    pub(crate) async fn node(&self) -> Node {
        Node::start(&self.variables()).await
    }

    /// Two nodes where the store can have them.
    pub(crate) async fn two_nodes(&self) -> Nodes {
        let second = match self.kind {
            Kind::Sqlite => None,
            Kind::Postgres { .. } => Some(self.node().await),
        };
        Nodes { first: self.node().await, second }
    }

    /// A new role that has no right on this store's database but to connect. PostgreSQL only.
    pub(crate) async fn role_without_rights(&self) -> Role {
        let Kind::Postgres { url, .. } = &self.kind else { panic!("roles are PostgreSQL's") };
        let name = format!("role_{}", SystemIds.session_id().as_uuid().simple());
        execute(url, &format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'")).await;
        Role { name, database: url.clone() }
    }

    /// Locks a table, for as long as what this gives lives. PostgreSQL only.
    pub(crate) async fn locked(&self, table: &str) -> tokio_postgres::Client {
        self.holding(&format!("BEGIN; LOCK TABLE {table}")).await
    }

    /// Looks like a node that migrates, for as long as what this gives lives. PostgreSQL only.
    pub(crate) async fn migrating(&self) -> tokio_postgres::Client {
        self.holding("SELECT pg_advisory_lock(1667785076)").await
    }

    /// Makes a table without end: whoever makes one of this name waits as long as what this gives lives. PostgreSQL only.
    pub(crate) async fn making(&self, table: &str) -> tokio_postgres::Client {
        self.holding(&format!("BEGIN; CREATE TABLE {table} ()")).await
    }

    /// Waits until a statement in this store's database waits for another. PostgreSQL only.
    pub(crate) async fn blocked(&self) {
        let blocked = async {
            while !self.is_blocked().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), blocked).await.expect("a statement must wait");
    }

    /// Whether a statement in this store's database waits for another. PostgreSQL only.
    pub(crate) async fn is_blocked(&self) -> bool {
        let asking = self.holding("").await;
        let blocked = "SELECT EXISTS (SELECT FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock')";
        asking.query_one(blocked, &[]).await.unwrap().get(0)
    }

    async fn holding(&self, lock: &str) -> tokio_postgres::Client {
        let Kind::Postgres { url, .. } = &self.kind else { panic!("such locks are PostgreSQL's") };
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(lock).await.unwrap();
        client
    }

    /// A node that cannot reach Redis, where there is one.
    pub(crate) async fn node_without_redis(&self) -> Option<Node> {
        match self.kind {
            Kind::Sqlite => None,
            Kind::Postgres { .. } => {
                let mut variables = self.variables();
                // A port that nothing listens on: reserved, and refused at once.
                variables.push(("REDIS_URL", "redis://127.0.0.1:1".to_owned()));
                Some(Node::start(&variables).await)
            }
        }
    }
}

/// A role that may log in and nothing else; dropped with the test, after its database.
pub(crate) struct Role {
    name: String,
    database: String,
}

impl Role {
    /// The database, under this role.
    pub(crate) fn url(&self) -> String {
        let mut url = url::Url::parse(&self.database).unwrap();
        url.set_username(&self.name).unwrap();
        url.set_password(Some("secret")).unwrap();
        url.into()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let name = &self.name;
        on_a_thread(self.database.clone(), format!("DROP OWNED BY {name}; DROP ROLE {name}"));
    }
}

/// Two nodes on one store, or the one that the store can have.
pub(crate) struct Nodes {
    first: Node,
    second: Option<Node>,
}

impl Nodes {
    /// Where the first node listens.
    pub(crate) fn first_url(&self) -> String {
        self.first.url.clone()
    }

    /// Where the second one does, or the first where there is but one.
    pub(crate) fn second_url(&self) -> String {
        self.second.as_ref().unwrap_or(&self.first).url.clone()
    }

    /// A client of each node; of the one node twice where there is but one.
    pub(crate) fn clients(&self) -> (Client, Client) {
        let second = self.second.as_ref().unwrap_or(&self.first);
        (Client::new(&self.first.url), Client::new(&second.url))
    }
}

/// The address of a server for tests.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
pub(crate) fn given(variable: &str) -> String {
    let value = std::env::vars().find(|(name, _)| name == variable);
    value.unwrap_or_else(|| panic!("{variable} is not set: run the tests with `just test`")).1
}

/// Makes an empty database beside the given one and returns its URL.
async fn new_database(url: &str) -> String {
    let name = format!("service_{}", SystemIds.session_id().as_uuid().simple());
    execute(url, &format!("CREATE DATABASE {name}")).await;
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(&name);
    url.into()
}

async fn execute(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("TEST_DATABASE_URL must be reachable");
    tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Kind::Postgres { url, .. } = &self.kind {
            let name = url.rsplit('/').next().unwrap_or_default();
            on_a_thread(given("TEST_DATABASE_URL"), format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// A drop cannot wait, and the test's runtime may be about to end: a thread with a runtime of its own does it.
fn on_a_thread(url: String, statement: String) {
    let done = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(execute(&url, &statement));
    });
    if !std::thread::panicking() {
        done.join().unwrap();
    }
}
