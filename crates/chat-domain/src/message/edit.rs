//! Changing a message: what a client sends, and what becomes of the message.

use serde_json::value::RawValue;

use super::draft::{blank, checked_content};
use super::model::Message;
use crate::extension::ExtensionType;
use crate::fault::{Faults, Place};
use crate::field::Field;
use crate::revision::Rev;
use crate::session::{MetadataChange, MetadataEdit, metadata_change};
use crate::timestamp::Timestamp;

/// The fields of a request to change a message, unchecked.
#[derive(Debug, Default)]
pub struct MessagePatch {
    /// The new text.
    pub content: Field<String>,
    /// The new metadata; `null` for none at all.
    pub metadata: Field<Box<RawValue>>,
    /// How the metadata is meant.
    pub metadata_edit: MetadataEdit,
}

/// A wanted change of a message; `None` leaves a field alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageChange {
    /// The new text.
    pub content: Option<String>,
    /// The new metadata.
    pub metadata: Option<MetadataChange>,
}

/// Why a message cannot change as wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageRefusal {
    /// A tombstone has nothing that could change.
    #[error("the message is deleted")]
    Deleted,
    /// What the change would make of the message breaks a limit.
    #[error(transparent)]
    Invalid(Faults),
}

impl MessagePatch {
    /// Checks every field.
    pub(super) fn check(self) -> Result<MessageChange, Faults> {
        let mut faults = Faults::none();
        let content = self.content.optional("/content", &mut faults);
        let content = match content {
            // Whether a message may go without text is known when it is changed.
            Some(empty) if empty.is_empty() => Some(empty),
            text => text.and_then(|text| faults.take(Place::Body, "/content", checked_content(text))),
        };
        let metadata = metadata_change(self.metadata, self.metadata_edit, &mut faults);
        faults.settle(Some(MessageChange { content, metadata }))
    }

    /// All faults that the fields have, for a body that could not be read whole.
    #[must_use]
    pub fn faults(self) -> Faults {
        self.check().err().unwrap_or_default()
    }
}

impl Message {
    /// The message after the change, which happens now and takes this `rev`; `None` where the change changes nothing.
    /// Only another text is an edit: other metadata leaves `edited_at` alone.
    ///
    /// # Errors
    /// Why the change is impossible.
    pub fn changed(&self, change: &MessageChange, rev: Rev, now: Timestamp) -> Result<Option<Self>, MessageRefusal> {
        if self.is_deleted() {
            return Err(MessageRefusal::Deleted);
        }
        let metadata = change.metadata.as_ref().map(|metadata| metadata.applied_to(&self.metadata));
        let metadata = metadata.transpose().map_err(MessageRefusal::Invalid)?;
        let metadata = metadata.filter(|metadata| *metadata != self.metadata);
        let content = change.content.as_ref().filter(|content| **content != self.content);
        if content.is_none() && metadata.is_none() {
            return Ok(None);
        }
        if content.is_some_and(String::is_empty) && !self.has_attachments() {
            return Err(MessageRefusal::Invalid(Faults::body("/content", blank())));
        }
        let mut next = Self { rev, ..self.clone() };
        if let Some(content) = content {
            next.content.clone_from(content);
            next.edited_at = Some(now);
        }
        if let Some(metadata) = metadata {
            next.metadata = metadata;
        }
        Ok(Some(next))
    }

    /// Whether files came with the message: then it need not say anything.
    fn has_attachments(&self) -> bool {
        self.extensions.iter().any(|extension| extension.extension_type.as_str() == ExtensionType::ATTACHMENT)
    }

    /// Whether the text of this state of a message is another than that of an earlier one: then the earlier text is kept.
    #[must_use]
    pub fn reads_other_than(&self, earlier: &Self) -> bool {
        self.content != earlier.content
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::NewExtension;
    use crate::metadata::{MergePatch, Metadata};
    use crate::revision::Seq;
    use crate::testing::builder::{a_message, a_session, an_extension, extension_of, metadata, next_moment, tenant};

    fn a_said() -> Message {
        let mut new = a_message(&a_session().to_session());
        new.metadata = metadata(r#"{"a":1}"#);
        new.to_message(Seq::FIRST, Rev::new(2))
    }

    fn text(content: &str) -> MessageChange {
        MessageChange { content: Some(content.to_owned()), ..MessageChange::default() }
    }

    #[test]
    fn another_text_is_an_edit() {
        let (said, now) = (a_said(), next_moment());
        let edited = said.changed(&text("other"), Rev::new(9), now).unwrap().unwrap();
        let expected = Message { content: "other".to_owned(), edited_at: Some(now), rev: Rev::new(9), ..said.clone() };
        assert_eq!(edited, expected);
        assert!(edited.reads_other_than(&said));
    }

    #[test]
    fn the_same_text_and_the_same_metadata_are_no_change() {
        let said = a_said();
        let metadata = Some(MetadataChange::Replace(said.metadata.clone()));
        for change in [MessageChange::default(), text("hello"), MessageChange { metadata, ..text("hello") }] {
            assert_eq!(said.changed(&change, Rev::new(9), next_moment()), Ok(None), "{change:?}");
        }
    }

    #[test]
    fn other_metadata_is_a_change_and_no_edit() {
        let said = a_said();
        let merged = MetadataChange::Merge(MergePatch::new(metadata(r#"{"b":2}"#)));
        let change = MessageChange { metadata: Some(merged), ..text("hello") };
        let changed = said.changed(&change, Rev::new(9), next_moment()).unwrap().unwrap();
        assert_eq!(changed, Message { metadata: metadata(r#"{"a":1,"b":2}"#), rev: Rev::new(9), ..said.clone() });
        assert!(!changed.reads_other_than(&said));
    }

    #[test]
    fn a_tombstone_does_not_change_even_to_what_it_shows() {
        let tombstone = Message { deleted_at: Some(next_moment()), ..a_said() }.shown();
        for change in [MessageChange::default(), text("other"), text("")] {
            let refused = tombstone.changed(&change, Rev::new(9), next_moment());
            assert_eq!(refused, Err(MessageRefusal::Deleted), "{change:?}");
        }
    }

    #[test]
    fn a_message_with_attachments_need_not_say_anything() {
        let new = an_extension(&tenant("default"), &a_said());
        let attachment = NewExtension { extension_type: ExtensionType::ATTACHMENT.parse().unwrap(), ..new.clone() };
        for (extension, may_be_empty) in [(&new, false), (&attachment, true)] {
            let said = Message { extensions: vec![extension_of(extension)], ..a_said() };
            let emptied = said.changed(&text(""), Rev::new(9), next_moment());
            if let Err(MessageRefusal::Invalid(faults)) = &emptied {
                assert!(
                    faults.iter().all(|fault| (fault.pointer.as_str(), fault.rejection.code) == ("/content", "blank"))
                );
            }
            assert_eq!(
                emptied.is_ok_and(|message| message.is_some_and(|message| message.content.is_empty())),
                may_be_empty
            );
        }
        let silent = Message { content: String::new(), ..a_said() };
        assert_eq!(silent.changed(&text(""), Rev::new(9), next_moment()), Ok(None));
    }

    #[test]
    fn metadata_that_would_grow_too_large_is_refused() {
        let half = |key: &str| metadata(&format!("{{\"{key}\":\"{}\"}}", "x".repeat(Metadata::MAX_BYTES / 2)));
        let said = Message { metadata: half("a"), ..a_said() };
        let merged = Some(MetadataChange::Merge(MergePatch::new(half("b"))));
        let refused = said.changed(&MessageChange { metadata: merged, ..text("x") }, Rev::new(9), next_moment());
        let Err(MessageRefusal::Invalid(faults)) = refused else { panic!("{refused:?}") };
        let found: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.rejection.code)).collect();
        assert_eq!(found, [("/metadata", "too_large")]);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let raw = |text: &str| Field::Value(RawValue::from_string(text.to_owned()).unwrap());
        let codes = |patch: MessagePatch| {
            let faults = patch.faults();
            faults.iter().map(|fault| (fault.pointer.clone(), fault.rejection.code)).collect::<Vec<_>>()
        };
        let both = |content, metadata| [("/content".to_owned(), content), ("/metadata".to_owned(), metadata)];
        let blank = MessagePatch { content: Field::Value(" \n".to_owned()), metadata: raw("[]"), ..Default::default() };
        assert_eq!(codes(blank), both("blank", "invalid_type"));
        for metadata_edit in [MetadataEdit::Replace, MetadataEdit::Merge] {
            let null = MessagePatch { content: Field::Null, metadata: raw("1"), metadata_edit };
            assert_eq!(codes(null), both("invalid_type", "invalid_type"));
            assert_eq!(codes(MessagePatch { metadata: Field::Null, metadata_edit, ..Default::default() }), []);
        }
        assert_eq!(codes(MessagePatch::default()), []);
    }
}
