//! What the service decides no body can decide: each field that is none of the body's own is refused, by name.

use std::collections::BTreeSet;

use chat_domain::access::Role;
use serde_json::{Value, json};

use super::operation::{Ids, NOTHING, known_fields, operations};
use crate::server::{Answer, start};

/// Fields that attackers try first, whether a schema knows them or not.
const TRIED: [&str; 16] = [
    "id",
    "tenant_id",
    "seq",
    "rev",
    "version",
    "is_deleted",
    "created_at",
    "updated_at",
    "edited_at",
    "deleted_at",
    "ended_at",
    "message_count",
    "session_id",
    "extensions",
    "role",
    "__proto__",
];

#[tokio::test]
async fn no_body_assigns_what_is_not_its_own() {
    let server = start().await;
    let path = server.session_path().await;
    let message = server.say(&path, "hello").await;
    let before = Answer::of(server.get(&path)).await.json();
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = Ids {
        session: id(&before["id"]),
        message: id(&message["id"]),
        extension: NOTHING.to_owned(),
        attachment: NOTHING.to_owned(),
        user: "ann".to_owned(),
    };
    let names: BTreeSet<String> = known_fields().into_iter().chain(TRIED.map(str::to_owned)).collect();
    let mut tried = 0;
    for operation in operations() {
        for body in &operation.bodies {
            for name in names.difference(&body.fields) {
                for value in [json!("x"), json!(null), json!(1), json!({})] {
                    let mut sent = body.content(Role::Service);
                    sent.fields.insert(name.clone(), value);
                    let request = operation.request(&server, &ids, Some(&sent));
                    let faults = Answer::of(request).await.faults();
                    assert_eq!(faults, [format!("/{name} unknown_field")], "{} {sent:?}", operation.id);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 300, "{tried}");
    assert_eq!(Answer::of(server.get(&path)).await.json(), before);
    let listed = Answer::of(server.get("/api/v1/users/ann/sessions")).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}
