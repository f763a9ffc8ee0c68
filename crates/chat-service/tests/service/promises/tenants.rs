//! What another tenant owns answers as what does not exist, through all that stands between a request and the store.

use chat_domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, message};
use crate::store::Store;

/// What nobody has.
const NOTHING: [&str; 2] = ["0198c0de-0000-7000-8000-0000000000ff"; 2];
const HEADERS: [&[(&str, &str)]; 3] = [
    &[],
    &[("if-match", "\"1\""), ("if-none-match", "\"2-f\"")],
    &[("idempotency-key", "used-by-the-owner"), ("if-none-match", "*")],
];

/// A request that names a session or a message, in its path or its body, by the name of a parameter.
struct Asked {
    method: Method,
    path: String,
    body: Option<(String, Value)>,
}

/// Every request of the document that names a session or a message; who writes does not say who it is.
fn asked(document: &Value) -> Vec<Asked> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
            let bodies = contents.flat_map(|(media, content)| {
                bodies(document, &content["schema"]).into_iter().map(move |body| Some((media.clone(), body)))
            });
            let bodies: Vec<_> = bodies.collect();
            for body in if bodies.is_empty() { vec![None] } else { bodies } {
                all.push(Asked { method: method.clone(), path: path.clone(), body });
            }
        }
    }
    all.retain(|asked| {
        let text = format!("{} {:?}", asked.path, asked.body);
        text.contains("{session_id}") || text.contains("{message_id}")
    });
    all
}

/// The example, once as it is and once with each field that names another thing.
fn bodies(document: &Value, schema: &Value) -> Vec<Value> {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => &document["components"]["schemas"][reference.rsplit('/').next().unwrap()],
        None => schema,
    };
    let fields = schema["properties"].as_object().into_iter().flatten();
    let references: Vec<_> = fields.filter(|(_, field)| field["format"] == "uuid").map(|(name, _)| name).collect();
    let mut plain = schema["example"].as_object().cloned().unwrap_or_default();
    plain.retain(|name, _| !references.contains(&name) && !name.starts_with("sender_"));
    let mut all = vec![Value::from(plain.clone())];
    for name in references {
        let id = if name.contains("session") { "{session_id}" } else { "{message_id}" };
        let mut with = plain.clone();
        with.insert(name.clone(), json!(id));
        all.push(with.into());
    }
    all
}

fn filled(text: &str, [session, message]: [&str; 2]) -> String {
    text.replace("{session_id}", session)
        .replace("{message_id}", message)
        .replace("{user_id}", "ann")
        .replace("{extension_id}", message)
        .replace("{emoji}", "%F0%9F%91%8D")
}

/// All of an answer but when it came and what it was asked for.
type Seen = (u16, Vec<(String, String)>, Value);

async fn seen(client: &Client, node: &str, asked: &Asked, headers: &[(&str, &str)], ids: [&str; 2]) -> Seen {
    let body = asked.body.as_ref().map(|(_, body)| filled(&body.to_string(), ids).parse::<Value>().unwrap());
    let mut headers = headers.to_vec();
    headers.extend(asked.body.as_ref().map(|(media, _)| ("content-type", &**media)));
    let url = format!("{node}{}", filled(&asked.path, ids));
    let mut answer = client.send(asked.method.clone(), &url, &headers, body.as_ref()).await.unwrap();
    answer.body.as_object_mut().map(|problem| problem.remove("instance"));
    answer.headers.remove("date");
    let told = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut told: Vec<_> = told.collect();
    told.sort();
    (answer.status.as_u16(), told, answer.body)
}

pub(crate) async fn ids_of_another_tenant_answer_as_ids_that_do_not_exist(store: &Store) {
    let node = store.node().await;
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    let path = format!("/sessions/{session}");
    let key = [("idempotency-key", "used-by-the-owner")];
    let said = client.store(&format!("{path}/messages"), &key, &message("ann", "secret")).await.unwrap();
    let theirs = [&*session, said["id"].as_str().unwrap()];
    // From here on what the owner reads is in every cache.
    let before = client.get(&path).await.expect(200);
    let listed = client.get(&format!("{path}/messages")).await.expect(200);

    let document = client.get(&format!("{}/openapi.json", node.url)).await.expect(200);
    let mut hidden = 0;
    for asked in asked(&document) {
        for (role, headers) in Role::ALL.into_iter().flat_map(|role| HEADERS.map(|headers| (role, headers))) {
            let who = [("x-tenant-id", "other"), ("x-user-id", "ann"), ("x-user-role", role.as_str())];
            let headers = [&who[..], &[("x-request-id", "same")], headers].concat();
            let of_another = seen(&client, &node.url, &asked, &headers, theirs).await;
            let of_nobody = seen(&client, &node.url, &asked, &headers, NOTHING).await;
            assert_eq!(of_another, of_nobody, "{} {} {role} {headers:?}", asked.method, asked.path);
            assert!((400..500).contains(&of_another.0), "{} {} {role}: {of_another:?}", asked.method, asked.path);
            hidden += usize::from(of_another.0 == 404);
        }
    }
    assert!(hidden > 50, "{hidden}");
    assert_eq!(client.get(&path).await.expect(200), before);
    assert_eq!(client.get(&format!("{path}/messages")).await.expect(200), listed);
}
