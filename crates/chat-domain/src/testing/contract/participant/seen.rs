//! Who is listed, and who knows of whom.

use super::super::stage::{any_session, remove, say, say_many, update};
use super::acts::{agent, from, moved, note, read, user};
use crate::clock::IdSource;
use crate::message::Visibility;
use crate::participant::{Participant, ParticipantRole};
use crate::session::{Session, SessionChange};
use crate::testing::builder::{ids, tenant};
use crate::testing::rig::{Store, StoreRig};

async fn list(store: &Store, session: &Session) -> Vec<Participant> {
    store.participants.list(&session.tenant_id, session.id).await.expect("the store works")
}

/// Ids by their bytes, and of namesakes the agent first.
pub async fn participants_are_listed_by_id_and_role<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, other) = (any_session(&store).await, any_session(&store).await);
    for session in [&session, &other] {
        say_many(&store, session, 2).await;
    }
    for reader in [agent("cleo"), user("user"), agent("Zoe"), agent("user"), agent("ann")] {
        moved(&store, &session, read(&reader, 1)).await;
    }
    moved(&store, &other, read(&agent("bob"), 1)).await;
    let listed: Vec<_> = list(&store, &session).await.into_iter().map(|it| (it.id.to_string(), it.role)).collect();
    let (agent, user) = (ParticipantRole::Agent, ParticipantRole::User);
    let expected = [("Zoe", agent), ("ann", agent), ("cleo", agent), ("user", agent), ("user", user)];
    assert_eq!(listed, expected.map(|(id, role)| (id.to_owned(), role)));
}

/// Nor in another tenant's.
pub async fn nobody_is_listed_where_there_is_no_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 1).await;
    moved(&store, &session, read(&agent("bob"), 1)).await;
    assert_eq!(list(&store, &Session { tenant_id: tenant("other"), ..session.clone() }).await, []);
    assert_eq!(list(&store, &Session { id: ids().session_id(), ..session }).await, []);
}

/// Whoever but reads along, or notes something for agents, stays unknown to it. Whom it knew it goes on knowing.
pub async fn a_user_knows_of_itself_of_who_serves_and_of_who_has_spoken<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (ann, namesake) = (user("user"), agent("user"));
    let [silent, serving, speaking, noting] = ["silent", "serving", "speaking", "noting"].map(agent);
    say_many(&store, &session, 1).await;
    let to = |agent_id| SessionChange { agent_id: Some(agent_id), ..SessionChange::default() };
    update(&store, &session, to(Some(serving.id.clone()))).await;
    let said = say(&store, from(&session, &speaking)).await;
    say(&store, note(&session, &noting)).await;
    let seen = async |reader, seq| moved(&store, &session, read(reader, seq)).await.visibility;
    let (known, unknown) = (Visibility::Public, Visibility::Internal);
    assert_eq!(seen(&ann, 1).await, known);
    assert_eq!(seen(&silent, 1).await, unknown);
    assert_eq!(seen(&serving, 1).await, known);
    assert_eq!(seen(&speaking, 1).await, known);
    assert_eq!(seen(&noting, 1).await, unknown);
    // A namesake on the user's side is not who has spoken.
    assert_eq!(seen(&namesake, 1).await, unknown);
    update(&store, &session, to(Some(silent.id.clone()))).await;
    remove(&store, &session.tenant_id, &said).await;
    assert_eq!(seen(&silent, 2).await, known);
    assert_eq!(seen(&serving, 2).await, known);
    assert_eq!(seen(&speaking, 2).await, known);
    assert_eq!(seen(&noting, 2).await, unknown);
}
