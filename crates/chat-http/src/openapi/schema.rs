//! Schemas of values that are one of a few words, made of the domain's own lists of them.

use chat_domain::access::{Action, Role};
use chat_domain::message::{MessageType, SenderType, Visibility};
use chat_domain::participant::ParticipantRole;
use chat_domain::query::Order;
use chat_domain::session::SessionStatus;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaFormat, Type};

fn words(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// The states of a session.
pub(crate) fn session_status() -> Object {
    words(SessionStatus::ALL.map(SessionStatus::as_str))
}

/// The roles of callers.
pub(crate) fn role() -> Object {
    words(Role::ALL.map(Role::as_str))
}

/// The sides on which participants read.
pub(crate) fn participant_role() -> Object {
    words(ParticipantRole::ALL.iter().map(|value| value.as_str()))
}

/// What callers do.
pub(crate) fn action() -> Object {
    words(Action::ALL.iter().map(|value| value.as_str()))
}

/// The format of a reference that may leave out its host.
pub(crate) fn uri_reference() -> SchemaFormat {
    SchemaFormat::Custom("uri-reference".to_owned())
}

/// The sides of a conversation.
pub(crate) fn sender_type() -> Object {
    words(SenderType::ALL.iter().map(|value| value.as_str()))
}

/// How content is meant.
pub(crate) fn message_type() -> Object {
    words(MessageType::ALL.iter().map(|value| value.as_str()))
}

/// Who sees a message.
pub(crate) fn visibility() -> Object {
    words(Visibility::ALL.iter().map(|value| value.as_str()))
}

/// The orders of a list.
pub(crate) fn order() -> Object {
    words([Order::Asc.as_str(), Order::Desc.as_str()])
}
