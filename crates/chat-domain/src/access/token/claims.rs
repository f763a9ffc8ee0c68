//! What the claims of a token mean, once its signature is known to be good.

use serde::Deserialize;
use serde_json::value::RawValue;
use time::Duration;

use crate::access::{Caller, Refusal, Role};
use crate::id::{ParticipantId, TenantId};
use crate::timestamp::Timestamp;

/// A caller that a token named, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who calls.
    pub caller: Caller,
    /// From this moment on the token names nobody.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Whether the token still names anybody.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// What tokens must say beside whose they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRules {
    audiences: Vec<String>,
    issuers: Vec<String>,
}

/// The claims that are understood. Those that are named twice are a fault; others are passed over, `permissions` among
/// them: what a caller may do follows from its role alone.
#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    sub: Claim<'a>,
    #[serde(borrow)]
    user_id: Claim<'a>,
    #[serde(borrow)]
    id: Claim<'a>,
    #[serde(borrow)]
    tenant_id: Claim<'a>,
    #[serde(borrow, rename = "tenantId")]
    tenant_id_of_gateway: Claim<'a>,
    #[serde(borrow)]
    role: Claim<'a>,
    #[serde(borrow)]
    exp: Claim<'a>,
    #[serde(borrow)]
    nbf: Claim<'a>,
    #[serde(borrow)]
    iss: Claim<'a>,
    #[serde(borrow)]
    aud: Claim<'a>,
}

/// A value as it was sent; `null` counts as left out.
type Claim<'a> = Option<&'a RawValue>;

impl TokenRules {
    /// Wants tokens for one of these audiences, from one of these issuers; an empty list asks for nothing.
    #[must_use]
    pub const fn new(audiences: Vec<String>, issuers: Vec<String>) -> Self {
        Self { audiences, issuers }
    }

    /// Reads the claims (the JSON text of the token's middle part) as of this moment. There is no leeway.
    ///
    /// # Errors
    /// The first thing that keeps the token from naming a caller.
    pub fn identify(&self, claims: &[u8], now: Timestamp) -> Result<Identity, Refusal> {
        let claims = Claims::parse(claims).ok_or(Refusal::MalformedToken)?;
        let expires_at = moment(claims.exp.ok_or(Refusal::MissingExpiry)?).ok_or(Refusal::InvalidExpiry)?;
        if expires_at <= now {
            return Err(Refusal::TokenExpired);
        }
        if let Some(from) = claims.nbf
            && now < moment(from).ok_or(Refusal::InvalidNotBefore)?
        {
            return Err(Refusal::TokenNotYetValid);
        }
        self.check_origin(&claims)?;
        Ok(Identity { caller: caller(&claims)?, expires_at })
    }

    fn check_origin(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        let is_listed = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        if !self.issuers.is_empty() && !claims.iss.and_then(text).is_some_and(|name| is_listed(&self.issuers, &name)) {
            return Err(Refusal::WrongIssuer);
        }
        let mut audiences = claims.aud.map(texts).unwrap_or_default().into_iter();
        if !self.audiences.is_empty() && !audiences.any(|name| is_listed(&self.audiences, &name)) {
            return Err(Refusal::WrongAudience);
        }
        Ok(())
    }
}

impl<'a> Claims<'a> {
    /// From the text of an object: a list of as many values would be read as one.
    fn parse(text: &'a [u8]) -> Option<Self> {
        if text.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        serde_json::from_slice(text).ok()
    }
}

fn caller(claims: &Claims<'_>) -> Result<Caller, Refusal> {
    let subject = agreed(&[claims.sub, claims.user_id, claims.id], Refusal::MissingSubject, Refusal::InvalidSubject)?;
    let tenants = [claims.tenant_id, claims.tenant_id_of_gateway];
    let tenant = agreed(&tenants, Refusal::MissingTenant, Refusal::InvalidTenant)?;
    let role = claims.role.ok_or(Refusal::MissingRole)?;
    let subject = ParticipantId::try_from(subject).map_err(|_| Refusal::InvalidSubject)?;
    let tenant = TenantId::try_from(tenant).map_err(|_| Refusal::InvalidTenant)?;
    let role: Role = text(role).and_then(|role| role.parse().ok()).ok_or(Refusal::UnknownRole)?;
    Ok(Caller::new(tenant, subject, role))
}

/// The one value of claims that mean the same. Where they differ, neither is taken: whichever it was, somebody who
/// reads the other would see another caller.
fn agreed(claims: &[Claim<'_>], missing: Refusal, invalid: Refusal) -> Result<String, Refusal> {
    let mut value: Option<String> = None;
    for claim in claims.iter().flatten() {
        let name = name(claim).ok_or(invalid)?;
        match &value {
            Some(known) if *known != name => return Err(Refusal::ContradictingClaims),
            Some(_) => {}
            None => value = Some(name),
        }
    }
    value.ok_or(missing)
}

/// A name: text, or a whole number as some tables of users have.
fn name(value: &RawValue) -> Option<String> {
    let is_number = value.get().bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Some(value.get().to_owned()) } else { text(value) }
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// One text or a list of them.
fn texts(value: &RawValue) -> Vec<String> {
    text(value).map(|text| vec![text]).or_else(|| serde_json::from_str(value.get()).ok()).unwrap_or_default()
}

/// Seconds since 1970, with or without a fraction, up to the year 9999.
fn moment(value: &RawValue) -> Option<Timestamp> {
    let micros = if let Ok(seconds) = value.get().parse::<i64>() {
        seconds.checked_mul(1_000_000)?
    } else {
        let seconds: f64 = serde_json::from_str(value.get()).ok()?;
        i64::try_from(Duration::checked_seconds_f64(seconds)?.whole_microseconds()).ok()?
    };
    let moment = Timestamp::from_micros(micros).ok()?;
    (micros >= 0).then_some(moment)
}

#[cfg(test)]
mod tests;
