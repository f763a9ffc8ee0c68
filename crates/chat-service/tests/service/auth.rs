//! Who gets into the whole service, with real keys.

use std::process::Stdio;
use std::time::Duration;

use chat_domain::clock::Clock as _;
use chat_infra::system::SystemClock;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::client::{Answer, Client};
use crate::node::{Node, command};
use crate::store::Store;
use crate::token_signer::{Signer, encode, set};

const SECRET: &str = "8f14e45fceea167a5a36dedd4bea2543";
const OLD_SECRET: &str = "b1d5781111d84f7b3fe45a0852e59758";
const LIST: &str = "/users/ann/sessions";

/// A node on a store of its own, with these settings.
async fn node(variables: &[(&'static str, &str)]) -> (Store, Node) {
    let store = Store::sqlite().await;
    let mut all = store.variables();
    all.extend(variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let node = Node::start(&all).await;
    (store, node)
}

async fn list(node: &Node, headers: &[(&str, &str)]) -> Answer {
    Client::new(&node.url).send(Method::GET, LIST, headers, None).await.unwrap()
}

async fn with_token(node: &Node, token: &str) -> Answer {
    list(node, &[("authorization", &format!("Bearer {token}"))]).await
}

fn now() -> i64 {
    SystemClock.now().as_micros() / 1_000_000
}

/// Claims that nothing is wrong with but for these changes; `null` leaves one out.
fn claims(changes: &Value) -> String {
    let mut claims = json!({"sub": "ann", "tenant_id": "topsecret-tenant", "role": "user", "exp": now() + 600,
        "aud": "chat", "iss": "https://id.example", "email": "topsecret@example.com"});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims.to_string()
}

/// Tokens that are bad for what they say.
fn bad_claims(signer: &Signer) -> Vec<(String, &'static str)> {
    let table = [
        (json!({"exp": now() - 1}), "token_expired"),
        (json!({"exp": 0}), "token_expired"),
        (json!({"exp": null}), "missing_expiry"),
        (json!({"exp": "tomorrow"}), "invalid_expiry"),
        (json!({"exp": (now() + 600).to_string()}), "invalid_expiry"),
        (json!({"exp": 1e300}), "invalid_expiry"),
        (json!({"exp": -1}), "invalid_expiry"),
        (json!({"exp": {}}), "invalid_expiry"),
        (json!({"nbf": now() + 600}), "token_not_yet_valid"),
        (json!({"nbf": "x"}), "invalid_not_before"),
        (json!({"aud": "others"}), "wrong_audience"),
        (json!({"aud": null}), "wrong_audience"),
        (json!({"iss": "https://evil.example"}), "wrong_issuer"),
        (json!({"iss": null}), "wrong_issuer"),
        (json!({"sub": null}), "missing_subject"),
        (json!({"sub": ""}), "invalid_subject"),
        (json!({"user_id": "eve"}), "contradicting_claims"),
        (json!({"tenant_id": null}), "missing_tenant"),
        (json!({"tenant_id": "a/b"}), "invalid_tenant"),
        (json!({"role": null}), "missing_role"),
        (json!({"role": "root"}), "unknown_role"),
    ];
    table.iter().map(|(changes, code)| (signer.sign(&claims(changes)), *code)).collect()
}

/// Tokens that are bad whatever they say.
fn bad_signatures(published: &[&Signer], good: &str) -> Vec<(String, &'static str)> {
    let (signer, claims) = (Signer::hs256(SECRET), claims(&json!({})));
    let unsigned = |alg: &str| format!("{}.{}.", encode(&json!({"alg": alg}).to_string()), encode(&claims));
    let forger = Signer::hs256(&set(published));
    let mut table: Vec<_> = ["", "garbage", "a.b.c", "topsecret.topsecret", "null", &good[1..], &format!("{good}.x")]
        .iter()
        .map(|garbage| ((*garbage).to_owned(), if garbage.is_empty() { "missing_token" } else { "malformed_token" }))
        .collect();
    table.extend(["none", "None", "NONE", "nOnE"].map(|alg| (unsigned(alg), "unsupported_algorithm")));
    table.extend([
        (signer.sign_under(&json!({"alg": "HS512"}), &claims), "unsupported_algorithm"),
        (signer.sign_under(&json!({"alg": "HS256", "crit": ["exp"]}), &claims), "unsupported_extension"),
        (signer.named(Some("foreign")).sign(&claims), "unknown_key"),
        (Signer::hs256(OLD_SECRET).sign(&claims), "bad_signature"),
        (forger.sign(&claims), "bad_signature"),
        ("x".repeat(12 * 1024), "token_too_long"),
        (signer.sign(&json!({"sub": "x".repeat(8 * 1024)}).to_string()), "token_too_long"),
    ]);
    for key in published {
        table.push((key.named(Some("foreign")).sign(&claims), "unknown_key"));
        table.push((forger.named(key.public()["kid"].as_str()).sign(&claims), "wrong_key_type"));
    }
    table.push((Signer::es256("ec").sign(&claims), "bad_signature"));
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_token_is_a_401_that_says_which_and_leaves_nothing_in_the_log() {
    let (rsa, ec, ed) = (Signer::rs256("rsa"), Signer::es256("ec"), Signer::eddsa("ed"));
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys.json");
    std::fs::write(&keys, set(&[&rsa, &ec, &ed])).unwrap();
    let (_store, node) = node(&[
        ("AUTH_MODE", "jwt"),
        ("SECRET_KEY", SECRET),
        ("JWKS_FILE", keys.to_str().unwrap()),
        ("JWT_AUDIENCE", "chat"),
        ("JWT_ISSUER", "https://id.example"),
        ("RUST_LOG", "trace"),
    ])
    .await;
    let mut sent = Vec::new();
    for signer in [&Signer::hs256(SECRET), &rsa, &ec, &ed] {
        let good = signer.sign(&claims(&json!({})));
        assert_eq!(with_token(&node, &good).await.expect(200), json!([]));
        sent.extend(bad_claims(signer));
        sent.push((good, ""));
    }
    let good = sent.last().unwrap().0.clone();
    sent.extend(bad_signatures(&[&rsa, &ec, &ed], &good));
    for (token, code) in sent.iter().filter(|(_, code)| !code.is_empty()) {
        let answer = with_token(&node, token).await;
        assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (401, Some(*code)), "{token:.200}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{code}");
        assert!(!answer.body.to_string().contains("topsecret"));
    }
    list(&node, &[]).await.expect(401);
    let log = node.whole_log().await.join("\n");
    assert!(log.contains("bad_signature") && log.contains("token_expired"), "refusals are told by their codes");
    for part in sent.iter().flat_map(|(token, _)| token.split('.')).filter(|part| part.len() > 10) {
        assert!(!log.contains(part), "a part of a token is in the log: {part:.100}");
    }
    assert!(!log.contains("topsecret@") && !log.contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_secret_is_replaced_tokens_of_both_are_good() {
    let variables = [("AUTH_MODE", "jwt"), ("SECRET_KEY", SECRET), ("SECRET_KEY_PREVIOUS", OLD_SECRET)];
    let (_store, node) = node(&variables).await;
    for secret in [SECRET, OLD_SECRET] {
        with_token(&node, &Signer::hs256(secret).sign(&claims(&json!({})))).await.expect(200);
    }
    let stranger = Signer::hs256("kZ3vN9q1XwP7rT5yB2mD8sF4gH6jL0cE").sign(&claims(&json!({})));
    assert_eq!(with_token(&node, &stranger).await.expect(401)["code"], "bad_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_good_is_refused_once_it_has_expired() {
    let (_store, node) = node(&[("AUTH_MODE", "jwt"), ("SECRET_KEY", SECRET)]).await;
    let token = Signer::hs256(SECRET).sign(&claims(&json!({"exp": now() + 3})));
    with_token(&node, &token).await.expect(200);
    let refused = async {
        while with_token(&node, &token).await.status == 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), refused).await.expect("the token must die");
    assert_eq!(with_token(&node, &token).await.expect(401)["code"], "token_expired");
}

/// What `chat-service token` prints.
fn printed(arguments: &[&str], secret: &str) -> Result<String, String> {
    let mut command = command();
    command.arg("token").args(arguments).env("SECRET_KEY", secret).env("JWT_AUDIENCE", "chat,web");
    let output = command.env("JWT_ISSUER", "https://id.example").stderr(Stdio::piped()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout).trim().to_owned()) } else { Err(text(output.stderr)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_token_is_good_for_trying_things_out() {
    let (_store, node) = node(&[
        ("AUTH_MODE", "jwt"),
        ("SECRET_KEY", SECRET),
        ("JWT_AUDIENCE", "chat,web"),
        ("JWT_ISSUER", "https://id.example"),
    ])
    .await;
    let user = printed(&["--sub", "ann", "--role", "user"], SECRET).unwrap();
    assert_eq!(user.lines().count(), 1);
    with_token(&node, &user).await.expect(200);
    let other = printed(&["--sub", "eve", "--role", "user", "--tenant", "acme", "--expires-in", "5m"], SECRET).unwrap();
    with_token(&node, &other).await.expect(403);
    for role in ["agent", "supervisor", "admin", "service"] {
        with_token(&node, &printed(&["--sub", "bob", "--role", role], SECRET).unwrap()).await.expect(200);
    }
}

#[test]
fn no_token_is_printed_that_could_not_be_good() {
    let wrong = |arguments: &[&str], secret| printed(arguments, secret).unwrap_err();
    assert!(wrong(&["--sub", "ann", "--role", "user"], "").contains("SECRET_KEY"));
    let weak = wrong(&["--sub", "ann", "--role", "user"], "hunter2");
    assert!(weak.contains("SECRET_KEY") && !weak.contains("hunter2") && weak.lines().count() == 1, "{weak}");
    assert!(wrong(&["--sub", "ann", "--role", "root"], SECRET).contains("root"));
    assert!(wrong(&["--sub", "", "--role", "user"], SECRET).contains("--sub"));
    assert!(wrong(&["--sub", "ann", "--role", "user", "--tenant", "a b"], SECRET).contains("--tenant"));
    assert!(wrong(&["--sub", "ann", "--role", "user", "--expires-in", "0"], SECRET).contains("--expires-in"));
    assert!(wrong(&["--role", "user"], SECRET).contains("--sub"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_that_nobody_named_is_warned_of_where_there_may_be_one() {
    for (host, proxies, warned) in [("0.0.0.0", "", true), ("0.0.0.0", "10.0.0.0/8", false), ("127.0.0.1", "", false)] {
        let variables = [("AUTH_MODE", "jwt"), ("SECRET_KEY", SECRET), ("HOST", host), ("TRUSTED_PROXIES", proxies)];
        let (_store, node) = node(&variables).await;
        let log = node.whole_log().await;
        let warning = |line: &String| line.contains("TRUSTED_PROXIES is empty") && line.contains("WARN");
        assert_eq!(log.iter().any(warning), warned, "{host} {proxies}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_believed_from_its_own_address_only() {
    let vouched = [("x-tenant-id", "acme"), ("x-user-id", "ann"), ("x-user-role", "user")];
    let (_store, here) = node(&[("AUTH_MODE", "gateway"), ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")]).await;
    list(&here, &vouched).await.expect(200);
    assert_eq!(list(&here, &vouched[..2]).await.expect(401)["code"], "missing_identity");
    let (_store, elsewhere) = node(&[("AUTH_MODE", "gateway"), ("TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    assert_eq!(list(&elsewhere, &vouched).await.expect(401)["code"], "untrusted_proxy");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_on_a_port_of_their_own_need_no_token() {
    let jwt = [("AUTH_MODE", "jwt"), ("SECRET_KEY", SECRET)];
    let (_store, together) = node(&jwt).await;
    let client = Client::new(&together.url);
    assert_eq!(client.get(&together.metrics_url).await.expect(401)["code"], "missing_token");
    let (_store, apart) = node(&[&jwt[..], &[("METRICS_PORT", "0")]].concat()).await;
    client.get(&apart.metrics_url).await.expect(200);
    client.get(&format!("{}/metrics", apart.url)).await.expect(404);
}

/// Gives this set to whoever asks, until it is dropped.
async fn publishing(listener: &TcpListener, set: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{set}", set.len());
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        // Some of those who came before anybody answered have left by now.
        _ = client.read(&mut [0; 1_024]).await;
        _ = client.write_all(answer.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_keys_is_not_ready_until_it_has_a_set_for_which_no_request_must_ask() {
    // Connections are taken by the system, and nobody answers yet.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let (_store, node) = node(&[("AUTH_MODE", "jwt"), ("JWKS_URL", &url)]).await;
    let client = Client::new(&node.url);
    let (ready, live) = (format!("{}/health/ready", node.url), format!("{}/health/live", node.url));
    let refused = client.get(&ready).await.expect(503);
    assert_eq!(refused["status"], "unhealthy");
    let checks = &refused["checks"];
    assert_eq!((&checks["token_keys"]["status"], &checks["database"]["status"]), (&json!("down"), &json!("up")));
    client.get(&live).await.expect(200);
    let signer = Signer::es256("one");
    let set = set(&[&signer]);
    let until_ready = async {
        while client.get(&ready).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waiting = async {
        tokio::select! {
            () = publishing(&listener, &set) => unreachable!("it goes on for ever"),
            () = until_ready => {}
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("nobody sends a token, and still it comes");
    with_token(&node, &signer.sign(&claims(&json!({})))).await.expect(200);
    let log = node.whole_log().await;
    let told =
        |line: &String| line.contains("this node cannot serve") && line.contains("token keys: no key set was had");
    assert!(log.iter().any(told), "{log:#?}");
}

#[test]
fn keys_that_are_not_there_stop_the_start_in_one_line() {
    for (variables, named) in [
        (&[("JWKS_FILE", "/nowhere/keys.json")][..], "JWKS_FILE"),
        (&[("SECRET_KEY", "hunter2")], "SECRET_KEY"),
        (&[("SECRET_KEY", "changemechangemechangemechangeme1234")], "SECRET_KEY"),
        (&[], "SECRET_KEY"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut command = command();
        command.env("AUTH_MODE", "jwt").env("PORT", "0").env("DATA_DIR", directory.path());
        let output = command.envs(variables.iter().copied()).stderr(Stdio::piped()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(named) && error.lines().count() == 1 && !error.contains("hunter2"), "{error}");
    }
}
