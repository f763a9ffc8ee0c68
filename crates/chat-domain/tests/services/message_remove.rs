//! Deleting messages.

use chat_domain::access::{EDIT_WINDOW_SECONDS, Role};
use chat_domain::clock::Clock;
use chat_domain::event::ChangeKind;
use chat_domain::message::{MessageDraft, MessageError};
use chat_domain::precondition::{Expected, Precondition};

use crate::house::{
    House, an_old_tombstone, as_agent, as_role, as_service, as_stranger, as_user, is_forbidden, is_hidden,
    message_draft, silent_messages, text, who_only_look,
};

#[tokio::test]
async fn a_deletion_is_told_once() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    house.clock.advance_seconds(1);
    let tombstone = house.remove(&as_user("ann"), message.id).await.unwrap();
    assert_eq!((tombstone.deleted_at, tombstone.content.as_str()), (Some(house.clock.now()), ""));
    house.clock.advance_seconds(1);
    assert_eq!(house.remove(&as_user("ann"), message.id).await.unwrap(), tombstone);
    assert_eq!(house.messages.find(&as_user("ann"), message.id).await.unwrap(), tombstone);
    let events = house.bus.published();
    assert_eq!(events.len(), 3);
    assert_eq!((events[2].session_id, events[2].rev, events[2].kind), (session.id, tombstone.rev, ChangeKind::Message));
}

#[tokio::test]
async fn a_user_deletes_its_own_message_within_fifteen_minutes() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let [first, second] =
        [house.says(&as_user("ann"), session.id, "one").await, house.says(&as_user("ann"), session.id, "two").await];
    assert_eq!(EDIT_WINDOW_SECONDS, 15 * 60);
    house.clock.advance_seconds(EDIT_WINDOW_SECONDS);
    assert!(house.remove(&as_user("ann"), first.id).await.unwrap().is_deleted());
    house.clock.advance_seconds(1);
    let late = house.remove(&as_user("ann"), second.id).await;
    assert!(is_forbidden(&late), "{late:?}");
    assert_eq!(house.messages.find(&as_user("ann"), second.id).await.unwrap(), second);
}

#[tokio::test]
async fn a_repeated_deletion_is_never_too_late() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let tombstone = house.remove(&as_user("ann"), message.id).await.unwrap();
    house.clock.advance_seconds(EDIT_WINDOW_SECONDS + 1);
    assert_eq!(house.remove(&as_user("ann"), message.id).await.unwrap(), tombstone);
}

#[tokio::test]
async fn a_late_deletion_of_a_tombstone_is_answered_without_a_write() {
    let (tombstone, session) = an_old_tombstone();
    let met = Precondition::OneOf(vec![Expected::Rev(tombstone.rev)]);
    let stale = Precondition::OneOf(vec![Expected::Rev(tombstone.rev.next())]);
    for (precondition, holds) in [(Precondition::None, true), (met, true), (stale, false)] {
        let (store, sessions) = who_only_look(&tombstone, &session);
        let messages = silent_messages(store, sessions);
        match messages.remove(&as_user("ann"), tombstone.id, precondition).await {
            Err(MessageError::PreconditionFailed) => assert!(!holds),
            shown => assert_eq!((shown.unwrap(), holds), (tombstone.clone(), true)),
        }
    }
}

#[tokio::test]
async fn an_agent_deletes_its_own_message_at_any_time() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_agent("anna"), session.id, "hello").await;
    house.clock.advance_seconds(EDIT_WINDOW_SECONDS * 100);
    assert!(house.remove(&as_agent("anna"), message.id).await.unwrap().is_deleted());
}

#[tokio::test]
async fn only_those_who_lead_delete_what_others_wrote() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_agent("anna"), session.id, "hello").await;
    for caller in [as_user("ann"), as_agent("other")] {
        let refused = house.remove(&caller, message.id).await;
        assert!(is_forbidden(&refused), "{caller:?}: {refused:?}");
    }
    for role in [Role::Supervisor, Role::Admin, Role::Service] {
        let message = house.says(&as_agent("anna"), session.id, "hello").await;
        assert!(house.remove(&as_role(role, "me"), message.id).await.unwrap().is_deleted(), "{role}");
    }
}

#[tokio::test]
async fn a_user_with_the_name_of_an_agent_did_not_write_what_the_agent_wrote() {
    let house = House::new();
    let session = house.session_of("7").await;
    let of_agent = house.says(&as_agent("7"), session.id, "hello").await;
    let of_user = house.says(&as_user("7"), session.id, "hello").await;
    for (caller, message) in [(as_user("7"), &of_agent), (as_agent("7"), &of_user)] {
        let refused = house.remove(&caller, message.id).await;
        assert!(is_forbidden(&refused), "{caller:?}: {refused:?}");
    }
}

#[tokio::test]
async fn what_a_service_wrote_for_a_user_is_the_users_own() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let draft = MessageDraft { sender_type: text("user"), sender_id: text("ann"), ..message_draft("hello") };
    let message = house.messages.create(&as_service(), session.id, draft, None).await.unwrap().value;
    assert!(house.remove(&as_user("ann"), message.id).await.unwrap().is_deleted());
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_there_to_be_deleted() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let public = house.says(&as_user("ann"), session.id, "hello").await;
    let note = house.notes(session.id, "careful").await;
    let told = house.told();
    for (caller, message) in [(as_user("ann"), &note), (as_user("bob"), &public), (as_stranger(), &public)] {
        let hidden = house.remove(&caller, message.id).await;
        assert!(is_hidden(&hidden), "{caller:?}: {hidden:?}");
    }
    assert_eq!(house.told(), told);
}

#[tokio::test]
async fn a_message_that_moved_on_is_not_deleted() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let told = house.told();
    let stale = Precondition::OneOf(vec![Expected::Rev(message.rev.next())]);
    let failed = house.messages.remove(&as_user("ann"), message.id, stale).await;
    assert!(matches!(failed, Err(MessageError::PreconditionFailed)), "{failed:?}");
    assert_eq!((house.messages.find(&as_user("ann"), message.id).await.unwrap(), house.told()), (message, told));
}

#[tokio::test]
async fn a_damaged_message_is_reported_and_left_alone() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    house.store.damage_message(&session.tenant_id, message.id);
    let failed = house.remove(&as_user("ann"), message.id).await;
    assert!(matches!(failed, Err(MessageError::Repository(_))), "{failed:?}");
}
