//! Extensions with a unique key: of each there is one on a message, whoever races.

use super::super::stage::{say, session_now, together, two_nodes};
use super::{a_stored_message, add, detach, message_now, try_add};
use crate::extension::{AddOutcome, DetachOutcome, Detachment, Extension, NewExtension, Which};
use crate::message::Message;
use crate::revision::Rev;
use crate::testing::builder::{a_detachment, a_message, a_reaction, an_extension, tenant};
use crate::testing::rig::{Store, StoreRig};

fn thumb(message: &Message, user: &str) -> NewExtension {
    a_reaction(&tenant("default"), message, user, "👍")
}

fn without(reaction: &NewExtension) -> Detachment {
    a_detachment(Which::UniqueKey(reaction.unique_key.expect("a reaction has one")))
}

async fn take_back(store: &Store, message: &Message, reaction: &NewExtension) -> Option<Rev> {
    match detach(store, message.id, without(reaction)).await {
        DetachOutcome::Removed(message) => Some(message.rev),
        DetachOutcome::NotThere(_) => None,
        other => panic!("{other:?}"),
    }
}

/// It takes no `rev`, and the message is told as it is.
pub async fn a_second_time_changes_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    add(&store, thumb(&message, "ann")).await;
    let (before, shown) = (session_now(&store, &session).await, message_now(&store, &message).await);
    assert_eq!(try_add(&store, thumb(&message, "ann")).await, AddOutcome::AlreadyThere(shown.clone()));
    assert_eq!((session_now(&store, &session).await, message_now(&store, &message).await), (before, shown));
}

/// On each message.
pub async fn each_actor_and_each_emoji_is_one_reaction<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let other = say(&store, a_message(&session)).await;
    for new in [
        thumb(&message, "ann"),
        thumb(&message, "ben"),
        a_reaction(&session.tenant_id, &message, "ann", "🎉"),
        thumb(&other, "ann"),
    ] {
        add(&store, new).await;
    }
    assert_eq!(message_now(&store, &message).await.extensions.len(), 3);
    assert_eq!(message_now(&store, &other).await.extensions.len(), 1);
}

/// That is one change of the message and of the session.
pub async fn a_reaction_taken_back_is_gone_and_may_come_again<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let (kept, _) = add(&store, thumb(&message, "ben")).await;
    let (_, rev) = add(&store, thumb(&message, "ann")).await;
    let detachment = without(&thumb(&message, "ann"));
    let outcome = detach(&store, message.id, detachment.clone()).await;
    let expected = Message { rev: rev.next(), extensions: vec![kept], ..message.clone() };
    assert_eq!(outcome, DetachOutcome::Removed(expected.clone()));
    assert_eq!(message_now(&store, &message).await, expected);
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.updated_at), (rev.next(), detachment.at));
    let (_, again) = add(&store, thumb(&message, "ann")).await;
    assert_eq!(again, rev.next().next());
}

/// Neither another's, nor another emoji, nor one that is on another message.
pub async fn what_is_not_shown_cannot_be_taken_back<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let other = say(&store, a_message(&session)).await;
    add(&store, thumb(&message, "ann")).await;
    let (before, shown) = (session_now(&store, &session).await, message_now(&store, &message).await);
    for reaction in [thumb(&message, "ben"), a_reaction(&session.tenant_id, &message, "ann", "🎉")] {
        let outcome = detach(&store, message.id, without(&reaction)).await;
        assert_eq!(outcome, DetachOutcome::NotThere(shown.clone()));
    }
    assert_eq!(detach(&store, other.id, without(&thumb(&message, "ann"))).await, DetachOutcome::NotThere(other));
    assert_eq!(session_now(&store, &session).await, before);
}

/// On a message that is full.
pub async fn a_repeat_takes_no_room<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    add(&store, thumb(&message, "ann")).await;
    for _ in 1..Extension::MAX_PER_MESSAGE {
        add(&store, an_extension(&session.tenant_id, &message)).await;
    }
    let outcome = try_add(&store, thumb(&message, "ann")).await;
    assert!(matches!(outcome, AddOutcome::AlreadyThere(_)), "{outcome:?}");
    let outcome = try_add(&store, thumb(&message, "ben")).await;
    assert!(matches!(outcome, AddOutcome::NoRoom(_)), "{outcome:?}");
}

/// On two nodes: the session moves on once.
pub async fn twenty_four_equal_reactions_at_once_are_one<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let attempts = (0..24).map(|n| {
        let (store, new) = (nodes[n % 2].clone(), thumb(&message, "ann"));
        async move { try_add(&store, new).await }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let shown = message_now(&nodes[1], &message).await;
    assert_eq!((shown.extensions.len(), shown.rev), (1, message.rev.next()));
    assert_eq!(session_now(&nodes[1], &session).await.rev, message.rev.next());
    let mut added = 0;
    for outcome in outcomes {
        match outcome {
            AddOutcome::Added { message, .. } => {
                added += 1;
                assert_eq!(message, shown);
            }
            other => assert_eq!(other, AddOutcome::AlreadyThere(shown.clone())),
        }
    }
    assert_eq!(added, 1);
}

/// On two nodes, too.
pub async fn twenty_four_who_take_one_back_at_once_take_one_rev<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let (_, rev) = add(&nodes[0], thumb(&message, "ann")).await;
    let attempts = (0..24).map(|n| {
        let (store, message) = (nodes[n % 2].clone(), message.clone());
        async move { take_back(&store, &message, &thumb(&message, "ann")).await }
    });
    let taken: Vec<_> = together(|task| rig.spawn(task), attempts).await.into_iter().flatten().collect();
    assert_eq!(taken, [rev.next()]);
    assert_eq!(session_now(&nodes[1], &session).await.rev, rev.next());
}

/// Whatever the order, each change took one `rev`, and they came in turns.
pub async fn showing_and_taking_back_at_once_leaves_one_or_none<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let attempts = (0..24_usize).map(|n| {
        let (store, message) = (nodes[n / 2 % 2].clone(), message.clone());
        async move {
            let reaction = thumb(&message, "ann");
            if n % 2 == 1 {
                return take_back(&store, &message, &reaction).await.map(|rev| (rev, -1));
            }
            match try_add(&store, reaction).await {
                AddOutcome::Added { message, .. } => Some((message.rev, 1)),
                AddOutcome::AlreadyThere(_) => None,
                other => panic!("{other:?}"),
            }
        }
    });
    let mut changes: Vec<_> = together(|task| rig.spawn(task), attempts).await.into_iter().flatten().collect();
    changes.sort_unstable();
    let turns: Vec<_> = changes.iter().map(|(_, change)| *change).collect();
    let expected: Vec<_> = [1, -1].into_iter().cycle().take(turns.len()).collect();
    assert_eq!(turns, expected);
    let left: i32 = turns.iter().sum();
    let shown = message_now(&nodes[1], &message).await;
    assert_eq!(i32::try_from(shown.extensions.len()), Ok(left));
    assert_eq!(changes.last().map(|(rev, _)| *rev), Some(session_now(&nodes[1], &session).await.rev));
}
