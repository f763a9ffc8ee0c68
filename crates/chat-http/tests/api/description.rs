//! The OpenAPI document, held against what is served.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::attachment::{MEDIA, form};
use crate::server::{Answer, TestServer, start};

const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

fn document() -> Value {
    serde_json::from_str(&chat_http::openapi::json()).unwrap()
}

/// All paths and methods of the document.
fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str()));
            methods.map(|method| (path.clone(), method.to_uppercase())).collect::<Vec<_>>()
        })
        .collect()
}

/// What the server says of each path that it serves; one line for each path of the route table.
const SERVED: [&str; 24] = [
    "/",
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/api/v1/health",
    "/api/v1/sessions",
    "/api/v1/sessions/{session_id}",
    "/api/v1/sessions/{session_id}/end",
    "/api/v1/sessions/{session_id}/messages",
    "/api/v1/sessions/{session_id}/read",
    "/api/v1/sessions/{session_id}/delivered",
    "/api/v1/sessions/{session_id}/participants",
    "/api/v1/users/{user_id}/sessions",
    "/api/v1/messages/{message_id}",
    "/api/v1/messages/{message_id}/extensions",
    "/api/v1/messages/{message_id}/extensions/{extension_id}",
    "/api/v1/messages/{message_id}/history",
    "/api/v1/messages/{message_id}/reactions/{emoji}",
    "/api/v1/messages/{message_id}/restore",
    "/api/v1/sessions/{session_id}/attachments",
    "/api/v1/attachments/{attachment_id}",
    "/api/v1/audit",
];

/// What `OPTIONS` says of a path, without `HEAD` and itself.
async fn allowed(server: &TestServer, path: &str) -> Vec<String> {
    let answer = Answer::of(server.request(Method::OPTIONS, path)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
    let methods = answer.header("allow").split(", ").filter(|method| !["HEAD", "OPTIONS"].contains(method));
    methods.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_routed() {
    let server = start().await;
    let mut served = BTreeSet::new();
    for path in SERVED {
        let concrete = path.replace('{', "x").replace('}', "");
        for method in allowed(&server, &concrete).await {
            served.insert((path.to_owned(), method));
        }
        if path.starts_with("/api/v1/") {
            let forwarded = concrete.replace("/api/v1/", "/api/v1/chat/");
            assert_eq!(allowed(&server, &forwarded).await, allowed(&server, &concrete).await);
        }
    }
    assert_eq!(documented(&document()), served);
}

#[tokio::test]
async fn what_a_path_allows_is_what_it_routes() {
    let server = start().await;
    for path in SERVED {
        let concrete = path.replace('{', "x").replace('}', "");
        let allowed = allowed(&server, &concrete).await;
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let request = server.request(method.parse().unwrap(), &concrete);
            let routed = Answer::of(request).await.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(routed, allowed.iter().any(|allowed| allowed == method), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn each_operation_has_an_id_of_its_own_and_a_good_answer() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = BTreeSet::new();
    for (path, method) in documented(&document) {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
        let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().cloned().collect();
        assert!(statuses.iter().any(|status| status.starts_with('2')), "{path}: {statuses:?}");
    }
}

#[test]
fn a_body_that_has_nothing_to_say_may_be_left_out() {
    let document = document();
    let body = &document["paths"]["/api/v1/sessions/{session_id}/end"]["post"]["requestBody"];
    assert_ne!(body["required"], true, "{body}");
    assert!(body["content"]["application/json"]["schema"].is_object(), "{body}");
    assert_eq!(document["paths"]["/api/v1/sessions"]["post"]["requestBody"]["required"], true);
}

/// Holds answers to the schemas of the document.
pub(crate) struct Judge {
    document: Value,
}

impl Judge {
    /// Knows the document as it is served.
    pub(crate) fn new() -> Self {
        Self { document: document() }
    }

    /// Holds the answer to what the document says of the operation: a known status, its media type, schema and headers.
    #[track_caller]
    pub(crate) fn hold(&self, operation_id: &str, answer: &Answer) {
        let operation = self.operation(operation_id);
        let response = &operation["responses"][answer.status.as_str()];
        assert!(response.is_object(), "{operation_id} does not know {}", answer.status);
        for name in response["headers"].as_object().into_iter().flatten().map(|header| header.0) {
            let optional = ["Link", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy"].contains(&name.as_str());
            assert!(optional || answer.headers.contains_key(name), "{operation_id} {}: {name}", answer.status);
        }
        let Some(content) = response["content"].as_object() else {
            assert!(answer.bytes.is_empty(), "{operation_id}");
            return;
        };
        let media = answer.header("content-type").split(';').next().unwrap();
        let schema = &content[media]["schema"];
        let root = json!({"$ref": "#/components", "components": self.document["components"], "allOf": [schema]});
        let mut root = root;
        root.as_object_mut().unwrap().remove("$ref");
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap();
        let value = if media.ends_with("json") { answer.json() } else { json!(answer.text()) };
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{operation_id} {}: {errors:?}\n{value}", answer.status);
    }

    fn operation(&self, id: &str) -> &Value {
        let items = self.document["paths"].as_object().unwrap().values();
        let mut operations = items.flat_map(|item| item.as_object().unwrap().values());
        operations.find(|operation| operation["operationId"] == id).unwrap()
    }
}

/// An edit, its history, a deletion and its end, as the document says.
async fn hold_edits(judge: &Judge, server: &TestServer, at: &str) {
    let edit = |body: &'static str| server.patch(at).header("content-type", "application/json").body(body);
    judge.hold("edit_message", &Answer::of(edit("{\"content\":\"hi\",\"metadata\":{\"a\":1}}")).await);
    judge.hold("edit_message", &Answer::of(edit("{\"content\":\"\"}")).await);
    judge.hold("edit_message", &Answer::of(edit("{}").header("if-match", "\"1\"")).await);
    let history = || server.get(&format!("{at}/history"));
    judge.hold("get_message_history", &Answer::of(history()).await);
    judge.hold("get_message_history", &Answer::of(history().header("if-none-match", "*")).await);
    judge.hold("delete_message", &Answer::of(server.delete(at).header("if-match", "\"1\"")).await);
    judge.hold("delete_message", &Answer::of(server.delete(at)).await);
    judge.hold("edit_message", &Answer::of(edit("{}")).await);
    let restore = || server.post(&format!("{at}/restore"));
    judge.hold("restore_message", &Answer::of(restore().header("if-match", "\"1\"")).await);
    judge.hold("restore_message", &Answer::of(restore().header("idempotency-key", "k")).await);
    judge.hold("restore_message", &Answer::of(restore().header("idempotency-key", "k")).await);
}

#[tokio::test]
async fn answers_are_what_the_document_says() {
    let server = start().await;
    let judge = Judge::new();
    let body = json!({"user_id": "ann", "agent_id": "bob", "metadata": {"a": [1, null]}});
    let made = Answer::of(server.post("/api/v1/sessions").json(&body)).await;
    judge.hold("create_session", &made);
    let path = made.header("location").to_owned();
    let body = json!({"content": "hello", "sender_type": "user", "sender_id": "ann"});
    let message = Answer::of(server.post(&format!("{path}/messages")).json(&body)).await;
    judge.hold("create_message", &message);
    let at = message.header("location").to_owned();
    judge.hold("list_messages", &Answer::of(server.get(&format!("{path}/messages"))).await);
    judge.hold("get_session", &Answer::of(server.get(&path)).await);
    judge.hold("get_session", &Answer::of(server.get(&path).header("if-none-match", "*")).await);
    judge.hold("list_user_sessions", &Answer::of(server.get("/api/v1/users/ann/sessions")).await);
    judge.hold("get_message", &Answer::of(server.get(&at)).await);
    hold_what_is_said_of_extensions(&judge, &server, &at).await;
    hold_what_is_said_of_attachments(&judge, &server, &path).await;
    hold_edits(&judge, &server, &at).await;
    let audit = Answer::of(server.get("/api/v1/audit").header("x-user-role", "admin")).await;
    assert_eq!(audit.json().as_array().unwrap().len(), 3);
    judge.hold("list_audit", &audit);
    judge.hold("list_audit", &Answer::of(server.get("/api/v1/audit")).await);
    judge.hold("update_session", &Answer::of(server.patch(&path).json(&json!({"status": "transferred"}))).await);
    let end = |body: &'static str| server.post(&format!("{path}/end")).body(body);
    let typed = |body: &'static str| end(body).header("content-type", "application/json");
    for (refused, status) in [(end("{}"), 415), (typed("{"), 400), (typed("{\"x\":1}"), 422)] {
        let answer = Answer::of(refused).await;
        assert_eq!(answer.status.as_u16(), status);
        judge.hold("end_session", &answer);
    }
    judge.hold("end_session", &Answer::of(typed("{}")).await);
    judge.hold("end_session", &Answer::of(server.post(&format!("{path}/end"))).await);
    judge.hold("update_session", &Answer::of(server.patch(&path).json(&json!({"status": "active"}))).await);
    judge.hold("update_session", &Answer::of(server.patch(&path).json(&json!({"agent_id": null}))).await);
    judge.hold("create_message", &Answer::of(server.post(&format!("{path}/messages")).json(&body)).await);
    judge.hold("create_message", &Answer::of(server.post(&format!("{path}/messages")).json(&json!({"x": 1}))).await);
    judge.hold("create_message", &Answer::of(server.post(&format!("{path}/messages")).body("x")).await);
    judge.hold(
        "create_session",
        &Answer::of(server.post("/api/v1/sessions").header("content-type", "application/json").body("{")).await,
    );
    judge.hold("get_session", &Answer::of(server.get("/api/v1/sessions/x?y=1")).await);
    judge.hold("get_message", &Answer::of(server.get("/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff")).await);
}

#[tokio::test]
async fn answers_about_the_service_are_what_the_document_says() {
    let (server, judge) = (start().await, Judge::new());
    for (operation, path) in [
        ("get_about", "/"),
        ("get_health", "/health"),
        ("get_api_health", "/api/v1/health"),
        ("get_liveness", "/health/live"),
        ("get_readiness", "/health/ready"),
        ("get_openapi", "/openapi.json"),
        ("get_metrics", "/metrics"),
    ] {
        judge.hold(operation, &Answer::of(server.get(path)).await);
    }
}

/// Of a session that lies there. What a file itself is, the document cannot say.
async fn hold_what_is_said_of_attachments(judge: &Judge, server: &TestServer, session: &str) {
    let upload = |headers: &str| {
        let upload = server.post(&format!("{session}/attachments")).header("content-type", MEDIA);
        upload.header("idempotency-key", "k").body(form(&[(headers, b"hello")]))
    };
    let file = "Content-Disposition: form-data; name=\"file\"";
    let made = Answer::of(upload(file)).await;
    judge.hold("create_attachment", &made);
    judge.hold("create_attachment", &Answer::of(upload(file)).await);
    judge.hold("create_attachment", &Answer::of(upload("Content-Disposition: form-data; name=\"x\"")).await);
    judge.hold("create_attachment", &Answer::of(upload("nonsense")).await);
    judge.hold("create_attachment", &Answer::of(upload(&format!("{file}\r\nContent-Type: image/png"))).await);
    let get = || server.get(made.header("location"));
    judge.hold("get_attachment", &Answer::of(get().header("if-none-match", "*")).await);
    judge.hold("get_attachment", &Answer::of(get().header("range", "bytes=500-")).await);
    judge.hold("get_attachment", &Answer::of(server.get("/api/v1/attachments/x")).await);
    let nothing = "/api/v1/attachments/0198c0de-0000-7000-8000-0000000000ff";
    judge.hold("get_attachment", &Answer::of(server.get(nothing)).await);
}

/// Of a message that lies there, and stays as it is.
async fn hold_what_is_said_of_extensions(judge: &Judge, server: &TestServer, message: &str) {
    let extensions = format!("{message}/extensions");
    let add = |body: &Value| server.post(&extensions).header("idempotency-key", "k").json(body);
    let body = json!({"extension_type": "translation", "data": {"de": "hallo"}});
    let made = Answer::of(add(&body)).await;
    judge.hold("create_extension", &made);
    judge.hold("create_extension", &Answer::of(add(&body)).await);
    judge.hold("create_extension", &Answer::of(add(&json!({"extension_type": "reaction", "data": {}}))).await);
    judge.hold("list_extensions", &Answer::of(server.get(&extensions)).await);
    judge.hold("list_extensions", &Answer::of(server.get(&extensions).header("if-none-match", "*")).await);
    let path = made.header("location");
    judge.hold("get_extension", &Answer::of(server.get(path)).await);
    judge.hold("get_extension", &Answer::of(server.get(path).header("if-none-match", "*")).await);
    judge.hold("delete_extension", &Answer::of(server.delete(path).header("if-match", "\"1\"")).await);
    for _ in 0..2 {
        judge.hold("delete_extension", &Answer::of(server.delete(path)).await);
    }
    judge.hold("create_extension", &Answer::of(add(&body)).await);
    let reaction = |emoji: &str| format!("{message}/reactions/{emoji}");
    for emoji in ["%F0%9F%91%8D", "x"] {
        judge.hold("put_reaction", &Answer::of(server.request(Method::PUT, &reaction(emoji))).await);
        judge.hold("delete_reaction", &Answer::of(server.delete(&reaction(emoji))).await);
    }
}

#[tokio::test]
async fn examples_are_what_their_schemas_say() {
    let document = document();
    let components = document["components"]["schemas"].as_object().unwrap();
    let mut count = 0;
    for (name, schema) in components {
        if schema["example"].is_object() {
            count += 1;
            let root = json!({"components": document["components"], "allOf": [schema]});
            let validator = jsonschema::draft202012::new(&root).unwrap();
            let errors: Vec<_> = validator.iter_errors(&schema["example"]).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
        }
    }
    assert!(count >= 4);
}
