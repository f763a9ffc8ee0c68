//! Somebody's emoji on a message.

use serde::{Deserialize, Serialize};

use super::emoji::Emoji;
use super::model::{Extension, ExtensionType};
use crate::error::RepositoryError;
use crate::idempotency::Digest;
use crate::message::{Sender, SenderType};
use crate::metadata::Metadata;

/// Who reacts with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// With what.
    pub emoji: Emoji,
    /// Who, on its side of the conversation.
    pub actor: Sender,
}

/// What the extension says.
#[derive(Serialize)]
struct Data<'r> {
    emoji: &'r str,
    actor_type: SenderType,
    actor_id: &'r str,
}

impl Reaction {
    /// What there is only one of on a message: the actor's with this emoji.
    #[must_use]
    pub fn unique_key(&self) -> Digest {
        let Self { emoji, actor } = self;
        let parts = ["reaction", actor.sender_type.as_str(), actor.id.as_str(), emoji.as_str()];
        Digest::of(&parts.map(str::as_bytes))
    }

    /// What the extension says.
    ///
    /// # Errors
    /// Where it cannot be written as JSON, which texts always can.
    pub(super) fn data(&self) -> Result<Metadata, RepositoryError> {
        let Self { emoji, actor } = self;
        let data = Data { emoji: emoji.as_str(), actor_type: actor.sender_type, actor_id: actor.id.as_str() };
        let text = serde_json::to_string(&data).map_err(RepositoryError::internal)?;
        Metadata::from_stored(text).map_err(RepositoryError::internal)
    }
}

impl Extension {
    /// The emoji of a reaction.
    pub(super) fn emoji(&self) -> Option<String> {
        emoji_of(&self.extension_type, &self.data)
    }
}

/// The emoji of a reaction that says this.
pub(super) fn emoji_of(extension_type: &ExtensionType, data: &Metadata) -> Option<String> {
    #[derive(Deserialize)]
    struct Shown {
        emoji: String,
    }
    if extension_type.as_str() != ExtensionType::REACTION {
        return None;
    }
    serde_json::from_str::<Shown>(data.as_str()).ok().map(|shown| shown.emoji)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::builder::participant;

    fn reaction(emoji: &str, sender_type: SenderType, id: &str) -> Reaction {
        Reaction { emoji: emoji.parse().unwrap(), actor: Sender { sender_type, id: participant(id) } }
    }

    #[test]
    fn a_reaction_says_who_and_with_what() {
        let data = reaction("👍🏽", SenderType::Agent, "a \"b\"").data().unwrap();
        assert_eq!(data.as_str(), r#"{"emoji":"👍🏽","actor_type":"agent","actor_id":"a \"b\""}"#);
        let reaction_type = ExtensionType::REACTION.parse().unwrap();
        assert_eq!(emoji_of(&reaction_type, &data).as_deref(), Some("👍🏽"));
        assert_eq!(emoji_of(&"other".parse().unwrap(), &data), None);
    }

    #[test]
    fn there_is_one_of_each_actor_and_emoji() {
        let first = reaction("👍", SenderType::User, "ann");
        assert_eq!(first.unique_key(), reaction("👍", SenderType::User, "ann").unique_key());
        for other in [
            reaction("👍🏽", SenderType::User, "ann"),
            reaction("👍", SenderType::Agent, "ann"),
            reaction("👍", SenderType::User, "bob"),
        ] {
            assert_ne!(first.unique_key(), other.unique_key());
        }
        assert_eq!(reaction("❤", SenderType::User, "ann"), reaction("❤️", SenderType::User, "ann"));
    }
}
