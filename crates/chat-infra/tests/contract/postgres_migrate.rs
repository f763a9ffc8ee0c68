//! Tables are made once, whoever comes first, and a role that may not alter them can work with them.

use chat_domain::audit::AuditQuery;
use chat_domain::extension::DetachOutcome;
use chat_domain::message::{AppendOutcome, HistoryQuery, Removal};
use chat_domain::session::{CreateOutcome, NewSession};
use chat_domain::testing::builder::{
    a_detachment_of, a_key, a_message, a_removal, a_restoration, a_session, an_edit, an_entry, an_extension,
    next_moment,
};
use chat_infra::postgres::{PgConfig, PgStartError, PgStore, migrate, migrate_until};
use secrecy::ExposeSecret as _;

use crate::postgres_server::{Database, admin, unlike_others, waiting};

/// Every migration that there is.
const MIGRATIONS: [&str; 9] = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_nodes_that_start_at_once_on_an_empty_database_all_come_up() {
    let database = Database::empty().await;
    let starts: Vec<_> = (0..5)
        .map(|_| {
            let config = database.config();
            tokio::spawn(async move {
                let run = migrate(&config, None).await?;
                PgStore::connect(&config).await?.sessions().create(a_session()).await.unwrap();
                Ok::<_, PgStartError>(run)
            })
        })
        .collect();
    let mut run = Vec::new();
    for start in starts {
        run.extend(start.await.unwrap().unwrap());
    }
    assert_eq!(run, MIGRATIONS);
}

#[tokio::test]
async fn migrations_run_on_a_runtime_of_one_thread_too() {
    let database = Database::empty().await;
    assert_eq!(migrate(&database.config(), None).await.unwrap(), MIGRATIONS);
    assert!(migrate(&database.config(), None).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_stopped_is_given_up_by_the_server_too() {
    let database = Database::empty().await;
    let other = database.tool().await;
    // Whoever makes a table of this name waits for the end of this transaction.
    other.batch_execute("BEGIN; CREATE TABLE sessions ()").await.unwrap();
    let stopped = migrate_until(waiting(&database, 1), &database.config(), None).await;
    assert!(matches!(stopped, Err(PgStartError::Stopped)), "{stopped:?}");
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    assert_eq!(other.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0, "the server still waits");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(migrate(&database.config(), None).await.unwrap(), MIGRATIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_on_tables_that_lack_a_migration() {
    let database = Database::empty().await;
    let error = PgStore::connect(&database.config()).await.err().unwrap();
    assert!(matches!(error, PgStartError::Outdated(lacking) if lacking == MIGRATIONS));
}

/// The name of the role, percent-encoded as in its URL.
fn role_of(config: &PgConfig) -> String {
    url::Url::parse(config.url.expose_secret()).unwrap().username().to_owned()
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
        assert!(migrate(&config, None).await.unwrap().is_empty());
        let store = PgStore::connect(&config).await.unwrap();
        store.sessions().create(a_session()).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_alter_tables_is_told_so_where_something_is_missing() {
    let database = Database::empty().await;
    with_a_role_without_rights(&database, async |config| {
        let refused = migrate(&config, None).await.unwrap_err();
        assert!(matches!(refused, PgStartError::Forbidden { .. }), "{refused:?}");
        let (said, role) = (refused.to_string(), role_of(&config));
        assert!(said.contains(&role) && said.contains("permission denied for schema public"), "{said}");
        assert!(said.contains("CREATE") && !said.contains("secret") && said.lines().count() == 1, "{said}");
    })
    .await;
}

/// A role that may log in and no more, whose name has to be quoted, dropped in the end.
async fn with_a_plain_role(database: &Database, work: impl AsyncFnOnce(PgConfig, &str)) {
    let role = format!("{}-\"X", unlike_others());
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let tool = database.tool().await;
    let make = format!("REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE ROLE {quoted} LOGIN PASSWORD 'secret'");
    tool.batch_execute(&make).await.unwrap();
    let mut url = url::Url::parse(&database.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("secret")).unwrap();
    work(PgConfig { url: String::from(url).into(), ..database.config() }, &quoted).await;
    tool.batch_execute(&format!("DROP OWNED BY {quoted}")).await.unwrap();
    admin().await.batch_execute(&format!("DROP ROLE {quoted}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_whose_role_owns_nothing_come_up_together_on_an_empty_database() {
    let database = Database::empty().await;
    with_a_plain_role(&database, async |config, _| {
        let starts: Vec<_> = (0..5)
            .map(|_| {
                let (owner, config) = (database.config(), config.clone());
                tokio::spawn(async move {
                    migrate(&owner, Some(&config)).await?;
                    PgStore::connect(&config).await
                })
            })
            .collect();
        for start in starts {
            let store = start.await.unwrap().unwrap();
            use_everything(&store).await;
        }
    })
    .await;
}

/// Writes to each table, reads each, and deletes what can be.
async fn use_everything(store: &PgStore) {
    let new = NewSession { idempotency: Some(a_key(&unlike_others(), "x")), ..a_session() };
    let CreateOutcome::Created(session) = store.sessions().create(new).await.unwrap() else { panic!() };
    let stored = store.messages().append(vec![a_message(&session)]).await.unwrap();
    let [AppendOutcome::Stored { message, .. }] = &stored[..] else { panic!("{stored:?}") };
    let extension = an_extension(&session.tenant_id, message);
    let extension_id = extension.id;
    store.extensions().add(extension).await.unwrap();
    let removed = store.extensions().remove(&session.tenant_id, message.id, a_detachment_of(extension_id)).await;
    assert!(matches!(removed, Ok(DetachOutcome::Removed(_))), "{removed:?}");
    assert!(store.messages().find(&session.tenant_id, message.id).await.unwrap().is_some());
    store.idempotency().forget_before(session.created_at).await.unwrap();
    store.messages().edit(&session.tenant_id, message.id, an_edit("other")).await.unwrap();
    let history = HistoryQuery { after: 0, limit: 10 };
    let history = store.messages().history(&session.tenant_id, message.id, &history).await.unwrap();
    assert_eq!(history.map(|history| history.versions.len()), Some(2));
    let removal = Removal { audit: Some(an_entry(&session)), ..a_removal() };
    store.messages().remove(&session.tenant_id, message.id, removal).await.unwrap();
    store.messages().restore(&session.tenant_id, message.id, a_restoration()).await.unwrap();
    let query = AuditQuery { actor: None, action: None, limit: 1, cursor: None };
    assert_eq!(store.audit().list(&session.tenant_id, &query).await.unwrap().entries.len(), 1);
    store.audit().forget_before(next_moment()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_taken_away_is_given_back_at_the_next_start() {
    let database = Database::migrated().await;
    with_a_plain_role(&database, async |config, role| {
        for _ in 0..2 {
            assert!(migrate(&database.config(), Some(&config)).await.unwrap().is_empty());
            use_everything(&PgStore::connect(&config).await.unwrap()).await;
            database.tool().await.batch_execute(&format!("REVOKE INSERT ON messages FROM {role}")).await.unwrap();
        }
    })
    .await;
}
