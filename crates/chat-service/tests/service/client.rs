//! A client of the API, as small as a test needs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Talks to one node.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// A header as text; empty where it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of an answer that must have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Client {
    pub(crate) fn new(node_url: &str) -> Self {
        Self { http: reqwest::Client::new(), base: format!("{node_url}/api/v1") }
    }

    /// Sends a request; the error means that the outcome is unknown.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.http.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await.unwrap()
    }

    /// Sends a request, again and again where the answer says that nothing was done: a busy machine may keep a store from
    /// its disk for seconds. The error means that the outcome is unknown.
    pub(crate) async fn send_until_done(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        for _ in 0..20 {
            let answer = self.send(method.clone(), path, headers, body).await?;
            if answer.body["code"] != "store_unavailable" {
                return Ok(answer);
            }
        }
        panic!("the store is gone for good");
    }

    /// Stores a thing. The error means that the outcome is unknown.
    pub(crate) async fn store(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value, reqwest::Error> {
        Ok(self.send_until_done(Method::POST, path, headers, Some(body)).await?.expect(201))
    }

    /// A figure of `/metrics`, by its whole name; 0 where it is not there.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let page = self.http.get(self.base.replace("/api/v1", "/metrics")).send().await.unwrap().text().await.unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// A new session's id.
    pub(crate) async fn new_session(&self) -> String {
        let session = self.post("/sessions", &json!({"user_id": "u-1"})).await.expect(201);
        session["id"].as_str().unwrap().to_owned()
    }

    /// All messages of a session, page by page along `after`; the filter is more query, such as `&order=asc`.
    pub(crate) async fn all_messages(&self, session: &str, filter: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, |last| last["seq"].as_i64().unwrap());
            let page =
                self.get(&format!("/sessions/{session}/messages?after={after}&limit=1000{filter}")).await.expect(200);
            match page.as_array().unwrap() {
                page if page.is_empty() => return all,
                page => all.extend(page.iter().cloned()),
            }
        }
    }
}

/// The body of a message from a user.
pub(crate) fn message(sender: &str, content: &str) -> Value {
    json!({"content": content, "sender_type": "user", "sender_id": sender})
}
