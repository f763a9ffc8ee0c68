//! Versions one after the other on SQLite, forwards and a step back.

use std::path::Path;

use chat_infra::sqlite::{SqliteConfig, SqliteStore};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use uuid::Uuid;

use crate::versions::{EXPANSION, LIST, Ports, does_all_its_work, first_rows, goes_on_with_first_rows, scripts};

fn open(path: &Path) -> (SqliteStore, Ports) {
    let store = SqliteStore::open(&SqliteConfig::new(path)).unwrap();
    let ports = Ports { sessions: store.sessions(), messages: store.messages(), pages: store.pages() };
    (store, ports)
}

fn tool(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

fn rows() -> String {
    let id = |id: Uuid| format!("x'{}'", id.simple());
    let bytes = |byte: u8| format!("x'{}'", format!("{byte:02x}").repeat(32));
    first_rows(id, bytes, |second| format!("{second}000000"))
}

#[tokio::test]
async fn what_a_version_before_has_stored_is_gone_on_with_whichever_it_was() {
    let scripts = scripts("sqlite");
    for known in 1..=scripts.len() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chat.db");
        let mut tool = tool(&path);
        tool.batch_execute(LIST).unwrap();
        for (place, (number, script)) in scripts[..known].iter().enumerate() {
            tool.batch_execute(script).unwrap();
            let note = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{number}')");
            tool.batch_execute(&note).unwrap();
            if place == 0 {
                tool.batch_execute(&rows()).unwrap();
            }
        }
        drop(tool);
        let (store, ports) = open(&path);
        goes_on_with_first_rows(&ports).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_step_back_from_a_version_to_come_starts_and_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let (store, ports) = open(&path);
    does_all_its_work(&ports).await;
    store.close().await;
    tool(&path).batch_execute(EXPANSION).unwrap();
    let (store, ports) = open(&path);
    does_all_its_work(&ports).await;
    store.close().await;
}
