//! Posts, reads and messages, as a client sees them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

/// A moment: moments of one history are all different, and a later one is greater.
pub(crate) type Moment = u64;

/// A message as an answer showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) seq: i64,
    pub(crate) rev: i64,
    pub(crate) content: String,
    /// Whether it is a tombstone.
    pub(crate) deleted: bool,
    /// Stands for all of its fields.
    pub(crate) digest: u64,
}

/// An attempt to delete a message that was acknowledged, by the client that had sent it. There is one for a message at most.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    /// As it was acknowledged.
    pub(crate) message: Message,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    pub(crate) gone: Gone,
}

/// What the client was told of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The message is deleted, with this revision.
    Deleted {
        /// The tombstone's.
        rev: i64,
    },
    /// It is not deleted, and will not be.
    Refused,
    /// Nothing that could be relied on.
    Nothing,
}

/// An attempt to store one message. No two have the same content.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) session: String,
    /// The idempotency key.
    pub(crate) key: String,
    pub(crate) content: String,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    pub(crate) told: Told,
}

/// What the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is stored, as this.
    Stored(Message),
    /// It is not stored, and will not be.
    Refused,
    /// Nothing that could be relied on.
    Nothing,
}

/// The newest messages of a session, as an answer showed them.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) session: String,
    /// Which node answered.
    pub(crate) node: usize,
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    /// The session's revision, where the answer has it.
    pub(crate) rev: Option<i64>,
    /// `seq` and digest, oldest first.
    pub(crate) page: Vec<(i64, u64)>,
}

/// All messages of a session, as they were read in the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    pub(crate) rev: i64,
    pub(crate) messages: Vec<Message>,
}

impl Message {
    /// Reads it; `None` where a field is missing.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let mut digest = DefaultHasher::new();
        // Objects are kept in the order of their keys, so equal values have equal texts.
        value.to_string().hash(&mut digest);
        Some(Self {
            id: value.get("id")?.as_str()?.to_owned(),
            session: value.get("session_id")?.as_str()?.to_owned(),
            seq: value.get("seq")?.as_i64()?,
            rev: value.get("rev")?.as_i64()?,
            content: value.get("content")?.as_str()?.to_owned(),
            deleted: value.get("is_deleted")?.as_bool()?,
            digest: digest.finish(),
        })
    }

    /// Reads a list of them; `None` where one is not whole.
    pub(crate) fn list(value: &Value) -> Option<Vec<Self>> {
        value.as_array()?.iter().map(Self::of).collect()
    }
}
