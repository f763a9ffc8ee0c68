//! A request is seen from its caller down to the statement, and nobody waits for those who look.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, message};
use crate::collector::{Collector, Keys, Span, silent};
use crate::node::Node;
use crate::store::Store;

const CONTENT: &str = "the lake is deeper than they say";
const ROUTE: &str = "POST /api/v1/sessions/{session_id}/messages";

/// The span of the caller in each trace of these tests.
const CALLER: &str = "b7ad6b7169203331";

async fn traced_node(store: &Store, collector: &Collector) -> Node {
    Node::start(&[store.variables(), collector.variables().to_vec()].concat()).await
}

/// A trace of a test's own; the number must not be 0.
fn trace(number: u128) -> String {
    format!("{number:032x}")
}

async fn write(client: &Client, session: &str, trace: &str, flags: &str) -> Value {
    let parent = format!("00-{trace}-{CALLER}-{flags}");
    let headers = [("traceparent", &*parent), ("idempotency-key", &format!("key-{trace}")), ("x-request-id", trace)];
    let path = format!("/sessions/{session}/messages");
    let answer = client.send(Method::POST, &path, &headers, Some(&message("ann-the-writer", CONTENT))).await;
    answer.unwrap().expect(201)
}

fn find<'s>(spans: &'s [Span], name: &str) -> Option<&'s Span> {
    spans.iter().find(|span| span.name == name)
}

/// The names from this span up to that whose parent is not among them, which must be the caller's.
fn ancestry<'s>(spans: &'s [Span], name: &str) -> Vec<&'s str> {
    let mut span = find(spans, name).unwrap();
    let mut names = vec![&*span.name];
    while let Some(parent) = spans.iter().find(|other| other.id == span.parent) {
        span = parent;
        names.push(&span.name);
    }
    assert_eq!(span.parent, CALLER);
    names
}

pub(crate) async fn a_message_is_traced_from_its_caller_down_to_the_statement(store: &Store, statement: &str) {
    let collector = Collector::start();
    let node = traced_node(store, &collector).await;
    let client = Client::new(&node.url);
    let (session, trace) = (client.new_session().await, trace(1));
    write(&client, &session, &trace, "01").await;
    let spans = collector.trace(&trace, |spans| find(spans, ROUTE).is_some() && find(spans, statement).is_some()).await;

    let wanted = [statement, "messages.append", "group_commit.write", "group_commit.wait", "create_message", ROUTE];
    assert_eq!(ancestry(&spans, statement), wanted);
    let request = find(&spans, ROUTE).unwrap();
    let said = |name: &str| &*request.attributes[name];
    assert_eq!((request.kind, request.status), (2, 0));
    assert_eq!((said("http.request.method"), said("http.response.status_code")), ("POST", "201"));
    assert_eq!(said("http.route"), "/api/v1/sessions/{session_id}/messages");
    let append = find(&spans, "messages.append").unwrap();
    assert_eq!((&*append.attributes["db.operation.name"], &*append.attributes["batch.size"]), ("messages.append", "1"));
    assert_eq!(find(&spans, statement).unwrap().kind, 3);
    assert_eq!(request.resource["service.name"], "chat-service");
    assert_eq!(request.authorization, "Bearer s3cret");
    for span in collector.spans() {
        for private in [CONTENT, "lake", "ann-the-writer", "u-1", "key-", &*session] {
            assert!(!span.text.contains(private), "{span:#?}");
        }
    }
    let log = node.whole_log().await;
    assert!(log.iter().any(|line| line.contains(&trace) && line.contains(&request.id)), "the log names trace and span");
    assert!(!log.iter().any(|line| line.contains("s3cret") || line.contains("db.operation.name")));
}

pub(crate) async fn a_page_is_traced_down_to_the_store_and_a_refusal_with_its_status(store: &Store) {
    let collector = Collector::start();
    let node = traced_node(store, &collector).await;
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    let get = async |path: &str, trace: &str| {
        let parent = format!("00-{trace}-{CALLER}-01");
        client.send(Method::GET, path, &[("traceparent", &*parent)], None).await.unwrap().status.as_u16()
    };
    assert_eq!(get(&format!("/sessions/{session}/messages?limit=7"), &trace(1)).await, 200);
    let route = "GET /api/v1/sessions/{session_id}/messages";
    let spans = collector
        .trace(&trace(1), |spans| find(spans, route).is_some() && find(spans, "messages.page").is_some())
        .await;
    assert!(ancestry(&spans, "messages.page").ends_with(&["list_messages", route]));
    assert!(spans.iter().all(|span| !span.text.contains("limit")), "no query is shown");

    assert_eq!(get("/messages/018f4d3c-0000-7000-8000-000000000000", &trace(2)).await, 404);
    let route = "GET /api/v1/messages/{message_id}";
    let spans = collector.trace(&trace(2), |spans| find(spans, route).is_some()).await;
    let request = find(&spans, route).unwrap();
    assert_eq!(request.attributes["http.response.status_code"], "404");
    assert_eq!(request.status, 0, "what a client did wrong is no error of the service");
}

pub(crate) async fn requests_that_share_a_write_are_linked(store: &Store) {
    let collector = Collector::start();
    let node = traced_node(store, &collector).await;
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    for round in 0.. {
        assert!(round < 50, "thirty-two at once never shared a write");
        let traces: Vec<_> = (1..=32).map(|number| trace(round * 100 + number)).collect();
        join_all(traces.iter().map(|trace| write(&client, &session, trace, "01"))).await;
        for trace in &traces {
            collector.trace(trace, |spans| find(spans, ROUTE).is_some()).await;
        }
        if every_write_is_linked(&collector.spans()) {
            return;
        }
    }
}

/// Checks that each wait is above its write or linked with it, both ways; whether a write had several.
fn every_write_is_linked(spans: &[Span]) -> bool {
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| ((&span.trace, &span.id), span)).collect();
    let mut shared = false;
    for wait in spans.iter().filter(|span| span.name == "group_commit.wait") {
        let is_above = |write: &&Span| write.name == "group_commit.write" && write.parent == wait.id;
        if spans.iter().any(|write| is_above(&write)) {
            continue;
        }
        shared = true;
        let linked = |(trace, id): &(String, String)| by_id.get(&(trace, id)).copied();
        let write = wait.links.iter().find_map(linked).expect("a wait leads to its write");
        assert_eq!(write.name, "group_commit.write");
        assert!(write.links.contains(&(wait.trace.clone(), wait.id.clone())), "and the write leads back");
    }
    shared
}

pub(crate) async fn only_what_is_sampled_is_sent_and_probes_are_not(store: &Store) {
    let collector = Collector::start();
    let node = traced_node(store, &collector).await;
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    let (passed_over, sampled) = (trace(1), trace(2));
    client.get(&format!("{}/health", node.url)).await.expect(200);
    write(&client, &session, &passed_over, "00").await;
    write(&client, &session, &sampled, "01").await;
    collector.trace(&sampled, |spans| find(spans, ROUTE).is_some()).await;
    let log = node.whole_log().await;
    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.trace != passed_over && !span.name.contains("health")), "{spans:#?}");
    let begins_well = |span: &Span| span.kind == 2 || !span.parent.is_empty();
    assert!(spans.iter().all(begins_well), "only requests begin traces: {spans:#?}");
    assert!(log.iter().any(|line| line.contains(&passed_over)), "the log names the trace all the same");
}

pub(crate) async fn a_collector_that_hangs_or_is_not_there_stops_nobody(store: &Store) {
    let (hangs, _listener) = silent();
    // Reserved, so that nobody listens there.
    for endpoint in [format!("http://{hangs}"), "http://127.0.0.1:1".to_owned()] {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000".to_owned()),
            ("OTEL_BSP_SCHEDULE_DELAY", "10".to_owned()),
        ];
        let node = Node::start(&[store.variables(), variables.to_vec()].concat()).await;
        let client = Client::new(&node.url);
        let session = client.new_session().await;
        for number in 1..=100 {
            write(&client, &session, &trace(number), "01").await;
        }
        node.terminate();
        assert!(node.exit().await.success());
    }
}

/// Signed with a key that nobody has.
fn strange_token() -> String {
    let header = r#"{"alg":"RS256","kid":"nobody"}"#;
    let claims = r#"{"sub":"ann","tenant_id":"t","role":"user","exp":4102444800}"#;
    let [header, claims, signature] =
        [header.as_bytes(), claims.as_bytes(), &[7; 256]].map(|part| BASE64_URL.encode(part));
    format!("{header}.{claims}.{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_makes_the_service_fetch_carries_its_trace() {
    let (store, collector, keys) = (Store::sqlite().await, Collector::start(), Keys::start());
    let variables = [("AUTH_MODE", "jwt".to_owned()), ("JWKS_URL", keys.url())];
    let node = Node::start(&[store.variables(), collector.variables().to_vec(), variables.to_vec()].concat()).await;
    let (client, token) = (Client::new(&node.url), format!("Bearer {}", strange_token()));
    // The keys are not asked for at each token that nobody knows, so that the first one may be told no unasked.
    for number in 1.. {
        assert!(number < 600, "the keys were never asked for within a trace: {:?}", keys.parents());
        let parent = format!("00-{}-{CALLER}-01", trace(number));
        let headers = [("traceparent", &*parent), ("authorization", &*token)];
        client.send(Method::GET, "/users/ann/sessions", &headers, None).await.unwrap().expect(401);
        if let Some(parent) = keys.parents().pop() {
            let [_, trace, span, flags] = parent.split('-').collect::<Vec<_>>().try_into().unwrap();
            let spans = collector.trace(trace, |spans| find(spans, "token_keys.refresh").is_some()).await;
            assert_eq!((find(&spans, "token_keys.refresh").unwrap().id.as_str(), flags), (span, "01"));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

mod postgres_redis {
    use serde_json::json;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_does_not_answer_is_seen_from_the_request_to_the_statement() {
        let (store, collector) = (Store::postgres_redis().await, Collector::start());
        let variables = [store.variables(), collector.variables().to_vec()].concat();
        let node = Node::start(&[variables, vec![("STORE_DEADLINE_MS", "200".to_owned())]].concat()).await;
        let _locked = store.locked("sessions").await;
        let headers = [("traceparent", &*format!("00-{}-{CALLER}-01", trace(1)))];
        let body = json!({"user_id": "u-1"});
        let refused = Client::new(&node.url).send(Method::POST, "/sessions", &headers, Some(&body)).await.unwrap();
        assert_eq!(refused.status, 503);
        let route = "POST /api/v1/sessions";
        let spans = collector.trace(&trace(1), |spans| find(spans, route).is_some()).await;
        let request = find(&spans, route).unwrap();
        assert_eq!(request.attributes["http.response.status_code"], "503");
        assert_eq!(request.attributes["error.type"], refused.body["code"].as_str().unwrap());
        for name in [route, "sessions.create", "create session"] {
            assert_eq!(find(&spans, name).unwrap().status, 2, "{name}");
        }
    }
}
