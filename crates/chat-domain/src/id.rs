//! Identities: newtypes, so that a session's id can never be taken for a message's.
//!
//! Ids that the service makes are UUIDv7. Names that come from outside (tenants, users, agents) are checked strings.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::fault::Rejection;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID, of any version, for this kind of id.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare UUID, for stores.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// Names one session, within its tenant.
    SessionId
);
uuid_id!(
    /// Names one message, within its tenant.
    MessageId
);
uuid_id!(
    /// Names one extension of a message.
    ExtensionId
);
uuid_id!(
    /// Names one attachment, within its tenant.
    AttachmentId
);
uuid_id!(
    /// Names one entry of the audit, within its tenant.
    AuditId
);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The checked text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Rejection;

            fn from_str(text: &str) -> Result<Self, Rejection> {
                Self::check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Rejection;

            fn try_from(text: String) -> Result<Self, Rejection> {
                Self::check(&text)?;
                Ok(Self(text.into()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(
    /// One customer of the platform; nothing is ever shared between two. 1 to 64 of `A-Z a-z 0-9 _ . : -`.
    TenantId
);
text_id!(
    /// A person or program that takes part in sessions: a user, an agent, a bot. Opaque, 1 to 255 characters without
    /// control characters.
    ParticipantId
);

impl TenantId {
    /// The longest tenant id, in characters.
    pub const MAX_LEN: usize = 64;

    fn check(text: &str) -> Result<(), Rejection> {
        if text.is_empty() {
            return Err(Rejection::new("empty", "must not be empty"));
        }
        if text.len() > Self::MAX_LEN {
            return Err(Rejection::new("too_long", "must be at most 64 characters"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-');
        if text.bytes().all(allowed) {
            Ok(())
        } else {
            Err(Rejection::new("invalid_characters", "may hold only A-Z, a-z, 0-9, '_', '.', ':' and '-'"))
        }
    }
}

impl ParticipantId {
    /// The longest participant id, in characters.
    pub const MAX_CHARS: usize = 255;

    fn check(text: &str) -> Result<(), Rejection> {
        if text.is_empty() {
            return Err(Rejection::new("empty", "must not be empty"));
        }
        // A scalar value takes at most four bytes: most texts need no count.
        if text.len() > Self::MAX_CHARS && text.chars().count() > Self::MAX_CHARS {
            return Err(Rejection::new("too_long", "must be at most 255 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(Rejection::new("control_character", "must not hold control characters"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_made_of_safe_characters_only() {
        assert!("default".parse::<TenantId>().is_ok());
        assert!("A-z_0.9:x".parse::<TenantId>().is_ok());
        for bad in ["", "a b", "a/b", "ü", "a\0", &"x".repeat(65)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_participant_is_counted_in_characters_not_bytes() {
        assert!("ü".repeat(255).parse::<ParticipantId>().is_ok());
        assert_eq!("ü".repeat(256).parse::<ParticipantId>().unwrap_err().code, "too_long");
        assert_eq!("".parse::<ParticipantId>().unwrap_err().code, "empty");
        assert_eq!("a\u{85}".parse::<ParticipantId>().unwrap_err().code, "control_character");
    }

    #[test]
    fn a_stored_id_that_breaks_the_rule_is_refused_on_reading() {
        assert!(serde_json::from_str::<TenantId>("\"a b\"").is_err());
        assert_eq!(serde_json::to_string(&"u-1".parse::<ParticipantId>().unwrap()).unwrap(), "\"u-1\"");
    }
}
