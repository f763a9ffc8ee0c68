//! Taking something off a message.

use super::super::stage::{all_messages, create, say, session_now, together, two_nodes};
use super::{a_stored_message, add, detach, message_now, take_off};
use crate::audit::AuditQuery;
use crate::clock::IdSource;
use crate::extension::{DetachOutcome, Detachment};
use crate::message::Message;
use crate::precondition::{Expected, Precondition};
use crate::session::NewSession;
use crate::testing::builder::{a_detachment_of, a_message, a_session, an_entry, an_extension, ids, tenant};
use crate::testing::rig::StoreRig;

/// Taking an extension off is one change of the message and of the session.
pub async fn a_removed_extension_is_gone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (first, _) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let (second, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let detachment = a_detachment_of(first.id);
    let expected = Message { rev: rev.next(), extensions: vec![second.clone()], ..message.clone() };
    let outcome = detach(&store, message.id, detachment.clone()).await;
    assert_eq!(outcome, DetachOutcome::Removed(expected.clone()));
    assert_eq!(message_now(&store, &message).await.extensions, std::slice::from_ref(&second));
    assert_eq!(all_messages(&store, &session).await, [expected]);
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.updated_at), (rev.next(), detachment.at));
    take_off(&store, "default", message.id, second.id).await;
    assert_eq!(all_messages(&store, &session).await.remove(0).extensions, []);
}

/// Neither an unknown extension nor one of another message is taken off, and nothing moves.
pub async fn what_is_not_there_cannot_be_removed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let other = say(&store, a_message(&session)).await;
    let (extension, _) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let before = session_now(&store, &session).await;
    assert_eq!(take_off(&store, "default", message.id, ids().extension_id()).await, None);
    assert_eq!(detach(&store, other.id, a_detachment_of(extension.id)).await, DetachOutcome::NotThere(other));
    let nowhere = detach(&store, ids().message_id(), a_detachment_of(extension.id)).await;
    assert_eq!(nowhere, DetachOutcome::MessageMissing);
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(message_now(&store, &message).await.extensions, [extension]);
}

/// Whoever guesses both ids has still the wrong tenant, also one with sessions of its own.
pub async fn another_tenants_extension_cannot_be_removed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    let (extension, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    assert_eq!(take_off(&store, "other", message.id, extension.id).await, None);
    assert_eq!(session_now(&store, &session).await.rev, rev);
}

/// Also where there is nothing to be taken off.
pub async fn a_removal_asks_for_the_expected_rev<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    say(&store, a_message(&session)).await;
    let expecting =
        |rev, id| Detachment { precondition: Precondition::OneOf(vec![Expected::Rev(rev)]), ..a_detachment_of(id) };
    let before = session_now(&store, &session).await;
    for id in [extension.id, ids().extension_id()] {
        let outcome = detach(&store, message.id, expecting(message.rev, id)).await;
        assert_eq!(outcome, DetachOutcome::PreconditionFailed);
    }
    assert_eq!(session_now(&store, &session).await, before);
    let outcome = detach(&store, message.id, expecting(rev, extension.id)).await;
    assert!(matches!(outcome, DetachOutcome::Removed(_)), "{outcome:?}");
}

/// And not where nothing was taken off.
pub async fn a_removal_is_recorded_where_it_is_done<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, _) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let entry = an_entry(&session);
    for _ in 0..2 {
        let detachment = Detachment { audit: Some(entry.clone()), ..a_detachment_of(extension.id) };
        detach(&store, message.id, detachment).await;
    }
    let everything = AuditQuery { actor: None, action: None, limit: 10, cursor: None };
    let page = store.audit.list(&session.tenant_id, &everything).await.expect("the store works");
    assert_eq!(page.entries, [entry]);
}

/// Ten who take one extension off at once change the message once.
pub async fn many_removals_at_once_take_one_rev<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let (extension, rev) = add(&nodes[0], an_extension(&session.tenant_id, &message)).await;
    let removals = (0..10).map(|n| {
        let (store, message, extension) = (nodes[n % 2].clone(), message.id, extension.id);
        async move { take_off(&store, "default", message, extension).await }
    });
    let outcomes = together(|task| rig.spawn(task), removals).await;
    let taken: Vec<_> = outcomes.into_iter().flatten().collect();
    assert_eq!(taken, [rev.next()]);
    assert_eq!(session_now(&nodes[1], &session).await.rev, rev.next());
}
