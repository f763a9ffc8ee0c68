//! The extension.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::fault::Rejection;
use crate::id::{ExtensionId, MessageId};
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
    /// The most extensions that one message holds.
    pub const MAX_PER_MESSAGE: usize = 100;
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
