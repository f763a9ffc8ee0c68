//! What every port of a store promises of the time that its caller has (see [`crate::deadline`]).

use std::time::Instant;

use super::stage::{all_messages, any_session, everything, say, session_now, to_status};
use crate::access::Role;
use crate::clock::IdSource;
use crate::deadline;
use crate::error::RepositoryError;
use crate::message::HistoryQuery;
use crate::participant::{Receipt, ReceiptKind};
use crate::precondition::Precondition;
use crate::session::{SessionStatus, SessionUpdate, UserSessions};
use crate::testing::builder::{
    a_message, a_removal, a_restoration, a_session, an_edit, an_extension, caller, ids, next_moment,
};
use crate::testing::rig::StoreRig;

/// Runs the suite about deadlines on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `deadline_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! deadline_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as StoreRig,
            deadline,
            [a_write_that_comes_too_late_is_not_made, a_read_that_comes_too_late_is_refused]
        );
    };
}

/// Does the work when its time is over already, and sees to it that the store says so.
async fn too_late<T: std::fmt::Debug>(what: &str, work: impl Future<Output = Result<T, RepositoryError>>) {
    let refused = deadline::until(Instant::now(), work).await;
    assert!(matches!(refused, Err(RepositoryError::Unavailable(_))), "{what}: {refused:?}");
}

/// Whoever has no time left is told that nothing was written, and nothing was.
pub async fn a_write_that_comes_too_late_is_not_made<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (tenant, message) = (&session.tenant_id, say(&store, a_message(&session)).await);
    let (before, messages) = (session_now(&store, &session).await, all_messages(&store, &session).await);
    let another = a_session();
    let removal = a_removal();
    let change = to_status(SessionStatus::Ended);
    let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency: None };
    let extension = an_extension(tenant, &message);
    let reader = caller(Role::Agent).reader();
    let (kind, seq, at) = (ReceiptKind::Read, message.seq, next_moment());
    let receipt = Receipt { reader, kind, seq, at, confined_to: None, idempotency: None };

    too_late("create", store.sessions.create(another.clone())).await;
    too_late("update", store.sessions.update(tenant, session.id, update)).await;
    too_late("append", store.messages.append(vec![a_message(&session)])).await;
    too_late("remove", store.messages.remove(tenant, message.id, removal)).await;
    too_late("edit", store.messages.edit(tenant, message.id, an_edit("other"))).await;
    too_late("restore", store.messages.restore(tenant, message.id, a_restoration())).await;
    too_late("add an extension", store.extensions.add(extension)).await;
    too_late("mark", store.participants.mark(tenant, session.id, receipt)).await;

    assert!(store.sessions.find(&another.tenant_id, another.id).await.expect("the store works").is_none());
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(all_messages(&store, &session).await, messages);
}

/// Whoever has no time left is not made to wait for an answer. (How far a session has come may be known without waiting.)
pub async fn a_read_that_comes_too_late_is_refused<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (tenant, message) = (&session.tenant_id, say(&store, a_message(&session)).await);
    let (user_id, reader) = (session.user_id.clone(), caller(Role::Agent).reader());
    let of_user = UserSessions { user_id, reader, status: None, limit: 1, cursor: None };

    too_late("find a session", store.sessions.find(tenant, session.id)).await;
    too_late("list sessions", store.sessions.list_of_user(tenant, &of_user)).await;
    too_late("find a message", store.messages.find(tenant, message.id)).await;
    too_late("list participants", store.participants.list(tenant, session.id)).await;
    let history = HistoryQuery { after: 0, limit: 1 };
    too_late("read a history", store.messages.history(tenant, message.id, &history)).await;
    too_late("page", store.pages.page(tenant, session.id, &everything())).await;
    too_late("find an extension", store.extensions.find(tenant, message.id, ids().extension_id())).await;
}
