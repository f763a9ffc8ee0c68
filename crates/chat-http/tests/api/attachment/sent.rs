//! Attachments that are sent with messages, and who has them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{House, as_role, as_user, send};
use crate::server::Answer;

const NOTHING: &str = "0198c0de-0000-7000-8000-0000000000ff";

fn path(attachment: &Value) -> String {
    format!("/api/v1/attachments/{}", attachment["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_message_shows_what_it_was_sent_with() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let (cat, dog) = (house.picture(&session).await, house.picture(&session).await);
    let message = send(&house.server, &session, "", &[&cat["id"], &dog["id"]]).await.expect(StatusCode::CREATED);
    let shown: Vec<_> = message["extensions"].as_array().unwrap().iter().collect();
    assert_eq!(shown.iter().map(|extension| &extension["data"]).collect::<Vec<_>>(), [&cat, &dog]);
    assert!(shown.iter().all(|extension| extension["extension_type"] == "attachment"));
    assert_eq!(shown[0]["id"], cat["id"]);
    let listed = Answer::of(house.server.get(&format!("{session}/messages"))).await.json();
    assert_eq!(listed[0], message);
    let now = Answer::of(house.server.get(&session)).await.json();
    assert_eq!((&now["rev"], &message["rev"], &message["content"]), (&2.into(), &2.into(), &"".into()));
}

#[tokio::test]
async fn each_attachment_that_cannot_be_sent_is_a_fault_at_its_place() {
    let house = House::new().await;
    let (session, elsewhere) = (house.server.session_path().await, house.server.session_path().await);
    let (sent, free, theirs) =
        (house.picture(&session).await, house.picture(&session).await, house.picture(&elsewhere).await);
    send(&house.server, &session, "x", &[&sent["id"]]).await.expect(StatusCode::CREATED);
    let by_agent = as_role(house.server.post(&format!("{session}/attachments")), "agent");
    let by_agent = by_agent.header("content-type", super::MEDIA).body(super::form(&[(super::PNG, super::PICTURE)]));
    let of_agent = Answer::of(by_agent).await.expect(StatusCode::CREATED);
    let (nothing, nonsense) = (json!(NOTHING), json!("x"));
    let named = [&free["id"], &theirs["id"], &of_agent["id"], &nothing];
    let refused = send(&house.server, &session, "x", &named).await;
    let faults = ["/attachments/1", "/attachments/2", "/attachments/3"].map(|at| format!("{at} attachment_not_found"));
    assert_eq!(refused.faults(), faults);
    for (named, fault) in [
        (&[&sent["id"]][..], "/attachments/0 attachment_sent"),
        (&[&free["id"], &sent["id"]], "/attachments/1 attachment_sent"),
        (&[&free["id"], &free["id"]], "/attachments/1 duplicate_value"),
        (&[&free["id"], &nonsense], "/attachments/1 invalid_uuid"),
        (&[&nothing; 11], "/attachments too_many"),
    ] {
        assert_eq!(send(&house.server, &session, "x", named).await.faults(), [fault]);
    }
    assert_eq!(send(&house.server, &session, "", &[]).await.faults(), ["/content blank"]);
    let body = json!({"content": "x", "attachments": "x"});
    let refused = Answer::of(as_user(house.server.post(&format!("{session}/messages")).json(&body), "ann")).await;
    assert_eq!(refused.faults(), ["/attachments invalid_type"]);
    assert_eq!(Answer::of(house.server.get(&session)).await.json()["rev"], 2, "nothing of that was stored");
    send(&house.server, &session, "x", &[&free["id"]]).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_repeat_of_a_message_is_answered_though_its_attachments_were_sent() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let cat = house.picture(&session).await;
    let post = |content: &str| {
        let body = json!({"content": content, "attachments": [cat["id"]]});
        let request = house.server.post(&format!("{session}/messages")).header("idempotency-key", "k").json(&body);
        Answer::of(as_user(request, "ann"))
    };
    let first = post("x").await.expect(StatusCode::CREATED);
    let again = post("x").await;
    assert_eq!((again.expect(StatusCode::CREATED), again.header("idempotent-replayed")), (first, "true"));
    post("y").await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn before_it_is_sent_a_file_is_its_uploaders() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let cat = path(&house.picture(&session).await);
    let get = || house.server.get(&cat);
    Answer::of(as_user(get(), "ann")).await.expect(StatusCode::OK);
    for role in ["admin", "service"] {
        Answer::of(as_role(get(), role)).await.expect(StatusCode::OK);
    }
    for hidden in [as_user(get(), "bob"), as_role(get(), "agent"), as_role(get(), "supervisor")] {
        Answer::of(hidden).await.problem(404, "attachment_not_found");
    }
    Answer::of(get().header("x-tenant-id", "other")).await.problem(404, "attachment_not_found");
    Answer::of(house.server.get("/api/v1/attachments/x")).await.faults();
}

#[tokio::test]
async fn a_file_that_was_sent_is_for_those_who_see_its_message() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let cat = house.picture(&session).await;
    let message = send(&house.server, &session, "x", &[&cat["id"]]).await.expect(StatusCode::CREATED);
    let get = || house.server.get(&path(&cat));
    for seen in [as_user(get(), "ann"), as_role(get(), "agent"), as_role(get(), "supervisor")] {
        Answer::of(seen).await.expect(StatusCode::OK);
    }
    let hidden = || async {
        Answer::of(as_user(get(), "bob")).await.problem(404, "attachment_not_found");
        Answer::of(get().header("x-tenant-id", "other")).await.problem(404, "attachment_not_found");
    };
    hidden().await;
    let message = format!("/api/v1/messages/{}", message["id"].as_str().unwrap());
    Answer::of(house.server.delete(&message)).await.expect(StatusCode::OK);
    for gone in [as_user(get(), "ann"), as_role(get(), "admin")] {
        Answer::of(gone).await.problem(404, "attachment_not_found");
    }
    hidden().await;
    Answer::of(house.server.post(&format!("{message}/restore"))).await.expect(StatusCode::OK);
    Answer::of(as_user(get(), "ann")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_file_of_a_note_is_no_users() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let upload = as_role(house.server.post(&format!("{session}/attachments")), "agent");
    let upload = upload.header("content-type", super::MEDIA).body(super::form(&[(super::PNG, super::PICTURE)]));
    let file = Answer::of(upload).await.expect(StatusCode::CREATED);
    let note = json!({"content": "", "visibility": "internal", "attachments": [file["id"]]});
    let note = as_role(house.server.post(&format!("{session}/messages")).json(&note), "agent");
    Answer::of(note).await.expect(StatusCode::CREATED);
    Answer::of(as_role(house.server.get(&path(&file)), "agent")).await.expect(StatusCode::OK);
    let seen = Answer::of(as_user(house.server.get(&path(&file)), "ann")).await;
    let nothing = Answer::of(as_user(house.server.get(&format!("/api/v1/attachments/{NOTHING}")), "ann")).await;
    assert_eq!(seen.problem(404, "attachment_not_found")["detail"], nothing.json()["detail"]);
}
