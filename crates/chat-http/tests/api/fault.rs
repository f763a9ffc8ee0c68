//! Bad input: each fault has its own clear answer, all faults come at once, and nothing changes by it.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use crate::server::{Answer, TestServer, start};

const JSON: (&str, &str) = ("content-type", "application/json");

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

/// A message with this member beside a good content and sender.
fn message_with(member: &str) -> String {
    format!(r#"{{"content":"hello","sender_type":"user","sender_id":"ann",{member}}}"#)
}

/// Holds that neither the session at this path nor what is in it has changed since it was made.
async fn assert_untouched(server: &TestServer, path: &str) {
    let session = Answer::of(server.get(path)).await.expect(StatusCode::OK);
    let seen = (&session["rev"], &session["version"], &session["status"], &session["messages"]);
    assert_eq!(seen, (&json!(1), &json!(1), &json!("active"), &json!([])));
}

#[tokio::test]
async fn what_a_json_parser_refuses_is_a_400() {
    let server = start().await;
    let path = server.session_path().await;
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" ".to_vec(),
        b"{".to_vec(),
        b"nope".to_vec(),
        b"{}{}".to_vec(),
        b"{'content':'x'}".to_vec(),
        br#"{"content":"x",}"#.to_vec(),
        b"{\"content\":\"\xff\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        br#"{"content":"\ud800"}"#.to_vec(),
        br#"{"content":"\udc00\ud800"}"#.to_vec(),
        message_with(r#""metadata":{"a":["\ud83d"]}"#).into(),
        message_with(r#""metadata":{"\udfff":1}"#).into(),
        message_with(r#""metadata":{"a":1e400}"#).into(),
        message_with(r#""metadata":{"a":-1e400}"#).into(),
        message_with(&format!(r#""metadata":{}"#, nested(128))).into(),
        message_with(&format!(r#""metadata":{}"#, "[".repeat(100_000))).into(),
        message_with(r#""unknown":{"a":1e400}"#).into(),
        "[".repeat(200_000).into(),
        "{\"a\":".repeat(20_000).into(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        for request in [server.post(&format!("{path}/messages")), server.post("/api/v1/sessions"), server.patch(&path)]
        {
            let answer = Answer::of(request.header(JSON.0, JSON.1).body(body.clone())).await;
            assert_eq!(answer.json()["code"], "malformed_json", "{shown}");
            answer.problem(400, "malformed_json");
        }
    }
    assert_untouched(&server, &path).await;
}

#[tokio::test]
async fn a_bad_message_is_a_422_that_names_every_fault() {
    let server = start().await;
    let path = server.session_path().await;
    let long = "x".repeat(16_385);
    let cases: Vec<(String, &[&str])> = vec![
        ("[]".to_owned(), &["invalid_type"]),
        (r#"["hello","user","ann"]"#.to_owned(), &["invalid_type"]),
        ("null".to_owned(), &["invalid_type"]),
        ("\"x\"".to_owned(), &["invalid_type"]),
        ("1".to_owned(), &["invalid_type"]),
        ("{}".to_owned(), &["/content missing_field", "/sender_type missing_field", "/sender_id missing_field"]),
        (
            r#"{"content":7,"sender_type":null,"sender_id":["x"],"typo":1,"typo":2,"a/b~":0}"#.to_owned(),
            &[
                "/content invalid_type",
                "/sender_id invalid_type",
                "/typo unknown_field",
                "/a~1b~0 unknown_field",
                "/sender_type invalid_type",
            ],
        ),
        (message_with(r#""content":"again""#), &["/content duplicate_field"]),
        (message_with(r#""\u0063ontent":"again""#), &["/content duplicate_field"]),
        (message_with(r#""metadata":{"a":{"b":1,"b":2}}"#), &["/metadata/a/b duplicate_field"]),
        (message_with(r#""metadata":[]"#), &["/metadata invalid_type"]),
        (message_with(r#""metadata":"{}""#), &["/metadata invalid_type"]),
        (message_with(r#""metadata":{"a":"\u0000"}"#), &["/metadata/a nul_character"]),
        (
            message_with(&format!(r#""metadata":{}"#, nested(17))),
            &["/metadata/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a too_deep"],
        ),
        (message_with(&format!(r#""metadata":{{"a":"{}"}}"#, "x".repeat(16_384))), &["/metadata too_large"]),
        (
            message_with(r#""message_type":"poem","visibility":"SECRET""#),
            &["/message_type invalid_value", "/visibility invalid_value"],
        ),
        (message_with(r#""message_type":null"#), &["/message_type invalid_type"]),
        (message_with(r#""reply_to":"0198c0de000070008000000000000001""#), &["/reply_to invalid_uuid"]),
        (message_with(r#""reply_to":"x""#), &["/reply_to invalid_uuid"]),
        (message_with(r#""reply_to":5"#), &["/reply_to invalid_type"]),
        (r#"{"content":"a\u0000b","sender_type":"user","sender_id":"ann"}"#.to_owned(), &["/content nul_character"]),
        (r#"{"content":" \n\t","sender_type":"user","sender_id":"ann"}"#.to_owned(), &["/content blank"]),
        (r#"{"content":"","sender_type":"user","sender_id":"ann"}"#.to_owned(), &["/content blank"]),
        (
            format!(r#"{{"content":"{long}","sender_type":"robot","sender_id":""}}"#),
            &["/content too_long", "/sender_type invalid_value", "/sender_id empty"],
        ),
        (r#"{"content":"x","sender_type":"user","sender_id":"a\u0000"}"#.to_owned(), &["/sender_id control_character"]),
    ];
    for (body, expected) in cases {
        let request = server.post(&format!("{path}/messages")).header(JSON.0, JSON.1).body(body.clone());
        assert_eq!(Answer::of(request).await.faults(), expected, "{}", &body[..body.len().min(120)]);
    }
    assert_untouched(&server, &path).await;
}

#[tokio::test]
async fn a_bad_session_is_a_422_that_names_every_fault() {
    let server = start().await;
    for (body, expected) in [
        (json!({}), vec!["/user_id missing_field"]),
        (json!({"user_id": null}), vec!["/user_id invalid_type"]),
        (json!({"user_id": 1, "agent_id": {}}), vec!["/agent_id invalid_type", "/user_id invalid_type"]),
        (json!({"user_id": ""}), vec!["/user_id empty"]),
        (json!({"user_id": "x".repeat(256)}), vec!["/user_id too_long"]),
        (
            json!({"user_id": "a\nb", "agent_id": "\u{85}"}),
            vec!["/user_id control_character", "/agent_id control_character"],
        ),
        (json!({"user_id": "ann", "userid": "x"}), vec!["/userid unknown_field"]),
        (
            json!({"user_id": "ann", "metadata": [], "previous_session_id": "x"}),
            vec!["/metadata invalid_type", "/previous_session_id invalid_uuid"],
        ),
    ] {
        assert_eq!(Answer::of(server.post("/api/v1/sessions").json(&body)).await.faults(), expected, "{body}");
    }
    assert_eq!(Answer::of(server.get("/api/v1/users/ann/sessions")).await.expect(StatusCode::OK), json!([]));
}

#[tokio::test]
async fn a_bad_change_is_a_422_and_changes_nothing() {
    let server = start().await;
    let path = server.session_path().await;
    for (body, expected) in [
        (json!({"status": "asleep"}), vec!["/status invalid_value"]),
        (json!({"status": null, "agent_id": ""}), vec!["/agent_id empty", "/status invalid_type"]),
        (json!({"status": "waiting", "version": 3}), vec!["/version unknown_field"]),
        (json!({"status": "waiting", "metadata": {"a": "\u{0}"}}), vec!["/metadata/a nul_character"]),
    ] {
        for media in ["application/json", "application/merge-patch+json"] {
            let request = server.patch(&path).header("content-type", media).body(body.to_string());
            assert_eq!(Answer::of(request).await.faults(), expected, "{body}");
        }
    }
    let end = server.post(&format!("{path}/end")).json(&json!({"reason": "done"}));
    assert_eq!(Answer::of(end).await.faults(), ["/reason unknown_field"]);
    let end = server.post(&format!("{path}/end")).header(JSON.0, JSON.1).body("null");
    assert_eq!(Answer::of(end).await.faults(), ["invalid_type"]);
    let end = server.post(&format!("{path}/end")).header(JSON.0, JSON.1).body("{");
    Answer::of(end).await.problem(400, "malformed_json");
    assert_untouched(&server, &path).await;
}

#[tokio::test]
async fn faults_of_the_whole_request_come_at_once() {
    let server = start().await;
    let request = server
        .post("/api/v1/sessions/nope/messages?dry=1")
        .header("x-user-role", "king")
        .header("idempotency-key", "ü")
        .json(&json!({"content": "", "typo": 1}));
    let faults = Answer::of(request).await.faults();
    let expected = [
        "header /x-user-role unknown_role",
        "path /session_id invalid_uuid",
        "query /dry unknown_parameter",
        "header /idempotency-key invalid_characters",
        "/typo unknown_field",
    ];
    assert_eq!(faults[..5], expected);
    let request = server.get("/api/v1/sessions/nope/messages?limit=0&typo=1").header("x-tenant-id", "a b");
    let expected = [
        "header /x-tenant-id invalid_characters",
        "path /session_id invalid_uuid",
        "query /typo unknown_parameter",
        "query /limit out_of_range",
    ];
    assert_eq!(Answer::of(request).await.faults(), expected);
}

#[tokio::test]
async fn a_list_of_faults_is_bounded() {
    let server = start().await;
    let members: Vec<String> = (0..1_000).map(|number| format!(r#""x{number}":0"#)).collect();
    let request = server.post("/api/v1/sessions").header(JSON.0, JSON.1).body(format!("{{{}}}", members.join(",")));
    assert_eq!(Answer::of(request).await.faults().len(), 64);
}

#[tokio::test]
async fn bad_query_parameters_are_a_422() {
    let server = start().await;
    let path = server.session_path().await;
    let messages = format!("{path}/messages");
    for (path, query, expected) in [
        (&messages, "limit=0", vec!["query /limit out_of_range"]),
        (&messages, "limit=1001", vec!["query /limit out_of_range"]),
        (&messages, "limit=", vec!["query /limit invalid_type"]),
        (&messages, "limit", vec!["query /limit invalid_type"]),
        (&messages, "limit=ten", vec!["query /limit invalid_type"]),
        (&messages, "limit=1.5", vec!["query /limit invalid_type"]),
        (&messages, "limit=%2B5", vec!["query /limit invalid_type"]),
        (&messages, "limit=99999999999999999999", vec!["query /limit invalid_type"]),
        (&messages, "offset=-1", vec!["query /offset out_of_range"]),
        (&messages, "offset=10001", vec!["query /offset out_of_range"]),
        (&messages, "offset=1&after=1", vec!["query /offset conflicting_parameters"]),
        (&messages, "offset=0&before=1", vec!["query /offset conflicting_parameters"]),
        (&messages, "after=-1&before=x", vec!["query /after out_of_range", "query /before invalid_type"]),
        (
            &messages,
            "order=up&include_deleted=1",
            vec!["query /order invalid_value", "query /include_deleted invalid_type"],
        ),
        (&messages, "limit=1&limit=2", vec!["query /limit duplicate_parameter"]),
        (&messages, "limit=1&l%69mit=2", vec!["query /limit duplicate_parameter"]),
        (&messages, "Limit=1", vec!["query /Limit unknown_parameter"]),
        (&messages, "limit=%ff", vec!["query /limit invalid_encoding"]),
        (&messages, "limit=%", vec!["query /limit invalid_encoding"]),
        (&messages, "%zz=1", vec!["query /%zz invalid_encoding"]),
        (&messages, "limit=0&a~/b=1", vec!["query /a~0~1b unknown_parameter", "query /limit out_of_range"]),
        (&path, "message_limit=-1", vec!["query /message_limit out_of_range"]),
        (&path, "message_limit=1001", vec!["query /message_limit out_of_range"]),
        (&path, "limit=5", vec!["query /limit unknown_parameter"]),
    ] {
        assert_eq!(Answer::of(server.get(&format!("{path}?{query}"))).await.faults(), expected, "{query}");
    }
    let list = "/api/v1/users/ann/sessions";
    for (query, expected) in [
        (
            "active_only=yes&status=asleep&limit=0&cursor=x&typo=1",
            vec![
                "query /typo unknown_parameter",
                "query /active_only invalid_type",
                "query /status invalid_value",
                "query /limit out_of_range",
                "query /cursor invalid_cursor",
            ],
        ),
        ("cursor=", vec!["query /cursor invalid_cursor"]),
    ] {
        assert_eq!(Answer::of(server.get(&format!("{list}?{query}"))).await.faults(), expected, "{query}");
    }
    Answer::of(server.get(&format!("{messages}?&limit=1&"))).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn routes_without_parameters_refuse_them() {
    let server = start().await;
    let path = server.session_path().await;
    let requests = [
        server.post("/api/v1/sessions?x=1").json(&json!({"user_id": "ann"})),
        server.patch(&format!("{path}?x=1")).json(&json!({"status": "waiting"})),
        server.post(&format!("{path}/end?x=1")),
        server.delete("/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff?x=1"),
        server.get("/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff?x=1"),
    ];
    for request in requests {
        assert_eq!(Answer::of(request).await.faults(), ["query /x unknown_parameter"]);
    }
    assert_untouched(&server, &path).await;
}

#[tokio::test]
async fn an_id_in_a_path_is_a_uuid_with_hyphens() {
    let server = start().await;
    for id in [
        "x",
        "1",
        "0198c0de000070008000000000000001",
        "urn:uuid:0198c0de-0000-7000-8000-000000000001",
        "%7B0198c0de-0000-7000-8000-000000000001%7D",
        "0198c0de-0000-7000-8000-00000000000g",
        "0198c0de-0000-7000-8000-0000000000011",
        "%00",
        "%20",
    ] {
        for (method, path, name) in [
            (Method::GET, format!("/api/v1/sessions/{id}"), "session_id"),
            (Method::POST, format!("/api/v1/sessions/{id}/end"), "session_id"),
            (Method::GET, format!("/api/v1/sessions/{id}/messages"), "session_id"),
            (Method::GET, format!("/api/v1/messages/{id}"), "message_id"),
            (Method::GET, format!("/api/v1/messages/{id}/history"), "message_id"),
            (Method::POST, format!("/api/v1/messages/{id}/restore"), "message_id"),
            (Method::GET, format!("/api/v1/messages/{id}/extensions"), "message_id"),
            (
                Method::DELETE,
                format!("/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff/extensions/{id}"),
                "extension_id",
            ),
            (Method::PUT, format!("/api/v1/messages/{id}/reactions/%E2%9D%A4"), "message_id"),
            (Method::DELETE, format!("/api/v1/chat/messages/{id}"), "message_id"),
        ] {
            let faults = Answer::of(server.request(method, &path)).await.faults();
            assert_eq!(faults, [format!("path /{name} invalid_uuid")], "{path}");
        }
    }
    let upper = server.session_path().await.to_uppercase().replace("/API/V1/SESSIONS", "/api/v1/sessions");
    Answer::of(server.get(&upper)).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_user_in_a_path_is_held_to_the_same_rule_as_in_a_body() {
    let server = start().await;
    for (id, code) in [
        ("%00", "control_character"),
        ("a%0Ab", "control_character"),
        ("%C2%85", "control_character"),
        ("%ff", "invalid_encoding"),
        ("%C3", "invalid_encoding"),
        ("a%zz", "invalid_encoding"),
        (&"x".repeat(256), "too_long"),
    ] {
        let request = format!("GET /api/v1/users/{id}/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = server.raw(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 422") && answer.contains(code), "{id}: {answer}");
    }
}

#[tokio::test]
async fn bad_headers_are_a_422() {
    let server = start().await;
    let path = server.session_path().await;
    let long = "x".repeat(256);
    for (name, value, code) in [
        ("x-tenant-id", "", "empty"),
        ("x-tenant-id", "a/b", "invalid_characters"),
        ("x-tenant-id", &"x".repeat(65), "too_long"),
        ("x-user-id", "", "empty"),
        ("x-user-id", &long, "too_long"),
        ("x-user-role", "root", "unknown_role"),
        ("x-user-role", "USER", "unknown_role"),
        ("x-user-role", "", "unknown_role"),
    ] {
        let faults = Answer::of(server.get(&path).header(name, value)).await.faults();
        assert_eq!(faults, [format!("header /{name} {code}")]);
    }
    for name in ["x-tenant-id", "x-user-id", "x-user-role"] {
        let request = server.get(&path).header(name, "agent").header(name, "agent");
        assert_eq!(Answer::of(request).await.faults(), [format!("header /{name} duplicate_header")]);
    }
    let latin = server
        .raw(b"GET /api/v1/users/a/sessions HTTP/1.1\r\nHost: x\r\nX-User-Id: \xfcx\r\nConnection: close\r\n\r\n");
    let latin = latin.await;
    assert!(latin.starts_with("HTTP/1.1 422") && latin.contains("invalid_characters"), "{latin}");
}

#[tokio::test]
async fn only_json_in_utf_8_is_taken() {
    let server = start().await;
    let path = server.session_path().await;
    let body = r#"{"content":"hello","sender_type":"user","sender_id":"ann"}"#;
    let post = |media: &str| server.post(&format!("{path}/messages")).header("content-type", media).body(body);
    for media in [
        "text/plain",
        "text/json",
        "application/xml",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "application/json; charset=utf-8; charset=latin1",
        "application/json; charset=latin1; charset=utf-8",
        "application/problem+json",
        "nonsense",
        "",
    ] {
        Answer::of(post(media)).await.problem(415, "unsupported_media_type");
    }
    Answer::of(server.post(&format!("{path}/messages")).body(body)).await.problem(415, "unsupported_media_type");
    let compressed = post("application/json").header("content-encoding", "gzip");
    let compressed = Answer::of(compressed).await;
    compressed.problem(415, "unsupported_media_type");
    assert_eq!(compressed.header("accept-encoding"), "identity");
    let end = server.post(&format!("{path}/end")).header("content-type", "text/plain").body("x");
    Answer::of(end).await.problem(415, "unsupported_media_type");
    assert_untouched(&server, &path).await;
    for media in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
        "application/json; charset=utf8",
        "application/json; charset=UTF8; x=y",
    ] {
        Answer::of(post(media)).await.expect(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_413_however_it_comes() {
    let server = start().await;
    let path = server.session_path().await;
    let padded = |size: usize| {
        let body = message_with(r#""metadata":{}"#);
        format!("{body}{}", " ".repeat(size - body.len()))
    };
    let post = |body: reqwest::Body| server.post(&format!("{path}/messages")).header(JSON.0, JSON.1).body(body);
    Answer::of(post(padded(256 * 1024 + 1).into())).await.problem(413, "payload_too_large");
    let chunked = format!(
        "POST {path}/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunks = format!("8000\r\n{}\r\n", " ".repeat(0x8000)).repeat(9);
    let answer = server.raw(format!("{chunked}{chunks}0\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"), "{answer}");
    let announced = format!(
        "POST {path}/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    );
    let answer = server.raw(announced.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"), "{answer}");
    assert_untouched(&server, &path).await;
    Answer::of(post(padded(256 * 1024).into())).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problem_documents() {
    let server = start().await;
    for path in [
        "/nope",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nope",
        "/api/v1/chat/nope",
        "/api/v2/sessions",
        "/api/v1/sessions/",
        "/docs/nope.js",
        "//",
    ] {
        let problem = Answer::of(server.get(path)).await.problem(404, "not_found");
        assert_eq!(problem["instance"], path);
    }
    for (method, path, allow) in [
        (Method::GET, "/api/v1/sessions", "POST, OPTIONS"),
        (Method::PUT, "/api/v1/sessions/x", "GET, HEAD, PATCH, OPTIONS"),
        (Method::DELETE, "/api/v1/chat/sessions/x/messages", "GET, HEAD, POST, OPTIONS"),
        (Method::POST, "/api/v1/messages/x", "GET, HEAD, PATCH, DELETE, OPTIONS"),
        (Method::PUT, "/api/v1/messages/x/history", "GET, HEAD, OPTIONS"),
        (Method::GET, "/api/v1/messages/x/restore", "POST, OPTIONS"),
        (Method::PUT, "/api/v1/messages/x/extensions", "GET, HEAD, POST, OPTIONS"),
        (Method::PATCH, "/api/v1/messages/x/extensions/y", "GET, HEAD, DELETE, OPTIONS"),
        (Method::GET, "/api/v1/messages/x/reactions/y", "PUT, DELETE, OPTIONS"),
        (Method::TRACE, "/api/v1/users/x/sessions", "GET, HEAD, OPTIONS"),
        (Method::from_bytes(b"BREW").unwrap(), "/health", "GET, HEAD, OPTIONS"),
        (Method::POST, "/", "GET, HEAD, OPTIONS"),
        (Method::POST, "/openapi.json", "GET, HEAD, OPTIONS"),
    ] {
        let answer = Answer::of(server.request(method, path)).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow);
        let options = Answer::of(server.request(Method::OPTIONS, path)).await;
        assert_eq!((options.status, options.header("allow")), (StatusCode::NO_CONTENT, allow));
    }
}

#[tokio::test]
async fn a_server_survives_what_is_no_http() {
    let server = start().await;
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\nx\r\n\r\n"]
    {
        let answer = server.raw(bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let request: RequestBuilder = server.get("/health/live");
    Answer::of(request).await.expect(StatusCode::OK);
}
