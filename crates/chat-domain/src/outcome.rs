//! What a service says of a write that went well.

/// A thing that was written, or that an earlier use of the same idempotency key had written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The thing as it is now.
    pub value: T,
    /// Whether this request made nothing, because its key had been used for the same command before.
    pub replayed: bool,
}

impl<T> Written<T> {
    /// Written just now.
    pub const fn fresh(value: T) -> Self {
        Self { value, replayed: false }
    }

    /// Written by an earlier use of the key.
    pub const fn replayed(value: T) -> Self {
        Self { value, replayed: true }
    }
}
