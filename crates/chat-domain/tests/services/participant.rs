//! Receipts, and who sees them.

use chat_domain::access::{Caller, Role};
use chat_domain::event::ChangeKind;
use chat_domain::field::Field;
use chat_domain::message::Visibility;
use chat_domain::participant::{ParticipantRole, ReceiptDraft, ReceiptKind};
use chat_domain::precondition::Precondition;
use chat_domain::session::{SessionError, UserSessionsDraft};

use crate::house::{House, as_agent, as_role, as_service, as_stranger, as_user, codes, key};

fn draft(seq: i64) -> ReceiptDraft {
    ReceiptDraft { seq: Field::Value(seq) }
}

#[tokio::test]
async fn a_receipt_that_moves_something_is_told_once() {
    let house = House::new();
    let session = house.session_of("ann").await;
    house.says(&as_agent("anna"), session.id, "hello").await;
    let told = house.told();
    let mark = async |kind| house.participants.mark(&as_user("ann"), session.id, kind, draft(7), None).await.unwrap();
    let ann = mark(ReceiptKind::Read).await.value;
    assert_eq!((ann.role, ann.id.as_str(), ann.read_seq.get()), (ParticipantRole::User, "ann", 1));
    assert_eq!(mark(ReceiptKind::Read).await.value, ann);
    assert_eq!(mark(ReceiptKind::Delivered).await.value, ann);
    let events = house.bus.published();
    assert_eq!(events.len(), told + 1);
    let event = &events[told];
    assert_eq!((event.session_id, event.rev, event.kind), (session.id, ann.rev, ChangeKind::Participant));
}

#[tokio::test]
async fn everybody_reads_for_itself_on_its_own_side() {
    let house = House::new();
    let session = house.session_of("ann").await;
    house.says(&as_user("ann"), session.id, "hello").await;
    for role in [Role::Agent, Role::Supervisor, Role::Admin, Role::Service] {
        let me = as_role(role, role.as_str());
        let read = house.participants.mark(&me, session.id, ReceiptKind::Read, draft(1), None).await.unwrap().value;
        assert_eq!((read.role, read.id.as_str()), (ParticipantRole::Agent, role.as_str()));
    }
}

#[tokio::test]
async fn what_may_not_be_seen_takes_no_receipt() {
    let house = House::new();
    let session = house.session_of("ann").await;
    house.says(&as_user("ann"), session.id, "hello").await;
    for caller in [as_user("bob"), as_stranger()] {
        let hidden = house.participants.mark(&caller, session.id, ReceiptKind::Read, draft(1), None).await;
        assert!(matches!(hidden, Err(SessionError::NotFound)), "{hidden:?}");
        let hidden = house.participants.list(&caller, session.id).await;
        assert!(matches!(hidden, Err(SessionError::NotFound)), "{hidden:?}");
    }
    assert_eq!(house.participants.list(&as_service(), session.id).await.unwrap(), []);
}

#[tokio::test]
async fn a_place_before_the_beginning_is_refused() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let refused = house.participants.mark(&as_user("ann"), session.id, ReceiptKind::Read, draft(-1), None).await;
    let Err(SessionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(codes(&faults), [("/seq", "out_of_range")]);
}

#[tokio::test]
async fn a_repeated_receipt_is_a_replay_and_a_key_is_its_callers_and_routes_own() {
    let house = House::new();
    let session = house.session_of("ann").await;
    for _ in 0..3 {
        house.says(&as_agent("anna"), session.id, "hello").await;
    }
    let mark = async |caller: &Caller, kind, seq| {
        house.participants.mark(caller, session.id, kind, draft(seq), Some(&key("k"))).await
    };
    let ann = as_user("ann");
    assert!(!mark(&ann, ReceiptKind::Read, 1).await.unwrap().replayed);
    assert!(mark(&ann, ReceiptKind::Read, 1).await.unwrap().replayed);
    let other = mark(&ann, ReceiptKind::Read, 2).await;
    assert!(matches!(other, Err(SessionError::KeyReused)), "{other:?}");
    assert!(!mark(&ann, ReceiptKind::Delivered, 2).await.unwrap().replayed);
    assert!(!mark(&as_agent("anna"), ReceiptKind::Read, 2).await.unwrap().replayed);
    house.sessions.end(&ann, session.id, Precondition::None, None).await.unwrap();
    assert!(mark(&ann, ReceiptKind::Delivered, 2).await.unwrap().replayed);
}

#[tokio::test]
async fn a_user_sees_none_of_those_who_read_along() {
    let house = House::new();
    let session = house.session_of("ann").await;
    house.says(&as_agent("anna"), session.id, "hello").await;
    house.notes(session.id, "careful").await;
    for caller in [as_user("ann"), as_agent("anna"), as_role(Role::Supervisor, "sue")] {
        house.participants.mark(&caller, session.id, ReceiptKind::Read, draft(9), None).await.unwrap();
    }
    let names = async |caller| {
        let listed = house.participants.list(&caller, session.id).await.unwrap();
        listed.iter().map(|it| it.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(as_user("ann")).await, ["ann", "anna"]);
    assert_eq!(names(as_agent("anna")).await, ["ann", "anna", "sue"]);
    let ann = &house.participants.list(&as_user("ann"), session.id).await.unwrap()[0];
    assert_eq!((ann.read_seq.get(), ann.visibility), (1, Visibility::Public));
}

#[tokio::test]
async fn each_session_that_a_caller_gets_tells_what_it_has_not_read() {
    let house = House::new();
    let (ann, anna) = (as_user("ann"), as_agent("anna"));
    let session = house.session_of("ann").await;
    house.says(&ann, session.id, "hello").await;
    house.says(&anna, session.id, "welcome").await;
    house.notes(session.id, "careful").await;
    house.says(&as_agent("bob"), session.id, "me too").await;
    let counts = async |caller: &Caller| {
        let shown = house.sessions.with_newest(caller, session.id, Some("0")).await.unwrap().2;
        let listed =
            house.sessions.list_of_user(caller, session.user_id.clone(), UserSessionsDraft::default()).await.unwrap();
        let ended = house.sessions.end(caller, session.id, Precondition::None, None).await.unwrap();
        [shown.get(), listed.sessions[0].unread.get(), ended.value.unread.get()]
    };
    assert_eq!(counts(&ann).await, [2; 3]);
    assert_eq!(counts(&anna).await, [2; 3]);
    assert_eq!(counts(&as_service()).await, [4; 3]);
    house.participants.mark(&anna, session.id, ReceiptKind::Read, draft(4), None).await.unwrap();
    assert_eq!(counts(&anna).await, [0; 3]);
    assert_eq!(counts(&ann).await, [2; 3]);
}
