//! Downloads: whole, in part, not at all.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{House, file, form};
use crate::server::Answer;

const TEXT: &str = "0123456789 and so on";

/// A text that was uploaded, and its path.
async fn text(house: &House, name: &str, text: &str) -> (Value, String) {
    let session = house.server.session_path().await;
    let made = Answer::of(house.upload(&session, form(&[(&file(name, "text/plain"), text.as_bytes())]))).await;
    let view = made.expect(StatusCode::CREATED);
    let path = format!("/api/v1/attachments/{}", view["id"].as_str().unwrap());
    (view, path)
}

#[tokio::test]
async fn a_file_comes_as_a_download_that_no_browser_runs() {
    let house = House::new().await;
    let long = "so ein Text läßt sich packen. ".repeat(1_000);
    let (view, path) = text(&house, "Über; uns.txt", &long).await;
    let got = Answer::of(house.server.get(&path).header("accept-encoding", "gzip, zstd")).await;
    got.expect(StatusCode::OK);
    assert_eq!(got.text(), long);
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-disposition", "attachment; filename=\"_ber; uns.txt\"; filename*=UTF-8''%C3%9Cber%3B%20uns.txt"),
        ("content-encoding", ""),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
        ("content-length", &long.len().to_string()),
        ("etag", &format!("\"{}\"", view["sha256"].as_str().unwrap())),
    ] {
        assert_eq!(got.header(name), value, "{name}");
    }
    let head = Answer::of(house.server.request(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0));
    for name in ["content-length", "etag", "content-type", "content-disposition", "accept-ranges"] {
        assert_eq!(head.header(name), got.header(name), "{name}");
    }
}

#[tokio::test]
async fn a_part_of_a_file_is_served() {
    let house = House::new().await;
    let (_, path) = text(&house, "a.txt", TEXT).await;
    for (range, part, told) in [
        ("bytes=0-3", "0123", "bytes 0-3/20"),
        ("bytes=15-", "so on", "bytes 15-19/20"),
        ("bytes=-2", "on", "bytes 18-19/20"),
    ] {
        let got = Answer::of(house.server.get(&path).header("range", range)).await;
        got.expect(StatusCode::PARTIAL_CONTENT);
        assert_eq!((got.text(), got.header("content-range")), (part, told));
        assert_eq!(got.header("content-length"), part.len().to_string());
    }
    for whole in ["bytes=0-1,3-4", "bytes=5-4", "lines=1-2", "nonsense"] {
        let got = Answer::of(house.server.get(&path).header("range", whole)).await;
        got.expect(StatusCode::OK);
        assert_eq!((got.text(), got.header("content-range")), (TEXT, ""), "{whole}");
    }
    let beyond = Answer::of(house.server.get(&path).header("range", "bytes=20-")).await;
    beyond.problem(416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), "bytes */20");
    let head = Answer::of(house.server.request(Method::HEAD, &path).header("range", "bytes=0-3")).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, "20"));
}

#[tokio::test]
async fn what_a_client_has_it_is_not_sent_again() {
    let house = House::new().await;
    let (view, path) = text(&house, "a.txt", TEXT).await;
    let tag = format!("\"{}\"", view["sha256"].as_str().unwrap());
    for known in [&*tag, "*", &format!("\"x\", W/{tag}")] {
        let got = Answer::of(house.server.get(&path).header("if-none-match", known)).await;
        assert_eq!((got.status, got.bytes.len(), got.header("etag")), (StatusCode::NOT_MODIFIED, 0, &*tag), "{known}");
    }
    Answer::of(house.server.get(&path).header("if-none-match", "\"x\"")).await.expect(StatusCode::OK);
    for (of, status) in [(&*tag, StatusCode::PARTIAL_CONTENT), ("\"x\"", StatusCode::OK)] {
        let got = house.server.get(&path).header("range", "bytes=0-3").header("if-range", of);
        Answer::of(got).await.expect(status);
    }
}

#[tokio::test]
async fn a_file_that_is_gone_is_a_fault_of_ours() {
    let house = House::new().await;
    let (_, path) = text(&house, "a.txt", TEXT).await;
    let key = house.files.keys().remove(0);
    chat_domain::attachment::AttachmentFiles::remove(&house.files, &key).await.unwrap();
    Answer::of(house.server.get(&path)).await.problem(500, "internal_error");
    house.files.break_down(true);
    Answer::of(house.server.get(&path)).await.problem(503, "store_unavailable");
}
