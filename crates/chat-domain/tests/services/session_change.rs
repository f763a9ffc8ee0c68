//! Changing and ending sessions.

use chat_domain::access::Role;
use chat_domain::event::ChangeKind;
use chat_domain::field::Field;
use chat_domain::precondition::{Expected, Precondition};
use chat_domain::session::{
    InvalidTransition, MetadataEdit, MockSessionRepository, Session, SessionError, SessionPatch, SessionStatus,
    UpdateOutcome,
};
use chat_domain::testing::builder::{a_session, participant};

use crate::house::{
    House, as_agent, as_role, as_service, as_stranger, as_user, codes, json, key, outage, silent_sessions, text,
};

fn to_agent(name: &str) -> SessionPatch {
    SessionPatch { agent_id: text(name), ..SessionPatch::default() }
}

fn to_status(status: &str) -> SessionPatch {
    SessionPatch { status: text(status), ..SessionPatch::default() }
}

/// The session as it is now, but for what moves with every change.
fn unmoved(before: &Session, now: Session) -> Session {
    assert!(now.updated_at > before.updated_at);
    Session { rev: before.rev, version: before.version, updated_at: before.updated_at, ..now }
}

#[tokio::test]
async fn only_the_fields_that_were_sent_change() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let patch = async |patch| {
        house.sessions.update(&as_agent("anna"), session.id, patch, Precondition::None).await.unwrap().session
    };
    let mut expected = Session { agent_id: Some(participant("anna")), ..session.clone() };
    let counted = |now: &Session| (now.rev.get(), now.version.get());
    let now = patch(to_agent("anna")).await;
    assert_eq!(counted(&now), (2, 2));
    assert_eq!(unmoved(&session, now), expected);
    let now = patch(SessionPatch { metadata: json(r#"{"a":1}"#), ..SessionPatch::default() }).await;
    assert_eq!((counted(&now), now.metadata.as_str()), ((3, 3), r#"{"a":1}"#));
    let merge = |metadata| SessionPatch { metadata, metadata_edit: MetadataEdit::Merge, ..SessionPatch::default() };
    assert_eq!(patch(merge(json(r#"{"b":2}"#))).await.metadata.as_str(), r#"{"a":1,"b":2}"#);
    assert_eq!(patch(merge(Field::Null)).await.metadata.as_str(), "{}");
    expected.agent_id = None;
    let now = patch(SessionPatch { agent_id: Field::Null, ..SessionPatch::default() }).await;
    assert_eq!(unmoved(&session, now), expected);
}

#[tokio::test]
async fn each_change_is_told_once_and_what_changes_nothing_is_not() {
    let house = House::new();
    let session = house.session_of("ann").await;
    for _ in 0..2 {
        house.sessions.update(&as_service(), session.id, to_agent("anna"), Precondition::None).await.unwrap();
    }
    let events = house.bus.published();
    assert_eq!(events.len(), 2);
    assert_eq!((events[1].session_id, events[1].rev.get(), events[1].kind), (session.id, 2, ChangeKind::Session));
}

#[tokio::test]
async fn all_faults_of_a_patch_are_named_at_once_and_the_store_is_not_asked() {
    let patch = SessionPatch {
        agent_id: text(""),
        status: Field::Null,
        metadata: json(r#"{"a":{"b":"\u0000"}}"#),
        metadata_edit: MetadataEdit::Merge,
    };
    let service = silent_sessions(MockSessionRepository::new());
    let refused = service.update(&as_service(), a_session().id, patch, Precondition::None).await;
    let Err(SessionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let expected = [("/agent_id", "empty"), ("/status", "invalid_type"), ("/metadata/a/b", "nul_character")];
    assert_eq!(codes(&faults), expected);
}

#[tokio::test]
async fn a_user_ends_its_own_session_and_changes_nothing_else() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let patch = async |caller, patch| house.sessions.update(&caller, session.id, patch, Precondition::None).await;
    let with_agent = SessionPatch { agent_id: text("anna"), ..to_status("ended") };
    for more in [to_agent("anna"), to_status("waiting"), SessionPatch::default(), with_agent] {
        let refused = patch(as_user("ann"), more).await;
        assert!(matches!(refused, Err(SessionError::Forbidden)), "{refused:?}");
    }
    for stranger in [as_user("bob"), as_stranger()] {
        let hidden = patch(stranger, to_status("ended")).await;
        assert!(matches!(hidden, Err(SessionError::NotFound)), "{hidden:?}");
    }
    assert_eq!(house.told(), 1);
    assert_eq!(patch(as_user("ann"), to_status("ended")).await.unwrap().session.state.status(), SessionStatus::Ended);
}

#[tokio::test]
async fn refusals_say_where_the_session_stands_and_tell_nobody() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let patch =
        async |patch, precondition| house.sessions.update(&as_agent("anna"), session.id, patch, precondition).await;
    let stale = Precondition::OneOf(vec![Expected::Unknown]);
    let failed = patch(to_agent("anna"), stale).await;
    assert!(matches!(failed, Err(SessionError::PreconditionFailed)), "{failed:?}");
    let ended = patch(to_status("ended"), Precondition::None).await.unwrap().session;
    let told = house.told();
    let moved = patch(to_status("active"), Precondition::None).await;
    let expected = InvalidTransition { from: SessionStatus::Ended, to: SessionStatus::Active };
    assert!(
        matches!(moved, Err(SessionError::InvalidTransition { transition, rev }) if transition == expected && rev == ended.rev),
        "{moved:?}"
    );
    let assigned = patch(to_agent("anna"), Precondition::None).await;
    assert!(matches!(assigned, Err(SessionError::Ended { rev }) if rev == ended.rev), "{assigned:?}");
    assert_eq!(house.told(), told);
}

#[tokio::test]
async fn a_merge_that_grows_too_large_is_a_fault_of_the_input() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let half = |key: &str| SessionPatch {
        metadata: json(&format!("{{\"{key}\":\"{}\"}}", "x".repeat(9_000))),
        metadata_edit: MetadataEdit::Merge,
        ..SessionPatch::default()
    };
    house.sessions.update(&as_service(), session.id, half("a"), Precondition::None).await.unwrap();
    let refused = house.sessions.update(&as_service(), session.id, half("b"), Precondition::None).await;
    let Err(SessionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(codes(&faults), [("/metadata", "too_large")]);
}

#[tokio::test]
async fn an_end_is_stamped_and_told_once() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let end = async |caller| house.sessions.end(&caller, session.id, Precondition::None, None).await;
    for stranger in [as_user("bob"), as_stranger()] {
        let hidden = end(stranger).await;
        assert!(matches!(hidden, Err(SessionError::NotFound)), "{hidden:?}");
    }
    let first = end(as_user("ann")).await.unwrap();
    house.clock.advance_seconds(60);
    let again = end(as_agent("anna")).await.unwrap();
    assert!(first.value.session.state.ended_at().is_some());
    assert_eq!((again.value, again.replayed), (first.value, false));
    assert_eq!(house.told(), 2);
}

#[tokio::test]
async fn a_repeated_end_is_a_replay_whatever_happened_since() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let other = house.session_of("ann").await;
    let seen = Precondition::OneOf(vec![Expected::Rev(session.rev)]);
    let end = async |id| house.sessions.end(&as_user("ann"), id, seen.clone(), Some(&key("k"))).await;
    let first = end(session.id).await.unwrap();
    assert!(!first.replayed);
    let again = end(session.id).await.unwrap();
    assert_eq!((again.value, again.replayed), (first.value, true));
    // The key belongs to the session that it ended.
    assert!(!end(other.id).await.unwrap().replayed);
    assert_eq!(house.told(), 4);
    let late = house.sessions.end(&as_user("ann"), session.id, seen.clone(), None).await;
    assert!(matches!(late, Err(SessionError::PreconditionFailed)), "{late:?}");
}

#[tokio::test]
async fn whoever_serves_changes_and_ends_any_session_of_its_tenant() {
    let house = House::new();
    for role in [Role::Agent, Role::Supervisor, Role::Admin, Role::Service] {
        let session = house.session_of("ann").await;
        let caller = as_role(role, "me");
        house.sessions.update(&caller, session.id, to_agent("me"), Precondition::None).await.unwrap();
        let ended = house.sessions.end(&caller, session.id, Precondition::None, None).await.unwrap();
        assert_eq!(ended.value.session.rev.get(), 3, "{role}");
    }
}

#[tokio::test]
async fn what_the_store_says_is_what_the_caller_learns() {
    for (answer, expected) in [
        (Ok(UpdateOutcome::KeyReused), "the idempotency key was used for another request"),
        (Ok(UpdateOutcome::Missing), "no such session"),
        (Err(outage()), "store unavailable"),
    ] {
        let session = a_session().to_session();
        let (id, found) = (session.id, session.clone());
        let mut store = MockSessionRepository::new();
        store.expect_find().returning(move |_, _| Ok(Some(found.clone())));
        store.expect_update().once().return_once(move |_, _, _| answer);
        let failed = silent_sessions(store).end(&as_service(), id, Precondition::None, Some(&key("k"))).await;
        assert_eq!(failed.unwrap_err().to_string(), expected);
    }
}
