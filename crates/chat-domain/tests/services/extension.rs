//! Extensions and reactions: who may hang what on a message and take it off, and what is told of it.

use chat_domain::access::{Caller, Role};
use chat_domain::audit::AuditDraft;
use chat_domain::event::ChangeKind;
use chat_domain::extension::{Emoji, Extension, ExtensionDraft, ExtensionError, NoRoom};
use chat_domain::id::{ExtensionId, MessageId};
use chat_domain::idempotency::IdempotencyKey;
use chat_domain::message::{HistoryDraft, Message, MessageError, MessagePatch};
use chat_domain::precondition::{Expected, Precondition};
use chat_domain::session::SessionPatch;

use crate::house::{House, as_agent, as_role, as_service, as_stranger, as_user, codes, json, key, text};

fn note(data: &str) -> ExtensionDraft {
    ExtensionDraft { extension_type: text("note"), data: json(data) }
}

fn emoji(text: &str) -> Emoji {
    text.parse().unwrap()
}

/// A message of `ann` in a session of its own.
async fn said(house: &House) -> Message {
    let session = house.session_of("ann").await;
    house.says(&as_user("ann"), session.id, "hello").await
}

async fn add(house: &House, caller: &Caller, message: MessageId) -> Result<Extension, ExtensionError> {
    house.extensions.add(caller, message, note("{}"), None).await.map(|made| made.value.0)
}

async fn remove(house: &House, caller: &Caller, message: MessageId, id: ExtensionId) -> Result<(), ExtensionError> {
    house.extensions.remove(caller, message, id, Precondition::None).await
}

async fn react(house: &House, caller: &Caller, message: MessageId) -> Result<Message, ExtensionError> {
    house.extensions.react(caller, message, emoji("👍"), Precondition::None).await
}

async fn take_back(house: &House, caller: &Caller, message: MessageId) -> Result<Message, ExtensionError> {
    house.extensions.take_back(caller, message, emoji("👍"), Precondition::None).await
}

fn is_not_found<T>(outcome: &Result<T, ExtensionError>) -> bool {
    matches!(outcome, Err(ExtensionError::Message(MessageError::NotFound)))
}

fn is_forbidden<T>(outcome: &Result<T, ExtensionError>) -> bool {
    matches!(outcome, Err(ExtensionError::Message(MessageError::Forbidden)))
}

#[tokio::test]
async fn each_change_is_told_once_and_what_changes_nothing_is_not() {
    let house = House::new();
    let message = said(&house).await;
    let (ann, before) = (as_user("ann"), house.told());
    let extension = add(&house, &ann, message.id).await.unwrap();
    let mut shown = Vec::new();
    for _ in 0..2 {
        shown.push(react(&house, &ann, message.id).await.unwrap());
    }
    assert_eq!(shown[0], shown[1]);
    assert_eq!(house.told() - before, 2);
    let told = house.bus.published().pop().unwrap();
    assert_eq!((told.session_id, told.rev, told.kind), (message.session_id, shown[0].rev, ChangeKind::Message));
    for _ in 0..2 {
        take_back(&house, &ann, message.id).await.unwrap();
    }
    remove(&house, &ann, message.id, extension.id).await.unwrap();
    assert_eq!(house.told() - before, 4);
    let bare = house.messages.find(&ann, message.id).await.unwrap();
    assert_eq!((bare.rev.get(), bare.extensions), (message.rev.get() + 4, Vec::new()));
}

#[tokio::test]
async fn each_role_reacts_under_its_own_name() {
    let house = House::new();
    let message = said(&house).await;
    let callers = [
        (as_user("ann"), "user"),
        (as_agent("bob"), "agent"),
        (as_role(Role::Supervisor, "sue"), "agent"),
        (as_role(Role::Admin, "al"), "agent"),
        (as_service(), "system"),
    ];
    for (place, (caller, side)) in callers.iter().enumerate() {
        let shown = react(&house, caller, message.id).await.unwrap();
        assert_eq!(shown.extensions.len(), place + 1);
        let expected = format!(r#"{{"emoji":"👍","actor_type":"{side}","actor_id":"{}"}}"#, caller.id());
        assert_eq!(shown.extensions[place].data.as_str(), expected);
        assert_eq!(shown.extensions[place].extension_type.as_str(), "reaction");
    }
    for (caller, _) in &callers {
        take_back(&house, caller, message.id).await.unwrap();
    }
    assert_eq!(house.messages.find(&as_user("ann"), message.id).await.unwrap().extensions, []);
}

#[tokio::test]
async fn what_a_caller_may_not_see_it_can_hang_nothing_on() {
    let house = House::new();
    let message = said(&house).await;
    let extension = add(&house, &as_user("ann"), message.id).await.unwrap();
    let note = house.notes(message.session_id, "hidden").await;
    let on_note = add(&house, &as_agent("anna"), note.id).await.unwrap();
    let hidden = [(as_user("eve"), message.id, extension.id), (as_stranger(), message.id, extension.id)];
    for (caller, message, id) in hidden.into_iter().chain([(as_user("ann"), note.id, on_note.id)]) {
        assert!(is_not_found(&add(&house, &caller, message).await), "{caller:?}");
        assert!(is_not_found(&react(&house, &caller, message).await), "{caller:?}");
        assert!(is_not_found(&take_back(&house, &caller, message).await), "{caller:?}");
        assert!(is_not_found(&remove(&house, &caller, message, id).await), "{caller:?}");
        assert!(is_not_found(&house.extensions.find(&caller, message, id).await), "{caller:?}");
        assert!(is_not_found(&house.extensions.list(&caller, message, &HistoryDraft::default()).await), "{caller:?}");
    }
    assert_eq!(house.messages.find(&as_user("ann"), message.id).await.unwrap().extensions, [extension]);
}

#[tokio::test]
async fn an_extension_is_taken_off_by_who_made_it_and_by_those_who_lead() {
    let house = House::new();
    let message = said(&house).await;
    for maker in [as_user("ann"), as_agent("bob"), as_service()] {
        let of_maker = add(&house, &maker, message.id).await.unwrap();
        // Neither somebody else, nor somebody of the same name on another side.
        for other in [as_user("ann"), as_agent("ann"), as_agent("bob"), as_agent("eve")] {
            if other != maker {
                assert!(is_forbidden(&remove(&house, &other, message.id, of_maker.id).await), "{maker:?} {other:?}");
            }
        }
        remove(&house, &maker, message.id, of_maker.id).await.unwrap();
        for role in [Role::Supervisor, Role::Admin, Role::Service] {
            let of_maker = add(&house, &maker, message.id).await.unwrap();
            remove(&house, &as_role(role, "lead"), message.id, of_maker.id).await.unwrap();
            let again = remove(&house, &maker, message.id, of_maker.id).await;
            assert!(matches!(again, Err(ExtensionError::NotFound)), "{again:?}");
        }
    }
}

#[tokio::test]
async fn anothers_reaction_is_taken_off_by_those_who_lead_alone() {
    let house = House::new();
    let message = said(&house).await;
    let shown = react(&house, &as_user("ann"), message.id).await.unwrap();
    let id = shown.extensions[0].id;
    assert!(is_forbidden(&remove(&house, &as_agent("bob"), message.id, id).await));
    assert_eq!(take_back(&house, &as_agent("bob"), message.id).await.unwrap(), shown);
    remove(&house, &as_role(Role::Supervisor, "sue"), message.id, id).await.unwrap();
    let audit = house.audit.list(&as_role(Role::Admin, "al"), AuditDraft::default()).await.unwrap();
    let kept: Vec<_> =
        audit.entries.iter().map(|entry| (&*entry.action, entry.actor_id.as_str(), &*entry.thing_id)).collect();
    assert_eq!(kept, [("remove_extension", "sue", &*message.id.to_string())]);
}

#[tokio::test]
async fn the_list_has_what_is_shown_and_then_the_earlier_texts_which_stay() {
    let house = House::new();
    let message = said(&house).await;
    let ann = as_user("ann");
    let edit = |content: &str| MessagePatch { content: text(content), ..MessagePatch::default() };
    house.messages.edit(&ann, message.id, edit("hi"), Precondition::None).await.unwrap();
    let extension = add(&house, &ann, message.id).await.unwrap();
    let (_, page) = house.extensions.list(&ann, message.id, &HistoryDraft::default()).await.unwrap();
    let [shown, earlier] = &page.extensions[..] else { panic!("{page:?}") };
    assert_eq!((shown, page.rev.get()), (&extension, message.rev.get() + 2));
    assert_eq!(earlier.extension_type.as_str(), "edit_history");
    assert!(earlier.data.as_str().contains("hello"), "{earlier:?}");
    for caller in [ann.clone(), as_service()] {
        let outcome = remove(&house, &caller, message.id, earlier.id).await;
        assert!(matches!(outcome, Err(ExtensionError::NotFound)), "{outcome:?}");
    }
    let behind = HistoryDraft { after: Some("1".to_owned()), ..HistoryDraft::default() };
    let (_, page) = house.extensions.list(&ann, message.id, &behind).await.unwrap();
    assert_eq!(page.extensions, []);
    house.messages.remove(&ann, message.id, Precondition::None).await.unwrap();
    let (_, page) = house.extensions.list(&ann, message.id, &HistoryDraft::default()).await.unwrap();
    assert_eq!(page.extensions, []);
}

#[tokio::test]
async fn a_tombstone_takes_nothing_and_loses_nothing() {
    let house = House::new();
    let message = said(&house).await;
    let ann = as_user("ann");
    let extension = add(&house, &ann, message.id).await.unwrap();
    react(&house, &ann, message.id).await.unwrap();
    house.messages.remove(&ann, message.id, Precondition::None).await.unwrap();
    let is_deleted = |error: ExtensionError| matches!(error, ExtensionError::Message(MessageError::Deleted));
    assert!(is_deleted(add(&house, &ann, message.id).await.unwrap_err()));
    assert!(is_deleted(react(&house, &ann, message.id).await.unwrap_err()));
    assert!(is_deleted(take_back(&house, &ann, message.id).await.unwrap_err()));
    assert!(is_deleted(remove(&house, &ann, message.id, extension.id).await.unwrap_err()));
    let found = house.extensions.find(&ann, message.id, extension.id).await;
    assert!(matches!(found, Err(ExtensionError::NotFound)), "{found:?}");
    let restored = house.messages.restore(&as_service(), message.id, Precondition::None, None).await.unwrap().value;
    assert_eq!(restored.extensions.len(), 2);
}

#[tokio::test]
async fn after_the_end_all_of_it_still_works() {
    let house = House::new();
    let message = said(&house).await;
    let ann = as_user("ann");
    let ending = SessionPatch { status: text("ended"), ..SessionPatch::default() };
    house.sessions.update(&ann, message.session_id, ending, Precondition::None).await.unwrap();
    let extension = add(&house, &ann, message.id).await.unwrap();
    react(&house, &ann, message.id).await.unwrap();
    take_back(&house, &ann, message.id).await.unwrap();
    remove(&house, &ann, message.id, extension.id).await.unwrap();
}

#[tokio::test]
async fn a_repeat_shows_the_extension_of_now_and_nothing_of_what_is_gone() {
    let house = House::new();
    let message = said(&house).await;
    let ann = as_user("ann");
    let key: IdempotencyKey = key("k");
    let attempt = async |data: &str| house.extensions.add(&ann, message.id, note(data), Some(&key)).await;
    let first = attempt("{}").await.unwrap();
    let shown = react(&house, &ann, message.id).await.unwrap();
    let again = attempt("{ }").await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.value, (first.value.0.clone(), shown.rev));
    let other = attempt(r#"{"a":1}"#).await;
    assert!(matches!(other, Err(ExtensionError::Message(MessageError::KeyReused))), "{other:?}");
    remove(&house, &ann, message.id, first.value.0.id).await.unwrap();
    let gone = attempt("{}").await;
    assert!(matches!(gone, Err(ExtensionError::Gone)), "{gone:?}");
    // The key is one of its message.
    let other = house.says(&ann, message.session_id, "other").await;
    assert!(!house.extensions.add(&ann, other.id, note("{}"), Some(&key)).await.unwrap().replayed);
}

#[tokio::test]
async fn a_precondition_is_about_the_message() {
    let house = House::new();
    let message = said(&house).await;
    let ann = as_user("ann");
    let seen = Precondition::OneOf(vec![Expected::Rev(message.rev)]);
    let first = house.extensions.react(&ann, message.id, emoji("👍"), seen.clone()).await.unwrap();
    let failed = |error: ExtensionError| matches!(error, ExtensionError::Message(MessageError::PreconditionFailed));
    assert!(failed(house.extensions.react(&ann, message.id, emoji("🎉"), seen.clone()).await.unwrap_err()));
    assert!(failed(house.extensions.take_back(&ann, message.id, emoji("👍"), seen.clone()).await.unwrap_err()));
    let id = first.extensions[0].id;
    assert!(failed(house.extensions.remove(&ann, message.id, id, seen).await.unwrap_err()));
    let now = Precondition::OneOf(vec![Expected::Rev(first.rev)]);
    house.extensions.remove(&ann, message.id, id, now).await.unwrap();
}

#[tokio::test]
async fn a_full_message_is_told_apart() {
    let house = House::new();
    let message = said(&house).await;
    let ann = as_user("ann");
    for _ in 0..100 {
        add(&house, &ann, message.id).await.unwrap();
    }
    for refused in [add(&house, &ann, message.id).await.map(drop), react(&house, &ann, message.id).await.map(drop)] {
        assert!(matches!(refused, Err(ExtensionError::NoRoom(NoRoom::TooMany))), "{refused:?}");
    }
}

#[tokio::test]
async fn bad_input_is_told_before_anything_is_looked_for() {
    let house = House::new();
    let nowhere = said(&House::new()).await.id;
    let draft = ExtensionDraft { extension_type: text("edit_history"), data: json("[]") };
    let refused = house.extensions.add(&as_user("ann"), nowhere, draft, None).await.unwrap_err();
    let ExtensionError::Invalid(faults) = refused else { panic!("{refused:?}") };
    assert_eq!(codes(&faults), [("/extension_type", "reserved_type"), ("/data", "invalid_type")]);
}
