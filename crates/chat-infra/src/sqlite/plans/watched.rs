//! A store whose connections tell which statements they prepare and run.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use chat_domain::error::RepositoryError;
use diesel::connection::InstrumentationEvent;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};
use tempfile::TempDir;

use crate::sqlite::error::failed;
use crate::sqlite::{SqliteConfig, SqliteStore};

/// The store and what its connections have told.
pub(super) struct Watched {
    pub(super) store: SqliteStore,
    prepared: Arc<Mutex<Vec<String>>>,
    run: Arc<Mutex<Vec<String>>>,
    _directory: TempDir,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    detail: String,
}

impl Watched {
    /// A store over a file that was filled before it opens, past all that makes writing safe and slow.
    pub(super) async fn over(fill: impl FnOnce(&mut SqliteConnection)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chat.db");
        // With one reader there is one statement cache to watch.
        let config = SqliteConfig { readers: NonZeroUsize::MIN, ..SqliteConfig::new(&path) };
        SqliteStore::open(&config).unwrap().close().await;
        fill(&mut SqliteConnection::establish(path.to_str().unwrap()).unwrap());
        let store = SqliteStore::open(&config).unwrap();
        let watched = Self { store, prepared: Arc::default(), run: Arc::default(), _directory: directory };
        watched.store.readers.read(watched.watch()).await.unwrap();
        watched.store.writer.write(watched.watch()).await.unwrap();
        watched
    }

    fn watch(&self) -> impl Fn(&mut SqliteConnection) -> Result<(), RepositoryError> + Send + 'static + use<> {
        let (prepared, run) = (Arc::clone(&self.prepared), Arc::clone(&self.run));
        move |connection| {
            let (prepared, run) = (Arc::clone(&prepared), Arc::clone(&run));
            connection.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
                InstrumentationEvent::CacheQuery { sql, .. } => prepared.lock().unwrap().push(sql.to_owned()),
                InstrumentationEvent::StartQuery { query, .. } => {
                    let query = query.to_string();
                    run.lock().unwrap().push(query.split(" -- binds: ").next().unwrap().to_owned());
                }
                _ => {}
            });
            Ok(())
        }
    }

    /// Every statement that a connection has prepared to keep, in order.
    pub(super) fn prepared(&self) -> Vec<String> {
        self.prepared.lock().unwrap().clone()
    }

    /// Every statement that was run.
    pub(super) fn run(&self) -> BTreeSet<String> {
        self.run.lock().unwrap().iter().cloned().collect()
    }

    /// How many statements were run, each as often as it was; but for the looks at the log, which the writer takes when its
    /// callers are answered already.
    pub(super) fn runs(&self) -> usize {
        self.run.lock().unwrap().iter().filter(|sql| !sql.contains("PRAGMA ")).count()
    }

    /// The steps of SQLite's plan for a statement.
    pub(super) async fn plan(&self, sql: &str) -> Vec<String> {
        self.lines(format!("EXPLAIN QUERY PLAN {sql}")).await
    }

    /// The statement that made an index.
    pub(super) async fn definition(&self, index: &str) -> String {
        let lines = self.lines(format!("SELECT sql AS detail FROM sqlite_schema WHERE name = '{index}'")).await;
        lines.into_iter().next().unwrap_or_default()
    }

    /// Every primary or unique key of our tables, with its first column.
    pub(super) async fn unique_keys(&self) -> Vec<(String, String)> {
        let lines = self.lines(
            "SELECT i.name || ' ' || (SELECT c.name FROM pragma_index_info(i.name) c WHERE c.seqno = 0) AS detail
             FROM sqlite_schema t, pragma_index_list(t.name) i
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND i.\"unique\""
                .to_owned(),
        );
        let split = |line: String| line.split_once(' ').map(|(key, column)| (key.to_owned(), column.to_owned()));
        lines.await.into_iter().filter_map(split).collect()
    }

    async fn lines(&self, sql: String) -> Vec<String> {
        let lines =
            self.store.writer.write(move |connection| diesel::sql_query(&sql).load::<Line>(connection).map_err(failed));
        lines.await.unwrap().into_iter().map(|line| line.detail).collect()
    }
}
