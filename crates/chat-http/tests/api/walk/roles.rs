//! What each operation answers each role: held to a table that somebody has read.
//!
//! A route that forgets to ask who calls answers a user like everybody else, and so differs from every row that its author
//! can write down without noticing; a route without rows fails.

use std::collections::BTreeMap;

use chat_domain::access::Role;
use serde_json::{Map, json};

use super::operation::{Content, Ids, Operation, operations};
use crate::attachment::{MEDIA, form};
use crate::server::{Answer, TestServer, start};

/// What stands between the caller and the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    /// The session is the caller's own, and so are the message and what is written.
    Own,
    /// All is somebody else's, and whoever writes writes as itself.
    Other,
    /// As `Own`, but in another tenant.
    Foreign,
    /// The message is the caller's own, and sixteen minutes old.
    Late,
    /// The message is the caller's own, and was deleted.
    Deleted,
    /// The message is a note of somebody else, or is to be one, in the caller's own session.
    Internal,
    /// The message is what somebody else said for all to see, in the caller's own session.
    Said,
    /// In the caller's own session, under somebody else's name.
    Forged,
    /// In the caller's own session, which it only ends.
    Ending,
    /// For the caller itself, and with an agent.
    Assigned,
}

/// What is tried of every operation.
const ALWAYS: [Case; 3] = [Case::Own, Case::Other, Case::Foreign];

/// What is tried beyond that.
const BESIDE: [(&str, Case); 30] = [
    ("get_attachment", Case::Internal),
    ("get_attachment", Case::Said),
    ("create_extension", Case::Internal),
    ("create_extension", Case::Said),
    ("delete_extension", Case::Internal),
    ("delete_extension", Case::Said),
    ("delete_reaction", Case::Internal),
    ("get_extension", Case::Internal),
    ("list_extensions", Case::Internal),
    ("put_reaction", Case::Internal),
    ("put_reaction", Case::Said),
    ("create_message", Case::Forged),
    ("create_message", Case::Internal),
    ("create_session", Case::Assigned),
    ("delete_message", Case::Internal),
    ("delete_message", Case::Late),
    ("delete_message", Case::Said),
    ("edit_message", Case::Internal),
    ("edit_message", Case::Late),
    ("edit_message", Case::Said),
    ("get_message_history", Case::Internal),
    ("get_message_history", Case::Said),
    ("restore_message", Case::Deleted),
    ("restore_message", Case::Internal),
    ("restore_message", Case::Late),
    ("restore_message", Case::Said),
    ("get_message", Case::Internal),
    ("get_message", Case::Said),
    ("update_session", Case::Assigned),
    ("update_session", Case::Ending),
];

/// The status that each role gets. `foreign` is a 404 wherever there is a thing, and what `other` hides is one.
const TABLE: &str = "
operation           case      user  agent supervisor admin service
create_session      own       201   201   201        201   201
create_session      other     403   201   201        201   201
create_session      foreign   201   201   201        201   201
create_session      assigned  403   201   201        201   201
get_session         own       200   200   200        200   200
get_session         other     404   200   200        200   200
get_session         foreign   404   404   404        404   404
list_user_sessions  own       200   200   200        200   200
list_user_sessions  other     403   200   200        200   200
list_user_sessions  foreign   200   200   200        200   200
update_session      own       403   200   200        200   200
update_session      other     404   200   200        200   200
update_session      foreign   404   404   404        404   404
update_session      ending    200   200   200        200   200
update_session      assigned  403   200   200        200   200
end_session         own       200   200   200        200   200
end_session         other     404   200   200        200   200
end_session         foreign   404   404   404        404   404
create_message      own       201   201   201        201   201
create_message      other     404   201   201        201   201
create_message      foreign   404   404   404        404   404
create_message      internal  403   201   201        201   201
create_message      forged    403   403   403        201   201
list_messages       own       200   200   200        200   200
list_messages       other     404   200   200        200   200
list_messages       foreign   404   404   404        404   404
get_message         own       200   200   200        200   200
get_message         other     404   200   200        200   200
get_message         foreign   404   404   404        404   404
get_message         internal  404   200   200        200   200
get_message         said      200   200   200        200   200
edit_message        own       200   200   200        200   200
edit_message        other     404   403   403        200   200
edit_message        foreign   404   404   404        404   404
edit_message        late      403   200   200        200   200
edit_message        internal  404   403   403        200   200
edit_message        said      403   403   403        200   200
get_message_history own       200   200   200        200   200
get_message_history other     404   200   200        200   200
get_message_history foreign   404   404   404        404   404
get_message_history internal  404   200   200        200   200
get_message_history said      200   200   200        200   200
restore_message     own       403   403   200        200   200
restore_message     other     404   403   200        200   200
restore_message     foreign   404   404   404        404   404
restore_message     late      403   403   200        200   200
restore_message     internal  404   403   200        200   200
restore_message     said      403   403   200        200   200
restore_message     deleted   403   403   200        200   200
delete_message      own       200   200   200        200   200
delete_message      other     404   403   200        200   200
delete_message      foreign   404   404   404        404   404
delete_message      late      403   200   200        200   200
delete_message      internal  404   403   200        200   200
delete_message      said      403   403   200        200   200
list_extensions     own       200   200   200        200   200
list_extensions     other     404   200   200        200   200
list_extensions     foreign   404   404   404        404   404
list_extensions     internal  404   200   200        200   200
create_extension    own       201   201   201        201   201
create_extension    other     404   201   201        201   201
create_extension    foreign   404   404   404        404   404
create_extension    internal  404   201   201        201   201
create_extension    said      201   201   201        201   201
get_extension       own       200   200   200        200   200
get_extension       other     404   200   200        200   200
get_extension       foreign   404   404   404        404   404
get_extension       internal  404   200   200        200   200
delete_extension    own       204   204   204        204   204
delete_extension    other     404   403   204        204   204
delete_extension    foreign   404   404   404        404   404
delete_extension    internal  404   403   204        204   204
delete_extension    said      403   403   204        204   204
put_reaction        own       200   200   200        200   200
put_reaction        other     404   200   200        200   200
put_reaction        foreign   404   404   404        404   404
put_reaction        internal  404   200   200        200   200
put_reaction        said      200   200   200        200   200
delete_reaction     own       200   200   200        200   200
delete_reaction     other     404   200   200        200   200
delete_reaction     foreign   404   404   404        404   404
delete_reaction     internal  404   200   200        200   200
mark_read           own       200   200   200        200   200
mark_read           other     404   200   200        200   200
mark_read           foreign   404   404   404        404   404
mark_delivered      own       200   200   200        200   200
mark_delivered      other     404   200   200        200   200
mark_delivered      foreign   404   404   404        404   404
list_participants   own       200   200   200        200   200
list_participants   other     404   200   200        200   200
list_participants   foreign   404   404   404        404   404
create_attachment   own       201   201   201        201   201
create_attachment   other     404   201   201        201   201
create_attachment   foreign   404   404   404        404   404
get_attachment      own       200   200   200        200   200
get_attachment      other     404   404   404        200   200
get_attachment      foreign   404   404   404        404   404
get_attachment      internal  404   200   200        200   200
get_attachment      said      200   200   200        200   200
list_audit          own       403   403   403        200   403
list_audit          other     403   403   403        200   403
list_audit          foreign   403   403   403        200   403
";

/// A session and a message as the case wants them.
async fn furnish(server: &TestServer, case: Case, role: Role) -> Ids {
    let owner = if case == Case::Other { "someone" } else { "me" };
    let made = server.post("/api/v1/sessions").json(&json!({"user_id": owner}));
    let session = Answer::of(made).await.json()["id"].as_str().unwrap().to_owned();
    let side = if role == Role::User { "user" } else { "agent" };
    let attachment = upload(server, &session, case, role).await;
    let message = match case {
        Case::Other => json!({"content": "x", "sender_type": "user", "sender_id": owner}),
        Case::Internal => {
            json!({"content": "x", "sender_type": "agent", "sender_id": "bob", "visibility": "internal", "attachments": [attachment]})
        }
        Case::Said => json!({"content": "x", "sender_type": "agent", "sender_id": "bob", "attachments": [attachment]}),
        _ => json!({"content": "x", "sender_type": side, "sender_id": "me"}),
    };
    let made = server.post(&format!("/api/v1/sessions/{session}/messages")).json(&message);
    let message = Answer::of(made).await.json()["id"].as_str().unwrap().to_owned();
    // What hangs on the message is the caller's own where nobody else's comes into it.
    let (maker, role) = match case {
        Case::Other | Case::Internal | Case::Said => ("bob", Role::Agent),
        _ => ("me", role),
    };
    let made = server.post(&format!("/api/v1/messages/{message}/extensions"));
    let made = made.header("x-user-id", maker).header("x-user-role", role.as_str());
    let made = made.json(&json!({"extension_type": "note", "data": {}}));
    let extension = Answer::of(made).await.json()["id"].as_str().unwrap().to_owned();
    Ids { session, message, extension, attachment, user: owner.to_owned() }
}

/// A file of whoever the case wants: the caller's own where nobody else's comes into it.
async fn upload(server: &TestServer, session: &str, case: Case, role: Role) -> String {
    let (uploader, role) = match case {
        Case::Other => ("someone", Role::User),
        Case::Internal | Case::Said => ("bob", Role::Agent),
        _ => ("me", role),
    };
    let upload = server.post(&format!("/api/v1/sessions/{session}/attachments")).header("content-type", MEDIA);
    let upload = upload.header("x-user-id", uploader).header("x-user-role", role.as_str());
    let upload = upload.body(form(&[("Content-Disposition: form-data; name=\"file\"", b"hello")]));
    Answer::of(upload).await.json()["id"].as_str().unwrap().to_owned()
}

/// The body that the case wants, where the operation takes one.
fn content(operation: &Operation, case: Case, role: Role, ids: &Ids) -> Option<Content> {
    let body = operation.bodies.first()?;
    let mut content = body.content(Role::Service);
    let sent = &mut content.fields;
    if body.fields.contains("user_id") {
        sent.insert("user_id".to_owned(), json!(ids.user));
        sent.remove("agent_id");
    }
    if body.fields.contains("sender_id") {
        let (side, sender) =
            (if role == Role::User { "user" } else { "agent" }, if case == Case::Forged { "bob" } else { "me" });
        sent.extend([("sender_type".to_owned(), json!(side)), ("sender_id".to_owned(), json!(sender))]);
    }
    match case {
        Case::Internal if body.fields.contains("visibility") => {
            sent.insert("visibility".to_owned(), json!("internal"));
        }
        Case::Assigned => drop(sent.insert("agent_id".to_owned(), json!("bob"))),
        Case::Ending => *sent = Map::from_iter([("status".to_owned(), json!("ended"))]),
        Case::Own
        | Case::Internal
        | Case::Other
        | Case::Foreign
        | Case::Late
        | Case::Deleted
        | Case::Said
        | Case::Forged => {}
    }
    Some(content)
}

async fn status(server: &TestServer, operation: &Operation, case: Case, role: Role) -> u16 {
    let ids = furnish(server, case, role).await;
    match case {
        Case::Late => server.clock.advance_seconds(16 * 60),
        Case::Deleted => {
            let deleted = Answer::of(server.delete(&format!("/api/v1/messages/{}", ids.message))).await;
            assert_eq!(deleted.status.as_u16(), 200);
        }
        _ => {}
    }
    let content = content(operation, case, role, &ids);
    let request = operation.request(server, &ids, content.as_ref());
    let tenant = if case == Case::Foreign { "other" } else { "default" };
    let request = request.header("x-tenant-id", tenant).header("x-user-id", "me");
    Answer::of(request.header("x-user-role", role.as_str())).await.status.as_u16()
}

/// The table, read.
fn expected() -> BTreeMap<(String, String), [u16; 5]> {
    let rows = TABLE.lines().skip(2);
    let row = |line: &str| {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let statuses = [2, 3, 4, 5, 6].map(|column: usize| words[column].parse().unwrap());
        ((words[0].clone(), words[1].clone()), statuses)
    };
    rows.map(row).collect()
}

#[tokio::test]
async fn each_role_gets_what_the_table_says_of_every_operation() {
    let server = start().await;
    let mut found = BTreeMap::new();
    for operation in operations() {
        let beside = BESIDE.into_iter().filter(|(id, _)| *id == operation.id).map(|(_, case)| case);
        for case in ALWAYS.into_iter().chain(beside) {
            let mut statuses = [0; 5];
            for (role, place) in Role::ALL.into_iter().zip(&mut statuses) {
                *place = status(&server, &operation, case, role).await;
            }
            found.insert((operation.id.clone(), format!("{case:?}").to_lowercase()), statuses);
        }
    }
    let table = |rows: &BTreeMap<(String, String), [u16; 5]>| {
        rows.iter().map(|((id, case), statuses)| format!("{id} {case} {statuses:?}")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(table(&found), table(&expected()));
}

#[test]
fn every_operation_is_denied_to_somebody() {
    for operation in operations() {
        let rows = expected().into_iter().filter(|((id, case), _)| *id == operation.id && case != "foreign");
        let denied = rows.flat_map(|(_, statuses)| statuses).any(|status| matches!(status, 403 | 404));
        assert!(denied, "{} is open to everybody", operation.id);
    }
}
