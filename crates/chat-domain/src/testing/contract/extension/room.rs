//! How much hangs on a message, also where many come at once.

use super::super::stage::{session_now, together, two_nodes};
use super::{a_stored_message, add, message_now, take_off, try_add};
use crate::extension::{AddOutcome, Extension, NewExtension, NoRoom};
use crate::metadata::Metadata;
use crate::testing::builder::{a_reaction, an_extension, metadata};
use crate::testing::rig::StoreRig;

/// The first emoji of the list of all.
fn emoji(count: usize) -> Vec<&'static str> {
    emojis::iter().take(count).map(emojis::Emoji::as_str).collect()
}

/// A message holds a hundred; one more is refused and changes nothing, until one goes.
pub async fn the_hundred_and_first_is_too_many<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let mut last = None;
    for _ in 0..Extension::MAX_PER_MESSAGE {
        last = Some(add(&store, an_extension(&session.tenant_id, &message)).await.0.id);
    }
    let before = session_now(&store, &session).await;
    let outcome = try_add(&store, an_extension(&session.tenant_id, &message)).await;
    assert_eq!(outcome, AddOutcome::NoRoom(NoRoom::TooMany));
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(message_now(&store, &message).await.extensions.len(), Extension::MAX_PER_MESSAGE);
    assert!(take_off(&store, "default", message.id, last.expect("there are some")).await.is_some());
    add(&store, an_extension(&session.tenant_id, &message)).await;
}

/// However few they are; it keeps nobody from reacting.
pub async fn what_is_too_large_together_is_refused<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let data = metadata(&format!(r#"{{"a":"{}"}}"#, "x".repeat(Metadata::MAX_BYTES - 8)));
    let large = || NewExtension { data: data.clone(), ..an_extension(&session.tenant_id, &message) };
    for _ in 0..8 {
        add(&store, large()).await;
    }
    let before = session_now(&store, &session).await;
    assert_eq!(try_add(&store, large()).await, AddOutcome::NoRoom(NoRoom::TooLarge));
    assert_eq!(session_now(&store, &session).await, before);
    add(&store, a_reaction(&session.tenant_id, &message, "ann", "👍")).await;
}

/// Of each of the twenty there may be more.
pub async fn the_twenty_first_emoji_is_too_many<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, message) = a_stored_message(&store).await;
    let emoji = emoji(21);
    let reaction = |user, emoji| a_reaction(&session.tenant_id, &message, user, emoji);
    for emoji in &emoji[..20] {
        add(&store, reaction("ann", emoji)).await;
    }
    let before = session_now(&store, &session).await;
    for user in ["ann", "ben"] {
        assert_eq!(try_add(&store, reaction(user, emoji[20])).await, AddOutcome::NoRoom(NoRoom::TooManyEmoji));
    }
    assert_eq!(session_now(&store, &session).await, before);
    add(&store, reaction("ben", emoji[7])).await;
}

/// The limit holds also where many come at once, and each that was added took a `rev` of its own.
pub async fn a_race_for_the_last_place_has_one_winner<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    for _ in 1..Extension::MAX_PER_MESSAGE {
        add(&nodes[0], an_extension(&session.tenant_id, &message)).await;
    }
    let before = session_now(&nodes[0], &session).await;
    let attempts = (0..10).map(|n| {
        let (store, new) = (nodes[n % 2].clone(), an_extension(&session.tenant_id, &message));
        async move { try_add(&store, new).await }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let is_refused = |outcome: &AddOutcome| *outcome == AddOutcome::NoRoom(NoRoom::TooMany);
    let (refused, added): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(is_refused);
    let [AddOutcome::Added { message: told, .. }] = &added[..] else { panic!("{added:?}") };
    assert_eq!((refused.len(), told.rev), (9, before.rev.next()));
    assert_eq!(session_now(&nodes[1], &session).await.rev, before.rev.next());
}

/// And ten of them are refused.
pub async fn a_hundred_and_ten_at_once_leave_a_hundred<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let attempts = (0..110).map(|n| {
        let (store, new) = (nodes[n % 2].clone(), an_extension(&session.tenant_id, &message));
        async move { matches!(try_add(&store, new).await, AddOutcome::Added { .. }) }
    });
    let added = together(|task| rig.spawn(task), attempts).await.into_iter().filter(|added| *added).count();
    let shown = message_now(&nodes[1], &message).await;
    assert_eq!((added, shown.extensions.len()), (100, 100));
    assert_eq!((shown.rev.get(), session_now(&nodes[1], &session).await.rev), (message.rev.get() + 100, shown.rev));
}

/// And four of them are refused.
pub async fn twenty_four_emoji_at_once_leave_twenty<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let (session, message) = a_stored_message(&nodes[0]).await;
    let attempts = emoji(24).into_iter().enumerate().map(|(n, emoji)| {
        let new = a_reaction(&session.tenant_id, &message, &format!("user-{n}"), emoji);
        let store = nodes[n % 2].clone();
        async move { try_add(&store, new).await }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let refused = outcomes.iter().filter(|outcome| **outcome == AddOutcome::NoRoom(NoRoom::TooManyEmoji)).count();
    let added = outcomes.iter().filter(|outcome| matches!(outcome, AddOutcome::Added { .. })).count();
    assert_eq!((added, refused), (20, 4));
    let shown = message_now(&nodes[1], &message).await;
    assert_eq!((shown.extensions.len(), shown.rev.get()), (20, message.rev.get() + 20));
}
