//! Attachments that are sent with messages, within the transaction that appends these.

use std::collections::{HashMap, HashSet};

use chat_domain::attachment::Enclosure;
use chat_domain::id::{AttachmentId, SessionId, TenantId};
use chat_domain::message::NewMessage;
use diesel::IntoSql as _;
use diesel::sql_types::{Array, Bool, Text, Timestamptz, Uuid};

use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::statement::{Statement, each};
use crate::postgres::time::to_pg;

/// Locks them in the order of their keys, so that two batches that want the same ones wait and never deadlock.
pub(in crate::postgres) const LOCK: &str = "SELECT a.tenant_id, a.id, a.session_id,
    a.stage = 'stored' AND a.message_id IS NULL
FROM attachments a JOIN UNNEST($1::text[], $2::uuid[]) k (tenant_id, id) ON a.tenant_id = k.tenant_id AND a.id = k.id
ORDER BY a.tenant_id, a.id
FOR NO KEY UPDATE OF a";

/// They hang on their messages from now on, which say how many.
const SEND: &str = "WITH input AS MATERIALIZED (
    SELECT * FROM UNNEST($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
        i (tenant_id, id, message_id, data, created_at)
),
sent AS (
    UPDATE attachments a SET message_id = i.message_id FROM input i WHERE a.tenant_id = i.tenant_id AND a.id = i.id
),
counted AS (
    UPDATE messages m SET extension_count = n.count
    FROM (SELECT tenant_id, message_id, count(*)::integer AS count FROM input GROUP BY tenant_id, message_id) n
    WHERE m.tenant_id = n.tenant_id AND m.id = n.message_id
)
INSERT INTO message_extensions (tenant_id, message_id, id, extension_type, data, created_at)
SELECT tenant_id, message_id, id, 'attachment', data, created_at FROM input";

/// Locks the attachments of a batch, and tells for each of its messages the first that is not there to be sent. One that
/// two messages of the batch name goes with the first.
pub(in crate::postgres) async fn lock(
    lease: &mut Lease,
    batch: &[NewMessage],
) -> Result<Vec<Option<AttachmentId>>, Failure> {
    let wanted = enclosures(batch.iter());
    let values = (
        each(&wanted, |(new, _)| new.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(&wanted, |(_, enclosure)| enclosure.id.as_uuid()).into_sql::<Array<Uuid>>(),
    );
    let statement = Statement::<(Text, Uuid, Uuid, Bool), _>::new(LOCK, values);
    let rows: Vec<(String, uuid::Uuid, uuid::Uuid, bool)> =
        lease.load("lock attachments", statement, Loss::Nothing).await?;
    let free: HashMap<(&str, AttachmentId), SessionId> = rows
        .iter()
        .filter(|(.., is_free)| *is_free)
        .map(|(tenant, id, session, _)| ((tenant.as_str(), AttachmentId::new(*id)), SessionId::new(*session)))
        .collect();
    let mut given = HashSet::new();
    Ok(batch.iter().map(|new| taken(new, &free, &mut given)).collect())
}

/// The first of the message's attachments that it cannot have; where it can have all, they are given to it.
fn taken<'b>(
    new: &'b NewMessage,
    free: &HashMap<(&str, AttachmentId), SessionId>,
    given: &mut HashSet<(&'b TenantId, AttachmentId)>,
) -> Option<AttachmentId> {
    let is_free = |id: AttachmentId| {
        free.get(&(new.tenant_id.as_str(), id)) == Some(&new.session_id) && !given.contains(&(&new.tenant_id, id))
    };
    let taken = new.enclosures.iter().map(|enclosure| enclosure.id).find(|id| !is_free(*id));
    if taken.is_none() {
        given.extend(new.enclosures.iter().map(|enclosure| (&new.tenant_id, enclosure.id)));
    }
    taken
}

/// Sends what is locked with messages that were stored.
pub(in crate::postgres) async fn send<'b>(
    lease: &mut Lease,
    stored: impl Iterator<Item = &'b NewMessage>,
) -> Result<(), Failure> {
    let sent = enclosures(stored);
    if sent.is_empty() {
        return Ok(());
    }
    let values = (
        each(&sent, |(new, _)| new.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(&sent, |(_, enclosure)| enclosure.id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(&sent, |(new, _)| new.id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(&sent, |(_, enclosure)| enclosure.data.as_str()).into_sql::<Array<Text>>(),
        each(&sent, |(new, _)| to_pg(new.created_at)).into_sql::<Array<Timestamptz>>(),
    );
    lease.execute("send attachments", Statement::<(), _>::new(SEND, values), Loss::Nothing).await.map(drop)
}

fn enclosures<'b>(messages: impl Iterator<Item = &'b NewMessage>) -> Vec<(&'b NewMessage, &'b Enclosure)> {
    messages.flat_map(|new| new.enclosures.iter().map(move |enclosure| (new, enclosure))).collect()
}
