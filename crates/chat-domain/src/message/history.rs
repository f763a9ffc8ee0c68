//! The versions of a message's text, oldest first, the present one last.
//!
//! A store keeps, for each edit, the text that it replaced, who made it and when. So a version was put there by the edit
//! before it, and the first one by the message's sender.

use serde::Serialize;

use super::model::Message;
use crate::extension::{Extension, ExtensionType};
use crate::fault::Faults;
use crate::id::{ExtensionId, MessageId, ParticipantId};
use crate::metadata::Metadata;
use crate::query;
use crate::timestamp::Timestamp;

/// The query parameters of a history, unchecked.
#[derive(Debug, Default)]
pub struct HistoryDraft {
    /// Versions a page, 1 to 1000.
    pub limit: Option<String>,
    /// Only the versions behind so many of the oldest.
    pub after: Option<String>,
}

/// A checked question for a page of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HistoryQuery {
    /// How many of the oldest versions are left out.
    pub after: i64,
    /// At most so many; at least 1.
    pub limit: u16,
}

/// An edit of a text, as a store keeps it. The edits of a message are numbered 1, 2, 3 …; edit `n` ended version `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// Which of the message's edits.
    pub number: i64,
    /// What the replaced text is called as an extension.
    pub id: ExtensionId,
    /// The text that was replaced.
    pub content: String,
    /// Who replaced it.
    pub edited_by: ParticipantId,
    /// When.
    pub edited_at: Timestamp,
}

/// A version of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextVersion {
    /// The text.
    pub content: String,
    /// Who put it there.
    pub edited_by: ParticipantId,
    /// When.
    pub edited_at: Timestamp,
    /// How it is kept, where it is not the present one.
    pub kept: Option<KeptText>,
}

/// What became of a text that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptText {
    /// What it is called as an extension.
    pub id: ExtensionId,
    /// When it was replaced.
    pub replaced_at: Timestamp,
}

/// A page of a message's history, and the message, both as of one moment. A tombstone has none: its texts come back with
/// it, when it is restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageHistory {
    /// The message.
    pub message: Message,
    /// The versions, oldest first.
    pub versions: Vec<TextVersion>,
    /// Whether there are more behind these.
    pub more: bool,
}

impl HistoryDraft {
    /// Checks every parameter.
    pub(super) fn check(&self) -> Result<HistoryQuery, Faults> {
        let mut faults = Faults::none();
        let limit = query::limit("limit", self.limit.as_deref(), 1, &mut faults);
        let after = query::number("after", self.after.as_deref(), 0, i64::MAX, &mut faults);
        faults.settle(Some(HistoryQuery { after: after.unwrap_or(0), limit }))
    }

    /// All faults that the parameters have, for a query that could not be read whole.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.check().err().unwrap_or_default()
    }
}

impl HistoryQuery {
    /// The numbers of the first and the last edit that a store has to find: that which made the first version of the page,
    /// and those that ended its versions.
    #[must_use]
    pub fn edits(&self) -> (i64, i64) {
        (self.after, self.after.saturating_add(i64::from(self.limit)))
    }
}

impl MessageHistory {
    /// Makes a page from what a store found at one moment: the message, and of its [edits](HistoryQuery::edits) those of the
    /// question, in the order of their numbers; none where it is a tombstone.
    #[must_use]
    pub fn assemble(message: Message, query: &HistoryQuery, found: Vec<TextEdit>) -> Self {
        let mut history = Self { versions: Vec::with_capacity(found.len() + 1), more: false, message };
        let mut edits = found.into_iter();
        let sent = Some((history.message.sender.id.clone(), history.message.created_at));
        let first = if query.after == 0 { sent } else { edits.next().map(|edit| (edit.edited_by, edit.edited_at)) };
        let Some((mut edited_by, mut edited_at)) = first.filter(|_| !history.message.is_deleted()) else {
            return history;
        };
        for edit in edits {
            let kept = Some(KeptText { id: edit.id, replaced_at: edit.edited_at });
            history.versions.push(TextVersion { content: edit.content, edited_by, edited_at, kept });
            (edited_by, edited_at) = (edit.edited_by, edit.edited_at);
        }
        history.more = history.versions.len() >= usize::from(query.limit);
        if !history.more {
            let content = history.message.content.clone();
            history.versions.push(TextVersion { content, edited_by, edited_at, kept: None });
        }
        history
    }

    /// Where the history goes on.
    #[must_use]
    pub fn next(&self, query: &HistoryQuery) -> Option<HistoryQuery> {
        self.more.then(|| HistoryQuery { after: query.edits().1, ..*query })
    }

    /// Where the page before this one lies; it is shorter where there is no more.
    #[must_use]
    pub fn prev(&self, query: &HistoryQuery) -> Option<HistoryQuery> {
        let before = query.after.min(i64::from(query.limit));
        let limit = u16::try_from(before).ok().filter(|limit| *limit > 0 && !self.versions.is_empty())?;
        Some(HistoryQuery { after: query.after - before, limit })
    }
}

impl TextVersion {
    /// An earlier text as the extension of this message that it is; `None` for the present text. Its data may be larger than
    /// those of others: a text has limits of its own.
    ///
    /// # Errors
    /// Where the text cannot be written as JSON, which no text is.
    pub fn to_extension(&self, message_id: MessageId) -> Result<Option<Extension>, serde_json::Error> {
        #[derive(Serialize)]
        struct Data<'a> {
            content: &'a str,
            edited_by: &'a ParticipantId,
            edited_at: Timestamp,
        }
        let Some(KeptText { id, replaced_at }) = self.kept else { return Ok(None) };
        let data = Data { content: &self.content, edited_by: &self.edited_by, edited_at: self.edited_at };
        let data = Metadata::from_stored(serde_json::to_string(&data)?)?;
        let extension_type = ExtensionType::edit_history();
        Ok(Some(Extension { id, message_id, extension_type, data, created_at: replaced_at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::IdSource as _;
    use crate::revision::{Rev, Seq};
    use crate::testing::builder::{a_message, a_session, ids, next_moment, participant};

    /// A message of this many versions, and its edits.
    fn history(versions: i64) -> (Message, Vec<TextEdit>) {
        let mut message = a_message(&a_session().to_session()).to_message(Seq::FIRST, Rev::new(2));
        message.content = format!("text {versions}");
        let edit = |number| TextEdit {
            number,
            id: ids().extension_id(),
            content: format!("text {number}"),
            edited_by: participant(&format!("editor {number}")),
            edited_at: next_moment(),
        };
        (message, (1..versions).map(edit).collect())
    }

    /// The page, made of just the edits that are to be found for it.
    fn page(message: &Message, edits: &[TextEdit], query: &HistoryQuery) -> MessageHistory {
        let (first, last) = query.edits();
        let found = edits.iter().filter(|edit| (first..=last).contains(&edit.number)).cloned().collect();
        MessageHistory::assemble(message.clone(), query, found)
    }

    const ALL: HistoryQuery = HistoryQuery { after: 0, limit: 1_000 };

    #[test]
    fn each_version_was_put_there_by_the_edit_before_it() {
        let (message, edits) = history(3);
        let MessageHistory { versions, more, .. } = page(&message, &edits, &ALL);
        let texts: Vec<_> = versions.iter().map(|version| version.content.as_str()).collect();
        assert_eq!((texts, more), (vec!["text 1", "text 2", "text 3"], false));
        let said: Vec<_> = versions.iter().map(|version| (version.edited_by.as_str(), version.edited_at)).collect();
        let expected = [
            (message.sender.id.as_str(), message.created_at),
            ("editor 1", edits[0].edited_at),
            ("editor 2", edits[1].edited_at),
        ];
        assert_eq!(said, expected);
        let kept: Vec<_> = versions.iter().filter_map(|version| version.kept.map(|kept| kept.id)).collect();
        assert_eq!(kept, [edits[0].id, edits[1].id]);
    }

    #[test]
    fn whoever_follows_the_pages_reads_each_version_once_forwards_and_backwards() {
        for count in 1..6 {
            let (message, edits) = history(count);
            let all = page(&message, &edits, &ALL).versions;
            for limit in 1..7 {
                let mut query = HistoryQuery { after: 0, limit };
                let (mut read, mut asked) = (Vec::new(), Vec::new());
                loop {
                    let found = page(&message, &edits, &query);
                    assert!(found.versions.len() <= usize::from(limit));
                    read.extend(found.versions.iter().cloned());
                    asked.push(query);
                    let Some(next) = found.next(&query) else { break };
                    assert_eq!(page(&message, &edits, &next).prev(&next), Some(query), "{count} {limit}");
                    query = next;
                }
                assert_eq!(read, all, "{count} {limit}");
                assert_eq!(page(&message, &edits, &asked[0]).prev(&asked[0]), None);
            }
        }
    }

    #[test]
    fn beyond_the_end_there_is_nothing() {
        let (message, edits) = history(3);
        for after in [3, 4, i64::MAX] {
            let query = HistoryQuery { after, limit: 2 };
            let beyond = page(&message, &edits, &query);
            assert_eq!((beyond.versions.len(), beyond.next(&query), beyond.prev(&query)), (0, None, None), "{after}");
        }
    }

    #[test]
    fn a_tombstone_has_no_history() {
        let (message, edits) = history(3);
        let tombstone = Message { deleted_at: Some(next_moment()), ..message }.shown();
        assert_eq!(page(&tombstone, &edits, &ALL).versions, []);
    }

    #[test]
    fn an_earlier_text_is_an_extension_however_long_it_is() {
        let (message, mut edits) = history(2);
        edits[0].content = "\u{1}".repeat(16_384);
        let versions = page(&message, &edits, &ALL).versions;
        let extension = versions[0].to_extension(message.id).unwrap().unwrap();
        assert_eq!((extension.id, extension.message_id), (edits[0].id, message.id));
        assert_eq!((extension.extension_type.as_str(), extension.created_at), ("edit_history", edits[0].edited_at));
        let data: serde_json::Value = serde_json::from_str(extension.data.as_str()).unwrap();
        let expected = serde_json::json!({
            "content": edits[0].content, "edited_by": message.sender.id, "edited_at": message.created_at,
        });
        assert_eq!(data, expected);
        assert_eq!(versions[1].to_extension(message.id).unwrap(), None);
    }

    #[test]
    fn every_bad_parameter_is_named_at_once() {
        let draft = HistoryDraft { limit: Some("0".to_owned()), after: Some("-1".to_owned()) };
        let faults = draft.faults();
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/limit", "/after"]);
        assert_eq!(HistoryDraft::default().check().unwrap(), HistoryQuery { after: 0, limit: 100 });
    }
}
