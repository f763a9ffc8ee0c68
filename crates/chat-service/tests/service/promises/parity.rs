//! The same answers on every store: a tour of requests, good and bad, whose answers are committed beside this file.

use std::collections::HashMap;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::store::Store;

const ANN: &[(&str, &str)] = &[("X-User-Id", "ann"), ("X-User-Role", "user")];
const CLEO: &[(&str, &str)] = &[("X-User-Id", "cleo"), ("X-User-Role", "agent")];

const WRITTEN_DOWN: &str = include_str!("tour.txt");

pub(crate) async fn the_tour_gives_the_answers_that_are_written_down(store: &Store) {
    let node = store.node().await;
    let mut tour = Tour { client: Client::new(&node.url), names: HashMap::new(), transcript: String::new() };
    sessions(&mut tour).await;
    messages(&mut tour).await;
    receipts(&mut tour).await;
    edits(&mut tour).await;
    extensions(&mut tour).await;
    reactions(&mut tour).await;
    bad_input(&mut tour).await;
    ending(&mut tour).await;
    if tour.transcript != WRITTEN_DOWN {
        let found = std::env::temp_dir().join(format!("tour-{}.txt", std::process::id()));
        std::fs::write(&found, &tour.transcript).unwrap();
        let differs = tour.transcript.lines().zip(WRITTEN_DOWN.lines()).find(|(found, expected)| found != expected);
        panic!("the answers have changed, see {}: {differs:#?}", found.display());
    }
}

async fn sessions(tour: &mut Tour) {
    let metadata = json!({"plan": "gold", "zero": -0.0, "deep": {"a": [1, 2.50, "ü"]}});
    tour.post("/sessions", json!({"user_id": "ann", "metadata": metadata})).await;
    tour.post("/sessions", json!({"user_id": "ann", "agent_id": "bob", "previous_session_id": "{s1}"})).await;
    tour.get("/users/ann/sessions?limit=1").await;
    tour.get("/users/nobody/sessions").await;
    tour.patch("/sessions/{s1}", &[], json!({"agent_id": "bob", "status": "transferred"})).await;
    tour.patch("/sessions/{s1}", &[("If-Match", "\"v1\"")], json!({"agent_id": "eve"})).await;
    tour.patch("/sessions/{s1}", &[("If-Match", "\"v2\"")], json!({"agent_id": null, "status": "active"})).await;
    tour.patch("/sessions/{s1}", &[], json!({"status": "active"})).await;
    tour.get("/users/ann/sessions?active_only=true&limit=10").await;
    tour.get("/users/ann/sessions?status=ended").await;
}

async fn messages(tour: &mut Tour) {
    let path = "/sessions/{s1}/messages";
    tour.post(path, json!({"content": "hello", "sender_type": "user", "sender_id": "ann"})).await;
    let note = json!({"content": "careful", "sender_type": "agent", "sender_id": "bob", "visibility": "internal", "metadata": null});
    tour.post(path, note).await;
    let answer = json!({"content": "**hi** 👋", "sender_type": "agent", "sender_id": "bob", "message_type": "markdown", "reply_to": "{m1}"});
    tour.post(path, answer).await;
    let keyed = json!({"content": "once", "sender_type": "user", "sender_id": "ann"});
    tour.send(Method::POST, path, &[("Idempotency-Key", "k")], Some(keyed.clone())).await;
    tour.send(Method::DELETE, "/messages/{m4}", &[], None).await;
    tour.send(Method::DELETE, "/messages/{m4}", &[], None).await;
    tour.send(Method::POST, path, &[("Idempotency-Key", "k")], Some(keyed)).await;
    let other = json!({"content": "twice", "sender_type": "user", "sender_id": "ann"});
    tour.send(Method::POST, path, &[("Idempotency-Key", "k")], Some(other)).await;
    tour.get(path).await;
    tour.get("/sessions/{s1}/messages?include_deleted=true&order=desc&limit=2").await;
    tour.get("/sessions/{s1}/messages?before=3&limit=1").await;
    tour.get("/sessions/{s1}/messages?offset=1&limit=1").await;
    tour.send(Method::GET, path, ANN, None).await;
    tour.send(Method::GET, "/sessions/{s1}?message_limit=1", ANN, None).await;
    tour.send(Method::GET, "/messages/{m2}", ANN, None).await;
    tour.send(Method::GET, "/sessions/{s1}", &[("X-Tenant-Id", "other")], None).await;
}

async fn receipts(tour: &mut Tour) {
    let (ann, cleo) = (ANN, CLEO);
    let keyed = [ann, &[("Idempotency-Key", "r")]].concat();
    for who in [ann, cleo] {
        tour.send(Method::POST, "/sessions/{s1}/delivered", who, Some(json!({"seq": 1}))).await;
        tour.send(Method::POST, "/sessions/{s1}/read", who, Some(json!({"seq": 99}))).await;
        tour.send(Method::POST, "/sessions/{s1}/read", who, Some(json!({"seq": 0}))).await;
        tour.send(Method::GET, "/sessions/{s1}/participants", who, None).await;
        tour.send(Method::GET, "/sessions/{s1}?message_limit=0", who, None).await;
    }
    for seq in [3, 3, 2] {
        tour.send(Method::POST, "/sessions/{s1}/read", &keyed, Some(json!({"seq": seq}))).await;
    }
    tour.send(Method::POST, "/sessions/{s1}/read", ann, Some(json!({"seq": -1}))).await;
    tour.send(Method::POST, "/sessions/{s2}/read", cleo, Some(json!({"seq": 1}))).await;
}

async fn edits(tour: &mut Tour) {
    let (ann, cleo, at) = (ANN, CLEO, "/messages/{m1}");
    tour.patch(at, ann, json!({"content": "hello there"})).await;
    tour.patch(at, ann, json!({"content": "hello there"})).await;
    tour.patch(at, &[("If-Match", "\"4-f\"")], json!({"content": "too old"})).await;
    tour.patch(at, &[], json!({"content": "ähem", "metadata": {"mood": 1.50}})).await;
    tour.patch(at, &[("Content-Type", "application/merge-patch+json")], json!({"metadata": {"mood": null, "b": {}}}))
        .await;
    tour.patch(at, cleo, json!({"content": "not hers"})).await;
    tour.patch(at, ann, json!({"content": "", "metadata": [], "seq": 1})).await;
    tour.patch("/messages/{m2}", ann, json!({"content": "not to be seen"})).await;
    tour.patch("/messages/{m4}", ann, json!({"content": "deleted"})).await;
    for path in ["/messages/{m1}", "/messages/{m1}/history", "/messages/{m1}/history?limit=1", "/messages/{m4}/history"]
    {
        tour.send(Method::GET, path, ann, None).await;
    }
    tour.get("/messages/{m1}/history?limit=1&after=1").await;
    let keyed: &[(&str, &str)] = &[("Idempotency-Key", "restore")];
    tour.send(Method::POST, "/messages/{m4}/restore", ann, None).await;
    tour.send(Method::POST, "/messages/{m4}/restore", keyed, None).await;
    tour.send(Method::DELETE, "/messages/{m4}", ann, None).await;
    tour.send(Method::POST, "/messages/{m4}/restore", keyed, None).await;
    tour.send(Method::POST, "/messages/{m1}/restore", keyed, None).await;
}

async fn extensions(tour: &mut Tour) {
    let (ann, cleo, path) = (ANN, CLEO, "/messages/{m1}/extensions");
    let keyed = [ann, &[("Idempotency-Key", "x")]].concat();
    let translation = json!({"extension_type": "translation", "data": {"de": "hallo", "zero": -0.0}});
    for data in [translation.clone(), translation, json!({"extension_type": "translation", "data": {}})] {
        tour.send(Method::POST, path, &keyed, Some(data)).await;
    }
    tour.send(Method::POST, path, cleo, Some(json!({"extension_type": "note", "data": {}}))).await;
    tour.post(path, json!({"extension_type": "reaction", "data": []})).await;
    tour.post("/messages/{m4}/extensions", json!({"extension_type": "note", "data": {}})).await;
    tour.send(Method::POST, "/messages/{m2}/extensions", ann, Some(json!({"extension_type": "note", "data": {}})))
        .await;
    tour.get(path).await;
    tour.get("/messages/{m1}/extensions?limit=1&after=1").await;
    tour.get("/messages/{m1}/extensions/{e1}").await;
    tour.send(Method::DELETE, "/messages/{m1}/extensions/{e2}", ann, None).await;
    tour.send(Method::DELETE, "/messages/{m1}/extensions/{e2}", cleo, None).await;
    tour.send(Method::DELETE, "/messages/{m1}/extensions/{e2}", cleo, None).await;
    tour.get("/messages/{m1}").await;
}

async fn reactions(tour: &mut Tour) {
    let [thumb, flag] = ["/messages/{m1}/reactions/%F0%9F%91%8D", "/messages/{m1}/reactions/%F0%9F%87%A9%F0%9F%87%AA"];
    for (method, who, path) in [
        (Method::PUT, ANN, thumb),
        (Method::PUT, ANN, thumb),
        (Method::PUT, CLEO, thumb),
        (Method::PUT, ANN, flag),
        (Method::DELETE, CLEO, flag),
        (Method::DELETE, ANN, thumb),
        (Method::PUT, ANN, "/messages/{m1}/reactions/x"),
        (Method::PUT, ANN, "/messages/{m2}/reactions/%F0%9F%91%8D"),
        (Method::PUT, ANN, "/messages/{m4}/reactions/%F0%9F%91%8D"),
    ] {
        tour.send(method, path, who, None).await;
    }
    tour.get("/sessions/{s1}/messages?limit=1&order=asc").await;
}

async fn bad_input(tour: &mut Tour) {
    let path = "/sessions/{s1}/messages";
    tour.post(path, json!({"contnt": "x", "sender_type": "robot", "sender_id": "", "metadata": [], "reply_to": "x"}))
        .await;
    tour.post(path, json!({"content": " ", "sender_type": "user", "sender_id": "a\u{7}", "visibility": null})).await;
    tour.post(
        path,
        json!({"content": "a\u{0}", "sender_type": "user", "sender_id": "ann", "metadata": {"k": "\u{0}"}}),
    )
    .await;
    tour.post(path, json!({"content": 7, "sender_type": ["user"], "sender_id": {}})).await;
    tour.post(path, json!({"content": "x".repeat(16_385), "sender_type": "user", "sender_id": "a".repeat(256)})).await;
    tour.post(path, json!({"content": "x", "sender_type": "user", "sender_id": "ann", "reply_to": "{s1}"})).await;
    tour.post(path, json!([])).await;
    tour.post("/sessions", json!({"id": "x", "tenant_id": "y", "user_id": "ann"})).await;
    tour.get("/sessions/{s1}/messages?limit=0&offset=10001&after=-1&before=x&order=up&include_deleted=1").await;
    tour.get("/sessions/{s1}/messages?offset=1&after=1").await;
    tour.get("/users/ann/sessions?cursor=%00&status=gone").await;
    tour.get("/sessions/nonsense").await;
    tour.get("/sessions/00000000-0000-7000-8000-000000000000").await;
    tour.send(Method::DELETE, "/messages/00000000-0000-7000-8000-000000000000", &[], None).await;
    tour.send(Method::PUT, "/sessions/{s1}", &[], None).await;
    tour.get("/nowhere").await;
    tour.get("/sessions/{s1}?message_limit=0").await;
}

async fn ending(tour: &mut Tour) {
    tour.patch("/sessions/{s1}", &[], json!({"status": "gone"})).await;
    tour.send(Method::POST, "/sessions/{s1}/end", &[("Idempotency-Key", "e")], None).await;
    tour.send(Method::POST, "/sessions/{s1}/end", &[("Idempotency-Key", "e")], None).await;
    tour.send(Method::POST, "/sessions/{s1}/end", &[], None).await;
    tour.patch("/sessions/{s1}", &[], json!({"status": "active"})).await;
    tour.patch("/sessions/{s1}", &[], json!({"agent_id": "eve"})).await;
    tour.patch("/sessions/{s1}", &[], json!({"metadata": {"closed": true}})).await;
    tour.post("/sessions/{s1}/messages", json!({"content": "late", "sender_type": "user", "sender_id": "ann"})).await;
    let keyed = json!({"content": "once", "sender_type": "user", "sender_id": "ann"});
    tour.send(Method::POST, "/sessions/{s1}/messages", &[("Idempotency-Key", "k")], Some(keyed)).await;
    tour.get("/sessions/{s1}").await;
}

/// Sends requests and writes down what comes back, with ids and times under names that are the same in each run.
struct Tour {
    client: Client,
    names: HashMap<String, String>,
    transcript: String,
}

impl Tour {
    async fn get(&mut self, path: &str) {
        self.send(Method::GET, path, &[], None).await;
    }

    async fn post(&mut self, path: &str, body: Value) {
        self.send(Method::POST, path, &[], Some(body)).await;
    }

    async fn patch(&mut self, path: &str, headers: &[(&str, &str)], body: Value) {
        self.send(Method::PATCH, path, headers, Some(body)).await;
    }

    async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) {
        let body = body.map(|body| self.with_ids(&body.to_string()).parse().unwrap());
        let mut headers = headers.to_vec();
        headers.push(("X-Request-Id", "tour"));
        let answer = self.client.send(method.clone(), &self.with_ids(path), &headers, body.as_ref()).await.unwrap();
        self.name_extensions(&answer.body);
        if method == Method::POST && answer.status == 201 && answer.header("idempotent-replayed").is_empty() {
            let kind = if path == "/sessions" { 's' } else { 'm' };
            self.name(kind, answer.body["id"].as_str().unwrap());
        }
        self.write_down(&method, path, &answer);
    }

    /// Extensions have names from where they are seen first: some are made by the way.
    fn name_extensions(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(id) = fields.get("id").filter(|_| fields.contains_key("extension_type")) {
                    self.name('e', id.as_str().unwrap());
                }
                for value in fields.values() {
                    self.name_extensions(value);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.name_extensions(item);
                }
            }
            _ => {}
        }
    }

    /// What has a name keeps it.
    fn name(&mut self, kind: char, id: &str) {
        let count = self.names.values().filter(|name| name.starts_with(&format!("{{{kind}"))).count();
        self.names.entry(id.to_owned()).or_insert_with(|| format!("{{{kind}{}}}", count + 1));
    }

    fn write_down(&mut self, method: &Method, path: &str, answer: &Answer) {
        let mut lines = format!("{method} {path}\n  {}\n", answer.status.as_u16());
        for header in ["allow", "cache-control", "content-type", "etag", "idempotent-replayed", "link", "location"] {
            if answer.headers.contains_key(header) {
                writeln!(lines, "  {header}: {}", answer.header(header)).unwrap();
            }
        }
        writeln!(lines, "  {}", without_times(answer.body.clone())).unwrap();
        self.transcript += &self.with_names(&lines);
    }

    fn with_ids(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(name, id))
    }

    /// Names for ids, the letters of a cursor left out.
    fn with_names(&self, text: &str) -> String {
        let named = self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
        match named.split_once("cursor=") {
            Some((before, after)) if !after.starts_with('%') => {
                let rest = after.find(['&', '>']).map_or("", |end| &after[end..]);
                format!("{before}cursor=…{rest}")
            }
            _ => named,
        }
    }
}

/// A time is checked for its form and then forgotten.
fn without_times(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key.clone(), without_time(&key, value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_times).collect(),
        other => other,
    }
}

fn without_time(key: &str, value: Value) -> Value {
    match value {
        Value::String(time) if key.ends_with("_at") => {
            assert!(time.len() == 27 && time.ends_with('Z'), "{key} is not RFC 3339 with microseconds: {time}");
            "<time>".into()
        }
        other => without_times(other),
    }
}
