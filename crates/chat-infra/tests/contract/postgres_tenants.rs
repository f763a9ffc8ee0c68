//! What another tenant owns costs as much to look for as what is not there: nobody can tell the two apart by the time.

use chat_domain::access::View;
use chat_domain::clock::IdSource as _;
use chat_domain::extension::{AddOutcome, NewExtension};
use chat_domain::id::{MessageId, SessionId};
use chat_domain::message::{
    AppendOutcome, Edit, EditOutcome, HistoryQuery, NewMessage, PageQuery, Removal, Restoration, RestoreOutcome,
};
use chat_domain::precondition::Precondition;
use chat_domain::revision::{Rev, Seq};
use chat_domain::session::{CreateOutcome, SessionChange, SessionKey, SessionStatus, SessionUpdate};
use chat_domain::testing::builder::{
    a_detachment_of, a_key, a_message, a_removal, a_restoration, a_session, an_edit, an_entry, an_extension, ids,
    next_moment, tenant,
};
use chat_infra::postgres::{PgConfig, PgStore};

use crate::postgres_proxy::Proxy;
use crate::postgres_server::Database;

/// Every operation that is asked for by an id, from another tenant; what each cost in statements parsed and round trips.
async fn costs(
    store: &PgStore,
    proxy: &Proxy,
    session: SessionId,
    message: MessageId,
) -> Vec<(&'static str, usize, usize)> {
    let other = tenant("other");
    let mut costs = Vec::new();
    let mut cost = |operation| {
        let (parses, round_trips) = proxy.counted();
        costs.push((operation, parses, round_trips));
    };
    proxy.counted();
    assert_eq!(store.sessions().find(&other, session).await.unwrap(), None);
    cost("sessions.find");
    let change = SessionChange { status: Some(SessionStatus::Ended), ..SessionChange::default() };
    let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency: None };
    store.sessions().update(&other, session, update).await.unwrap();
    cost("sessions.update");
    let key = SessionKey { tenant_id: other.clone(), id: session };
    assert_eq!(store.revisions().revs(vec![key]).await.unwrap(), [None]);
    cost("revisions.revs");
    let page = PageQuery::newest(View::Full, 10);
    assert!(store.pages().page(&other, session, &page).await.unwrap().is_none());
    cost("pages.page");
    assert_eq!(store.messages().find(&other, message).await.unwrap(), None);
    cost("messages.find");
    let CreateOutcome::Created(own) = store.sessions().create(a_session()).await.unwrap() else { panic!() };
    proxy.counted();
    let new = NewMessage { tenant_id: other.clone(), session_id: session, ..a_message(&own) };
    assert_eq!(store.messages().append(vec![new]).await.unwrap(), [AppendOutcome::SessionMissing]);
    cost("messages.append");
    let removal = Removal { audit: Some(an_entry(&own)), ..a_removal() };
    store.messages().remove(&other, message, removal).await.unwrap();
    cost("messages.remove");
    let edit = Edit { audit: Some(an_entry(&own)), ..an_edit("other") };
    assert_eq!(store.messages().edit(&other, message, edit).await.unwrap(), EditOutcome::Missing);
    cost("messages.edit");
    let restoration = Restoration { idempotency: Some(a_key("k", "c")), ..a_restoration() };
    assert_eq!(store.messages().restore(&other, message, restoration).await.unwrap(), RestoreOutcome::Missing);
    cost("messages.restore");
    let history = HistoryQuery { after: 0, limit: 10 };
    assert_eq!(store.messages().history(&other, message, &history).await.unwrap(), None);
    cost("messages.history");
    assert_eq!(store.extensions().find(&other, message, ids().extension_id()).await.unwrap(), None);
    cost("extensions.find");
    let new = NewExtension {
        tenant_id: other.clone(),
        message_id: message,
        ..an_extension(&other, &a_message(&own).to_message(Seq::FIRST, Rev::FIRST))
    };
    assert_eq!(store.extensions().add(new).await.unwrap(), AddOutcome::MessageMissing);
    cost("extensions.add");
    let detachment = a_detachment_of(ids().extension_id());
    store.extensions().remove(&other, message, detachment).await.unwrap();
    cost("extensions.remove");
    costs
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_ids_cost_as_many_statements_as_unknown_ones() {
    let database = Database::migrated().await;
    let proxy = Proxy::before(&database.url()).await;
    let config = PgConfig { max_connections: 1, url: proxy.url(&database.url()).into(), ..database.config() };
    let store = PgStore::connect(&config).await.unwrap();
    let CreateOutcome::Created(session) = store.sessions().create(a_session()).await.unwrap() else { panic!() };
    let appended = store.messages().append(vec![a_message(&session)]).await.unwrap();
    let [AppendOutcome::Stored { message, .. }] = &appended[..] else { panic!("{appended:?}") };
    store.extensions().add(an_extension(&session.tenant_id, message)).await.unwrap();
    // What is prepared once is prepared by now.
    costs(&store, &proxy, ids().session_id(), ids().message_id()).await;
    let of_nobody = costs(&store, &proxy, ids().session_id(), ids().message_id()).await;
    let of_another = costs(&store, &proxy, session.id, message.id).await;
    assert_eq!(of_another, of_nobody);
    assert!(of_nobody.iter().all(|(_, parses, round_trips)| *parses == 0 && *round_trips > 0), "{of_nobody:?}");
}
