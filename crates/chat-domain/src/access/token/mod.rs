//! Tokens: what their claims must say, and the port through which they are checked.
//!
//! Whether a signature is good is an adapter's business; what a token with a good one means is told here.

mod claims;
mod key;
mod port;

pub use claims::{Identity, TokenRules};
pub use key::check_signing_key;
pub use port::{MAX_TOKEN_BYTES, TokenError, TokenVerifier};
