//! Attachments: uploaded, sent, downloaded.

mod download;
mod refused;
mod sent;
mod slow;
mod upload;

use std::sync::Arc;

use chat_domain::attachment::AttachmentRepository;
use chat_domain::testing::fake::{FakeFiles, FakeStore};
use chat_domain::testing::rig::Store;
use chat_domain::timestamp::Timestamp;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, Parts, TestServer, start_with};

pub(crate) const BOUNDARY: &str = "----a boundary";
pub(crate) const MEDIA: &str = "multipart/form-data; boundary=\"----a boundary\"";
/// What each form begins with that names one file.
const PNG: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"cat.png\"\r\nContent-Type: image/png";
/// The beginning of a picture.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on";

/// A form of these parts: the headers of each, and its bytes.
pub(crate) fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (headers, bytes) in parts {
        form.extend_from_slice(format!("--{BOUNDARY}\r\n{headers}\r\n\r\n").as_bytes());
        form.extend_from_slice(bytes);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    form
}

/// The headers of a part that is the file, of this name and kind.
fn file(name: &str, kind: &str) -> String {
    format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}")
}

/// A server whose files and rows can be looked at.
struct House {
    server: TestServer,
    files: FakeFiles,
    attachments: Arc<dyn AttachmentRepository>,
}

impl House {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// With some parts otherwise.
    async fn with(change: impl FnOnce(&mut Parts)) -> Self {
        let (store, files): (Store, _) = (FakeStore::new().store(), FakeFiles::default());
        let attachments = store.attachments.clone();
        let mut parts = Parts { files: Arc::new(files.clone()), ..Parts::on(store) };
        change(&mut parts);
        Self { server: start_with(parts).await, files, attachments }
    }

    /// A request that uploads the form to the session at this path, as `ann`.
    fn upload(&self, session: &str, form: Vec<u8>) -> RequestBuilder {
        let request = self.server.post(&format!("{session}/attachments")).header("content-type", MEDIA);
        as_user(request.body(form), "ann")
    }

    /// A picture, uploaded.
    async fn picture(&self, session: &str) -> Value {
        Answer::of(self.upload(session, form(&[(PNG, PICTURE)]))).await.expect(StatusCode::CREATED)
    }

    /// Holds that nothing is left of what was refused: no file, no row, and nothing half taken in.
    #[track_caller]
    fn nothing_is_left(&self) -> impl Future<Output = ()> {
        let (kept, attachments) = (self.files.keys(), Arc::clone(&self.attachments));
        let (files, caller) = (self.files.clone(), std::panic::Location::caller());
        async move {
            assert_eq!(kept, [], "{caller}");
            assert_eq!(attachments.doom(Timestamp::MAX, Timestamp::MAX).await.unwrap(), [], "{caller}");
            let gone = async {
                while files.unfinished() > 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(std::time::Duration::from_mins(1), gone)
                .await
                .expect("what was half taken in is gone");
        }
    }
}

fn as_user(request: RequestBuilder, name: &str) -> RequestBuilder {
    request.header("x-user-id", name).header("x-user-role", "user")
}

fn as_role(request: RequestBuilder, role: &str) -> RequestBuilder {
    request.header("x-user-id", role).header("x-user-role", role)
}

/// A message of `ann` with these attachments.
async fn send(server: &TestServer, session: &str, content: &str, attachments: &[&Value]) -> Answer {
    let body = json!({"content": content, "attachments": attachments});
    Answer::of(as_user(server.post(&format!("{session}/messages")).json(&body), "ann")).await
}
