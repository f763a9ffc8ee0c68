//! A conversation with notes, or the same without them, and what its user gets to see of it.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::asked::Asked;
use crate::server::{Answer, TestServer, start};
use crate::walk::operation::{Ids, NOTHING};

/// How many public messages there are; before, between and after them there is room for notes.
pub(super) const PUBLIC: usize = 3;
/// A session of `ann` on a server of its own.
pub(super) struct Conversation {
    server: TestServer,
    ids: Ids,
    /// The `seq`s of the public messages.
    pub(super) seqs: Vec<i64>,
    pub(super) messages: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Conversation {
    /// With a note in each place whose bit is set, every other one deleted again; with none, but the same ids and times
    /// all around, where notes are left out.
    pub(super) async fn held(places: u32, with_notes: bool) -> Self {
        let server = start().await;
        let session = server.session().await["id"].as_str().unwrap().to_owned();
        let ids = Ids {
            session,
            message: NOTHING.to_owned(),
            extension: NOTHING.to_owned(),
            attachment: NOTHING.to_owned(),
            user: "ann".to_owned(),
        };
        let mut conversation = Self { server, ids, seqs: Vec::new(), messages: Vec::new(), notes: Vec::new() };
        for place in 0..=PUBLIC {
            if places & (1 << place) != 0 {
                conversation.note(with_notes, place % 2 == 1).await;
            }
            conversation.server.clock.advance_seconds(1);
            if place < PUBLIC {
                conversation.say(place).await;
            }
        }
        conversation
    }

    async fn write(&self, session: &str, sender: &str, body: &Value) -> Answer {
        let request = self.server.post(&format!("/api/v1/sessions/{session}/messages"));
        Answer::of(request.header("x-user-id", sender).header("x-user-role", "agent").json(body)).await
    }

    async fn say(&mut self, place: usize) {
        let message = self.write(&self.ids.session, "bob", &json!({"content": format!("public {place}")})).await;
        let message = message.expect(StatusCode::CREATED);
        self.seqs.push(message["seq"].as_i64().unwrap());
        self.messages.push(message["id"].as_str().unwrap().to_owned());
    }

    async fn note(&mut self, with_notes: bool, deleted: bool) {
        let note = json!({"content": "hidden", "visibility": "internal", "metadata": {"hidden": true}});
        if !with_notes {
            // Takes an id, and leaves nothing.
            self.write(NOTHING, "bob", &note).await.problem(404, "session_not_found");
            return;
        }
        let id = self.write(&self.ids.session, "bob", &note).await.expect(StatusCode::CREATED)["id"].clone();
        let id = id.as_str().unwrap().to_owned();
        if deleted {
            let delete = self.server.delete(&format!("/api/v1/messages/{id}"));
            Answer::of(delete.header("x-user-id", "bob").header("x-user-role", "agent")).await.expect(StatusCode::OK);
        }
        self.notes.push(id);
    }

    pub(super) async fn ask(&self, asked: &Asked) -> Answer {
        let ids = Ids {
            message: asked.message.map_or(NOTHING, |place| &self.messages[place]).to_owned(),
            ..self.ids.clone()
        };
        let mut path = asked.operation.path(&ids);
        let query: Vec<_> =
            asked.query.iter().map(|(name, value)| format!("{name}={}", value.for_seqs(&self.seqs))).collect();
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let request = asked.operation.request_to(&self.server, &path, asked.content.as_ref());
        let request = request.header("x-user-id", "ann").header("x-user-role", "user").header("x-request-id", "same");
        let request = asked.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::of(request).await
    }

    /// The answer, with each counter in its place among those of public messages.
    pub(super) fn leveled(&self, answer: &Answer) -> (u16, BTreeMap<String, String>, String) {
        let mut body = answer.json();
        self.level(&mut body);
        let mut headers = BTreeMap::new();
        for (name, value) in &answer.headers {
            let value = value.to_str().unwrap();
            let value = match name.as_str() {
                "date" | "content-length" => continue,
                "etag" => self.level_tag(value),
                "link" => self.level_link(value),
                _ => value.to_owned(),
            };
            if value.is_empty() {
                continue;
            }
            headers.insert(name.to_string(), value);
        }
        (answer.status.as_u16(), headers, body.to_string())
    }

    fn place(&self, seq: i64) -> Value {
        json!(self.seqs.iter().position(|known| *known == seq).expect("a seq of a message that the user may see"))
    }

    fn level(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.level(value)),
            Value::Object(members) => {
                for (name, value) in members {
                    match name.as_str() {
                        "seq" => *value = self.place(value.as_i64().unwrap()),
                        "read_seq" | "delivered_seq" if *value != 0 => *value = self.place(value.as_i64().unwrap()),
                        "rev" | "updated_at" => *value = Value::Null,
                        _ => self.level(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// A tag begins with the `rev`, and repeats the bounds of the question.
    fn level_tag(&self, tag: &str) -> String {
        let mut parts: Vec<String> = tag.trim_matches('"').split('-').skip(1).map(str::to_owned).collect();
        for part in &mut parts {
            let bound = part.strip_prefix(['a', 'b']).and_then(|bound| bound.parse().ok());
            if let Some(place) = bound.and_then(|bound: i64| self.seqs.iter().position(|known| *known == bound)) {
                *part = format!("{}#{place}", &part[..1]);
            }
        }
        parts.join("-")
    }

    /// Whether there may be messages before the first that is shown is guessed from its `seq`, so that such a link says no
    /// more than that.
    fn level_link(&self, link: &str) -> String {
        let mut leveled = link.to_owned();
        for name in ["after=", "before="] {
            for (at, _) in link.match_indices(name) {
                let digits: String = link[at + name.len()..].chars().take_while(char::is_ascii_digit).collect();
                let place = self.place(digits.parse().unwrap());
                leveled = leveled.replace(&format!("{name}{digits}"), &format!("{name}#{place}"));
            }
        }
        let parts = leveled.split(", ").filter(|part| !part.contains("before=#0>") && !part.contains("before=#0&"));
        parts.collect::<Vec<_>>().join(", ")
    }
}
