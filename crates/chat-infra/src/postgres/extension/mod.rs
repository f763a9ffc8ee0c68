//! What hangs on messages. Each change moves the message and its session on, under the session's lock.

pub(super) mod find;
pub(super) mod row;
pub(super) mod write;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::extension::{AddOutcome, Attached, DetachOutcome, Detachment, ExtensionRepository, NewExtension};
use chat_domain::id::{ExtensionId, MessageId, TenantId};

use super::error::Failure;
use super::idempotency::KEY_INDEX;
use super::lease::Lease;
use super::pool::PgPool;
use crate::operation::{Observed, Operation};

/// The extensions of messages.
pub(super) struct PgExtensions(pub(super) Observed<PgPool>);

#[async_trait]
impl ExtensionRepository for PgExtensions {
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError> {
        let new = &new;
        // A key that was stored meanwhile, for whatever else, is known on the next attempt.
        let again = |failure: &Failure| failure.is_conflict_on(KEY_INDEX) || failure.is_passing();
        let work = |mut lease: Lease| async move {
            lease.begin().await?;
            let added = write::add(&mut lease, new).await;
            lease.end(added).await
        };
        self.0.run(Operation::ExtensionsAdd, |pool| pool.transact(again, work)).await
    }

    async fn find(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
    ) -> Result<Option<Attached>, RepositoryError> {
        self.0.run(Operation::ExtensionsFind, |pool| find::find(pool, tenant, message, id)).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        detachment: Detachment,
    ) -> Result<DetachOutcome, RepositoryError> {
        let detachment = &detachment;
        let work = |mut lease: Lease| async move {
            lease.begin().await?;
            let removed = write::remove(&mut lease, tenant, message, detachment).await;
            lease.end(removed).await
        };
        self.0.run(Operation::ExtensionsRemove, |pool| pool.transact(Failure::is_passing, work)).await
    }
}
