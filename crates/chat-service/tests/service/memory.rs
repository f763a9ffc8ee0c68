//! How much memory files take that come in at once: on a disk, and in a store that speaks S3.

use std::time::Duration;

use reqwest::StatusCode;

use crate::client::Client;
use crate::node::Node;
use crate::promises::attachment::{form, path, upload};
use crate::s3_server::{BUCKET, KEY, KEY_ID, S3Server, count};
use crate::store::Store;

/// Together they are three times what they may take of memory. `just uploads-check` tries larger ones.
const UPLOADS: usize = 50;
const SIZE: usize = 6 * 1024 * 1024;
const MAY_TAKE: f64 = 100.0 * 1024.0 * 1024.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_large_files_at_once_take_little_memory() {
    let store = Store::sqlite().await;
    let node = store.node().await;
    take_little(&node).await;
    assert_eq!(count(&store.directory().join("attachments/kept")), UPLOADS + 1);
    assert_eq!(count(&store.directory().join("attachments/spool")), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_large_files_to_s3_take_little_memory() {
    let store = Store::sqlite().await;
    let s3 = S3Server::start().await;
    let mut variables = store.variables();
    variables.extend([
        ("ATTACHMENTS_URL", format!("s3://{BUCKET}/chat")),
        ("AWS_ENDPOINT_URL", s3.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
    ]);
    let node = Node::start(&variables).await;
    take_little(&node).await;
    assert_eq!(count(&store.directory().join("attachments/spool")), 0);
    assert_eq!(count(&s3.bucket().join("chat")), UPLOADS + 1);
}

async fn take_little(node: &Node) {
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    let form = form("large.txt", "0123456789abcdef".repeat(SIZE / 16).as_bytes());
    // What the first one brings along stays for good, and is not of interest.
    let (status, first) = upload(&node.url, &session, form.clone()).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{first}");
    let at_rest = client.figure("process_resident_memory_bytes").await;
    let uploads: Vec<_> = (0..UPLOADS)
        .map(|_| {
            let (url, session, form) = (node.url.clone(), session.clone(), form.clone());
            tokio::spawn(async move { upload(&url, &session, form).await.unwrap() })
        })
        .collect();
    let mut most = at_rest;
    while uploads.iter().any(|upload| !upload.is_finished()) {
        most = most.max(client.figure("process_resident_memory_bytes").await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for upload in uploads {
        let (status, attachment) = upload.await.unwrap();
        assert_eq!((status, &attachment["sha256"]), (StatusCode::CREATED, &first["sha256"]), "{attachment}");
    }
    assert!(most - at_rest < MAY_TAKE, "{at_rest} bytes at rest, {most} at most");
    assert!(at_rest > 0.0, "the figure is there");
    let got = reqwest::get(format!("{}/api/v1{}", node.url, path(&first))).await.unwrap().bytes().await.unwrap();
    assert_eq!(got.len(), SIZE);
}
