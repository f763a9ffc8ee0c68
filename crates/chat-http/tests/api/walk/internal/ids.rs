//! To a user the id of a note is the id of nothing.

use chat_domain::access::Role;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::json;

use crate::server::{Answer, TestServer, start_with};
use crate::walk::counted::Counted;
use crate::walk::operation::{Content, Ids, NOTHING, Operation, operations};
use crate::walk::seen::seen;

/// The ids of two notes in the session, of which the second was deleted.
async fn notes(server: &TestServer, path: &str) -> [String; 2] {
    let body = json!({"content": "hidden", "visibility": "internal", "sender_type": "agent", "sender_id": "bob"});
    let note = async || {
        let note = Answer::of(server.post(&format!("{path}/messages")).json(&body)).await.expect(StatusCode::CREATED);
        note["id"].as_str().unwrap().to_owned()
    };
    let notes = [note().await, note().await];
    Answer::of(server.delete(&format!("/api/v1/messages/{}", notes[1]))).await.expect(StatusCode::OK);
    notes
}

/// What the operation can be told of this message: in its path, and in each field of its bodies that names a message.
fn contents(operation: &Operation, message: &str) -> Vec<Option<Content>> {
    let mut contents = Vec::new();
    let plain = operation.bodies.first().map(|body| body.content(Role::User));
    contents.extend(operation.names_a_message().then_some(plain));
    for body in &operation.bodies {
        for reference in body.references.iter().filter(|name| !name.contains("session")) {
            let mut content = body.content(Role::User);
            content.fields.insert(reference.clone(), json!(message));
            contents.push(Some(content));
        }
    }
    contents
}

#[tokio::test]
async fn to_a_user_the_id_of_a_note_is_the_id_of_nothing() {
    let store = Counted::new();
    let server = start_with(store.parts()).await;
    let path = server.session_path().await;
    let notes = notes(&server, &path).await;
    let session = path.rsplit('/').next().unwrap();
    let ids = |message: &str| Ids {
        session: session.to_owned(),
        message: message.to_owned(),
        extension: NOTHING.to_owned(),
        attachment: NOTHING.to_owned(),
        user: "ann".to_owned(),
    };
    let as_ann = |request: RequestBuilder| {
        request.header("x-user-id", "ann").header("x-user-role", "user").header("x-request-id", "same")
    };
    let mut tried = 0;
    for operation in operations() {
        for note in &notes {
            let pairs = contents(&operation, note).into_iter().zip(contents(&operation, NOTHING));
            for (of_note, of_nothing) in pairs {
                let hidden = seen(&store, as_ann(operation.request(&server, &ids(note), of_note.as_ref()))).await;
                let nothing =
                    seen(&store, as_ann(operation.request(&server, &ids(NOTHING), of_nothing.as_ref()))).await;
                assert!(matches!(nothing.status, 404 | 422), "{} {nothing:?}", operation.id);
                assert_eq!(hidden, nothing, "{}", operation.id);
                tried += 1;
            }
        }
    }
    assert!(tried >= 6, "{tried}");
}
