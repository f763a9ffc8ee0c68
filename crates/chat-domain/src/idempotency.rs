//! Idempotency keys: a repeat of a request answers what the first one answered and makes nothing.
//!
//! Stores see two digests only: one of whose key it is and where it was used, one of the validated command. So no key
//! lies in a store in clear, and the unique index is small whatever a client sends.

mod canonical;

use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::canonical::canonical;
use crate::access::Caller;
use crate::error::RepositoryError;
use crate::fault::Rejection;
use crate::timestamp::Timestamp;

/// What a client sent in `Idempotency-Key`: 1 to 255 printable ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, in characters.
    pub const MAX_LEN: usize = 255;
}

impl std::fmt::Debug for IdempotencyKey {
    /// Never shows the key: clients put all sorts of things into it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

impl FromStr for IdempotencyKey {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        if text.is_empty() || text.len() > Self::MAX_LEN {
            return Err(Rejection::new("invalid_length", "must be 1 to 255 characters"));
        }
        if !text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Err(Rejection::new("invalid_characters", "may hold only printable ASCII characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A SHA-256 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Takes what was digested elsewhere.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From a store's bytes; `None` where they are not 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Digests parts so that no two lists of parts share a digest by being cut differently.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        Self(sha.finalize().into())
    }
}

impl std::fmt::Display for Digest {
    /// In hexadecimal, small letters.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key and the command that it stands for, as stores keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key, on which route, under which parent; unique within a tenant.
    pub scope: Digest,
    /// The validated command: a repeat must bring the same.
    pub command: Digest,
}

impl Idempotency {
    /// Binds a key to its caller, route and parent (empty where there is none), and to the command in its stable form.
    /// The tenant is no part of it: stores keep it beside the digest.
    ///
    /// # Errors
    /// Where the command cannot be written as JSON: a digest that stood for all such commands would mix them up.
    pub fn new(
        key: &IdempotencyKey,
        caller: &Caller,
        route: &str,
        parent: &str,
        command: &impl Serialize,
    ) -> Result<Self, RepositoryError> {
        let role = caller.role().as_str();
        let scope = [role, caller.id().as_str(), route, parent, &key.0].map(str::as_bytes);
        let text = serde_json::to_string(command).map_err(RepositoryError::internal)?;
        // So that the order of keys and the spelling of strings make no difference.
        let command = canonical(&text).map_err(RepositoryError::internal)?;
        Ok(Self { scope: Digest::of(&scope), command: Digest::of(&[command.as_bytes()]) })
    }
}

/// The keys of everything but messages (whose keys lie with their rows), kept for at least a day.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait IdempotencyRepository: Send + Sync + 'static {
    /// Forgets, in all tenants, the keys first used before the given time; returns how many.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use crate::metadata::Metadata;

    fn bound(key: &str, caller: &str, role: Role, route: &str, parent: &str, metadata: &str) -> Idempotency {
        let caller = Caller::new("t".parse().unwrap(), caller.parse().unwrap(), role);
        let metadata: Metadata = serde_json::from_str(metadata).unwrap();
        Idempotency::new(&key.parse().unwrap(), &caller, route, parent, &metadata).unwrap()
    }

    #[test]
    fn a_scope_is_one_callers_key_on_one_route_under_one_parent() {
        let first = bound("k", "ann", Role::User, "r", "p", "{}");
        assert_eq!(first, bound("k", "ann", Role::User, "r", "p", "{}"));
        for other in [
            bound("l", "ann", Role::User, "r", "p", "{}"),
            bound("k", "bob", Role::User, "r", "p", "{}"),
            bound("k", "ann", Role::Agent, "r", "p", "{}"),
            bound("k", "ann", Role::User, "s", "p", "{}"),
            bound("k", "ann", Role::User, "r", "q", "{}"),
            bound("k", "ann", Role::User, "rp", "", "{}"),
        ] {
            assert_ne!(first.scope, other.scope);
        }
    }

    #[test]
    fn a_command_is_compared_by_meaning_not_by_spelling() {
        let first = bound("k", "ann", Role::User, "r", "p", r#"{"a":1,"b":"x"}"#);
        let same = bound("k", "ann", Role::User, "r", "p", "{ \"b\":\"\\u0078\", \"a\" : 1 }");
        let other = bound("k", "ann", Role::User, "r", "p", r#"{"a":2,"b":"x"}"#);
        assert_eq!(first.command, same.command);
        assert_ne!(first.command, other.command);
    }

    #[test]
    fn two_numbers_are_two_commands_however_close_they_are() {
        let command = |number: &str| bound("k", "ann", Role::User, "r", "p", &format!("{{\"n\":{number}}}")).command;
        assert_ne!(command("12345678901234567890123"), command("12345678901234567890124"));
        assert_ne!(command("-0.0"), command("0.0"));
    }

    #[test]
    fn a_command_that_cannot_be_written_has_no_digest() {
        let caller = Caller::new("t".parse().unwrap(), "ann".parse().unwrap(), Role::User);
        // JSON knows no keys that are lists.
        let command = std::collections::BTreeMap::from([(vec![1], 1)]);
        let bound = Idempotency::new(&"k".parse().unwrap(), &caller, "r", "p", &command);
        assert!(matches!(bound, Err(RepositoryError::Internal(_))), "{bound:?}");
    }

    #[test]
    fn a_key_is_printable_ascii_and_never_shown() {
        let key: IdempotencyKey = "s3cret key".parse().unwrap();
        assert!(!format!("{key:?}").contains("s3cret"));
        for bad in ["", "ü", "a\tb", &"x".repeat(256)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }
}
