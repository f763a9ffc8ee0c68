//! An answer without what differs from one request to the next.

use std::collections::BTreeMap;

use reqwest::RequestBuilder;
use serde_json::Value;

use super::counted::Counted;
use crate::server::Answer;

/// What may not differ between what is hidden and what is not there. Send both under one request id.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
    /// What the store was asked.
    calls: Vec<&'static str>,
}

/// Sends the request, and looks at what comes back and at what it took.
pub(super) async fn seen(store: &Counted, request: RequestBuilder) -> Seen {
    store.calls();
    let answer = Answer::of(request).await;
    let mut body = answer.json();
    if let Some(problem) = body.as_object_mut() {
        problem.remove("instance");
    }
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date" && *name != "content-length");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Seen { status: answer.status.as_u16(), headers: headers.collect(), body, calls: store.calls() }
}
