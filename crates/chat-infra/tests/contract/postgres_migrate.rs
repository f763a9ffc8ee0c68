//! Tables are made once, whoever comes first, and a role that may not alter them can work with them.

use chat_domain::testing::builder::a_session;
use chat_infra::postgres::{PgConfig, PgStartError, PgStore, migrate};

use crate::postgres_server::{Database, admin, unlike_others};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_nodes_that_start_at_once_on_an_empty_database_all_come_up() {
    let database = Database::empty().await;
    let starts: Vec<_> = (0..5)
        .map(|_| {
            let config = database.config();
            tokio::spawn(async move {
                let run = migrate(&config).await?;
                PgStore::connect(&config).await?.sessions().create(a_session()).await.unwrap();
                Ok::<_, PgStartError>(run)
            })
        })
        .collect();
    let mut run = Vec::new();
    for start in starts {
        run.extend(start.await.unwrap().unwrap());
    }
    assert_eq!(run, ["0001"]);
}

#[tokio::test]
async fn migrations_run_on_a_runtime_of_one_thread_too() {
    let database = Database::empty().await;
    assert_eq!(migrate(&database.config()).await.unwrap(), ["0001"]);
    assert!(migrate(&database.config()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_on_tables_that_lack_a_migration() {
    let database = Database::empty().await;
    let error = PgStore::connect(&database.config()).await.err().unwrap();
    assert!(matches!(error, PgStartError::Outdated(lacking) if lacking == ["0001"]));
}

/// A role that may only use tables, dropped in the end.
async fn with_a_role_without_rights(database: &Database, work: impl AsyncFnOnce(PgConfig)) {
    let role = unlike_others();
    let tool = database.tool().await;
    tool.batch_execute(&format!(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE ROLE {role} LOGIN PASSWORD 'secret' ;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
    ))
    .await
    .unwrap();
    let mut url = url::Url::parse(&database.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("secret")).unwrap();
    work(PgConfig { url: String::from(url).into(), ..database.config() }).await;
    tool.batch_execute(&format!("DROP OWNED BY {role}")).await.unwrap();
    admin().await.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_alter_tables_starts_where_nothing_is_missing() {
    let database = Database::migrated().await;
    with_a_role_without_rights(&database, async |config| {
        assert!(migrate(&config).await.unwrap().is_empty());
        let store = PgStore::connect(&config).await.unwrap();
        store.sessions().create(a_session()).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_alter_tables_is_told_so_where_something_is_missing() {
    let database = Database::empty().await;
    with_a_role_without_rights(&database, async |config| {
        assert!(matches!(migrate(&config).await, Err(PgStartError::Migration(_))));
    })
    .await;
}
