//! Many changes at once, over two nodes.

use std::collections::BTreeSet;

use super::super::stage::{all_messages, any_session, say, session_now, to_status, together, two_nodes, update};
use crate::id::ParticipantId;
use crate::metadata::MergePatch;
use crate::precondition::{Expected, Precondition};
use crate::revision::Rev;
use crate::session::{MetadataChange, Session, SessionChange, SessionStatus, SessionUpdate, UpdateOutcome};
use crate::testing::builder::{a_key, a_message, metadata, next_moment, participant};
use crate::testing::rig::StoreRig;

fn merging(key: usize) -> SessionChange {
    let patch = MergePatch::new(metadata(&format!("{{\"k{key}\":{key}}}")));
    SessionChange { metadata: Some(MetadataChange::Merge(patch)), ..SessionChange::default() }
}

fn to_agent(agent: ParticipantId) -> SessionChange {
    SessionChange { agent_id: Some(Some(agent)), ..SessionChange::default() }
}

/// Each merge sees what the one before it made.
pub async fn twenty_merges_at_once_lose_nothing<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let merges = (0..20).map(|key| {
        let (store, session) = (nodes[key % 2].clone(), session.clone());
        async move { update(&store, &session, merging(key)).await }
    });
    together(|task| rig.spawn(task), merges).await;
    let now = session_now(&nodes[1], &session).await;
    let entries: Vec<_> = (0..20).map(|key| format!("\"k{key}\":{key}")).collect();
    for entry in entries {
        assert!(now.metadata.as_str().contains(&entry), "{entry} was lost");
    }
    assert_eq!((now.rev.get(), now.version.get()), (21, 21));
}

/// Whoever asks for the `version` that it saw changes nothing that it did not see.
pub async fn of_many_updates_from_one_version_one_wins<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let attempts = (0..20).map(|n| {
        let (store, session) = (nodes[n % 2].clone(), session.clone());
        let update = SessionUpdate {
            change: to_agent(participant(&format!("agent-{n}"))),
            precondition: Precondition::OneOf(vec![Expected::Version(session.version)]),
            at: next_moment(),
            idempotency: None,
        };
        async move { store.sessions.update(&session.tenant_id, session.id, update).await.expect("the store works") }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let now = session_now(&nodes[1], &session).await;
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|o| *o != UpdateOutcome::PreconditionFailed);
    assert_eq!((won, lost.len()), (vec![UpdateOutcome::Updated(now)], 19));
}

/// Twenty who end one session at once end it once, at one moment.
pub async fn many_ends_at_once_stamp_one_moment<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let ends = (0..20).map(|n| {
        let (store, session) = (nodes[n % 2].clone(), session.clone());
        async move { update(&store, &session, to_status(SessionStatus::Ended)).await }
    });
    let outcomes = together(|task| rig.spawn(task), ends).await;
    let now = session_now(&nodes[1], &session).await;
    assert_eq!(now.rev, session.rev.next());
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, UpdateOutcome::Updated(_))).count(), 1);
    for outcome in outcomes {
        assert!(matches!(outcome, UpdateOutcome::Updated(s) | UpdateOutcome::Unchanged(s) if s == now));
    }
}

/// Twenty equal requests with one key on two nodes: one change, and each other answer is a replay of it.
pub async fn one_key_for_many_ends_is_one_change<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let ends = (0..20).map(|n| {
        let (store, session) = (nodes[n % 2].clone(), session.clone());
        let update = SessionUpdate {
            change: to_status(SessionStatus::Ended),
            precondition: Precondition::None,
            at: next_moment(),
            idempotency: Some(a_key("k", "c")),
        };
        async move { store.sessions.update(&session.tenant_id, session.id, update).await.expect("the store works") }
    });
    let outcomes = together(|task| rig.spawn(task), ends).await;
    let now = session_now(&nodes[1], &session).await;
    let (first, others): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|o| matches!(o, UpdateOutcome::Updated(_)));
    assert_eq!(first, [UpdateOutcome::Updated(now.clone())]);
    assert!(others.iter().all(|outcome| *outcome == UpdateOutcome::Replayed(now.clone())), "{others:?}");
}

/// Whatever changes, it takes a `rev` that nothing else has, and none is left out.
pub async fn messages_and_updates_at_once_take_revs_of_their_own<R: StoreRig>(rig: &R) {
    const TASKS: usize = 20;
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let changes = (0..TASKS).map(|n| {
        let (store, session) = (nodes[n % 2].clone(), session.clone());
        async move {
            if n % 4 < 2 {
                return vec![say(&store, a_message(&session)).await.rev, say(&store, a_message(&session)).await.rev];
            }
            match update(&store, &session, merging(n)).await {
                UpdateOutcome::Updated(session) => vec![session.rev],
                other => panic!("not changed: {other:?}"),
            }
        }
    });
    let revs = together(|task| rig.spawn(task), changes).await.concat();
    let now: Session = session_now(&nodes[1], &session).await;
    assert_eq!(revs.len(), 30);
    let taken: BTreeSet<_> = revs.into_iter().collect();
    assert_eq!(taken, (2..=31).map(Rev::new).collect());
    assert_eq!((now.rev, now.version.get(), now.all_messages.count), (Rev::new(31), 11, 20));
    assert_eq!(all_messages(&nodes[1], &session).await.len(), 20);
}
