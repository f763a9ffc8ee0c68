//! Signed tokens: which keys they may be signed with, and whether a signature is good.
//!
//! # Map
//! - `verifier`: the ports. `unverified`: a token's parts, before anything is known of it.
//! - `ring`: the keys in force, with the tokens that were verified by them. `jwks`: keys out of a JSON Web Key Set.
//! - `source`, `fetch`: where sets come from. `refresh`: when they are asked for.
//! - `sign`: tokens of one's own, for trying things out.
//!
//! A key is bound to one algorithm when it is read, so that no token can choose how its key is used.

mod error;
mod fetch;
mod jwks;
mod refresh;
mod ring;
mod sign;
mod source;
mod unverified;
mod verifier;

pub use error::KeySetError;
pub use fetch::{InvalidKeySetUrl, KeySetUrl};
pub use sign::{NewToken, UnsignableToken, sign_token};
pub use source::KeySource;
pub use verifier::{JwtConfig, JwtVerifier};
