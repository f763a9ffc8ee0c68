//! The extension.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::fault::Rejection;
use crate::id::{ExtensionId, MessageId};
use crate::message::Sender;
use crate::metadata::Metadata;
use crate::timestamp::Timestamp;

/// What kind of extension: one of the service's own or a name of the client's, `^[a-z][a-z0-9_.-]{0,63}$`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ExtensionType(Arc<str>);

impl ExtensionType {
    /// A file that came with the message.
    pub const ATTACHMENT: &str = "attachment";
    /// Somebody's emoji.
    pub const REACTION: &str = "reaction";
    /// An earlier version of the text.
    pub const EDIT_HISTORY: &str = "edit_history";

    /// That of a file that came with the message.
    #[must_use]
    pub fn attachment() -> Self {
        Self(Self::ATTACHMENT.into())
    }

    /// That of somebody's emoji.
    #[must_use]
    pub fn reaction() -> Self {
        Self(Self::REACTION.into())
    }

    /// Whether such an extension stays on its message: what was said includes its attachments and its earlier versions.
    #[must_use]
    pub fn stays(&self) -> bool {
        matches!(self.as_str(), Self::ATTACHMENT | Self::EDIT_HISTORY)
    }

    /// Whether what such an extension says is the client's own words, of a length of its choosing: what the service words
    /// itself is short, and of each kind there are only so many.
    #[must_use]
    pub fn is_of_a_client(&self) -> bool {
        !matches!(self.as_str(), Self::ATTACHMENT | Self::REACTION | Self::EDIT_HISTORY)
    }

    /// That of an earlier version of the text.
    #[must_use]
    pub fn edit_history() -> Self {
        Self(Self::EDIT_HISTORY.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtensionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExtensionType {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-');
        let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
        if starts_well && text.len() <= 64 && text.bytes().all(inner) {
            Ok(Self(text.into()))
        } else {
            Err(Rejection::new("invalid_value", "must match ^[a-z][a-z0-9_.-]{0,63}$"))
        }
    }
}

impl<'de> Deserialize<'de> for ExtensionType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Something that hangs on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Its identity.
    pub id: ExtensionId,
    /// The message that it hangs on.
    pub message_id: MessageId,
    /// What kind.
    pub extension_type: ExtensionType,
    /// What it says; under the limits of metadata.
    pub data: Metadata,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Extension {
    /// The most extensions that one message holds; earlier versions of its text are not counted.
    pub const MAX_PER_MESSAGE: usize = 100;
    /// The most that the extensions of clients' own types say together on one message, in bytes: each is read by whoever
    /// reads the message. Attachments and reactions are short, and neither count nor are refused for it.
    pub const MAX_BYTES_PER_MESSAGE: usize = 8 * Metadata::MAX_BYTES;
    /// The most different emoji that a message shows.
    pub const MAX_EMOJI: usize = 20;
}

/// An extension with what only the rule book asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The extension.
    pub extension: Extension,
    /// Who made it, where that is known.
    pub maker: Option<Sender>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_a_short_lower_case_name() {
        for good in ["attachment", "reaction", "edit_history", "a", "x.y-z_0", &"a".repeat(64)] {
            assert!(good.parse::<ExtensionType>().is_ok(), "{good}");
        }
        for bad in ["", "A", "0a", "_a", "a b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<ExtensionType>().is_err(), "{bad}");
        }
    }
}
