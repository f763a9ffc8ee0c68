//! Uploads that are taken.

use reqwest::StatusCode;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{BOUNDARY, House, MEDIA, PICTURE, PNG, file, form};
use crate::server::Answer;

#[tokio::test]
async fn a_file_is_taken_as_its_bytes_say_and_lies_where_its_location_says() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let made = Answer::of(house.upload(&session, form(&[(PNG, PICTURE)]))).await;
    let view = made.expect(StatusCode::CREATED);
    let names: Vec<_> = view.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["content_type", "created_at", "filename", "id", "session_id", "sha256", "size"]);
    assert_eq!((&view["filename"], &view["content_type"]), (&"cat.png".into(), &"image/png".into()));
    assert_eq!(view["size"], PICTURE.len());
    assert!(session.ends_with(view["session_id"].as_str().unwrap()));
    assert_eq!(made.header("location"), format!("/api/v1/attachments/{}", view["id"].as_str().unwrap()));
    let got = Answer::of(house.server.get(made.header("location"))).await;
    got.expect(StatusCode::OK);
    assert_eq!(got.bytes, PICTURE);
    assert_eq!(house.files.unfinished(), 0);
}

#[tokio::test]
async fn a_file_of_the_longest_length_is_taken() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let longest = vec![b'x'; 100_000];
    let made = Answer::of(house.upload(&session, form(&[(&file("a.txt", "text/plain"), &longest)]))).await;
    let view = made.expect(StatusCode::CREATED);
    assert_eq!((&view["size"], &view["content_type"]), (&100_000.into(), &"text/plain".into()));
    let path = format!("/api/v1/attachments/{}", view["id"].as_str().unwrap());
    assert_eq!(Answer::of(house.server.get(&path)).await.bytes, longest);
}

#[tokio::test]
async fn names_are_made_safe() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let long = format!("{}.txt", "n".repeat(5_000));
    for (said, name) in [
        (r#"filename="../../etc/passwd""#, "passwd"),
        (r#"filename="C:\\temp\\a.txt""#, "a.txt"),
        (r#"filename="Ünïcode 日本.txt""#, "Ünïcode 日本.txt"),
        (r"filename*=UTF-8''%E2%82%AC%20rates%0D%0A%00.txt", "€ rates.txt"),
        (r#"filename="plain.txt"; filename*=UTF-8''extended.txt"#, "extended.txt"),
        (r#"filename="""#, "file"),
        (r#"filename="..""#, "file"),
        ("x=y", "file"),
        (&format!("filename=\"{long}\""), &format!("{}.txt", "n".repeat(251))),
    ] {
        let headers = format!("Content-Disposition: form-data; name=\"file\"; {said}");
        let made = Answer::of(house.upload(&session, form(&[(&headers, b"hello")]))).await;
        assert_eq!(made.expect(StatusCode::CREATED)["filename"], name, "{said}");
    }
}

#[tokio::test]
async fn a_form_may_come_in_chunks_without_a_length_and_its_connection_goes_on() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let mut client = TcpStream::connect(house.server.address).await.unwrap();
    let head = format!(
        "POST {session}/attachments HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    for piece in form(&[(PNG, PICTURE)]).chunks(7) {
        client.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
        client.write_all(piece).await.unwrap();
        client.write_all(b"\r\n").await.unwrap();
    }
    client.write_all(b"0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answers = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut client, &mut answers).await.unwrap();
    assert!(answers.starts_with("HTTP/1.1 201") && answers.contains("HTTP/1.1 200"), "{answers}");
}

#[tokio::test]
async fn bytes_that_look_like_a_boundary_are_but_bytes() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let text = format!("\r\n--\r\n--{}\r\n\r--x\r\r\n", &BOUNDARY[..5]);
    let made = Answer::of(house.upload(&session, form(&[(&file("a.txt", "text/plain"), text.as_bytes())]))).await;
    let path = format!("/api/v1/attachments/{}", made.expect(StatusCode::CREATED)["id"].as_str().unwrap());
    assert_eq!(Answer::of(house.server.get(&path)).await.text(), text);
}

#[tokio::test]
async fn a_repeat_with_its_key_keeps_no_second_file() {
    let house = House::new().await;
    let session = house.server.session_path().await;
    let upload = |name: &str, bytes: &[u8]| {
        let form = form(&[(&file(name, "image/png"), bytes)]);
        Answer::of(house.upload(&session, form).header("idempotency-key", "k"))
    };
    let first = upload("cat.png", PICTURE).await;
    let end = Answer::of(house.server.post(&format!("{session}/end"))).await;
    end.expect(StatusCode::OK);
    let again = upload("cat.png", PICTURE).await;
    assert_eq!(first.expect(StatusCode::CREATED), again.expect(StatusCode::CREATED));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(first.header("location"), again.header("location"));
    upload("dog.png", PICTURE).await.problem(422, "idempotency_key_reused");
    upload("cat.png", &[PICTURE, b"!"].concat()).await.problem(422, "idempotency_key_reused");
    assert_eq!((house.files.keys().len(), house.files.unfinished()), (1, 0));
}
