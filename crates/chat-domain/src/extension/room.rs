//! How much hangs on one message, at most: whoever reads a page of messages reads all of it.

use std::collections::HashSet;

use super::model::Extension;
use super::model::ExtensionType;
use super::reaction::emoji_of;
use crate::metadata::Metadata;

/// Why a message takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// It holds [`Extension::MAX_PER_MESSAGE`] already.
    TooMany,
    /// What its extensions of clients' own types say would come to more than [`Extension::MAX_BYTES_PER_MESSAGE`] together.
    TooLarge,
    /// It shows [`Extension::MAX_EMOJI`] different emoji already, and this would be another.
    TooManyEmoji,
}

/// Whether a message that shows these extensions has room for one more that says this. Earlier versions of its text are
/// not among them: an edit is never refused for what hangs on the message, nor the other way round.
///
/// # Errors
/// Why it has none.
pub fn find_room(there: &[Extension], extension_type: &ExtensionType, data: &Metadata) -> Result<(), NoRoom> {
    if there.len() >= Extension::MAX_PER_MESSAGE {
        return Err(NoRoom::TooMany);
    }
    if extension_type.is_of_a_client() {
        let of_clients = there.iter().filter(|extension| extension.extension_type.is_of_a_client());
        let said: usize = of_clients.map(|extension| extension.data.as_str().len()).sum();
        if said + data.as_str().len() > Extension::MAX_BYTES_PER_MESSAGE {
            return Err(NoRoom::TooLarge);
        }
    }
    let Some(emoji) = emoji_of(extension_type, data) else { return Ok(()) };
    let shown: HashSet<String> = there.iter().filter_map(Extension::emoji).collect();
    if shown.len() >= Extension::MAX_EMOJI && !shown.contains(&emoji) {
        return Err(NoRoom::TooManyEmoji);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::revision::{Rev, Seq};
    use crate::testing::builder::{a_message, a_session, an_extension, extension_of, metadata, tenant};

    fn message() -> Message {
        a_message(&a_session().to_session()).to_message(Seq::FIRST, Rev::FIRST)
    }

    fn hanging(message: &Message, extension_type: &str, data: &str) -> Extension {
        let new = an_extension(&tenant("default"), message);
        Extension { extension_type: extension_type.parse().unwrap(), data: metadata(data), ..extension_of(&new) }
    }

    fn room(there: &[Extension], new: &Extension) -> Result<(), NoRoom> {
        find_room(there, &new.extension_type, &new.data)
    }

    #[test]
    fn the_hundred_and_first_finds_no_room() {
        let message = message();
        let there: Vec<_> = (0..100).map(|_| hanging(&message, "note", "{}")).collect();
        let new = hanging(&message, "note", "{}");
        assert_eq!(room(&there[..99], &new), Ok(()));
        assert_eq!(room(&there, &new), Err(NoRoom::TooMany));
    }

    #[test]
    fn all_of_them_together_say_no_more_than_so_much() {
        let message = message();
        let large = |bytes: usize| hanging(&message, "note", &format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8)));
        let there: Vec<_> = (0..8).map(|_| large(Metadata::MAX_BYTES)).collect();
        assert_eq!(room(&there[..7], &large(Metadata::MAX_BYTES)), Ok(()));
        assert_eq!(room(&there, &hanging(&message, "note", "{}")), Err(NoRoom::TooLarge));
    }

    #[test]
    fn what_the_service_words_itself_is_not_weighed() {
        let message = message();
        let large =
            |kind: &str| hanging(&message, kind, &format!(r#"{{"a":"{}"}}"#, "x".repeat(Metadata::MAX_BYTES - 8)));
        let mut there: Vec<_> = (0..8).map(|_| large("note")).collect();
        assert_eq!(room(&there, &hanging(&message, "reaction", r#"{"emoji":"👍"}"#)), Ok(()));
        assert_eq!(room(&there, &hanging(&message, "attachment", "{}")), Ok(()));
        (there[0], there[1]) = (large("reaction"), large("attachment"));
        assert_eq!(room(&there[..7], &large("note")), Ok(()));
        there.push(large("note"));
        assert_eq!(room(&there, &large("note")), Ok(()));
        there.push(large("note"));
        assert_eq!(room(&there, &hanging(&message, "note", "{}")), Err(NoRoom::TooLarge));
    }

    #[test]
    fn so_many_emoji_are_shown_and_each_by_any_number_of_people() {
        let message = message();
        let reaction = |emoji: &str| hanging(&message, "reaction", &format!(r#"{{"emoji":"{emoji}"}}"#));
        let emoji: Vec<_> = emojis::iter().take(21).map(emojis::Emoji::as_str).collect();
        let mut there: Vec<_> = emoji[..20].iter().map(|emoji| reaction(emoji)).collect();
        assert_eq!(room(&there, &reaction(emoji[20])), Err(NoRoom::TooManyEmoji));
        assert_eq!(room(&there, &reaction(emoji[3])), Ok(()));
        assert_eq!(room(&there, &hanging(&message, "note", "{}")), Ok(()));
        there[0] = reaction(emoji[1]);
        assert_eq!(room(&there, &reaction(emoji[20])), Ok(()));
    }
}
