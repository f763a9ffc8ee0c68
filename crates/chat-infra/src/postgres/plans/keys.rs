//! What the tables promise to those who will distribute them, and what the code believes about them.

use diesel::Table;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;

use super::database::Database;
use crate::postgres::grant::TABLES;
use crate::postgres::schema::{
    attachment_usage, attachments, audit_entries, idempotency_keys, message_edits, message_extensions, messages,
    participants, sessions,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_primary_and_unique_key_begins_with_the_tenant() {
    let mut database = Database::migrated().await;
    let keys = database
        .texts(
            "SELECT c.relname || ' ' || (SELECT attname FROM pg_attribute a
                 WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_\\_diesel%'",
        )
        .await;
    assert_eq!(keys.len(), 13, "{keys:?}");
    for key in &keys {
        assert!(key.ends_with(" tenant_id"), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_working_role_is_granted_every_table() {
    let mut database = Database::migrated().await;
    let tables = "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%' ORDER BY table_name";
    assert_eq!(database.texts(tables).await, TABLES);
}

/// The columns of a table as the code knows them.
fn believed<T>(table: T) -> String
where
    T: Table + diesel::query_dsl::methods::SelectDsl<T::AllColumns>,
    diesel::dsl::Select<T, T::AllColumns>: QueryFragment<Pg>,
{
    let query = diesel::debug_query::<Pg, _>(&table.select(T::all_columns())).to_string();
    query.split(" -- binds").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_knows_the_tables_as_they_are() {
    let mut database = Database::migrated().await;
    let columns = "SELECT format('SELECT %s FROM %I',
             string_agg(format('%I.%I', table_name, column_name), ', ' ORDER BY ordinal_position), table_name)
         FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'
         GROUP BY table_name ORDER BY table_name";
    let tables = database.texts(columns).await;
    let believed = [
        believed(attachment_usage::table),
        believed(attachments::table),
        believed(audit_entries::table),
        believed(idempotency_keys::table),
        believed(message_edits::table),
        believed(message_extensions::table),
        believed(messages::table),
        believed(participants::table),
        believed(sessions::table),
    ];
    assert_eq!(tables, believed.map(|query| query.replace('"', "")));
}
