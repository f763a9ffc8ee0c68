//! Uploads that are refused: each with its answer, and nothing is left behind.

use chat_http::ServerSettings;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{BOUNDARY, House, MEDIA, PICTURE, PNG, as_role, as_user, file, form};
use crate::server::Answer;

#[tokio::test]
async fn a_form_has_one_file_and_nothing_else() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let other = "Content-Disposition: form-data; name=\"note\"";
    for (parts, fault) in [
        (&[][..], "/file missing_field"),
        (&[(PNG, PICTURE), (PNG, PICTURE)], "/file duplicate_field"),
        (&[(other, b"x".as_slice())], "/note unknown_field"),
        (&[(PNG, PICTURE), (other, b"x")], "/note unknown_field"),
        (&[(PNG, b"")], "/file empty"),
    ] {
        let refused = Answer::of(house.upload(&session, form(parts))).await;
        assert_eq!(refused.faults(), [fault]);
        house.nothing_is_left().await;
    }
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let path = format!("{session}/attachments");
    for media in ["application/json", "multipart/form-data", "multipart/mixed; boundary=x", "nonsense", ""] {
        let request = house.server.post(&path).header("content-type", media).body("{}");
        Answer::of(request).await.problem(415, "unsupported_media_type");
    }
    let compressed = house.upload(&session, form(&[(PNG, PICTURE)])).header("content-encoding", "gzip");
    Answer::of(compressed).await.problem(415, "unsupported_media_type");
    let long = format!("{PNG}\r\nX-Long: {}", "x".repeat(70_000));
    for broken in [
        b"no boundary at all\r\n".to_vec(),
        form(&[("X-Nothing: x", PICTURE)]),
        form(&[("Content-Disposition: form-data; filename=\"a\"", PICTURE)]),
        form(&[("Content-Disposition: form-data; name=\"file\"; filename=\"a\0b\"", PICTURE)]),
        form(&[("no header", PICTURE)]),
        form(&[(&long, PICTURE)]),
    ] {
        let refused = Answer::of(house.upload(&session, broken.clone())).await;
        assert_eq!(refused.status.as_u16(), 400, "{}", broken[..60.min(broken.len())].escape_ascii());
        let code = refused.json()["code"].as_str().unwrap().to_owned();
        assert!(["malformed_form", "incomplete_body"].contains(&&*code), "{code}");
    }
    house.nothing_is_left().await;
}

#[tokio::test]
async fn a_lie_about_the_type_is_refused() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    for (name, kind, bytes, code) in [
        ("cat.jpg", "image/jpeg", PICTURE, "attachment_type_mismatch"),
        ("cat.png", "image/png", b"hello", "attachment_type_mismatch"),
        ("page.png", "image/png", b"<!DOCTYPE html><script>alert(1)</script>", "attachment_type_not_allowed"),
        ("page.txt", "text/plain", b"<script >alert(1)</script>", "attachment_type_not_allowed"),
        ("run.txt", "text/plain", b"MZ\x90\0\x03", "attachment_type_not_allowed"),
        ("file.pdf", "application/pdf", b"%PDF-1.7", "attachment_type_not_allowed"),
    ] {
        let refused = Answer::of(house.upload(&session, form(&[(&file(name, kind), bytes)]))).await;
        refused.problem(415, code);
        house.nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_byte_too_many_is_refused_and_so_is_a_length_that_is_told_before() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    for too_many in [100_001, 300_000] {
        let refused = Answer::of(house.upload(&session, form(&[(PNG, &vec![0; too_many])]))).await;
        refused.problem(413, "payload_too_large");
        house.nothing_is_left().await;
    }
    let head = format!(
        "POST {session}/attachments HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA}\r\nContent-Length: 999999999\r\n\r\n"
    );
    let refused = house.server.raw(head.as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 413") && refused.contains("connection: close"), "{refused}");
}

#[tokio::test]
async fn a_preamble_without_end_is_refused() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let endless = "x\r\n".repeat(60_000);
    Answer::of(house.upload(&session, endless.into_bytes())).await.problem(413, "payload_too_large");
    house.nothing_is_left().await;
}

#[tokio::test]
async fn a_form_that_breaks_off_leaves_nothing() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let whole = form(&[(PNG, &[PICTURE, &vec![0; 50_000]].concat())]);
    for sent in [20, 200, 30_000, whole.len() - 30] {
        // Once its client is gone, and once as a form that is shorter than it should be.
        let mut client = TcpStream::connect(house.server.address).await.unwrap();
        let length = whole.len();
        let head = format!(
            "POST {session}/attachments HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA}\r\nContent-Length: {length}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&whole[..sent]).await.unwrap();
        drop(client);
        let refused = Answer::of(house.upload(&session, whole[..sent].to_vec())).await;
        refused.problem(400, "incomplete_body");
        house.nothing_is_left().await;
    }
}

#[tokio::test]
async fn only_those_upload_who_see_the_session_and_while_it_lives() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let upload = || house.server.post(&format!("{session}/attachments")).header("content-type", MEDIA);
    let form = || form(&[(PNG, PICTURE)]);
    Answer::of(as_user(upload().body(form()), "bob")).await.problem(404, "session_not_found");
    let foreign = as_role(upload().body(form()), "admin").header("x-tenant-id", "other");
    Answer::of(foreign).await.problem(404, "session_not_found");
    let nothing = house.upload("/api/v1/sessions/0198c0de-0000-7000-8000-0000000000ff", form());
    Answer::of(nothing).await.problem(404, "session_not_found");
    Answer::of(house.server.post(&format!("{session}/end"))).await.expect(StatusCode::OK);
    Answer::of(upload().body(form())).await.problem(409, "session_ended");
    house.nothing_is_left().await;
}

#[tokio::test]
async fn a_tenant_whose_room_is_used_up_is_told_so() {
    let house = House::with(|parts| parts.attachment_rules.quota = Some(100)).await;
    let session = house.server.session_path().await;
    let upload = |length: usize| house.upload(&session, form(&[(&file("a.txt", "text/plain"), &vec![b'x'; length])]));
    Answer::of(upload(101)).await.problem(409, "attachment_quota_exceeded");
    house.nothing_is_left().await;
    Answer::of(upload(60)).await.expect(StatusCode::CREATED);
    Answer::of(upload(41)).await.problem(409, "attachment_quota_exceeded");
    Answer::of(upload(40)).await.expect(StatusCode::CREATED);
    assert_eq!(house.files.keys().len(), 2);
}

#[tokio::test]
async fn files_that_cannot_be_kept_are_unavailable_and_take_no_room() {
    let house = House::with(|parts| parts.attachment_rules.quota = Some(PICTURE.len() as u64)).await;
    let session = house.server.session_path().await;
    house.files.break_down(true);
    let refused = Answer::of(house.upload(&session, form(&[(PNG, PICTURE)]))).await;
    refused.problem(503, "store_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    house.files.break_down(false);
    // What could not be taken back then is found by the sweep.
    let now = chat_domain::timestamp::Timestamp::MAX;
    let doomed = house.attachments.doom(now, now).await.unwrap();
    house.attachments.forget(&doomed).await.unwrap();
    house.nothing_is_left().await;
    house.picture(&session).await;
}

#[tokio::test]
async fn so_many_files_come_in_at_once_and_no_more() {
    let house = House::with(|parts| {
        parts.settings = ServerSettings { uploads_at_once: 1, ..parts.settings.clone() };
    })
    .await;
    let session = house.server.session_path().await;
    let mut client = TcpStream::connect(house.server.address).await.unwrap();
    let whole = form(&[(PNG, PICTURE)]);
    let head = format!(
        "POST {session}/attachments HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA}\r\nContent-Length: {}\r\n\r\n--{BOUNDARY}\r\n",
        whole.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    while house.files.unfinished() == 0 {
        tokio::task::yield_now().await;
    }
    let refused = Answer::of(house.upload(&session, whole.clone())).await;
    refused.problem(503, "store_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    client.write_all(&whole[BOUNDARY.len() + 4..]).await.unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
    house.picture(&session).await;
}
