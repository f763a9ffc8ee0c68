//! What the role that the service works with has to be allowed, where another role owns the tables.

use diesel::IntoSql as _;
use diesel::sql_types::{Array, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};

use super::config::{Address, InvalidUrl, PgConfig};
use super::statement::Statement;

/// The tables that the service reads and writes.
pub(super) const TABLES: [&str; 9] = [
    "attachment_usage",
    "attachments",
    "audit_entries",
    "idempotency_keys",
    "message_edits",
    "message_extensions",
    "messages",
    "participants",
    "sessions",
];

/// The grants that the role lacks, as statements whose names the server has quoted. An owner, a superuser and a member
/// of the owner's role lack nothing.
const LACKING: &str = "WITH needed (privilege, thing) AS (
    SELECT p, t::regclass FROM UNNEST($1::text[]) t, UNNEST(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
    UNION ALL
    SELECT 'SELECT', '__diesel_schema_migrations'::regclass
)
SELECT format('GRANT %s ON TABLE %s TO %I', privilege, thing, $2)
FROM needed
WHERE NOT has_table_privilege($2::name, thing, privilege)
UNION ALL
SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $2)
FROM needed
JOIN pg_class c ON c.oid = thing
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT has_schema_privilege($2::name, n.oid, 'USAGE')";

/// The role that a URL names; none where the URL leaves it to the driver.
pub(super) fn role(config: &PgConfig) -> Result<Option<String>, InvalidUrl> {
    Ok(Address::parse(&config.url)?.driver.get_user().map(str::to_owned))
}

/// The grants that the role lacks, once the tables are there.
pub(super) async fn lacking(connection: &mut AsyncPgConnection, role: &str) -> diesel::QueryResult<Vec<String>> {
    let values = (TABLES.as_slice().into_sql::<Array<Text>>(), role.into_sql::<Text>());
    Statement::<Text, _>::new(LACKING, values).load(connection).await
}

/// Makes the grants.
pub(super) async fn grant(connection: &mut AsyncPgConnection, grants: &[String]) -> diesel::QueryResult<()> {
    for grant in grants {
        connection.batch_execute(grant).await?;
    }
    Ok(())
}
