//! The ports, over the keys in force: who sends a token, and whether any can be checked.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use chat_domain::access::{Identity, MAX_TOKEN_BYTES, Refusal, TokenError, TokenRules, TokenVerifier};
use chat_domain::clock::Clock;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::error::KeySetError;
use super::jwks;
use super::refresh::{Plan, Refresh};
use super::ring::KeyRing;
use super::source::{KeySource, Reader, read_file};
use super::unverified::Unverified;

/// Which tokens are taken.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// The keys of HS256: the present one, and while it is being replaced the one before.
    pub secrets: Vec<SecretString>,
    /// Where the keys of RS256, ES256 and `EdDSA` are to be had.
    pub keys: Option<KeySource>,
    /// How often the set at a URL is asked for, though nobody needs it. A file is read every 5 seconds at least.
    pub refresh_every: Duration,
    /// The shortest time between two times that a set is asked for. A file is not spared longer than a second.
    pub refresh_pause: Duration,
    /// What tokens must say.
    pub rules: TokenRules,
    /// How many verified tokens are remembered.
    pub remembered: u64,
}

impl JwtConfig {
    /// No key yet; sets refreshed every five minutes and at most every ten seconds, 10,000 tokens remembered.
    #[must_use]
    pub fn new(rules: TokenRules) -> Self {
        Self {
            secrets: Vec::new(),
            keys: None,
            refresh_every: Duration::from_mins(5),
            refresh_pause: Duration::from_secs(10),
            rules,
            remembered: 10_000,
        }
    }
}

/// Checks signed tokens (JWS, RFC 7515) by the keys in force.
pub struct JwtVerifier {
    ring: Arc<ArcSwap<KeyRing>>,
    refresh: Option<Refresh>,
    rules: TokenRules,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// Gets ready, on the runtime in which this is called. A set at a URL is asked for at once, and need not come; one in
    /// a file must be there.
    ///
    /// # Errors
    /// Where the file is not there, or holds no key that can be used.
    pub fn start(config: &JwtConfig, clock: Arc<dyn Clock>) -> Result<Self, KeySetError> {
        let secrets = config.secrets.iter().map(|key| DecodingKey::from_secret(key.expose_secret().as_bytes()));
        let public = match &config.keys {
            Some(KeySource::File(path)) => jwks::parse(&read_file(path)?)?,
            Some(KeySource::Url(_)) | None => Vec::new(),
        };
        let loaded = !public.is_empty();
        let ring = Arc::new(ArcSwap::from_pointee(KeyRing::new(secrets.collect(), public, config.remembered)));
        let begin = |source: &KeySource| {
            let plan = Plan::of(source, config.refresh_every, config.refresh_pause);
            Ok::<_, KeySetError>(Refresh::begin(Arc::clone(&ring), Reader::of(source)?, plan, loaded))
        };
        let refresh = config.keys.as_ref().map(begin).transpose()?;
        Ok(Self { ring, refresh, rules: config.rules.clone(), clock })
    }

    /// The ring in force, and what it says of the token's signature.
    fn judge(&self, token: &Unverified<'_>) -> (Arc<KeyRing>, Result<(), Refusal>) {
        let ring = self.ring.load_full();
        let checked = ring.check(token);
        (ring, checked)
    }

    /// Where a newer set may come from that says otherwise: a new key need not have a new name, nor a token one at all.
    fn newer(&self, token: &Unverified<'_>, checked: Result<(), Refusal>) -> Option<&Refresh> {
        let is_open = matches!(checked, Err(Refusal::UnknownKey | Refusal::WrongKeyType | Refusal::BadSignature));
        self.refresh.as_ref().filter(|_| is_open && token.algorithm != Algorithm::HS256)
    }

    /// The ring under which the token's signature is good. Where no public key here makes it so, a newer set is waited for.
    async fn signed(&self, token: &Unverified<'_>) -> Result<Arc<KeyRing>, TokenError> {
        let (ring, checked) = self.judge(token);
        let Some(refresh) = self.newer(token, checked) else { return Ok(checked.map(|()| ring)?) };
        refresh.wait().await;
        let newer = self.ring.load_full();
        // Where nothing has changed, a forged token is not worth a second check.
        let checked = if Arc::ptr_eq(&ring, &newer) { checked } else { newer.check(token) };
        checked.map_err(|refusal| final_or_not(refusal, refresh))?;
        Ok(newer)
    }

    /// The same by the keys at hand: a newer set is only asked for.
    fn signed_at_hand(&self, token: &Unverified<'_>) -> Result<Arc<KeyRing>, TokenError> {
        let (ring, checked) = self.judge(token);
        let Some(refresh) = self.newer(token, checked) else { return Ok(checked.map(|()| ring)?) };
        refresh.begin_another();
        checked.map_err(|refusal| final_or_not(refusal, refresh))?;
        Ok(ring)
    }

    /// Whose token it is, now that the signature is good; it is known from now on.
    fn identify(&self, token: &str, unverified: &Unverified<'_>, ring: &KeyRing) -> Result<Identity, TokenError> {
        let identity = self.rules.identify(&unverified.claims()?, self.clock.now())?;
        ring.remember(token, identity.clone());
        Ok(identity)
    }
}

/// Before the first set nobody can say that a key is unknown.
fn final_or_not(refusal: Refusal, refresh: &Refresh) -> TokenError {
    match refusal {
        Refusal::UnknownKey if !refresh.is_loaded() => TokenError::KeysUnavailable,
        refusal => refusal.into(),
    }
}

/// The token's parts, where it is not too long to be looked at.
fn parts(token: &str) -> Result<Unverified<'_>, Refusal> {
    if token.len() > MAX_TOKEN_BYTES { Err(Refusal::TokenTooLong) } else { Unverified::read(token) }
}

/// No token can be checked yet.
#[derive(Debug, thiserror::Error)]
#[error("no key set was had yet{}", .0.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default())]
struct Keyless(Option<String>);

#[async_trait]
impl Probe for JwtVerifier {
    /// Whether there is a key to check tokens with; asks nobody. Once there is one there always is: a set that cannot be had,
    /// or is of no use, leaves the last one in force.
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        if self.ring.load().is_empty() {
            let failure = self.refresh.as_ref().and_then(Refresh::failure);
            return Err(RepositoryError::unavailable(Keyless(failure)));
        }
        Ok(Pulse::default())
    }
}

#[async_trait]
impl TokenVerifier for JwtVerifier {
    fn recall(&self, token: &str) -> Option<Identity> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        self.ring.load().recall(token, self.clock.now())
    }

    fn check(&self, token: &str) -> Result<Identity, TokenError> {
        let unverified = parts(token)?;
        let ring = self.signed_at_hand(&unverified)?;
        self.identify(token, &unverified, &ring)
    }

    async fn verify(&self, token: &str) -> Result<Identity, TokenError> {
        let unverified = parts(token)?;
        let ring = self.signed(&unverified).await?;
        self.identify(token, &unverified, &ring)
    }
}
