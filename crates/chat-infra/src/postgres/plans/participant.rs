//! The statements of participants, and the counts of what they have not read.

use chat_domain::access::View;
use diesel_async::SimpleAsyncConnection as _;

use super::database::{Database, Plan};
use super::{Other, QUIET_SESSION, SESSION, other};
use crate::postgres::participant::mark::MARK;
use crate::postgres::unread::unread_sql;

/// Taking a receipt. Of what may show that somebody has spoken, one message is enough.
pub(super) fn others() -> Vec<Other> {
    let types = "text, uuid, text, text, bigint, boolean, timestamptz, text";
    let receipt =
        |role: &str| format!("'default', {QUIET_SESSION}, '{role}', 'bob', 3, true, '2026-02-01T00:00:00Z', NULL");
    let reads = || {
        let participants = ("participants", "participants_pkey");
        let (spoken, last) = (("messages", "messages_by_sender"), ("messages", "messages_public"));
        vec![("sessions", "sessions_pkey"), ("sessions", "sessions_pkey"), spoken, last, participants]
    };
    vec![other(MARK, types, receipt("user"), reads()), other(MARK, types, receipt("agent"), reads())]
}

/// Of an array of tenants and one of sessions, and the reader.
const COUNT_TYPES: &str = "text[], uuid[], text, text";

/// The long session is the reader's own but for a few at its end, which somebody else and the platform have sent; the reader
/// is at its very beginning.
const OTHERS_AT_THE_END: &str = "
    INSERT INTO messages (
        tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, visibility,
        created_at, extension_count
    )
    SELECT
        'default', '00000000-0000-7000-8000-000000000001', 400000 + i, gen_random_uuid(), 2000000 + i,
        CASE WHEN i % 2 = 0 THEN 'agent' ELSE 'system' END, 'bob', 'hello', 'text', '{}', 'public', '2026-01-01', 0
    FROM generate_series(1, 6) i;
    UPDATE sessions SET last_seq = 400006
    WHERE tenant_id = 'default' AND id = '00000000-0000-7000-8000-000000000001';
    VACUUM ANALYZE messages;";

fn values(role: &str, id: &str) -> String {
    values_of(SESSION, role, id)
}

fn values_of(session: &str, role: &str, id: &str) -> String {
    format!("ARRAY['default'], ARRAY[{session}]::uuid[], '{role}', '{id}'")
}

async fn count(database: &mut Database, view: View, role: &str, id: &str) -> Plan {
    let plan = database.run(&unread_sql(view), COUNT_TYPES, &values(role, id)).await;
    plan.assert_sorts_nothing();
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_looks_at_no_more_than_it_counts_in_a_session_of_four_hundred_thousand() {
    let mut database = Database::filled().await;
    for statement in OTHERS_AT_THE_END.split(';') {
        database.connection.batch_execute(statement).await.unwrap();
    }
    // One's own are stepped over, and the three of the other are found: some rows to find the senders, and these.
    for view in [View::Public, View::Full] {
        let plan = count(&mut database, view, "user", "user").await;
        assert!(plan.rows_of("messages") <= 12.0, "{plan:#?}");
    }
    // What others have sent is counted up to a hundred.
    for view in [View::Public, View::Full] {
        let plan = count(&mut database, view, "agent", "cleo").await;
        assert!((100.0..=112.0).contains(&plan.rows_of("messages")), "{plan:#?}");
    }
    // Who has read all but a few looks at these few, whatever was said before.
    let read = "INSERT INTO participants (
            tenant_id, session_id, role, id, read_seq, delivered_seq, visibility, rev, updated_at
        ) SELECT 'default', s.id, 'agent', 'cleo', s.last_seq - 3, s.last_seq, 'internal', 1, now() FROM sessions s
        WHERE s.tenant_id = 'default' AND s.last_seq > 3; ANALYZE participants";
    database.connection.batch_execute(read).await.unwrap();
    let plan = count(&mut database, View::Full, "agent", "cleo").await;
    assert!((3.0..=3.0).contains(&plan.rows_of("messages")), "{plan:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_of_a_list_look_at_a_hundred_messages_of_each_session_at_the_most() {
    let mut database = Database::filled().await;
    // A hundred sessions, each with two hundred messages of whom the reader is not.
    let busy = "UPDATE sessions s SET last_seq = 200
        WHERE s.tenant_id = 'default' AND s.id IN (
            SELECT DISTINCT m.session_id FROM messages m WHERE m.tenant_id = 'default' AND m.seq BETWEEN 85 AND 90
            ORDER BY 1 LIMIT 100
        ); ANALYZE sessions";
    database.connection.batch_execute(busy).await.unwrap();
    let busy = database.texts("SELECT s.id::text FROM sessions s WHERE s.last_seq = 200").await;
    let (tenants, sessions) = (["'default'"; 100].join(","), busy.join("','"));
    let values = format!("ARRAY[{tenants}], ARRAY['{sessions}']::uuid[], 'agent', 'bob'");
    for view in [View::Public, View::Full] {
        let plan = database.run(&unread_sql(view), COUNT_TYPES, &values).await;
        plan.assert_sorts_nothing();
        assert!((100.0..=100.0).contains(&plan.rows_of("sessions")), "{plan:#?}");
        let looked_at = plan.rows_of("messages");
        assert!((5_000.0..=11_000.0).contains(&looked_at), "{looked_at} {plan:#?}");
    }
}

/// The quiet session has ten thousand senders, and nothing that the reader has sent or read.
const CROWD: &str = "
    INSERT INTO messages (
        tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, visibility,
        created_at, extension_count
    )
    SELECT
        'default', '00000000-0000-7000-8000-000000300000', i, gen_random_uuid(), 1 + i, 'agent', 'agent-' || i, 'hello', 'text',
        '{}', CASE WHEN i % 2 = 0 THEN 'internal' ELSE 'public' END, '2026-01-01', 0
    FROM generate_series(1, 10000) i;
    UPDATE sessions SET last_seq = 10000 WHERE tenant_id = 'default' AND id = '00000000-0000-7000-8000-000000300000';
    VACUUM ANALYZE messages;";

#[tokio::test(flavor = "multi_thread")]
async fn a_count_in_a_session_of_ten_thousand_senders_looks_at_few_of_them() {
    let mut database = Database::filled().await;
    for statement in CROWD.split(';') {
        database.connection.batch_execute(statement).await.unwrap();
    }
    for (view, role) in [(View::Public, "user"), (View::Full, "agent")] {
        let plan = database.run(&unread_sql(view), COUNT_TYPES, &values_of(QUIET_SESSION, role, "bob")).await;
        plan.assert_sorts_nothing();
        // Twenty-five senders of each kind that there is, and the hundred that are counted.
        assert!((100.0..=160.0).contains(&plan.rows_of("messages")), "{plan:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_is_planned_while_the_tables_are_empty_goes_by_the_index_of_the_senders() {
    let mut database = Database::migrated().await;
    for view in [View::Public, View::Full] {
        let plan = database.plan(&unread_sql(view), COUNT_TYPES, &values("agent", "bob")).await;
        let (by_sender, few) = (("messages", "messages_by_sender"), ("messages", "messages_pkey"));
        let walked = match view {
            View::Public => ("messages", "messages_public_live"),
            View::Full => ("messages", "messages_live"),
        };
        let (own, last) = (("participants", "participants_pkey"), ("participants", "participants_by_rev"));
        let sessions = ("sessions", "sessions_pkey");
        // The search for the next sender is not told of before it runs.
        let mut reads = [by_sender, by_sender, few, walked, last, own, own, own, own, sessions];
        reads.sort_unstable();
        assert_eq!(plan.indexes(), reads, "{plan:#?}");
    }
}
