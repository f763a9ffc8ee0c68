//! Asking a node, and telling what the answer means.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::failure::{Failure, Outcome};

/// Whoever has no answer by then waits no more; what takes so long hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Who asks, for nodes that want to be told: whom the others take for the caller where nobody says so.
const CALLER: [(&str, &str); 3] = [("x-tenant-id", "default"), ("x-user-id", "service"), ("x-user-role", "service")];

/// A client with connections of its own, which it keeps.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Where to, from the node's address on.
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    pub(crate) body: Option<Value>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Whether `Retry-After` is there.
    pub(crate) says_when: bool,
    /// Whether it is a problem document.
    pub(crate) is_problem: bool,
    /// Whether it is told that an earlier request had done it.
    pub(crate) replayed: bool,
    /// Where the next page is.
    pub(crate) next: Option<String>,
    pub(crate) took: Duration,
}

/// No answer.
#[derive(Debug)]
pub(crate) struct Silence {
    /// Whether the request can have reached the node.
    pub(crate) sent: bool,
    /// Whether the client waited no longer.
    pub(crate) timed_out: bool,
    pub(crate) took: Duration,
    pub(crate) why: String,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), key: None, body: None }
    }

    /// Deletes a message.
    pub(crate) fn delete(message: &str) -> Self {
        Self { method: Method::DELETE, path: format!("/api/v1/messages/{message}"), key: None, body: None }
    }

    /// A message for a session. Its key is its content's first word.
    pub(crate) fn message(session: &str, key: &str, content: &str) -> Self {
        let body = json!({"content": content, "sender_type": "user", "sender_id": "u-1"});
        let path = format!("/api/v1/sessions/{session}/messages");
        Self { method: Method::POST, path, key: Some(key.to_owned()), body: Some(body) }
    }

    /// A new session.
    pub(crate) fn session(key: &str) -> Self {
        let body = Some(json!({"user_id": "u-1"}));
        Self { method: Method::POST, path: "/api/v1/sessions".to_owned(), key: Some(key.to_owned()), body }
    }
}

impl Answer {
    /// The problem's code; empty where it is none.
    pub(crate) fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it is a 503 as they are promised: a problem document that says when to retry, and by a code what became of
    /// the request.
    pub(crate) fn is_promised_refusal(&self) -> bool {
        let told = self.is_problem && matches!(self.code(), "store_unavailable" | "outcome_unknown");
        self.status == 503 && self.says_when && told
    }

    /// Whether it is what a node that stops says to clients whom it turns away before it reads what they ask.
    pub(crate) fn turns_away(&self) -> bool {
        self.status == 503 && self.says_when && self.body.as_str().is_some_and(str::is_empty)
    }

    pub(crate) fn text(&self, field: &str) -> Outcome<String> {
        let text = self.body.get(field).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| Failure::other(format!("an answer without {field}: {} {}", self.status, self.body)))
    }
}

impl Client {
    pub(crate) fn new() -> Outcome<Self> {
        Self::with_patience(PATIENCE)
    }

    /// A client that waits so long for an answer.
    pub(crate) fn with_patience(patience: Duration) -> Outcome<Self> {
        let caller = CALLER.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let http =
            reqwest::Client::builder().timeout(patience).no_proxy().default_headers(caller.into_iter().collect());
        let http = http.build();
        Ok(Self { http: http.map_err(|error| Failure::other(error.to_string()))? })
    }

    /// Asks the node at this address.
    pub(crate) async fn ask(&self, node: &str, request: &Request) -> Result<Answer, Silence> {
        let began = Instant::now();
        self.exchange(node, request, began).await.map_err(|error| Silence {
            sent: !error.is_connect(),
            timed_out: error.is_timeout(),
            took: began.elapsed(),
            why: Failure::Io { what: "no answer".to_owned(), source: std::io::Error::other(error.without_url()) }
                .chain(),
        })
    }

    async fn exchange(&self, node: &str, request: &Request, began: Instant) -> Result<Answer, reqwest::Error> {
        let mut sending = self.http.request(request.method.clone(), format!("{node}{}", request.path));
        if let Some(key) = &request.key {
            sending = sending.header("Idempotency-Key", key);
        }
        if let Some(body) = &request.body {
            sending = sending.json(body);
        }
        let response = sending.send().await?;
        let status = response.status().as_u16();
        let says_when = response.headers().contains_key("retry-after");
        let media = response.headers().get("content-type");
        let is_problem = media.is_some_and(|media| media.as_bytes() == b"application/problem+json");
        let replayed = response.headers().contains_key("idempotent-replayed");
        let links = response.headers().get_all("link").iter().filter_map(|link| link.to_str().ok());
        let next = links.flat_map(|links| links.split(", ")).find_map(|link| {
            let (target, rest) = link.strip_prefix('<')?.split_once('>')?;
            rest.contains("rel=\"next\"").then(|| target.to_owned())
        });
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body, says_when, is_problem, replayed, next, took: began.elapsed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: Value, is_problem: bool) -> Answer {
        Answer { status: 503, body, says_when: true, is_problem, replayed: false, next: None, took: Duration::ZERO }
    }

    #[test]
    fn only_a_document_with_a_code_and_a_time_is_a_refusal_as_promised() {
        let document = || json!({"code": "store_unavailable"});
        assert!(refusal(document(), true).is_promised_refusal());
        assert!(!refusal(document(), false).is_promised_refusal());
        assert!(!refusal(json!({"code": "internal_error"}), true).is_promised_refusal());
        assert!(!Answer { says_when: false, ..refusal(document(), true) }.is_promised_refusal());
        assert!(!refusal(json!(""), false).is_promised_refusal());
    }

    #[test]
    fn a_refusal_without_a_word_is_of_a_node_that_turns_clients_away() {
        assert!(refusal(json!(""), false).turns_away());
        assert!(!refusal(json!({"code": "store_unavailable"}), true).turns_away());
    }
}
