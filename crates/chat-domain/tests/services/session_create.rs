//! Starting sessions.

use chat_domain::access::Role;
use chat_domain::clock::Clock;
use chat_domain::event::{ChangeKind, SessionChanged};
use chat_domain::field::Field;
use chat_domain::revision::Rev;
use chat_domain::session::{MockSessionRepository, SessionDraft, SessionError, SessionState};
use chat_domain::testing::builder::{participant, tenant};

use crate::house::{
    House, as_agent, as_role, as_service, as_stranger, as_user, codes, json, key, outage, session_draft,
    silent_sessions, text,
};

#[tokio::test]
async fn a_session_is_stored_and_then_told_of() {
    let house = House::new();
    let draft = SessionDraft { metadata: json(r#"{"page":"/pricing"}"#), ..session_draft("ann") };
    let made = house.sessions.create(&as_user("ann"), draft, None).await.unwrap();
    let session = made.value.session;
    assert!(!made.replayed);
    assert_eq!((session.tenant_id.as_str(), session.user_id.as_str()), ("default", "ann"));
    assert_eq!((session.state, session.created_at), (SessionState::Active, house.clock.now()));
    assert_eq!(session.metadata.as_str(), r#"{"page":"/pricing"}"#);
    assert_eq!(house.sessions.find(&as_user("ann"), session.id).await.unwrap(), session);
    let event = SessionChanged {
        tenant_id: tenant("default"),
        session_id: session.id,
        rev: Rev::FIRST,
        kind: ChangeKind::Session,
    };
    assert_eq!(house.bus.published(), [event]);
}

#[tokio::test]
async fn all_faults_are_named_at_once_and_the_store_is_not_asked() {
    let draft = SessionDraft {
        user_id: Field::Absent,
        agent_id: text(""),
        metadata: json("[]"),
        previous_session_id: text("x"),
    };
    let refused = silent_sessions(MockSessionRepository::new()).create(&as_service(), draft, None).await;
    let Err(SessionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let expected = [
        ("/user_id", "missing_field"),
        ("/agent_id", "empty"),
        ("/metadata", "invalid_type"),
        ("/previous_session_id", "invalid_uuid"),
    ];
    assert_eq!(codes(&faults), expected);
}

#[tokio::test]
async fn a_user_starts_its_own_sessions_without_an_agent() {
    let sessions = silent_sessions(MockSessionRepository::new());
    let of_another = sessions.create(&as_user("ann"), session_draft("bob"), None).await;
    assert!(matches!(of_another, Err(SessionError::Forbidden)), "{of_another:?}");
    let with_agent = SessionDraft { agent_id: text("anna"), ..session_draft("ann") };
    let with_agent = sessions.create(&as_user("ann"), with_agent, None).await;
    assert!(matches!(with_agent, Err(SessionError::Forbidden)), "{with_agent:?}");
}

#[tokio::test]
async fn those_who_serve_start_sessions_for_anyone_and_name_the_agent() {
    let house = House::new();
    for role in [Role::Agent, Role::Supervisor, Role::Admin, Role::Service] {
        let draft = SessionDraft { agent_id: text("anna"), ..session_draft("ann") };
        let made = house.sessions.create(&as_role(role, "me"), draft, None).await.unwrap();
        assert_eq!(made.value.session.agent_id, Some(participant("anna")), "{role}");
    }
}

#[tokio::test]
async fn a_session_continues_one_that_its_caller_may_see() {
    let house = House::new();
    let (of_ann, of_bob) = (house.session_of("ann").await, house.session_of("bob").await);
    let after = |previous: &str| SessionDraft { previous_session_id: text(previous), ..session_draft("ann") };
    let made = house.sessions.create(&as_user("ann"), after(&of_ann.id.to_string()), None).await.unwrap();
    assert_eq!(made.value.session.previous_session_id, Some(of_ann.id));
    let told = house.told();
    for (caller, previous) in [
        (as_user("ann"), of_bob.id.to_string()),
        (as_stranger(), of_ann.id.to_string()),
        (as_service(), "0198c0de-0000-7000-8000-000000000000".to_owned()),
    ] {
        let refused = house.sessions.create(&caller, after(&previous), None).await;
        let Err(SessionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
        assert_eq!(codes(&faults), [("/previous_session_id", "previous_session_not_found")]);
    }
    assert_eq!(house.told(), told);
}

#[tokio::test]
async fn a_repeat_answers_with_the_first_session_and_tells_nobody() {
    let house = House::new();
    let draft = |metadata| SessionDraft { metadata: json(metadata), ..session_draft("ann") };
    let first = house.sessions.create(&as_user("ann"), draft(r#"{"a":1,"b":2}"#), Some(&key("k"))).await.unwrap();
    house.clock.advance_seconds(60);
    let again = house.sessions.create(&as_user("ann"), draft(r#"{ "b":2, "a":1 }"#), Some(&key("k"))).await.unwrap();
    assert_eq!((again.value.session.id, again.replayed), (first.value.session.id, true));
    let other = house.sessions.create(&as_user("ann"), draft("{}"), Some(&key("k"))).await;
    assert!(matches!(other, Err(SessionError::KeyReused)), "{other:?}");
    assert_eq!(house.told(), 1);
}

#[tokio::test]
async fn a_key_is_its_callers_own() {
    let house = House::new();
    let first = house.sessions.create(&as_service(), session_draft("ann"), Some(&key("k"))).await.unwrap();
    for caller in [as_user("ann"), as_agent("service"), as_stranger()] {
        let other = house.sessions.create(&caller, session_draft("ann"), Some(&key("k"))).await.unwrap();
        assert!(!other.replayed && other.value.session.id != first.value.session.id, "{caller:?}");
    }
}

#[tokio::test]
async fn an_outage_is_passed_on_and_nothing_is_told() {
    let mut store = MockSessionRepository::new();
    store.expect_create().once().returning(|_| Err(outage()));
    let failed = silent_sessions(store).create(&as_service(), session_draft("ann"), None).await;
    assert!(matches!(failed, Err(SessionError::Repository(_))), "{failed:?}");
}
