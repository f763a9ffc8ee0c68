//! Files on a disk and in a store that speaks S3, under the contract suite.

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::attachment::AttachmentFiles;
use chat_domain::attachment_files_contract;
use chat_domain::testing::rig::{FilesRig, Task};
use chat_infra::files::{DiskFiles, S3Config, S3Files};
use tempfile::TempDir;

use crate::decorator_doubles::beside;
use crate::s3_server::{BUCKET, KEY, KEY_ID, S3Server};

attachment_files_contract!(disk, DiskRig);
attachment_files_contract!(s3, S3Rig);

/// A directory that goes with the test, which all nodes share.
pub(crate) struct DiskRig(TempDir);

#[async_trait]
impl FilesRig for DiskRig {
    async fn start() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn node(&self) -> Arc<dyn AttachmentFiles> {
        Arc::new(DiskFiles::new(&self.0.path().join("attachments")))
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }
}

/// A store that goes with the test, and a directory in which all nodes take files in.
pub(crate) struct S3Rig {
    server: S3Server,
    spool: TempDir,
}

#[async_trait]
impl FilesRig for S3Rig {
    async fn start() -> Self {
        Self { server: S3Server::start().await, spool: tempfile::tempdir().unwrap() }
    }

    async fn node(&self) -> Arc<dyn AttachmentFiles> {
        Arc::new(S3Files::new(&config(&self.server, "a/prefix", KEY), self.spool.path()).unwrap())
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }
}

/// How one gets into the store, with this key.
pub(crate) fn config(server: &S3Server, prefix: &str, key: &str) -> S3Config {
    S3Config {
        bucket: BUCKET.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: Some(server.endpoint.clone()),
        region: Some("us-east-1".to_owned()),
        access_key_id: Some(KEY_ID.into()),
        secret_access_key: Some(key.into()),
        session_token: None,
    }
}
