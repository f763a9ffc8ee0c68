//! Tokens without cryptography: good is what was made here.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::FakeClock;
use crate::access::{Identity, MAX_TOKEN_BYTES, Refusal, TokenError, TokenRules, TokenVerifier};
use crate::clock::Clock as _;

/// Makes tokens and knows them again. A clone is a handle on the same ones.
#[derive(Debug, Clone)]
pub struct FakeTokens {
    clock: FakeClock,
    rules: TokenRules,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    claims: HashMap<String, String>,
    verified: HashSet<String>,
    is_without_keys: bool,
}

impl FakeTokens {
    /// None yet; they live by this clock.
    #[must_use]
    pub fn new(clock: FakeClock) -> Self {
        Self { clock, rules: TokenRules::default(), state: Arc::default() }
    }

    /// The same tokens, under other rules.
    #[must_use]
    pub fn under(&self, rules: TokenRules) -> Self {
        Self { rules, ..self.clone() }
    }

    /// A new token with these claims, as JSON text.
    pub fn sign(&self, claims: &str) -> String {
        let mut state = self.state();
        let token = format!("fake.{}.token", state.claims.len());
        state.claims.insert(token.clone(), claims.to_owned());
        token
    }

    /// Takes the keys away, so that no token can be checked.
    pub fn lose_keys(&self) {
        self.state().is_without_keys = true;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the tokens")
    }

    fn identify(&self, token: &str) -> Result<Identity, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TokenTooLong.into());
        }
        if token.split('.').count() != 3 || token.split('.').any(str::is_empty) {
            return Err(Refusal::MalformedToken.into());
        }
        let state = self.state();
        if state.is_without_keys {
            return Err(TokenError::KeysUnavailable);
        }
        let claims = state.claims.get(token).ok_or(Refusal::BadSignature)?;
        Ok(self.rules.identify(claims.as_bytes(), self.clock.now())?)
    }
}

#[async_trait]
impl TokenVerifier for FakeTokens {
    fn recall(&self, token: &str) -> Option<Identity> {
        let is_known = self.state().verified.contains(token);
        if is_known { self.identify(token).ok() } else { None }
    }

    fn check(&self, token: &str) -> Result<Identity, TokenError> {
        let identity = self.identify(token)?;
        self.state().verified.insert(token.to_owned());
        Ok(identity)
    }

    async fn verify(&self, token: &str) -> Result<Identity, TokenError> {
        self.check(token)
    }
}
