//! Editing messages, restoring them, and what they read before.

use chat_domain::access::{Caller, EDIT_WINDOW_SECONDS, Role};
use chat_domain::clock::Clock;
use chat_domain::event::ChangeKind;
use chat_domain::field::Field;
use chat_domain::id::MessageId;
use chat_domain::message::{HistoryDraft, Message, MessageDraft, MessageError, MessagePatch};
use chat_domain::outcome::Written;
use chat_domain::precondition::{Expected, Precondition};
use chat_domain::session::MetadataEdit;
use chat_domain::testing::builder::metadata;

use crate::house::{
    House, an_old_tombstone, as_agent, as_role, as_service, as_stranger, as_user, codes, is_forbidden, is_hidden, json,
    key, message_draft, silent_messages, text, who_only_look,
};

fn to(content: &str) -> MessagePatch {
    MessagePatch { content: text(content), ..MessagePatch::default() }
}

async fn edit(house: &House, caller: &Caller, id: MessageId, content: &str) -> Result<Message, MessageError> {
    house.messages.edit(caller, id, to(content), Precondition::None).await
}

async fn restore(house: &House, caller: &Caller, id: MessageId) -> Result<Written<Message>, MessageError> {
    house.messages.restore(caller, id, Precondition::None, None).await
}

/// What the message has read: text, who put it there.
async fn texts(house: &House, caller: &Caller, id: MessageId) -> Result<Vec<(String, String)>, MessageError> {
    let (_, history) = house.messages.history(caller, id, &HistoryDraft::default()).await?;
    let versions = history.versions.into_iter();
    Ok(versions.map(|version| (version.content, version.edited_by.to_string())).collect())
}

#[tokio::test]
async fn an_edit_is_told_once_and_keeps_the_text_before() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    house.clock.advance_seconds(1);
    let edited = edit(&house, &as_user("ann"), message.id, "hi").await.unwrap();
    assert_eq!((edited.edited_at, edited.content.as_str()), (Some(house.clock.now()), "hi"));
    assert_eq!(edit(&house, &as_user("ann"), message.id, "hi").await.unwrap(), edited);
    assert_eq!(house.messages.find(&as_user("ann"), message.id).await.unwrap(), edited);
    let events = house.bus.published();
    assert_eq!(events.len(), 3);
    assert_eq!((events[2].session_id, events[2].rev, events[2].kind), (session.id, edited.rev, ChangeKind::Message));
    let ann = |text: &str| (text.to_owned(), "ann".to_owned());
    assert_eq!(texts(&house, &as_user("ann"), message.id).await.unwrap(), [ann("hello"), ann("hi")]);
}

#[tokio::test]
async fn metadata_are_replaced_or_merged_and_are_no_edit() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let draft = MessageDraft { metadata: json(r#"{"a":1}"#), ..message_draft("hello") };
    let message = house.messages.create(&as_user("ann"), session.id, draft, None).await.unwrap().value;
    for (sent, metadata_edit, expected) in [
        (json(r#"{"b":2}"#), MetadataEdit::Merge, r#"{"a":1,"b":2}"#),
        (json(r#"{"c":3}"#), MetadataEdit::Replace, r#"{"c":3}"#),
        (Field::Null, MetadataEdit::Merge, "{}"),
    ] {
        let patch = MessagePatch { metadata: sent, metadata_edit, ..MessagePatch::default() };
        let changed = house.messages.edit(&as_user("ann"), message.id, patch, Precondition::None).await.unwrap();
        assert_eq!((&changed.metadata, changed.edited_at), (&metadata(expected), None));
    }
    assert_eq!(house.told(), 5);
    assert_eq!(texts(&house, &as_user("ann"), message.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn bad_fields_are_named_all_at_once() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let refused = async |patch| {
        let refused = house.messages.edit(&as_user("ann"), message.id, patch, Precondition::None).await;
        let Err(MessageError::Invalid(faults)) = refused else { panic!("{refused:?}") };
        codes(&faults).into_iter().map(|(pointer, code)| format!("{pointer} {code}")).collect::<Vec<_>>()
    };
    let bad = |content: &str| MessagePatch { metadata: json("[]"), ..to(content) };
    assert_eq!(refused(bad(" \n")).await, ["/content blank", "/metadata invalid_type"]);
    assert_eq!(refused(bad("a\0")).await, ["/content nul_character", "/metadata invalid_type"]);
    assert_eq!(refused(to(&"x".repeat(16_385))).await, ["/content too_long"]);
    assert_eq!(refused(to("")).await, ["/content blank"]);
    assert_eq!(refused(MessagePatch { content: Field::Null, ..to("") }).await, ["/content invalid_type"]);
    let half = |key: &str| format!("{{\"{key}\":\"{}\"}}", "x".repeat(9_000));
    for (key, expected) in [("a", None), ("b", Some("/metadata too_large"))] {
        let (metadata, metadata_edit) = (json(&half(key)), MetadataEdit::Merge);
        let patch = MessagePatch { metadata, metadata_edit, ..MessagePatch::default() };
        match expected {
            Some(fault) => assert_eq!(refused(patch).await, [fault]),
            None => drop(house.messages.edit(&as_user("ann"), message.id, patch, Precondition::None).await.unwrap()),
        }
    }
}

#[tokio::test]
async fn a_user_edits_its_own_message_within_fifteen_minutes() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "one").await;
    house.clock.advance_seconds(EDIT_WINDOW_SECONDS);
    edit(&house, &as_user("ann"), message.id, "two").await.unwrap();
    house.clock.advance_seconds(1);
    for late in ["three", "two"] {
        let late = edit(&house, &as_user("ann"), message.id, late).await;
        assert!(is_forbidden(&late), "{late:?}");
    }
    let of_agent = house.says(&as_agent("anna"), session.id, "one").await;
    house.clock.advance_seconds(EDIT_WINDOW_SECONDS * 100);
    edit(&house, &as_agent("anna"), of_agent.id, "two").await.unwrap();
}

#[tokio::test]
async fn a_late_edit_of_a_tombstone_is_answered_without_a_write() {
    let (tombstone, session) = an_old_tombstone();
    let stale = Precondition::OneOf(vec![Expected::Rev(tombstone.rev.next())]);
    for (precondition, has_moved_on) in [(Precondition::None, false), (stale, true)] {
        let (store, sessions) = who_only_look(&tombstone, &session);
        let messages = silent_messages(store, sessions);
        let refused = messages.edit(&as_user("ann"), tombstone.id, to("other"), precondition).await;
        match refused {
            Err(MessageError::PreconditionFailed) => assert!(has_moved_on),
            Err(MessageError::Deleted) => assert!(!has_moved_on),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn only_those_who_write_as_anybody_edit_what_others_wrote() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_agent("anna"), session.id, "hello").await;
    let sue = as_role(Role::Supervisor, "sue");
    for caller in [as_user("ann"), as_agent("other"), sue.clone()] {
        let refused = edit(&house, &caller, message.id, "other").await;
        assert!(is_forbidden(&refused), "{caller:?}: {refused:?}");
    }
    edit(&house, &as_role(Role::Admin, "al"), message.id, "by al").await.unwrap();
    edit(&house, &as_service(), message.id, "by a service").await.unwrap();
    let of_sue = house.says(&sue, session.id, "hello").await;
    edit(&house, &sue, of_sue.id, "her own").await.unwrap();
    let expected = [("hello", "anna"), ("by al", "al"), ("by a service", "service")];
    let expected = expected.map(|(text, by)| (text.to_owned(), by.to_owned()));
    assert_eq!(texts(&house, &as_user("ann"), message.id).await.unwrap(), expected);
}

#[tokio::test]
async fn a_user_with_the_name_of_an_agent_did_not_write_what_the_agent_wrote() {
    let house = House::new();
    let session = house.session_of("7").await;
    let of_agent = house.says(&as_agent("7"), session.id, "hello").await;
    let refused = edit(&house, &as_user("7"), of_agent.id, "other").await;
    assert!(is_forbidden(&refused), "{refused:?}");
}

#[tokio::test]
async fn a_tombstone_is_not_edited_and_tells_no_text_until_it_is_restored() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let edited = edit(&house, &as_user("ann"), message.id, "secret").await.unwrap();
    house.remove(&as_user("ann"), message.id).await.unwrap();
    house.clock.advance_seconds(EDIT_WINDOW_SECONDS + 1);
    let told = house.told();
    for caller in [as_user("ann"), as_service()] {
        let refused = edit(&house, &caller, message.id, "other").await;
        assert!(matches!(refused, Err(MessageError::Deleted)), "{refused:?}");
        assert_eq!(texts(&house, &caller, message.id).await.unwrap(), []);
    }
    assert_eq!(house.told(), told);
    let restored = restore(&house, &as_role(Role::Supervisor, "sue"), message.id).await.unwrap().value;
    assert_eq!(restored, Message { rev: restored.rev, ..edited });
    assert_eq!(texts(&house, &as_user("ann"), message.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_restoration_is_for_those_who_lead_and_told_once() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_agent("anna"), session.id, "hello").await;
    house.remove(&as_agent("anna"), message.id).await.unwrap();
    let told = house.told();
    for caller in [as_user("ann"), as_agent("anna"), as_agent("other")] {
        let refused = restore(&house, &caller, message.id).await;
        assert!(is_forbidden(&refused), "{caller:?}: {refused:?}");
    }
    for role in [Role::Supervisor, Role::Admin, Role::Service] {
        let restored = restore(&house, &as_role(role, "me"), message.id).await.unwrap();
        assert_eq!((restored.value.content.as_str(), restored.replayed), ("hello", false), "{role}");
        assert_eq!(restore(&house, &as_role(role, "me"), message.id).await.unwrap(), restored);
        house.remove(&as_agent("anna"), message.id).await.unwrap();
    }
    assert_eq!(house.told(), told + 6);
}

#[tokio::test]
async fn a_repeated_restoration_answers_what_is_there_and_restores_nothing() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let other = house.says(&as_user("ann"), session.id, "other").await;
    let again = async |id| house.messages.restore(&as_service(), id, Precondition::None, Some(&key("k"))).await;
    house.remove(&as_user("ann"), message.id).await.unwrap();
    assert!(!again(message.id).await.unwrap().replayed);
    let tombstone = house.remove(&as_user("ann"), message.id).await.unwrap();
    assert_eq!(again(message.id).await.unwrap(), Written::replayed(tombstone));
    // A key belongs to its parent.
    assert_eq!(again(other.id).await.unwrap(), Written::fresh(other));
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_there() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let public = house.says(&as_user("ann"), session.id, "hello").await;
    let note = house.notes(session.id, "careful").await;
    let told = house.told();
    for (caller, message) in [(as_user("ann"), &note), (as_user("bob"), &public), (as_stranger(), &public)] {
        let edited = edit(&house, &caller, message.id, "other").await;
        assert!(is_hidden(&edited), "{caller:?}: {edited:?}");
        let restored = restore(&house, &caller, message.id).await;
        assert!(is_hidden(&restored), "{caller:?}: {restored:?}");
        let read = texts(&house, &caller, message.id).await;
        assert!(is_hidden(&read), "{caller:?}: {read:?}");
    }
    assert_eq!(house.told(), told);
}

#[tokio::test]
async fn a_message_that_moved_on_is_neither_edited_nor_restored() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let stale = || Precondition::OneOf(vec![Expected::Rev(message.rev.next())]);
    let failed = house.messages.edit(&as_user("ann"), message.id, to("other"), stale()).await;
    assert!(matches!(failed, Err(MessageError::PreconditionFailed)), "{failed:?}");
    let failed = house.messages.restore(&as_service(), message.id, stale(), None).await;
    assert!(matches!(failed, Err(MessageError::PreconditionFailed)), "{failed:?}");
    assert_eq!(house.messages.find(&as_user("ann"), message.id).await.unwrap(), message);
}

#[tokio::test]
async fn an_end_fixes_no_text() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    house.sessions.end(&as_user("ann"), session.id, Precondition::None, None).await.unwrap();
    edit(&house, &as_user("ann"), message.id, "other").await.unwrap();
    house.remove(&as_user("ann"), message.id).await.unwrap();
    restore(&house, &as_service(), message.id).await.unwrap();
}

#[tokio::test]
async fn a_damaged_message_is_reported_and_left_alone() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    house.store.damage_message(&session.tenant_id, message.id);
    let failed = edit(&house, &as_user("ann"), message.id, "other").await;
    assert!(matches!(failed, Err(MessageError::Repository(_))), "{failed:?}");
    let failed = texts(&house, &as_user("ann"), message.id).await;
    assert!(matches!(failed, Err(MessageError::Repository(_))), "{failed:?}");
}
