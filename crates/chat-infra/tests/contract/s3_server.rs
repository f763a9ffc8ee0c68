//! A store that speaks S3, over a directory that goes with it.

use std::path::{Path, PathBuf};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The only bucket.
pub(crate) const BUCKET: &str = "files";
/// Who may come in, and with which key.
pub(crate) const KEY_ID: &str = "ann";
pub(crate) const KEY: &str = "open sesame";

/// A running store with an empty bucket.
pub(crate) struct S3Server {
    pub(crate) endpoint: String,
    root: TempDir,
    server: JoinHandle<()>,
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl S3Server {
    pub(crate) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let service = {
            let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
            builder.set_auth(SimpleAuth::from_single(KEY_ID, KEY));
            builder.build()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A client that goes away is none of the test's business.
                    _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { endpoint, root, server }
    }

    /// Where the files of the bucket lie.
    pub(crate) fn bucket(&self) -> PathBuf {
        self.root.path().join(BUCKET)
    }
}

/// How many files lie in a directory, at any depth.
pub(crate) fn count(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}
