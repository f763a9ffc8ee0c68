//! Versions side by side on PostgreSQL.

use chat_infra::postgres::{PgStore, migrate};
use uuid::Uuid;

use crate::postgres_server::Database;
use crate::versions::{EXPANSION, LIST, Ports, does_all_its_work, first_rows, goes_on_with_first_rows, scripts};

fn ports(store: &PgStore) -> Ports {
    Ports { sessions: store.sessions(), messages: store.messages(), pages: store.pages() }
}

fn rows() -> String {
    let id = |id: Uuid| format!("'{id}'");
    let bytes = |byte: u8| format!("'\\x{}'", format!("{byte:02x}").repeat(32));
    first_rows(id, bytes, |second| format!("'2026-01-01T00:00:0{second}Z'"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_version_before_has_stored_is_gone_on_with_whichever_it_was() {
    let scripts = scripts("postgres");
    for known in 1..=scripts.len() {
        let database = Database::empty().await;
        let tool = database.tool().await;
        tool.batch_execute(LIST).await.unwrap();
        for (place, (number, script)) in scripts[..known].iter().enumerate() {
            tool.batch_execute(script).await.unwrap();
            let note = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{number}')");
            tool.batch_execute(&note).await.unwrap();
            if place == 0 {
                tool.batch_execute(&rows()).await.unwrap();
            }
        }
        let run = migrate(&database.config(), None).await.unwrap();
        let missing: Vec<_> = scripts[known..].iter().map(|(number, _)| number.clone()).collect();
        assert_eq!(run, missing);
        goes_on_with_first_rows(&ports(&database.node().await)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_on_and_starts_anew_on_tables_that_a_version_to_come_has_expanded() {
    let database = Database::migrated().await;
    let running = ports(&database.node().await);
    // By now its connections have plans for each statement.
    for _ in 0..3 {
        does_all_its_work(&running).await;
    }
    database.tool().await.batch_execute(EXPANSION).await.unwrap();
    for _ in 0..3 {
        does_all_its_work(&running).await;
    }
    assert!(migrate(&database.config(), None).await.unwrap().is_empty());
    does_all_its_work(&ports(&database.node().await)).await;
}
