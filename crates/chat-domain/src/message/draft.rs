//! What a client sends to write a message, and what becomes of it once every field is checked.

use serde::Serialize;
use serde_json::value::RawValue;

use super::model::{MessageType, Sender, SenderType, Visibility};
use crate::access::Caller;
use crate::attachment::enclosed_ids;
use crate::fault::{Faults, Place, Rejection};
use crate::field::Field;
use crate::id::{AttachmentId, MessageId, ParticipantId};
use crate::metadata::Metadata;
use crate::session::{metadata, uuid};

/// The most characters (Unicode scalar values) that a content has.
pub(super) const MAX_CONTENT_CHARS: usize = 16_384;

/// The fields of a request for a new message, unchecked.
#[derive(Debug, Default)]
pub struct MessageDraft {
    /// What is said. Required; may be empty where attachments are named.
    pub content: Field<String>,
    /// On which side the sender stands; may be left out by callers whose role says it.
    pub sender_type: Field<String>,
    /// Who says it; may be left out by callers whose role says it.
    pub sender_id: Field<String>,
    /// The client's own data; `null` for none.
    pub metadata: Field<Box<RawValue>>,
    /// How the content is meant; text where absent.
    pub message_type: Field<String>,
    /// Who sees it; everyone where absent.
    pub visibility: Field<String>,
    /// The message that this one answers; `null` for none.
    pub reply_to: Field<String>,
    /// The ids of the attachments that it is sent with; `null` for none.
    pub attachments: Field<Vec<String>>,
}

/// A checked request for a new message.
#[derive(Debug, Serialize)]
pub(super) struct CheckedMessage {
    pub(super) sender: Sender,
    pub(super) content: String,
    pub(super) message_type: MessageType,
    pub(super) metadata: Metadata,
    pub(super) reply_to: Option<MessageId>,
    pub(super) visibility: Visibility,
    /// Left out where there is none, so that keys of before there were attachments still fit their commands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<AttachmentId>,
}

impl MessageDraft {
    /// Checks every field; the caller stands in for a sender that is left out.
    pub(super) fn check(self, caller: &Caller) -> Result<CheckedMessage, Faults> {
        let mut faults = Faults::none();
        let says_enough = matches!(&self.attachments, Field::Value(named) if !named.is_empty());
        let content = match self.content.required("/content", &mut faults) {
            Some(empty) if empty.is_empty() && says_enough => Some(empty),
            text => text.and_then(|text| faults.take(Place::Body, "/content", checked_content(text))),
        };
        let sender_type = sender_type(self.sender_type, caller, &mut faults);
        let sender_id = sender_id(self.sender_id, caller, &mut faults);
        let metadata = metadata(self.metadata, &mut faults).unwrap_or_default();
        let message_type = named(self.message_type, "/message_type", MessageType::Text, &mut faults);
        let visibility = named(self.visibility, "/visibility", Visibility::Public, &mut faults);
        let reply_to = uuid(self.reply_to.value(), "/reply_to", &mut faults);
        let attachments = enclosed_ids(self.attachments, &mut faults);
        let checked = content.zip(sender_type).zip(sender_id).map(|((content, sender_type), id)| CheckedMessage {
            sender: Sender { sender_type, id },
            content,
            message_type,
            metadata,
            reply_to,
            visibility,
            attachments,
        });
        faults.settle(checked)
    }

    /// All faults that the fields have, for a body that could not be read whole.
    #[must_use]
    pub fn faults(self, caller: &Caller) -> Faults {
        self.check(caller).err().unwrap_or_default()
    }
}

/// That something must be said.
pub(super) fn blank() -> Rejection {
    Rejection::new("blank", "must not be blank")
}

/// Checks a text.
pub(super) fn checked_content(text: String) -> Result<String, Rejection> {
    if text.contains('\0') {
        return Err(Rejection::new("nul_character", "must not hold U+0000"));
    }
    if text.chars().all(char::is_whitespace) {
        return Err(blank());
    }
    // A scalar value takes at least one byte: most texts need no count.
    if text.len() > MAX_CONTENT_CHARS && text.chars().count() > MAX_CONTENT_CHARS {
        return Err(Rejection::new("too_long", "must be at most 16384 characters"));
    }
    Ok(text)
}

fn sender_type(field: Field<String>, caller: &Caller, faults: &mut Faults) -> Option<SenderType> {
    match (field, caller.side()) {
        (Field::Absent, Some(side)) => Some(side),
        (field, _) => {
            let text = field.required("/sender_type", faults)?;
            faults.take(Place::Body, "/sender_type", text.parse())
        }
    }
}

fn sender_id(field: Field<String>, caller: &Caller, faults: &mut Faults) -> Option<ParticipantId> {
    match (field, caller.side()) {
        (Field::Absent, Some(_)) => Some(caller.id().clone()),
        (field, _) => {
            let text = field.required("/sender_id", faults)?;
            faults.take(Place::Body, "/sender_id", text.try_into())
        }
    }
}

fn named<T>(field: Field<String>, pointer: &str, default: T, faults: &mut Faults) -> T
where
    T: std::str::FromStr<Err = Rejection>,
{
    let text = field.optional(pointer, faults);
    text.and_then(|text| faults.take(Place::Body, pointer, text.parse())).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    fn caller(role: Role) -> Caller {
        Caller::new("t".parse().unwrap(), "me".parse().unwrap(), role)
    }

    fn text(text: &str) -> Field<String> {
        Field::Value(text.to_owned())
    }

    fn draft(content: &str) -> MessageDraft {
        MessageDraft { content: text(content), ..MessageDraft::default() }
    }

    fn codes(draft: MessageDraft, role: Role) -> Vec<(String, &'static str)> {
        let faults = draft.faults(&caller(role));
        faults.iter().map(|fault| (fault.pointer.clone(), fault.rejection.code)).collect()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let bad = MessageDraft {
            content: text(" \n"),
            sender_type: text("robot"),
            sender_id: text(""),
            metadata: Field::Value(RawValue::from_string("[]".to_owned()).unwrap()),
            message_type: Field::Null,
            visibility: text("secret"),
            reply_to: text("x"),
            attachments: Field::Value(vec!["x".to_owned()]),
        };
        let expected = [
            ("/content", "blank"),
            ("/sender_type", "invalid_value"),
            ("/sender_id", "empty"),
            ("/metadata", "invalid_type"),
            ("/message_type", "invalid_type"),
            ("/visibility", "invalid_value"),
            ("/reply_to", "invalid_uuid"),
            ("/attachments/0", "invalid_uuid"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code));
        assert_eq!(codes(bad, Role::Service), expected);
    }

    #[test]
    fn content_is_counted_in_characters() {
        assert_eq!(codes(draft(&"ü".repeat(MAX_CONTENT_CHARS)), Role::User), []);
        let long = codes(draft(&"x".repeat(MAX_CONTENT_CHARS + 1)), Role::User);
        assert_eq!(long, [("/content".to_owned(), "too_long")]);
        assert_eq!(codes(draft("a\0"), Role::User), [("/content".to_owned(), "nul_character")]);
    }

    #[test]
    fn nothing_need_be_said_beside_attachments() {
        let with = |content: &str, named: &[&str]| {
            let named = named.iter().map(|&id| id.to_owned()).collect();
            MessageDraft { attachments: Field::Value(named), ..draft(content) }
        };
        let id = "0198c0de-0000-7000-8000-000000000001";
        assert_eq!(codes(with("", &[id]), Role::User), []);
        for (content, named) in [("", &[][..]), (" ", &[id])] {
            assert_eq!(codes(with(content, named), Role::User), [("/content".to_owned(), "blank")]);
        }
    }

    #[test]
    fn a_command_without_attachments_is_the_same_as_before_there_were_any() {
        let checked = draft("hi").check(&caller(Role::User)).unwrap();
        assert!(!serde_json::to_string(&checked).unwrap().contains("attachments"));
    }

    #[test]
    fn a_sender_may_be_left_out_where_the_role_says_it() {
        for (role, side) in
            [(Role::User, SenderType::User), (Role::Agent, SenderType::Agent), (Role::Admin, SenderType::Agent)]
        {
            let sender = draft("hi").check(&caller(role)).unwrap().sender;
            assert_eq!(sender, Sender { sender_type: side, id: "me".parse().unwrap() });
        }
        let missing = ["/sender_type", "/sender_id"].map(|pointer| (pointer.to_owned(), "missing_field"));
        assert_eq!(codes(draft("hi"), Role::Service), missing);
    }
}
