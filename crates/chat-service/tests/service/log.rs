//! The log of real nodes: one event a request, nothing that a client said, and nothing that it can do about the form.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, message};
use crate::node::Node;
use crate::store::Store;

/// Stands in everything that is sent, and must not stand in the log.
const SECRET: &str = "hunter2";
/// What must stand there: ids are harmless.
const SANE_ID: &str = "sane-id-1";

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A filter that takes this level and what is graver, and of all else only where a node listens, which tests must know.
fn quiet(level: &str) -> String {
    format!("{level},chat_service::serve=info")
}

/// Requests with something hostile in each place, as bytes on a connection.
fn hostile() -> Vec<Vec<u8>> {
    let evil = "hunter2\\n{\\\"level\\\":\\\"ERROR\\\",\\\"forged\\\":1}\\u001b[31m\\u2028";
    let post = |path: &str, headers: &str, body: &str| {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{headers}");
        format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
    };
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n").into_bytes()
    };
    let with = |name: &str, value: &[u8]| {
        let head = format!("GET /api/v1/users/ann/sessions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{name}: ");
        [head.as_bytes(), value, b"\r\n\r\n"].concat()
    };
    let mut requests = vec![
        get("/hunter2%0a%7B%22forged%22:1%7D", ""),
        get("/api/v1/sessions/hunter2%0d%0aforged", ""),
        get("/api/v1/users/hunter2%0aforged%1b[31m/sessions?cursor=hunter2%0aforged&limit=hunter2", ""),
        get("/api/v1/sessions/\x1b[31mhunter2", ""),
        get("//hunter2/../forged?hunter2=%00", ""),
        get("/docs/hunter2%0aforged", ""),
        post("/api/v1/sessions", "", &format!("{{\"user_id\":\"{evil}\"}}")),
        post("/api/v1/sessions", "", &format!("{{\"user_id\":\"ann\",\"metadata\":{{\"{evil}\":\"{evil}\"}}}}")),
        post("/api/v1/sessions", "", &format!("{{\"{evil}\":1}}")),
        post("/api/v1/sessions", "", "hunter2\n{\"level\":\"ERROR\",\"forged\":1}\n"),
        post("/api/v1/sessions", "", &format!("{{\"user_id\":\"{}\"}}", SECRET.repeat(50_000))),
        post("/api/v1/sessions", "Idempotency-Key: hunter2\r\n", "{\"user_id\":\"hunter2\"}"),
        b"HUNTER2 /hunter2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: a\r\nhunter2 forged\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\nhunter2: \nforged\r\n\r\n".to_vec(),
        b"\x00hunter2\nforged\r\n\r\n".to_vec(),
    ];
    for name in [
        "X-Request-Id",
        "X-Tenant-Id",
        "X-User-Id",
        "X-User-Role",
        "Authorization",
        "Idempotency-Key",
        "If-None-Match",
        "Traceparent",
        "Tracestate",
        "User-Agent",
        "Accept-Encoding",
        "Origin",
        "X-Forwarded-For",
        "Cookie",
        "X-\x1bforged",
    ] {
        for value in [&b"hunter2 \"forged\" \x1b[31m"[..], b"hunter2 x\nforged: hunter2", b"\xff\xfe hunter2 {\"a\":1}"]
        {
            requests.push(with(name, value));
        }
    }
    requests.push(with("X-Request-Id", SANE_ID.as_bytes()));
    requests
}

/// Sends bytes and reads whatever comes, until the other side has done.
async fn send(node: &Node, bytes: &[u8]) {
    let mut stream = TcpStream::connect(node.url.trim_start_matches("http://")).await.unwrap();
    // A node that has heard enough closes before all is sent.
    _ = stream.write_all(bytes).await;
    _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut answer)).await;
    _ = read.expect("each request ends");
}

/// All that a node logs, in its wordiest mood, of requests that are hostile and of a talk that is secret.
async fn log_of_a_bad_day(format: &str) -> Vec<String> {
    let store = Store::sqlite().await;
    let mut variables = store.variables();
    variables.extend([("LOG_FORMAT", format.to_owned()), ("RUST_LOG", "trace".to_owned())]);
    let node = Node::start(&variables).await;
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    let said = message(SECRET, "hunter2\n{\"forged\":1}\u{1b}[31m\u{202e}");
    client.store(&format!("/sessions/{session}/messages"), &[("idempotency-key", SECRET)], &said).await.unwrap();
    for request in hostile() {
        send(&node, &request).await;
    }
    node.whole_log().await
}

fn is_clean(line: &str) -> bool {
    let lower = line.to_lowercase();
    !lower.contains(SECRET) && !lower.contains("forged") && !line.chars().any(char::is_control)
}

mod sqlite {
    use super::*;

    #[tokio::test]
    async fn no_client_says_anything_in_a_log_of_json_or_breaks_a_line_of_it() {
        let log = log_of_a_bad_day("json").await;
        for line in &log {
            assert!(is_clean(line), "{line}");
            let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            for member in ["timestamp", "level", "target", "message"] {
                assert!(event[member].is_string(), "{line}");
            }
        }
        assert!(log.iter().any(|line| line.contains(SANE_ID)));
    }

    #[tokio::test]
    async fn no_client_says_anything_in_a_log_for_people_or_breaks_a_line_of_it() {
        let log = log_of_a_bad_day("pretty").await;
        for line in &log {
            assert!(is_clean(line), "{line}");
            let level = line.split_whitespace().nth(1);
            assert!(matches!(level, Some("TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR")), "{line}");
        }
        assert!(log.iter().any(|line| line.contains(SANE_ID)));
    }

    #[tokio::test]
    async fn with_a_share_of_none_only_refusals_leave_events() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        variables.push(("LOG_SAMPLE_2XX", "0".to_owned()));
        let node = Node::start(&variables).await;
        let client = Client::new(&node.url);
        let session = client.new_session().await;
        client.get(&format!("/sessions/{session}")).await.expect(200);
        client.get("/sessions/none").await.expect(422);
        let log = node.whole_log().await;
        let events: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let codes: Vec<_> = events.iter().filter(|event| event["message"] == "request").map(|e| &e["code"]).collect();
        assert_eq!(codes, ["invalid_request"]);
    }

    #[tokio::test]
    async fn a_log_of_warnings_has_the_refusals_with_their_ids_and_no_good_answer() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        variables.push(("RUST_LOG", quiet("warn")));
        let node = Node::start(&variables).await;
        let client = Client::new(&node.url);
        let sent = [("x-request-id", SANE_ID), ("traceparent", TRACEPARENT)];
        for (path, status) in [("/sessions/none", 422), ("/users/ann/sessions", 200)] {
            client.send(reqwest::Method::GET, path, &sent, None).await.unwrap().expect(status);
        }
        let log = node.whole_log().await;
        let events = log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let events: Vec<_> = events.filter(|event| event["message"] == "request").collect();
        assert_eq!(events.len(), 1, "{events:#?}");
        let event = &events[0];
        assert_eq!((&event["level"], &event["code"]), (&"WARN".into(), &"invalid_request".into()));
        assert_eq!((&event["request_id"], &event["status"]), (&SANE_ID.into(), &422.into()));
        assert_eq!(event["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    }
}

mod postgres_redis {
    use super::*;

    #[tokio::test]
    async fn a_failure_is_one_event_with_its_causes_and_without_the_row() {
        let store = Store::postgres_redis().await;
        let mut variables = store.variables();
        variables.push(("RUST_LOG", quiet("error")));
        let node = Node::start(&variables).await;
        let client = Client::new(&node.url);
        let session = client.new_session().await;
        store.execute("ALTER TABLE messages ADD CONSTRAINT no_secrets CHECK (content <> 'hunter2')").await;
        let path = format!("/sessions/{session}/messages");
        let sent = [("x-request-id", "fails-1"), ("traceparent", TRACEPARENT)];
        let answer = client.send(reqwest::Method::POST, &path, &sent, Some(&message("u-1", SECRET))).await.unwrap();
        answer.expect(500);
        let log = node.whole_log().await;
        assert!(log.iter().all(|line| is_clean(line)), "{log:#?}");
        let events = log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let events: Vec<_> = events.filter(|event| event["request_id"] == "fails-1").collect();
        assert_eq!(events.len(), 1, "{events:#?}");
        let event = &events[0];
        assert_eq!((&event["level"], &event["code"]), (&"ERROR".into(), &"internal_error".into()));
        assert_eq!(event["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        let causes = event["causes"].as_str().unwrap();
        assert!(causes.starts_with("store rejected the statement: ") && causes.contains("no_secrets"), "{causes}");
    }
}
