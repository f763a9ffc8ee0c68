//! Races that only several nodes on one PostgreSQL can run, each held at its narrowest point.

use chat_domain::idempotency::Idempotency;
use chat_domain::message::{AppendOutcome, Message, NewMessage, RemoveOutcome};
use chat_domain::session::{CreateOutcome, Session};
use chat_domain::testing::builder::{a_key, a_message, a_removal, a_session};
use chat_infra::postgres::PgStore;
use tokio_postgres::Client;

use crate::postgres_server::{Database, waiting};

async fn created(store: &PgStore) -> Session {
    match store.sessions().create(a_session()).await.unwrap() {
        CreateOutcome::Created(session) => session,
        other => panic!("{other:?}"),
    }
}

/// What another node does within one transaction that is still open: it stores the message, and ends the session.
async fn store_and_end(other: &Client, new: &NewMessage, key: &Idempotency) {
    other.batch_execute("BEGIN").await.unwrap();
    let store = "INSERT INTO messages (
             tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, visibility,
             created_at, extension_count, idempotency_scope, idempotency_command
         ) VALUES ($1, $2::text::uuid, 1, $3::text::uuid, 2, 'user', 'user', 'hello', 'text', '{}', 'public',
             now(), 0, $4, $5)";
    let (tenant, session, id) = (new.tenant_id.as_str(), new.session_id.to_string(), new.id.to_string());
    let (scope, command) = (key.scope.as_bytes().as_slice(), key.command.as_bytes().as_slice());
    other.execute(store, &[&tenant, &session, &id, &scope, &command]).await.unwrap();
    let end = "UPDATE sessions SET status = 'ended', ended_at = now(), rev = 3, version = 2, last_seq = 1
         WHERE tenant_id = $1 AND id = $2::text::uuid";
    other.execute(end, &[&tenant, &session]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replay_that_meets_the_end_of_its_session_is_still_a_replay() {
    for with_a_neighbour in [false, true] {
        let database = Database::migrated().await;
        let node = database.node().await;
        let (ending, open) = (created(&node).await, created(&node).await);
        let key = a_key("the key", "the command");
        let keyed = |key| NewMessage { idempotency: Some(key), ..a_message(&ending) };
        let first = keyed(key);
        let other = database.tool().await;
        store_and_end(&other, &first, &key).await;

        let mut batch =
            vec![keyed(key), keyed(a_key("the key", "another command")), keyed(a_key("new", "x")), a_message(&ending)];
        if with_a_neighbour {
            batch.push(a_message(&open));
        }
        let append = tokio::spawn({
            let messages = node.messages();
            async move { messages.append(batch).await }
        });
        waiting(&database, 1).await;
        other.batch_execute("COMMIT").await.unwrap();

        let outcomes = append.await.unwrap().unwrap();
        assert!(matches!(&outcomes[0], AppendOutcome::Replayed(message) if message.id == first.id), "{outcomes:?}");
        assert!(matches!(outcomes[1], AppendOutcome::KeyReused), "{outcomes:?}");
        for refused in &outcomes[2..4] {
            assert!(matches!(refused, AppendOutcome::SessionEnded { rev } if rev.get() == 3), "{outcomes:?}");
        }
        assert!(outcomes[4..].iter().all(|outcome| matches!(outcome, AppendOutcome::Stored { .. })), "{outcomes:?}");
    }
}

/// What becomes of the removal of a session's only message that waits while another node, in one transaction, makes these
/// changes to the two; with the message as it was, and the session as it is then.
async fn removed_behind(changes: &str) -> (RemoveOutcome, Message, Session) {
    let database = Database::migrated().await;
    let node = database.node().await;
    let session = created(&node).await;
    let AppendOutcome::Stored { message, .. } =
        node.messages().append(vec![a_message(&session)]).await.unwrap().remove(0)
    else {
        panic!("not stored")
    };
    let other = database.tool().await;
    other.batch_execute(&format!("BEGIN; {changes}")).await.unwrap();
    let removal = tokio::spawn({
        let (messages, tenant, id) = (node.messages(), session.tenant_id.clone(), message.id);
        async move { messages.remove(&tenant, id, a_removal()).await }
    });
    waiting(&database, 1).await;
    other.batch_execute("COMMIT").await.unwrap();
    let outcome = removal.await.unwrap().unwrap();
    let now = node.sessions().find(&session.tenant_id, session.id).await.unwrap().unwrap();
    (outcome, message, now)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_removal_that_meets_another_finds_its_tombstone_and_moves_nothing() {
    let (outcome, message, session) = removed_behind(
        "UPDATE sessions SET rev = rev + 1, message_count = 0, public_message_count = 0;
         UPDATE messages SET rev = rev + 1, deleted_at = now()",
    )
    .await;
    let RemoveOutcome::AlreadyRemoved(tombstone) = outcome else { panic!("{outcome:?}") };
    assert_eq!((tombstone.rev, session.rev), (message.rev.next(), message.rev.next()));
    assert_eq!((session.all_messages.count, session.public_messages.count), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_removal_that_meets_another_change_takes_the_rev_behind_it() {
    let of_the_message = "UPDATE messages SET rev = rev + 1, extension_count = 1";
    for change in [of_the_message, "SELECT"] {
        let (outcome, message, session) =
            removed_behind(&format!("UPDATE sessions SET rev = rev + 1, message_count = 9; {change}")).await;
        let RemoveOutcome::Removed(tombstone) = outcome else { panic!("{outcome:?}") };
        assert_eq!((tombstone.rev, session.rev), (message.rev.next().next(), tombstone.rev));
        assert_eq!((session.all_messages.count, session.public_messages.count), (8, 0));
    }
}
