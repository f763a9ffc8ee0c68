//! A database for the tests of plans, and the plans that the server makes there for connections of the pool.

use diesel::QueryResult;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::Value;

use crate::postgres::config::PgConfig;
use crate::postgres::connect::Connector;
use crate::postgres::migrate;
use crate::postgres::statement::Statement;

/// A database of one test, dropped with it.
pub(super) struct Database {
    pub(super) name: String,
    pub(super) connection: AsyncPgConnection,
}

impl Database {
    /// With all tables and nothing in them, and a connection like those of the pool.
    pub(super) async fn migrated() -> Self {
        use chat_domain::clock::IdSource as _;

        let name = format!("chat_test_{}", crate::system::SystemIds.session_id().as_uuid().simple());
        admin(&format!("CREATE DATABASE {name}")).await;
        let config = config(&name, "");
        migrate(&config, None).await.unwrap();
        Self { name, connection: Connector::new(&config).unwrap().connect().await.unwrap() }
    }

    /// Makes the connection anew, with these parameters behind the URL.
    pub(super) async fn reconnect(&mut self, parameters: &str) {
        self.connection = Connector::new(&config(&self.name, parameters)).unwrap().connect().await.unwrap();
    }

    /// The same with a million messages.
    pub(super) async fn filled() -> Self {
        let mut database = Self::migrated().await;
        let connection = &mut database.connection;
        connection.batch_execute("SET statement_timeout = 0; SET enable_seqscan = on").await.unwrap();
        connection.batch_execute(include_str!("bulk.sql")).await.unwrap();
        connection.batch_execute("SET enable_seqscan = off").await.unwrap();
        database
    }

    /// The plan by which the statement runs with these values, and what it met on the way.
    pub(super) async fn run(&mut self, sql: &str, types: &str, values: &str) -> Plan {
        self.explain("ANALYZE, TIMING OFF, FORMAT JSON", sql, types, values).await
    }

    /// The plan by which the statement would run.
    pub(super) async fn plan(&mut self, sql: &str, types: &str, values: &str) -> Plan {
        self.explain("FORMAT JSON", sql, types, values).await
    }

    async fn explain(&mut self, how: &str, sql: &str, types: &str, values: &str) -> Plan {
        // What writes is rolled back.
        let prepare = format!("BEGIN; PREPARE subject ({types}) AS {sql}\n");
        self.connection.batch_execute(&prepare).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let explain = format!("EXPLAIN ({how}) EXECUTE subject ({values})");
        let plan: QueryResult<Vec<String>> = Statement::<Text, _>::new(explain, ()).load(&mut self.connection).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        self.connection.batch_execute("ROLLBACK; DEALLOCATE subject").await.unwrap();
        let plan: Value = serde_json::from_str(&plan.concat()).unwrap();
        Plan(plan[0]["Plan"].clone())
    }

    /// The first column of the rows that this gives.
    pub(super) async fn texts(&mut self, sql: &'static str) -> Vec<String> {
        Statement::<Text, _>::new(sql, ()).load(&mut self.connection).await.unwrap()
    }
}

impl Drop for Database {
    /// A drop cannot wait, and the test's runtime may be about to end: a thread with a runtime of its own does it.
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(admin(&statement));
        });
        let dropped = dropped.join();
        assert!(dropped.is_ok() || std::thread::panicking());
    }
}

/// A plan as the server tells it.
#[derive(Debug)]
pub(super) struct Plan(Value);

impl Plan {
    /// All steps, whatever they are part of.
    fn steps(&self) -> Vec<&Value> {
        let mut steps = vec![&self.0];
        let mut seen = 0;
        while let Some(step) = steps.get(seen) {
            steps.extend(step["Plans"].as_array().into_iter().flatten());
            seen += 1;
        }
        steps
    }

    /// What each table is read by: its name and the index, in the order of names.
    pub(super) fn indexes(&self) -> Vec<(&str, &str)> {
        fn text<'s>(scan: &'s Value, key: &str) -> &'s str {
            scan[key].as_str().unwrap_or("none")
        }
        let mut indexes: Vec<_> =
            self.scans().map(|scan| (text(scan, "Relation Name"), text(scan, "Index Name"))).collect();
        indexes.sort_unstable();
        indexes
    }

    /// The scan of this table, which must be the only one.
    pub(super) fn scan(&self, table: &str) -> &Value {
        let scans: Vec<&Value> = self.scans().filter(|scan| scan["Relation Name"] == table).collect();
        let [scan] = scans[..] else { panic!("{table} is read other than once\n{self:#?}") };
        scan
    }

    /// How many rows of the table were looked at, in all steps and loops, those included that were then thrown away.
    pub(super) fn rows_of(&self, table: &str) -> f64 {
        let number = |scan: &Value, key: &str| scan[key].as_f64().unwrap_or_default();
        let scans = self.scans().filter(|scan| scan["Relation Name"] == table);
        let each = |scan: &Value| number(scan, "Actual Rows") + number(scan, "Rows Removed by Filter");
        scans.map(|scan| each(scan) * number(scan, "Actual Loops")).sum()
    }

    /// Asserts that no table is read for rows that are then thrown away.
    pub(super) fn assert_wastes_nothing(&self) {
        for scan in self.scans() {
            for waste in ["Rows Removed by Filter", "Rows Removed by Index Recheck"] {
                assert!(scan[waste].as_f64().unwrap_or_default() == 0.0, "{self:#?}");
            }
        }
    }

    /// Asserts that no join reads rows to compare them: each looks up what it needs.
    pub(super) fn assert_compares_nothing(&self) {
        assert!(self.steps().into_iter().all(|step| step["Join Filter"].is_null()), "{self:#?}");
    }

    /// Asserts that the rows come in order as they are read.
    pub(super) fn assert_sorts_nothing(&self) {
        let sorts = self.steps().into_iter().any(|step| step["Node Type"].as_str().unwrap().contains("Sort"));
        assert!(!sorts, "{self:#?}");
    }

    /// The steps that read a table; those that write to one name it too.
    fn scans(&self) -> impl Iterator<Item = &Value> {
        self.steps().into_iter().filter(|step| step["Relation Name"].is_string() && step["Operation"].is_null())
    }
}

/// How a node would reach the database of this name.
fn config(name: &str, parameters: &str) -> PgConfig {
    let mut url = url::Url::parse(&server()).unwrap();
    url.set_path(name);
    PgConfig::new(format!("{url}{parameters}").into())
}

async fn admin(statement: &str) {
    let config = PgConfig::new(server().into());
    let mut connection = Connector::unlimited(&config).unwrap().connect().await.unwrap();
    connection.batch_execute(statement).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
fn server() -> String {
    std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL must name a PostgreSQL server, as in postgres://chat@127.0.0.1:5432/postgres")
}
