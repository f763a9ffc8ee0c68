//! Keys that came while an append waited for its session: the one case in which the append's own statement cannot see
//! them and nothing tells it so.

use std::collections::HashMap;

use chat_domain::error::RepositoryError;
use chat_domain::message::NewMessage;
use diesel::IntoSql as _;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Uuid};

use crate::postgres::pool::PgPool;
use crate::postgres::statement::{Statement, each};

pub(in crate::postgres) const KNOWN: &str = "SELECT i.ord, m.id, m.idempotency_command = i.command \
     FROM UNNEST($1::bigint[], $2::text[], $3::bytea[], $4::bytea[]) AS i (ord, tenant_id, scope, command) \
     JOIN messages m ON m.tenant_id = i.tenant_id AND m.idempotency_scope = i.scope";

/// Where the message lies that a key led to before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) id: uuid::Uuid,
    /// Whether the command was the same.
    pub(super) same: bool,
}

/// What the keys of these messages led to, as a statement sees it that begins now. The messages are known by the
/// numbers that they come with; one without a key is not looked for.
pub(super) async fn known(
    pool: &PgPool,
    messages: &[(i64, &NewMessage)],
) -> Result<HashMap<i64, Known>, RepositoryError> {
    let keyed = messages.iter().filter_map(|(ord, new)| Some((*ord, new.tenant_id.as_str(), new.idempotency?)));
    let keyed: Vec<_> = keyed.collect();
    if keyed.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = || {
        let values = (
            each(&keyed, |(ord, _, _)| *ord).into_sql::<Array<BigInt>>(),
            each(&keyed, |(_, tenant, _)| *tenant).into_sql::<Array<Text>>(),
            each(&keyed, |(_, _, key)| key.scope.as_bytes().as_slice()).into_sql::<Array<Binary>>(),
            each(&keyed, |(_, _, key)| key.command.as_bytes().as_slice()).into_sql::<Array<Binary>>(),
        );
        Statement::<(BigInt, Uuid, Nullable<Bool>), _>::new(KNOWN, values)
    };
    let found: Vec<(i64, uuid::Uuid, Option<bool>)> = pool.read("find late keys", statement).await?;
    Ok(found.into_iter().map(|(ord, id, same)| (ord, Known { id, same: same.unwrap_or(false) })).collect())
}
