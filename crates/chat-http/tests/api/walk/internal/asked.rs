//! What a user asks about a conversation: everything that the document lets it.

use chat_domain::access::Role;
use reqwest::Method;
use serde_json::json;

use super::conversation::PUBLIC;
use crate::walk::operation::{Content, Operation, operations};

/// The value of a query parameter.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    Text(&'static str),
    /// The `seq` of this public message.
    Seq(usize),
}

impl Sent {
    pub(super) fn for_seqs(&self, seqs: &[i64]) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Seq(place) => seqs[*place].to_string(),
        }
    }
}

/// Something that the user asks.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) operation: Operation,
    /// Which public message, where the path names one.
    pub(super) message: Option<usize>,
    pub(super) query: Vec<(String, Sent)>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) content: Option<Content>,
}

/// Values to try for a parameter. Whoever adds one says here which.
fn values(parameter: &str) -> Vec<Sent> {
    let texts = |texts: &[&'static str]| texts.iter().copied().map(Sent::Text).collect();
    match parameter {
        "limit" | "message_limit" => texts(&["1", "2", "1000"]),
        "offset" => texts(&["1", "2", "9"]),
        "order" => texts(&["asc", "desc"]),
        "include_deleted" | "active_only" => texts(&["false", "true"]),
        "after" | "before" => (0..PUBLIC).map(Sent::Seq).chain(texts(&["0", "1000"])).collect(),
        "status" => texts(&["active", "ended"]),
        "cursor" | "actor" | "action" => Vec::new(),
        unknown => panic!("nobody knows what to try for {unknown}"),
    }
}

/// All queries of one parameter, and of each two together.
fn queries(operation: &Operation) -> Vec<Vec<(String, Sent)>> {
    let single: Vec<(String, Sent)> = operation
        .query
        .iter()
        .flat_map(|name| values(name).into_iter().map(move |value| (name.clone(), value)))
        .collect();
    let mut queries = vec![Vec::new()];
    for (place, first) in single.iter().enumerate() {
        queries.push(vec![first.clone()]);
        let others = single[place..].iter().filter(|second| second.0 != first.0);
        queries.extend(others.map(|second| vec![first.clone(), second.clone()]));
    }
    queries
}

/// Everything that reads.
pub(super) fn reads() -> Vec<Asked> {
    let mut all = Vec::new();
    for operation in operations().into_iter().filter(|operation| operation.method == Method::GET) {
        let messages = if operation.names_a_message() { (0..PUBLIC).map(Some).collect() } else { vec![None] };
        for message in messages {
            let asked = |query, headers| Asked { operation: operation.clone(), message, query, headers, content: None };
            all.push(asked(Vec::new(), vec![("if-none-match", "*")]));
            all.extend(queries(&operation).into_iter().map(|query| asked(query, Vec::new())));
        }
    }
    all
}

/// Everything that writes, in an order in which most succeeds: first with a condition that does not hold, then twice under
/// one key.
pub(super) fn writes() -> Vec<Asked> {
    let mut all = Vec::new();
    for operation in operations().into_iter().filter(|operation| operation.method != Method::GET) {
        let messages = if operation.names_a_message() { (0..PUBLIC).map(Some).collect() } else { vec![None] };
        for message in messages {
            for header in [("if-match", "\"0\""), ("idempotency-key", "k"), ("idempotency-key", "k")] {
                let (headers, content) = (vec![header], content(&operation));
                all.push(Asked { operation: operation.clone(), message, query: Vec::new(), headers, content });
            }
        }
    }
    all
}

/// A body that a user may send.
fn content(operation: &Operation) -> Option<Content> {
    let body = operation.bodies.first()?;
    let mut content = body.content(Role::User);
    content.fields.remove("agent_id");
    if body.fields.contains("user_id") {
        content.fields.insert("user_id".to_owned(), json!("ann"));
    }
    Some(content)
}
