//! The operations of the document, as requests.

use std::collections::BTreeSet;

use chat_domain::access::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value};

use crate::attachment::{MEDIA, form};
use crate::server::TestServer;

/// One operation that is about chat.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: Method,
    path: String,
    /// The names of its query parameters.
    pub(super) query: BTreeSet<String>,
    pub(super) bodies: Vec<Body>,
}

/// A body that an operation takes.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) media: String,
    /// The document's example, without what names other things.
    pub(super) example: Map<String, Value>,
    /// The names of all fields.
    pub(super) fields: BTreeSet<String>,
    /// Those that name another thing.
    pub(super) references: BTreeSet<String>,
}

/// A body to be sent, and its media type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    pub(super) media: String,
    pub(super) fields: Map<String, Value>,
}

/// What nobody has.
pub(super) const NOTHING: &str = "0198c0de-0000-7000-8000-0000000000ff";

/// What the parameters of paths stand for.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) session: String,
    pub(super) message: String,
    /// What hangs on the message.
    pub(super) extension: String,
    pub(super) attachment: String,
    pub(super) user: String,
}

fn document() -> Value {
    serde_json::from_str(&chat_http::openapi::json()).unwrap()
}

/// Every operation that is about chat and not about the service.
pub(super) fn operations() -> Vec<Operation> {
    let document = document();
    let items = document["paths"].as_object().unwrap().iter();
    let all = items.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |entry| (path, entry)));
    let of_chat = all.filter(|(_, (_, operation))| operation["tags"] != serde_json::json!(["service"]));
    let operations: Vec<_> =
        of_chat.map(|(path, (method, operation))| Operation::read(&document, path, method, operation)).collect();
    assert!(operations.len() >= 9, "{operations:?}");
    operations
}

/// The names of all fields of all schemas.
pub(super) fn known_fields() -> BTreeSet<String> {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut names = BTreeSet::new();
    for schema in schemas.values() {
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        names.extend(parts.flat_map(fields));
    }
    names
}

fn fields(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect()
}

impl Operation {
    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
        Self {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase().parse().unwrap(),
            path: path.to_owned(),
            query: query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
            bodies: contents.map(|(media, content)| Body::read(document, media, &content["schema"])).collect(),
        }
    }

    /// Whether the path names a thing.
    pub(super) fn names_a_thing(&self) -> bool {
        self.path.contains('{')
    }

    /// Whether the path names a message.
    pub(super) fn names_a_message(&self) -> bool {
        self.path.contains("{message_id}")
    }

    /// The path with these things. Whoever adds a parameter says here what it stands for.
    pub(super) fn path(&self, ids: &Ids) -> String {
        let path = self.path.replace("{session_id}", &ids.session).replace("{message_id}", &ids.message);
        let path = path.replace("{user_id}", &ids.user).replace("{extension_id}", &ids.extension);
        let path = path.replace("{attachment_id}", &ids.attachment);
        let path = path.replace("{emoji}", "%F0%9F%91%8D");
        assert!(!path.contains('{'), "nobody knows what to put into {path}");
        path
    }

    /// The request with these things, and with this body where it takes one.
    pub(super) fn request(&self, server: &TestServer, ids: &Ids, content: Option<&Content>) -> RequestBuilder {
        self.request_to(server, &self.path(ids), content)
    }

    /// The request to a path that was made already.
    pub(super) fn request_to(&self, server: &TestServer, path: &str, content: Option<&Content>) -> RequestBuilder {
        let request = server.request(self.method.clone(), path);
        match content {
            Some(Content { media, fields }) if media == "multipart/form-data" => {
                request.header("content-type", MEDIA).body(as_form(fields))
            }
            Some(Content { media, fields }) => {
                request.header("content-type", media).body(serde_json::to_vec(fields).unwrap())
            }
            None => request,
        }
    }
}

/// The fields as parts of a form; what is no text as it is written.
fn as_form(fields: &Map<String, Value>) -> Vec<u8> {
    let headers = |name: &String| format!("Content-Disposition: form-data; name=\"{name}\"");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parts: Vec<_> = fields.iter().map(|(name, value)| (headers(name), text(value))).collect();
    form(&parts.iter().map(|(headers, text)| (headers.as_str(), text.as_bytes())).collect::<Vec<_>>())
}

impl Body {
    /// The example as a caller sends it: a role that has a side of its own does not say who it is.
    pub(super) fn content(&self, role: Role) -> Content {
        let mut fields = self.example.clone();
        if role != Role::Service {
            fields.retain(|name, _| !name.starts_with("sender_"));
        }
        Content { media: self.media.clone(), fields }
    }

    fn read(document: &Value, media: &str, schema: &Value) -> Self {
        let schema = match schema["$ref"].as_str() {
            Some(reference) => &document["components"]["schemas"][reference.rsplit('/').next().unwrap()],
            None => schema,
        };
        let names_a_thing = |name: &String| schema["properties"][name]["format"] == "uuid";
        let fields = fields(schema);
        let references: BTreeSet<String> = fields.iter().filter(|name| names_a_thing(name)).cloned().collect();
        let mut example = schema["example"].as_object().cloned().unwrap_or_default();
        example.retain(|name, _| !references.contains(name));
        assert!(!example.is_empty() || fields.is_empty(), "{media} {schema}: needs an example");
        Self { media: media.to_owned(), example, fields, references }
    }
}
