//! What connections ask of the server, whatever its defaults are.

use diesel_async::SimpleAsyncConnection as _;

use super::database::Database;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_on_the_disk_whatever_the_database_was_told() {
    let mut database = Database::migrated().await;
    let loose = format!("ALTER DATABASE {} SET synchronous_commit = off", database.name);
    database.connection.batch_execute(&loose).await.unwrap();
    for (options, effective) in [("", "on"), ("?options=-c%20synchronous_commit%3Dremote_apply", "remote_apply")] {
        database.reconnect(options).await;
        assert_eq!(database.texts("SELECT current_setting('synchronous_commit')").await, [effective]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_lock_for_long_are_waited_for_less_long_than_a_statement_may_take() {
    let mut database = Database::migrated().await;
    let limits = "SELECT current_setting(name) FROM UNNEST(ARRAY['lock_timeout', 'statement_timeout']) name";
    assert_eq!(database.texts(limits).await, ["500ms", "4500ms"]);
}
