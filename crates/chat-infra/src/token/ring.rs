//! The keys in force, with the tokens that were verified by them. When the keys change, a new ring takes the old one's
//! place, so that nothing is remembered of keys that are gone.

use std::time::Duration;

use chat_domain::access::{Identity, Refusal};
use chat_domain::timestamp::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::jwks::PublicKey;
use super::unverified::Unverified;

/// A token that nobody sends for so long is forgotten.
const IDLE: Duration = Duration::from_mins(10);

/// What stands for a token: the token itself is kept nowhere.
type Digest = [u8; 32];

/// The keys in force.
pub(super) struct KeyRing {
    secrets: Vec<DecodingKey>,
    public: Vec<PublicKey>,
    verified: Cache<Digest, Identity>,
}

impl KeyRing {
    /// Keys, and room for so many verified tokens.
    pub(super) fn new(secrets: Vec<DecodingKey>, public: Vec<PublicKey>, room: u64) -> Self {
        let verified = Cache::builder().max_capacity(room).time_to_idle(IDLE).build();
        Self { secrets, public, verified }
    }

    /// The same secrets with other public keys, or `None` where these are the same too.
    pub(super) fn renewed(&self, public: Vec<PublicKey>) -> Option<Self> {
        let same = self.public.iter().map(|key| &key.jwk).eq(public.iter().map(|key| &key.jwk));
        let room = self.verified.policy().max_capacity().unwrap_or_default();
        (!same).then(|| Self::new(self.secrets.clone(), public, room))
    }

    /// Whether there is no key at all, so that no token can be good.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.public.is_empty()
    }

    /// How many public keys there are.
    pub(super) fn public_keys(&self) -> usize {
        self.public.len()
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`MalformedToken`](Refusal::MalformedToken) is final; of a token for public keys a newer ring may say otherwise than
    /// [`UnknownKey`](Refusal::UnknownKey), [`WrongKeyType`](Refusal::WrongKeyType) or
    /// [`BadSignature`](Refusal::BadSignature).
    pub(super) fn check(&self, token: &Unverified<'_>) -> Result<(), Refusal> {
        let mut tried = false;
        for key in self.candidates(token) {
            tried = true;
            if token.is_signed_with(key)? {
                return Ok(());
            }
        }
        match tried {
            true => Err(Refusal::BadSignature),
            false if self.names_another_kind(token) => Err(Refusal::WrongKeyType),
            false => Err(Refusal::UnknownKey),
        }
    }

    /// The keys that the token may be signed with: of its algorithm, and of the name that it gives. A secret has no name,
    /// so a token that gives one was not meant for it.
    fn candidates<'a>(&'a self, token: &'a Unverified<'_>) -> impl Iterator<Item = &'a DecodingKey> {
        let secrets = (token.algorithm == Algorithm::HS256 && token.key_id.is_none()).then_some(&self.secrets);
        let fits = |key: &&PublicKey| {
            let is_named = token.key_id.is_none() || key.jwk.common.key_id == token.key_id;
            is_named && key.algorithm == token.algorithm
        };
        let public = self.public.iter().filter(fits).map(|key| &key.key);
        secrets.into_iter().flatten().chain(public)
    }

    fn names_another_kind(&self, token: &Unverified<'_>) -> bool {
        token.key_id.is_some() && self.public.iter().any(|key| key.jwk.common.key_id == token.key_id)
    }

    /// Whose token this is, where it was verified before and still holds.
    pub(super) fn recall(&self, token: &str, now: Timestamp) -> Option<Identity> {
        self.verified.get(&digest(token)).filter(|identity| identity.is_alive(now))
    }

    /// Keeps whose token this is.
    pub(super) fn remember(&self, token: &str, identity: Identity) {
        self.verified.insert(digest(token), identity);
    }
}

fn digest(token: &str) -> Digest {
    Sha256::digest(token).into()
}
