//! Finding and listing sessions.

use chat_domain::session::{MockSessionRepository, Session, SessionError, SessionPage, UserSessionsDraft};
use chat_domain::testing::builder::participant;

use crate::house::{House, as_agent, as_service, as_stranger, as_user, codes, silent_sessions};

fn sessions_on(page: &SessionPage) -> Vec<Session> {
    page.sessions.iter().map(|seen| seen.session.clone()).collect()
}

#[tokio::test]
async fn a_session_is_shown_to_its_user_and_to_those_who_serve() {
    let house = House::new();
    let session = house.session_of("ann").await;
    for caller in [as_user("ann"), as_agent("anna"), as_service()] {
        assert_eq!(house.sessions.find(&caller, session.id).await.unwrap(), session);
    }
    for caller in [as_user("bob"), as_stranger()] {
        let hidden = house.sessions.find(&caller, session.id).await;
        assert!(matches!(hidden, Err(SessionError::NotFound)), "{hidden:?}");
    }
}

#[tokio::test]
async fn a_user_lists_its_own_sessions_alone() {
    let house = House::new();
    let (of_ann, _) = (house.session_of("ann").await, house.session_of("bob").await);
    let list = async |caller, user| {
        house.sessions.list_of_user(&caller, participant(user), UserSessionsDraft::default()).await
    };
    for caller in [as_user("ann"), as_agent("anna")] {
        assert_eq!(sessions_on(&list(caller, "ann").await.unwrap()), std::slice::from_ref(&of_ann));
    }
    assert_eq!(*list(as_agent("anna"), "nobody").await.unwrap(), SessionPage::default());
    assert_eq!(*list(as_stranger(), "ann").await.unwrap(), SessionPage::default());
    // Whether there is such a user is not said.
    for other in ["bob", "nobody"] {
        let refused = list(as_user("ann"), other).await;
        assert!(matches!(refused, Err(SessionError::Forbidden)), "{refused:?}");
    }
}

#[tokio::test]
async fn bad_parameters_are_named_at_once_and_the_store_is_not_asked() {
    let bad = || Some(String::from("?"));
    let draft = UserSessionsDraft { active_only: bad(), status: bad(), limit: bad(), cursor: bad() };
    let service = silent_sessions(MockSessionRepository::new());
    let refused = service.list_of_user(&as_service(), participant("ann"), draft).await;
    let Err(SessionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let expected = [
        ("/active_only", "invalid_type"),
        ("/status", "invalid_value"),
        ("/limit", "invalid_type"),
        ("/cursor", "invalid_cursor"),
    ];
    assert_eq!(codes(&faults), expected);
}

#[tokio::test]
async fn a_question_that_nothing_can_meet_is_answered_without_the_store() {
    let draft = UserSessionsDraft {
        active_only: Some(String::from("true")),
        status: Some(String::from("ended")),
        ..Default::default()
    };
    let service = silent_sessions(MockSessionRepository::new());
    let page = service.list_of_user(&as_service(), participant("ann"), draft).await.unwrap();
    assert_eq!(*page, SessionPage::default());
}

#[tokio::test]
async fn a_cursor_leads_on() {
    let house = House::new();
    let mut made = Vec::new();
    for _ in 0..3 {
        made.insert(0, house.session_of("ann").await);
        house.clock.advance_seconds(1);
    }
    let list = async |cursor| {
        let draft = UserSessionsDraft { limit: Some(String::from("2")), cursor, ..UserSessionsDraft::default() };
        house.sessions.list_of_user(&as_user("ann"), participant("ann"), draft).await.unwrap()
    };
    let first = list(None).await;
    assert_eq!((sessions_on(&first).as_slice(), first.prev), (&made[..2], None));
    let second = list(first.next.map(|cursor| cursor.encode())).await;
    assert_eq!((sessions_on(&second).as_slice(), second.next), (&made[2..], None));
    assert_eq!(list(second.prev.map(|cursor| cursor.encode())).await, first);
}
