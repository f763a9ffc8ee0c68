//! What answers tell of quotas: `RateLimit` and `RateLimit-Policy`, structured fields as the IETF draft of the name
//! `draft-ietf-httpapi-ratelimit-headers` (its 11th version) has them.
//!
//! A policy is named after what it counts: `q` is the burst, `w` the seconds in which a whole burst comes back. `r` is how
//! much may come at once now, `t` the seconds until that is a whole burst again; in a refusal the seconds to wait.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chat_domain::limit::{Class, Quotas, Refusal, Scope, Standings};

/// The quota that is left.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The quotas that there are.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Room for what is left of all quotas.
const USUAL_LENGTH: usize = 64;

/// How long whoever has too much under way is told to wait.
pub(super) const MOMENT: Duration = Duration::from_secs(1);

/// The quotas of a caller, printed once.
pub(super) struct Policies {
    /// `None` where there are none.
    all: Option<HeaderValue>,
    /// Whether requests have one.
    requests: bool,
}

impl Policies {
    pub(super) fn new(quotas: &Quotas) -> Self {
        let mut text = String::new();
        for class in Class::ALL {
            if let Some(quota) = quotas.of(class) {
                item(&mut text, class, [("q", quota.burst().into()), ("w", seconds(quota.refill()))]);
            }
        }
        Self { all: value(text), requests: quotas.requests.is_some() }
    }

    /// Tells a caller how it stands.
    pub(super) fn tell(&self, headers: &mut HeaderMap, standings: &Standings) {
        let Some(policies) = &self.all else { return };
        let mut text = String::with_capacity(USUAL_LENGTH);
        for (class, standing) in [(Class::Requests, standings.requests), (Class::Messages, standings.messages)] {
            if let Some(standing) = standing {
                item(&mut text, class, [("r", standing.left.into()), ("t", whole_seconds(standing.full_in))]);
            }
        }
        insert(headers, policies, text);
    }

    /// Tells a caller that nothing is left. How much its tenant may ask is not told.
    pub(super) fn tell_refusal(&self, headers: &mut HeaderMap, refusal: &Refusal) {
        let Some(policies) = &self.all else { return };
        let mut text = String::new();
        if refusal.scope == Scope::Caller {
            item(&mut text, refusal.class, [("r", 0), ("t", seconds(refusal.retry_after))]);
        }
        insert(headers, policies, text);
    }

    /// Tells a caller that has too much under way, of whose quotas nothing was asked or taken, that for a moment there is
    /// nothing.
    pub(super) fn tell_at_once(&self, headers: &mut HeaderMap) {
        let Some(policies) = &self.all else { return };
        let mut text = String::new();
        if self.requests {
            item(&mut text, Class::Requests, [("r", 0), ("t", seconds(MOMENT))]);
        }
        insert(headers, policies, text);
    }
}

/// Seconds to wait, at least one.
pub(super) fn seconds(time: Duration) -> u64 {
    whole_seconds(time).max(1)
}

/// Rounded up: whoever waits so long has waited long enough.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Adds an item to a list. By hand: it is done for each answer.
fn item(list: &mut String, class: Class, parameters: [(&str, u64); 2]) {
    list.push_str(if list.is_empty() { "\"" } else { ", \"" });
    list.push_str(class.as_str());
    list.push('"');
    for (name, value) in parameters {
        list.push(';');
        list.push_str(name);
        list.push('=');
        list.push_str(itoa::Buffer::new().format(value));
    }
}

fn insert(headers: &mut HeaderMap, policies: &HeaderValue, limits: String) {
    headers.insert(RATE_LIMIT_POLICY, policies.clone());
    if let Some(limits) = value(limits) {
        headers.insert(RATE_LIMIT, limits);
    }
}

fn value(list: String) -> Option<HeaderValue> {
    (!list.is_empty()).then(|| HeaderValue::try_from(list).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use chat_domain::limit::{Quota, Standing};

    use super::*;

    fn quota(burst: u32, rate: u32) -> Quota {
        Quota::new(burst.try_into().unwrap(), rate.try_into().unwrap())
    }

    fn told(headers: &HeaderMap) -> (&str, &str) {
        let text = |name| headers.get(name).map_or("", |value| value.to_str().unwrap());
        (text("ratelimit-policy"), text("ratelimit"))
    }

    fn standing(quota: Quota, left: u32, millis: u64) -> Standing {
        Standing { quota, left, full_in: Duration::from_millis(millis) }
    }

    #[test]
    fn a_caller_learns_its_quotas_and_how_it_stands() {
        let (requests, messages) = (quota(200, 100), quota(25, 10));
        let policies = Policies::new(&Quotas { requests: Some(requests), messages: Some(messages) });
        let mut headers = HeaderMap::new();
        let standings =
            Standings { requests: Some(standing(requests, 150, 500)), messages: Some(standing(messages, 3, 2_200)) };
        policies.tell(&mut headers, &standings);
        let policy = r#""requests";q=200;w=2, "messages";q=25;w=3"#;
        assert_eq!(told(&headers), (policy, r#""requests";r=150;t=1, "messages";r=3;t=3"#));
        policies.tell(&mut headers, &Standings { requests: Some(standing(requests, 200, 0)), messages: None });
        assert_eq!(told(&headers), (policy, r#""requests";r=200;t=0"#));
    }

    #[test]
    fn a_refused_caller_learns_when_to_come_back_and_nothing_of_its_tenant() {
        let quota = quota(10, 100);
        let policies = Policies::new(&Quotas { requests: Some(quota), messages: None });
        let retry_after = Duration::from_micros(1);
        let refusal = |scope| Refusal { scope, class: Class::Requests, quota, retry_after };
        let mut headers = HeaderMap::new();
        policies.tell_refusal(&mut headers, &refusal(Scope::Caller));
        assert_eq!(told(&headers), (r#""requests";q=10;w=1"#, r#""requests";r=0;t=1"#));
        let mut headers = HeaderMap::new();
        policies.tell_refusal(&mut headers, &refusal(Scope::Tenant));
        assert_eq!(told(&headers), (r#""requests";q=10;w=1"#, ""));
    }

    #[test]
    fn who_has_too_much_under_way_is_told_of_its_quotas_and_to_wait_a_moment() {
        let told_at_once = |requests, messages| {
            let mut headers = HeaderMap::new();
            Policies::new(&Quotas { requests, messages }).tell_at_once(&mut headers);
            let (policies, limits) = told(&headers);
            (policies.to_owned(), limits.to_owned())
        };
        let quota = Some(quota(10, 10));
        assert_eq!(told_at_once(quota, None), (r#""requests";q=10;w=1"#.into(), r#""requests";r=0;t=1"#.into()));
        assert_eq!(told_at_once(None, quota), (r#""messages";q=10;w=1"#.into(), String::new()));
        assert_eq!(told_at_once(None, None), (String::new(), String::new()));
    }

    #[test]
    fn without_quotas_nothing_is_told() {
        let mut headers = HeaderMap::new();
        Policies::new(&Quotas::default()).tell(&mut headers, &Standings::default());
        assert!(headers.is_empty());
    }
}
