//! What another tenant owns answers exactly as what does not exist: status, headers, body, and what the store is asked.

use chat_domain::access::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::counted::Counted;
use super::operation::{Content, Ids, NOTHING, Operation, operations};
use super::seen::seen;
use crate::attachment::{MEDIA, form};
use crate::server::{Answer, TestServer, start_with};

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
struct Asking {
    role: Role,
    caller: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

impl Asking {
    fn dress(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("x-tenant-id", "other").header("x-user-role", self.role.as_str());
        let request = request.header("x-user-id", self.caller).header("x-request-id", "same");
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }
}

const HEADERS: [&[(&str, &str)]; 4] = [
    &[],
    &[("if-match", "\"1\""), ("if-none-match", "\"1-f\"")],
    &[("if-match", "*"), ("if-none-match", "*")],
    &[("idempotency-key", "used-by-the-owner")],
];

/// A server with a session and a message of the user `ann` in the tenant `default`, whose keys were used there.
async fn furnished(store: &Counted) -> (TestServer, Ids) {
    let server = start_with(store.parts()).await;
    let key = HEADERS[3][0];
    let create = server.post("/api/v1/sessions").header(key.0, key.1).json(&json!({"user_id": "ann"}));
    let session = Answer::of(create).await.json();
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let message = json!({"content": "secret", "sender_type": "user", "sender_id": "ann"});
    let create = server.post(&format!("{path}/messages")).header(key.0, key.1).json(&message);
    let message = Answer::of(create).await.json();
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let extensions = format!("/api/v1/messages/{}/extensions", id(&message));
    let create = server.post(&extensions).header(key.0, key.1).json(&json!({"extension_type": "note", "data": {}}));
    let extension = Answer::of(create).await.json();
    let (session, message, extension) = (id(&session), id(&message), id(&extension));
    let upload = server.post(&format!("{path}/attachments")).header("content-type", MEDIA);
    let upload = upload.body(form(&[("Content-Disposition: form-data; name=\"file\"", b"secret")]));
    let attachment = id(&Answer::of(upload).await.json());
    (server, Ids { session, message, extension, attachment, user: "ann".to_owned() })
}

/// The same, of what nobody has.
fn of_nothing(ids: &Ids) -> Ids {
    let [session, message, extension] = [(); 3].map(|()| NOTHING.to_owned());
    Ids { session, message, extension, attachment: NOTHING.to_owned(), ..ids.clone() }
}

/// The bodies to try: as an example, and with each reference to another thing.
fn contents(operation: &Operation, role: Role, ids: &Ids) -> Vec<Option<Content>> {
    if operation.bodies.is_empty() {
        return vec![None];
    }
    let mut contents = Vec::new();
    for body in &operation.bodies {
        let mut plain = body.content(role);
        if body.fields.contains("user_id") {
            plain.fields.insert("user_id".to_owned(), json!(ids.user));
        }
        contents.push(Some(plain.clone()));
        for reference in &body.references {
            let id = if reference.contains("session") { &ids.session } else { &ids.message };
            let mut with = plain.clone();
            with.fields.insert(reference.clone(), json!(id));
            contents.push(Some(with));
        }
    }
    contents
}

#[tokio::test]
async fn ids_of_another_tenant_answer_as_ids_that_do_not_exist() {
    let store = Counted::new();
    let (server, of_another) = furnished(&store).await;
    let nothing = of_nothing(&of_another);
    let mut hidden = 0;
    for operation in operations() {
        for (role, headers) in Role::ALL.into_iter().flat_map(|role| HEADERS.map(|headers| (role, headers))) {
            let asking = Asking { role, caller: "ann", headers };
            let pairs = contents(&operation, role, &of_another).into_iter().zip(contents(&operation, role, &nothing));
            for (theirs, none) in pairs.filter(|(theirs, none)| operation.names_a_thing() || theirs != none) {
                let request = asking.dress(operation.request(&server, &of_another, theirs.as_ref()));
                let of_another = seen(&store, request).await;
                let request = asking.dress(operation.request(&server, &nothing, none.as_ref()));
                assert_eq!(of_another, seen(&store, request).await, "{} {asking:?} {theirs:?}", operation.id);
                hidden += usize::from(of_another.status == 404);
            }
        }
    }
    assert!(hidden > 100, "{hidden}");
    let session = Answer::of(server.get(&format!("/api/v1/sessions/{}", of_another.session))).await.json();
    assert_eq!((&session["rev"], &session["status"]), (&json!(3), &json!("active")));
}

#[tokio::test]
async fn heads_of_another_tenants_things_tell_nothing() {
    let store = Counted::new();
    let (server, of_another) = furnished(&store).await;
    let nothing = of_nothing(&of_another);
    for operation in operations().iter().filter(|operation| operation.method == Method::GET) {
        for role in Role::ALL {
            let asking = Asking { role, caller: "ann", headers: &[] };
            let head = |ids| asking.dress(server.request(Method::HEAD, &operation.path(ids)));
            let (of_another, of_nobody) = (head(&of_another), head(&nothing));
            assert_eq!(seen(&store, of_another).await, seen(&store, of_nobody).await, "{} {role}", operation.id);
        }
    }
}

#[tokio::test]
async fn a_user_with_the_name_of_another_tenants_user_has_none_of_its_things() {
    let store = Counted::new();
    let (server, _) = furnished(&store).await;
    for role in Role::ALL {
        let list = |caller, user| {
            let asking = Asking { role, caller, headers: &[] };
            asking.dress(server.get(&format!("/api/v1/users/{user}/sessions")))
        };
        assert_eq!(seen(&store, list("ann", "ann")).await, seen(&store, list("zoe", "zoe")).await, "{role}");
        assert_eq!(seen(&store, list("eve", "ann")).await, seen(&store, list("eve", "zoe")).await, "{role}");
    }
}
