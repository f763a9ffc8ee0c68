//! Bringing the tables up to date, safely when several nodes start at once.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use chat_domain::error::RepositoryError;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use tokio::time::{sleep, timeout};
use tokio_postgres::CancelToken;

use super::PgStartError;
use super::config::PgConfig;
use super::connect::Connector;
use super::grant;
use super::statement::Statement;
use crate::deadline::DeadlinePassed;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Whoever migrates holds this advisory lock: the letters of `chat`.
const LOCK: &str = "SELECT pg_try_advisory_lock(1667785076)";

/// How long to wait before asking for it again. To wait within the statement would be a transaction, for whose end an
/// index that is built concurrently waits in turn.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the server may take to give up a migration.
const GIVING_UP: Duration = Duration::from_secs(3);

/// Runs the migrations that are missing and names them. Asks for no right to alter anything where none is missing.
/// Waits for another node that is at it, however long that takes.
///
/// The URL's role has to own the tables. The service may work with another one, which `grant_to` names: it is given
/// what it needs and lacks (`SELECT, INSERT, UPDATE, DELETE` on the tables, `SELECT` on the list of migrations, `USAGE`
/// of the schema). Where it lacks nothing, nothing is granted.
///
/// # Errors
/// A URL that cannot be used, a server that cannot be reached or does not answer in time, a role that may not alter the
/// tables, a migration that fails, a role that is not there or cannot be given what it lacks.
pub async fn migrate(config: &PgConfig, grant_to: Option<&PgConfig>) -> Result<Vec<String>, PgStartError> {
    migrate_until(std::future::pending(), config, grant_to).await
}

/// The same, until `stop` comes to its end. The migration that is under way then is given up, and undone where it runs in
/// a transaction; those before it stay.
///
/// # Errors
/// Those of [`migrate()`], and that it was stopped. What came to its end all the same is told as done.
pub async fn migrate_until(
    stop: impl Future<Output = ()>,
    config: &PgConfig,
    grant_to: Option<&PgConfig>,
) -> Result<Vec<String>, PgStartError> {
    let role = grant_to.map(grant::role).transpose()?.flatten();
    let connector = Connector::unlimited(config)?;
    let mut stop = pin!(stop);
    let ready = tokio::select! {
        ready = ready(&connector, config, role.as_deref()) => ready?,
        () = &mut stop => return Err(PgStartError::Stopped),
    };
    let Some(connection) = ready else { return Ok(Vec::new()) };
    let token = connection.cancel_token();
    let mut work = pin!(run_and_grant(connection, config, role.as_deref()));
    tokio::select! {
        done = &mut work => return done,
        () = &mut stop => {}
    }
    match timeout(GIVING_UP, cancelled(&connector, &token, work)).await {
        // It came to its end before the server heard of the stop.
        Ok(Ok(run)) => return Ok(run),
        Ok(Err(error)) => tracing::debug!(error = %error, "a migration was given up"),
        Err(_) => tracing::warn!("the server does not give up the migration that was stopped"),
    }
    Err(PgStartError::Stopped)
}

/// A connection that holds the lock, which goes with it; none where nothing is missing.
async fn ready(
    connector: &Connector,
    config: &PgConfig,
    role: Option<&str>,
) -> Result<Option<AsyncPgConnection>, PgStartError> {
    let connection = connector.connect().await;
    let mut connection = connection.map_err(|error| PgStartError::Unreachable(RepositoryError::unavailable(error)))?;
    let complete =
        async { Ok(missing(&mut connection).await?.is_empty() && lacking(&mut connection, role).await?.is_empty()) };
    if answered(config, complete).await? {
        return Ok(None);
    }
    lock(&mut connection).await.map_err(PgStartError::migration)?;
    Ok(Some(connection))
}

async fn run_and_grant(
    connection: AsyncPgConnection,
    config: &PgConfig,
    role: Option<&str>,
) -> Result<Vec<String>, PgStartError> {
    let run = run_missing(connection).await;
    let (mut connection, run) = run.map_err(|error| refused(config, error))?;
    let grants = lacking(&mut connection, role).await?;
    grant::grant(&mut connection, &grants).await.map_err(PgStartError::migration)?;
    // Who may not give a right gets a warning for trying, not an error.
    let refused = lacking(&mut connection, role).await?;
    if refused.is_empty() { Ok(run) } else { Err(PgStartError::Ungranted(refused)) }
}

/// What the work comes to, once the server has been told to give it up: by itself it goes on with a statement whose client
/// is gone. What it is told between two statements it forgets, so it is told again.
async fn cancelled<T>(connector: &Connector, token: &CancelToken, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        never = tell(connector, token) => match never {},
    }
}

async fn tell(connector: &Connector, token: &CancelToken) -> Infallible {
    loop {
        if let Err(error) = connector.cancel(token).await {
            tracing::debug!(error = %error, "the server cannot be told to give up a migration");
        }
        sleep(PAUSE).await;
    }
}

/// Puts it plainly where it is rights that were missing.
fn refused(config: &PgConfig, error: PgStartError) -> PgStartError {
    let PgStartError::Migration(source) = &error else { return error };
    let said = source.to_string();
    let refusal = ["permission denied", "must be owner of"].iter().find_map(|refusal| said.find(refusal));
    match refusal.and_then(|begin| said.get(begin..)) {
        Some(said) => PgStartError::Forbidden { role: grant::role(config).ok().flatten(), said: said.to_owned() },
        None => error,
    }
}

/// diesel's harness blocks, and so runs on a thread for that.
async fn run_missing(connection: AsyncPgConnection) -> Result<(AsyncPgConnection, Vec<String>), PgStartError> {
    let run = tokio::task::spawn_blocking(move || {
        let mut connection = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
        let run = connection.run_pending_migrations(MIGRATIONS).map_err(PgStartError::Migration)?;
        let run = run.iter().map(ToString::to_string).collect();
        Ok((connection.into_inner(), run))
    });
    run.await.map_err(PgStartError::migration)?
}

async fn lacking(connection: &mut AsyncPgConnection, role: Option<&str>) -> Result<Vec<String>, PgStartError> {
    match role {
        Some(role) => grant::lacking(connection, role).await.map_err(PgStartError::migration),
        None => Ok(Vec::new()),
    }
}

/// Waits for the lock, and says so once where somebody else has it.
async fn lock(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let mut told = false;
    while !locked(connection).await? {
        if !told {
            tracing::info!("waiting for another node that migrates");
            told = true;
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn locked(connection: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
    let locked: Vec<bool> = Statement::<Bool, _>::new(LOCK, ()).load(connection).await?;
    Ok(locked.contains(&true))
}

/// The answer to the first question after the welcome, which comes at once from a server that is well: behind a proxy the
/// welcome may not be the server's own.
pub(super) async fn answered<T>(
    config: &PgConfig,
    question: impl Future<Output = Result<T, PgStartError>>,
) -> Result<T, PgStartError> {
    let silent = |_| Err(PgStartError::Unreachable(RepositoryError::unavailable(DeadlinePassed)));
    timeout(config.deadline, question).await.unwrap_or_else(silent)
}

/// The migrations that this build has and the database has not.
pub(super) async fn missing(connection: &mut AsyncPgConnection) -> Result<Vec<String>, PgStartError> {
    let run = run(connection).await.map_err(PgStartError::migration)?;
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(PgStartError::Migration)?;
    let versions = known.iter().map(|migration| migration.name().version().to_string());
    Ok(versions.filter(|version| !run.contains(version)).collect())
}

/// Reads what diesel keeps without diesel's harness, which first tries to make its table: that takes a right which the
/// service's role need not have.
async fn run(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<String>> {
    let exists = "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL";
    let exists: Vec<bool> = Statement::<Bool, _>::new(exists, ()).load(connection).await?;
    if !exists.contains(&true) {
        return Ok(Vec::new());
    }
    let versions = "SELECT version::text FROM __diesel_schema_migrations";
    Statement::<Text, _>::new(versions, ()).load(connection).await
}
