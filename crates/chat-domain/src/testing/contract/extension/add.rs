//! Hanging something on a message, and finding it there.

use super::super::stage::{all_messages, end, remove, say, session_now, together, two_nodes};
use super::{a_stored_message, add, message_now, take_off, try_add};
use crate::clock::IdSource;
use crate::extension::{AddOutcome, Attached, NewExtension};
use crate::message::{Message, Sender, SenderType};
use crate::precondition::{Expected, Precondition};
use crate::testing::builder::{
    a_message, a_reaction, an_extension, extension_of, ids, metadata, next_moment, participant, tenant,
};
use crate::testing::rig::StoreRig;

/// Type and data come back to the last digit: from `add`, with the message and on a page.
pub async fn an_extension_comes_back_as_it_was_given<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let new = NewExtension {
        extension_type: "x.y-z_0".parse().expect("a valid type"),
        data: metadata(r#"{"z":-0.0,"a":123456789012345678901234567890,"ü":"👍🏽","o":{"b":[null]}}"#),
        ..an_extension(&session.tenant_id, &message)
    };
    let expected = extension_of(&new);
    assert_eq!(add(&store, new).await.0, expected);
    assert_eq!(message_now(&store, &message).await.extensions, std::slice::from_ref(&expected));
    assert_eq!(all_messages(&store, &session).await.remove(0).extensions, [expected]);
}

/// To hang something on a message is one change of it and of its session, but no edit of its text and no change of the
/// session's own fields.
pub async fn an_extension_moves_the_message_and_the_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let outcome = try_add(&store, an_extension(&session.tenant_id, &message)).await;
    let AddOutcome::Added { extension, message: told } = outcome else { panic!("{outcome:?}") };
    let rev = message.rev.next();
    let expected = Message { rev, extensions: vec![extension.clone()], ..message.clone() };
    assert_eq!(told, expected);
    assert_eq!(all_messages(&store, &session).await, [expected]);
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.updated_at, now.version), (rev, extension.created_at, session.version));
    assert_eq!(now.all_messages.last_at, Some(message.created_at));
    assert_eq!(now.all_messages.count, 1);
}

/// Each message has its own extensions, in the order of time, and of ids where that is the same.
pub async fn extensions_stand_oldest_first_on_their_messages<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, first) = a_stored_message(&store).await;
    let second = say(&store, a_message(&session)).await;
    say(&store, a_message(&session)).await;
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        of_first.push(add(&store, an_extension(&session.tenant_id, &first)).await.0);
        of_second.push(add(&store, an_extension(&session.tenant_id, &second)).await.0);
    }
    // Of one moment, and from a clock that is behind.
    let (at_once, behind) = (next_moment(), of_first[1].created_at);
    let mut late: Vec<_> = (0..3).map(|_| an_extension(&session.tenant_id, &first)).collect();
    late.rotate_left(1);
    for new in late {
        of_first.push(add(&store, NewExtension { created_at: at_once, ..new }).await.0);
    }
    let new = NewExtension { created_at: behind, ..an_extension(&session.tenant_id, &first) };
    let outcome = try_add(&store, new.clone()).await;
    of_first.push(extension_of(&new));
    of_first.sort_by_key(|extension| (extension.created_at, extension.id));
    assert!(matches!(outcome, AddOutcome::Added { message, .. } if message.extensions == of_first));
    let shown: Vec<_> = all_messages(&store, &session).await.into_iter().map(|message| message.extensions).collect();
    assert_eq!(shown, [of_first, of_second, Vec::new()]);
}

/// Only in its tenant, and only on its message.
pub async fn one_extension_is_found_with_who_made_it<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let other = say(&store, a_message(&session)).await;
    let maker = Sender { sender_type: SenderType::System, id: participant("bot \u{fc}'") };
    let new = NewExtension { maker: maker.clone(), ..an_extension(&session.tenant_id, &message) };
    let reaction = a_reaction(&session.tenant_id, &message, "ann", "👍");
    add(&store, new.clone()).await;
    add(&store, reaction.clone()).await;
    let find = async |of_tenant: &str, on: &Message, id| {
        store.extensions.find(&tenant(of_tenant), on.id, id).await.expect("the store works")
    };
    let attached = |new: &NewExtension, maker| Some(Attached { extension: extension_of(new), maker: Some(maker) });
    assert_eq!(find("default", &message, new.id).await, attached(&new, maker));
    assert_eq!(find("default", &message, reaction.id).await, attached(&reaction, reaction.maker.clone()));
    assert_eq!(find("default", &other, new.id).await, None);
    assert_eq!(find("default", &message, ids().extension_id()).await, None);
    assert_eq!(find("other", &message, new.id).await, None);
    remove(&store, &session.tenant_id, &message).await;
    assert_eq!(find("default", &message, new.id).await, None);
}

/// The `rev` that is asked for is the message's, whatever came of the session.
pub async fn an_addition_asks_for_the_expected_rev<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    say(&store, a_message(&session)).await;
    let before = session_now(&store, &session).await;
    let expecting = |rev| NewExtension {
        precondition: Precondition::OneOf(vec![Expected::Rev(rev)]),
        ..a_reaction(&session.tenant_id, &message, "ann", "👍")
    };
    assert_eq!(try_add(&store, expecting(message.rev.next())).await, AddOutcome::PreconditionFailed);
    assert_eq!(session_now(&store, &session).await, before);
    let (_, rev) = add(&store, expecting(message.rev)).await;
    assert_eq!(try_add(&store, expecting(message.rev)).await, AddOutcome::PreconditionFailed);
    assert!(matches!(try_add(&store, expecting(rev)).await, AddOutcome::AlreadyThere(_)));
}

/// Reactions and others still come in after the end.
pub async fn an_ended_session_takes_extensions<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let ended = end(&store, &session).await;
    let (extension, rev) = add(&store, an_extension(&session.tenant_id, &message)).await;
    assert_eq!(rev, ended.rev.next());
    assert_eq!(take_off(&store, "default", message.id, extension.id).await, Some(rev.next()));
    add(&store, a_reaction(&session.tenant_id, &message, "ann", "👍")).await;
}

/// Nothing hangs on a message that was never written.
pub async fn an_unknown_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let new = NewExtension { message_id: ids().message_id(), ..an_extension(&session.tenant_id, &message) };
    assert_eq!(try_add(&store, new).await, AddOutcome::MessageMissing);
}

/// What hung on a deleted message is not shown any more, cannot be taken off, and nothing is added to it.
pub async fn a_deleted_message_takes_and_shows_none<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (extension, _) = add(&store, an_extension(&session.tenant_id, &message)).await;
    let reaction = a_reaction(&session.tenant_id, &message, "ann", "👍");
    add(&store, reaction.clone()).await;
    let tombstone = remove(&store, &session.tenant_id, &message).await;
    assert_eq!(tombstone.extensions, []);
    let before = session_now(&store, &session).await;
    assert_eq!(try_add(&store, an_extension(&session.tenant_id, &message)).await, AddOutcome::MessageDeleted);
    assert_eq!(try_add(&store, reaction).await, AddOutcome::MessageDeleted);
    assert_eq!(take_off(&store, "default", message.id, extension.id).await, None);
    assert_eq!(message_now(&store, &message).await.extensions, []);
    assert_eq!(all_messages(&store, &session).await, [tombstone]);
    assert_eq!(session_now(&store, &session).await, before);
}

/// A message's id is worth nothing in another tenant.
pub async fn another_tenants_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    add(&store, an_extension(&session.tenant_id, &message)).await;
    let new = an_extension(&tenant("other"), &message);
    assert_eq!(try_add(&store, new).await, AddOutcome::MessageMissing);
}

/// Each addition comes before the deletion and takes a `rev`, or after it and is refused.
pub async fn additions_that_race_with_a_deletion_come_before_it<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let tasks = (0..16).map(|n| {
        let (store, session, message) = (nodes[n % 2].clone(), session.clone(), message.clone());
        async move {
            if n == 8 {
                return Some(remove(&store, &session.tenant_id, &message).await.rev);
            }
            let new = a_reaction(&session.tenant_id, &message, &format!("user-{n}"), "👍");
            match try_add(&store, new).await {
                AddOutcome::Added { message, .. } => Some(message.rev),
                AddOutcome::MessageDeleted => None,
                other => panic!("neither added nor refused: {other:?}"),
            }
        }
    });
    let outcomes = together(|task| rig.spawn(task), tasks).await;
    let deleted = outcomes[8].expect("it was deleted");
    let mut revs: Vec<_> = outcomes.into_iter().flatten().collect();
    revs.sort_unstable();
    let expected: Vec<_> =
        std::iter::successors(Some(message.rev.next()), |rev| Some(rev.next())).take(revs.len()).collect();
    assert_eq!((revs, Some(&deleted)), (expected.clone(), expected.last()));
    assert_eq!(session_now(&nodes[1], &session).await.rev, deleted);
    assert_eq!(message_now(&nodes[1], &message).await.extensions, []);
}
