//! SQLite under the contract suites: each test has a file of its own. The process is the file's only one, so the second
//! node is the first once more.

use async_trait::async_trait;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::store_contract;
use chat_domain::testing::rig::{Store, StoreRig, Task};
use chat_infra::sqlite::{SqliteConfig, SqliteStore};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use tempfile::TempDir;

store_contract!(store, SqliteRig);

/// A store in a directory that goes with it.
pub(crate) struct SqliteRig {
    store: SqliteStore,
    directory: TempDir,
}

#[async_trait]
impl StoreRig for SqliteRig {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&SqliteConfig::new(directory.path().join("chat.db"))).unwrap();
        Self { store, directory }
    }

    async fn node(&self) -> Store {
        Store {
            sessions: self.store.sessions(),
            messages: self.store.messages(),
            pages: self.store.pages(),
            extensions: self.store.extensions(),
            idempotency: self.store.idempotency(),
            attachments: self.store.attachments(),
            audit: self.store.audit(),
            participants: self.store.participants(),
            unread: self.store.unread(),
            revisions: self.store.revisions(),
        }
    }

    fn spawn(&self, task: Task) -> Task {
        let running = tokio::spawn(task);
        Box::pin(async move { running.await.unwrap() })
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        let path = self.directory.path().join("chat.db");
        let mut tool = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let id = id.as_uuid().simple();
        tool.batch_execute(&format!(
            "PRAGMA busy_timeout = 5000; PRAGMA ignore_check_constraints = ON;
             UPDATE messages SET visibility = 'secret' WHERE tenant_id = '{tenant}' AND id = x'{id}';"
        ))
        .unwrap();
        true
    }
}
