//! What the operations cost once a connection has seen them: one round trip, and nothing to be parsed.

use chat_domain::access::View;
use chat_domain::clock::IdSource as _;
use chat_domain::extension::{AddOutcome, NewExtension, Which};
use chat_domain::message::{AppendOutcome, Message, NewMessage, PageQuery, Removal, RemoveOutcome, Since};
use chat_domain::precondition::{Expected, Precondition};
use chat_domain::session::{CreateOutcome, NewSession, Session, SessionKey};
use chat_domain::testing::builder::{
    a_detachment, a_key, a_message, a_reaction, a_removal, a_restoration, a_session, an_edit, an_entry, an_extension,
};
use chat_infra::postgres::{PgConfig, PgStore};
use chat_infra::system::SystemIds;

use crate::postgres_proxy::Proxy;
use crate::postgres_server::Database;

/// A node with a single connection, which the proxy watches.
async fn watched(database: &Database) -> (Proxy, PgStore) {
    let proxy = Proxy::before(&database.url()).await;
    let config = PgConfig { max_connections: 1, url: proxy.url(&database.url()).into(), ..database.config() };
    let store = PgStore::connect(&config).await.unwrap();
    (proxy, store)
}

async fn created(store: &PgStore) -> Session {
    match store.sessions().create(a_session()).await.unwrap() {
        CreateOutcome::Created(session) => session,
        other => panic!("{other:?}"),
    }
}

async fn said(store: &PgStore, session: &Session) -> Message {
    match store.messages().append(vec![a_message(session)]).await.unwrap().remove(0) {
        AppendOutcome::Stored { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

async fn hung(store: &PgStore, new: NewExtension) {
    let added = store.extensions().add(new).await.unwrap();
    assert!(matches!(added, AddOutcome::Added { .. }), "{added:?}");
}

fn key(session: &Session) -> SessionKey {
    SessionKey { tenant_id: session.tenant_id.clone(), id: session.id }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_of_any_size_is_one_round_trip_without_a_parse() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let sessions = [created(&store).await, created(&store).await];
    let keyed = |new: NewMessage| NewMessage { idempotency: Some(a_key(&new.id.to_string(), "x")), ..new };
    let batch = |size: usize| -> Vec<NewMessage> {
        (0..size)
            .map(|place| a_message(&sessions[place % 2]))
            .map(|new| if size > 2 { keyed(new) } else { new })
            .collect()
    };
    let messages = store.messages();
    messages.append(batch(1)).await.unwrap();
    proxy.counted();
    for (appends, size) in [1, 2, 64, 1, 500].into_iter().enumerate() {
        messages.append(batch(size)).await.unwrap();
        assert_eq!(proxy.counted(), (0, 1), "append {appends} of {size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_batch_that_something_speaks_against_is_judged_message_by_message() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let session = created(&store).await;
    let elsewhere = || NewMessage { session_id: SystemIds.session_id(), ..a_message(&session) };
    let known = NewMessage { idempotency: Some(a_key("known", "x")), ..a_message(&session) };
    let messages = store.messages();
    messages.append(vec![known.clone()]).await.unwrap();
    messages.append(vec![known.clone(), elsewhere()]).await.unwrap();
    messages.append(vec![elsewhere(), a_message(&session)]).await.unwrap();
    proxy.counted();
    // The statement that stores, the one that judges, the message that was stored before.
    messages.append(vec![a_message(&session), known]).await.unwrap();
    assert_eq!(proxy.counted(), (0, 3));
    // The statement that stores, and whether the other session is there.
    messages.append(vec![a_message(&session), elsewhere()]).await.unwrap();
    assert_eq!(proxy.counted(), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_batch_that_the_audit_keeps_some_of_takes_a_transaction_of_one_statement_more() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let session = created(&store).await;
    let kept = || NewMessage { audit: Some(Box::new(an_entry(&session))), ..a_message(&session) };
    let messages = store.messages();
    messages.append(vec![kept()]).await.unwrap();
    messages.append(vec![a_message(&session)]).await.unwrap();
    for (kept_ones, others, round_trips) in [(1, 0, 4), (0, 9, 1), (9, 9, 4), (0, 1, 1)] {
        proxy.counted();
        let batch = (0..kept_ones).map(|_| kept()).chain((0..others).map(|_| a_message(&session)));
        messages.append(batch.collect()).await.unwrap();
        assert_eq!(proxy.counted(), (0, round_trips), "{kept_ones} {others}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_removal_is_one_round_trip_without_a_parse() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let session = created(&store).await;
    let mut costs = Vec::new();
    for _ in 0..3 {
        let message = said(&store, &session).await;
        proxy.counted();
        let removed = store.messages().remove(&session.tenant_id, message.id, a_removal()).await.unwrap();
        assert!(matches!(removed, RemoveOutcome::Removed(_)), "{removed:?}");
        costs.push(proxy.counted());
    }
    assert_eq!(costs[1..], [(0, 1); 2], "{costs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_removal_that_something_may_speak_against_takes_a_transaction() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let session = created(&store).await;
    let tenant = &session.tenant_id;
    for prepared in [false, true] {
        let mut costs = Vec::new();
        let mut remove = async |id, removal| {
            proxy.counted();
            store.messages().remove(tenant, id, removal).await.unwrap();
            costs.push(proxy.counted());
        };
        let [first, second] = [said(&store, &session).await, said(&store, &session).await];
        let precondition = Precondition::OneOf(vec![Expected::Rev(first.rev)]);
        remove(first.id, Removal { precondition, ..a_removal() }).await;
        remove(second.id, Removal { audit: Some(an_entry(&session)), ..a_removal() }).await;
        // One that is a tombstone and one that is not there are looked for by the statement that fits nearly all, too.
        remove(first.id, a_removal()).await;
        remove(SystemIds.message_id(), a_removal()).await;
        if prepared {
            assert_eq!(costs, [(0, 5), (0, 6), (0, 5), (0, 4)]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_messages_are_transactions_of_so_many_statements_without_a_parse() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let session = created(&store).await;
    let (tenant, messages, extensions) = (&session.tenant_id, store.messages(), store.extensions());
    for seen_before in [false, true] {
        let message = said(&store, &session).await;
        let reaction = || a_reaction(tenant, &message, "ann", "👍");
        let mut counts = Vec::new();
        proxy.counted();
        messages.edit(tenant, message.id, an_edit("other")).await.unwrap();
        counts.push(proxy.counted());
        messages.edit(tenant, message.id, an_edit("another")).await.unwrap();
        counts.push(proxy.counted());
        hung(&store, reaction()).await;
        counts.push(proxy.counted());
        extensions.add(reaction()).await.unwrap();
        counts.push(proxy.counted());
        let which = Which::UniqueKey(reaction().unique_key.unwrap());
        extensions.remove(tenant, message.id, a_detachment(which)).await.unwrap();
        counts.push(proxy.counted());
        messages.remove(tenant, message.id, a_removal()).await.unwrap();
        proxy.counted();
        messages.restore(tenant, message.id, a_restoration()).await.unwrap();
        counts.push(proxy.counted());
        if seen_before {
            // Two edits; a reaction, a repeat of it, and taking it back; a restoration.
            assert_eq!(counts, [5, 5, 6, 5, 6, 6].map(|round_trips| (0, round_trips)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_creations_are_one_round_trip_without_a_parse() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let session = created(&store).await;
    let tenant = &session.tenant_id;
    let page = PageQuery::newest(View::Public, 10);
    let empty = store.pages().page(tenant, session.id, &page).await.unwrap().unwrap();
    for message in [said(&store, &session).await, said(&store, &session).await] {
        hung(&store, an_extension(tenant, &message)).await;
    }
    let found = store.pages().page(tenant, session.id, &page).await.unwrap().unwrap();
    let hanging: Vec<_> = found.messages.iter().map(|message| message.extensions.len()).collect();
    assert_eq!(hanging, [1, 1]);
    proxy.counted();
    for seen_before in [false, true] {
        let mut counts = Vec::new();
        store.pages().page(tenant, session.id, &page).await.unwrap();
        counts.push(proxy.counted());
        store.messages().find(tenant, found.messages[0].id).await.unwrap();
        counts.push(proxy.counted());
        store.sessions().find(tenant, session.id).await.unwrap();
        counts.push(proxy.counted());
        store.revisions().revs(vec![key(&session)]).await.unwrap();
        counts.push(proxy.counted());
        let since = Since { session: key(&session), revision: session.revision() };
        let news = store.revisions().news(vec![key(&session)], vec![since]).await.unwrap();
        assert!(news.revisions[0].is_some());
        let moved_on = empty.moved_on(&page, news.changes[0].as_ref().unwrap());
        assert_eq!(moved_on.as_ref(), Some(&*found));
        counts.push(proxy.counted());
        let new = NewSession { idempotency: Some(a_key(&seen_before.to_string(), "x")), ..a_session() };
        store.sessions().create(new).await.unwrap();
        counts.push(proxy.counted());
        if seen_before {
            assert_eq!(counts, [(0, 1); 6]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_warmed_needs_a_round_trip_and_no_parse_the_first_time_too() {
    let database = Database::migrated().await;
    let (proxy, store) = watched(&database).await;
    let session = created(&store).await;
    store.warm().await.unwrap();
    proxy.counted();
    store.messages().append(vec![a_message(&session)]).await.unwrap();
    assert_eq!(proxy.counted(), (0, 1));
    store.revisions().revs(vec![key(&session)]).await.unwrap();
    assert_eq!(proxy.counted(), (0, 1));
    let since = Since { session: key(&session), revision: session.revision() };
    store.revisions().news(Vec::new(), vec![since]).await.unwrap();
    assert_eq!(proxy.counted(), (0, 1));
    for page in [View::Public, View::Full].map(|view| PageQuery::newest(view, 10)) {
        store.pages().page(&session.tenant_id, session.id, &page).await.unwrap();
        assert_eq!(proxy.counted(), (0, 1));
    }
}
