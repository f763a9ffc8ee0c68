//! The port through which tokens are checked.

use async_trait::async_trait;

use super::claims::Identity;
use crate::access::Refusal;

/// The longest token, in bytes. A longer one is refused before anything in it is looked at.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Why a token names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is at fault.
    #[error("token refused: {0}")]
    Refused(Refusal),
    /// No key is there to check it with. It may be good: a later try can tell.
    #[error("no key to check tokens with")]
    KeysUnavailable,
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Checks tokens: their signature, and by [`TokenRules`](super::TokenRules) what they say.
#[async_trait]
pub trait TokenVerifier: Send + Sync + 'static {
    /// Whose token this is, where that is known without waiting, because it was verified before, with keys that still
    /// hold, and has not expired. `None` says nothing about the token.
    fn recall(&self, token: &str) -> Option<Identity>;

    /// Whose token this is by the keys that are at hand, checked at once. Where another key is needed, it is not waited for,
    /// but is on its way as far as it may be asked for: a later try can tell.
    ///
    /// # Errors
    /// As those of [`verify`](Self::verify); that no key knows the token is not final.
    fn check(&self, token: &str) -> Result<Identity, TokenError>;

    /// Whose token this is. May wait, some seconds at most, for a key that the token names and nobody knows yet.
    ///
    /// # Errors
    /// Why it names nobody. Nothing of the token stands in the error.
    async fn verify(&self, token: &str) -> Result<Identity, TokenError>;
}
