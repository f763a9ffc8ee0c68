//! Making and finding sessions.

use super::super::stage::{any_session, create, say, session_now, together, two_nodes};
use crate::clock::IdSource;
use crate::session::{CreateOutcome, NewSession, Session};
use crate::testing::builder::{a_key, a_message, a_session, ids, metadata, next_moment, participant, tenant};
use crate::testing::rig::{Store, StoreRig};

fn keyed(command: &str) -> NewSession {
    NewSession { idempotency: Some(a_key("k", command)), ..a_session() }
}

async fn try_create(store: &Store, new: NewSession) -> CreateOutcome {
    store.sessions.create(new).await.expect("the store works")
}

fn replayed(outcome: CreateOutcome) -> Session {
    match outcome {
        CreateOutcome::Replayed(session) => session,
        other => panic!("a repeat was not seen as one: {other:?}"),
    }
}

/// A new session is active, empty and unchanged.
pub async fn a_new_session_is_active_with_the_first_rev_and_version<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let new = a_session();
    let session = create(&store, new.clone()).await;
    assert_eq!(session, new.to_session());
    assert_eq!(session_now(&store, &session).await, session);
}

/// Text and numbers come back to the last character and digit.
pub async fn every_field_comes_back_as_it_was_given<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let previous = any_session(&store).await;
    let new = NewSession {
        tenant_id: previous.tenant_id.clone(),
        user_id: participant(&"ü🤖".repeat(127)),
        agent_id: Some(participant("agent 'x' \"y\" \\ %_ $1")),
        metadata: metadata(r#"{"z":-0.0,"a":123456789012345678901234567890,"e":1E2,"n":0.10,"ü":"\u00fc\/"}"#),
        previous_session_id: Some(previous.id),
        created_at: next_moment(),
        ..a_session()
    };
    let session = create(&store, new.clone()).await;
    assert_eq!(session, new.to_session());
    assert_eq!(session_now(&store, &session).await, session);
}

/// Without its tenant a session cannot be found, and an unknown one not at all.
pub async fn a_session_is_found_in_its_tenant_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let find = async |in_tenant: &str, id| store.sessions.find(&tenant(in_tenant), id).await.expect("the store works");
    assert_eq!(find("default", session.id).await, Some(session.clone()));
    assert_eq!(find("other", session.id).await, None);
    assert_eq!(find("default", ids().session_id()).await, None);
}

/// Tenants share nothing, not even the space of ids.
pub async fn one_id_in_two_tenants_is_two_sessions<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let twin = NewSession { tenant_id: tenant("other"), id: session.id, ..a_session() };
    let twin = create(&store, twin).await;
    say(&store, a_message(&twin)).await;
    assert_eq!(session_now(&store, &session).await, session);
    assert_eq!(session_now(&store, &twin).await.all_messages.count, 1);
}

/// A repeat makes nothing, and shows what became of the first session since.
pub async fn a_replay_returns_the_first_session_as_it_is_now<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = create(&store, keyed("c")).await;
    let again = keyed("c");
    assert_eq!(replayed(try_create(&store, again.clone()).await), session);
    say(&store, a_message(&session)).await;
    assert_eq!(replayed(try_create(&store, keyed("c")).await), session_now(&store, &session).await);
    let found = store.sessions.find(&again.tenant_id, again.id).await.expect("the store works");
    assert_eq!(found, None);
}

/// A key stands for one command.
pub async fn a_key_is_refused_for_another_command<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    create(&store, keyed("c")).await;
    let other = keyed("d");
    assert_eq!(try_create(&store, other.clone()).await, CreateOutcome::KeyReused);
    assert_eq!(store.sessions.find(&other.tenant_id, other.id).await.expect("the store works"), None);
}

/// Two tenants may use the same key.
pub async fn a_key_belongs_to_its_tenant<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let first = create(&store, keyed("c")).await;
    let second = create(&store, NewSession { tenant_id: tenant("other"), ..keyed("d") }).await;
    assert_ne!(first.id, second.id);
}

/// Fifty equal requests on two nodes: one session, one answer.
pub async fn fifty_creations_with_one_key_make_one_session<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let attempts = (0..50).map(|attempt| {
        let (store, new) = (nodes[attempt % 2].clone(), keyed("c"));
        async move { (new.id, try_create(&store, new).await) }
    });
    let outcomes = together(|task| rig.spawn(task), attempts).await;
    let mut made = Vec::new();
    let mut answers = Vec::new();
    for (id, outcome) in outcomes {
        match outcome {
            CreateOutcome::Created(session) => {
                assert_eq!(session.id, id);
                made.push(session);
            }
            CreateOutcome::Replayed(session) => answers.push(session),
            CreateOutcome::KeyReused => panic!("the command is the same"),
        }
    }
    assert_eq!((made.len(), answers.len()), (1, 49));
    assert!(answers.iter().all(|answer| *answer == made[0]));
}
