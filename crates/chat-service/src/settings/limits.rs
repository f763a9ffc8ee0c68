//! How much callers, tenants and addresses may ask.

use std::num::{NonZeroU32, NonZeroUsize};

use chat_domain::limit::{Limits, Quota, Quotas};

use super::read::{Reader, SettingsError};

/// A tenant has so many callers that ask all they may, where nobody says otherwise.
const BUSY_CALLERS: u32 = 100;

/// All limits but that on connections altogether.
#[derive(Debug)]
pub(crate) struct LimitSettings {
    /// Of callers and tenants.
    pub(crate) quotas: Limits,
    /// Of requests of one address without a known caller.
    pub(crate) unauthenticated: Option<Quota>,
    /// Of requests of one caller at once, on a node.
    pub(crate) requests_per_caller: Option<NonZeroUsize>,
    /// Of connections of one address, on a node.
    pub(crate) connections_per_address: Option<NonZeroUsize>,
}

impl LimitSettings {
    /// Reads all of them.
    pub(super) fn read(from: &Reader<'_>, max_connections: usize) -> Result<Self, SettingsError> {
        let requests = quota(from, "rate_limit", "rate_burst", None)?;
        let messages = quota(from, "rate_limit_messages", "rate_burst_messages", None)?;
        let of_tenant = |quota: Option<Quota>| quota.map(|quota| times(quota, BUSY_CALLERS));
        let all_requests = quota(from, "rate_limit_tenant", "rate_burst_tenant", of_tenant(requests))?;
        let all_messages =
            quota(from, "rate_limit_tenant_messages", "rate_burst_tenant_messages", of_tenant(messages))?;
        Ok(Self {
            quotas: Limits {
                caller: Quotas { requests, messages },
                tenant: Quotas { requests: all_requests, messages: all_messages },
            },
            unauthenticated: quota(from, "rate_limit_unauthenticated", "rate_burst_unauthenticated", None)?,
            requests_per_caller: NonZeroUsize::new(from.number("max_requests_per_caller", 0, 1_000_000)?),
            connections_per_address: connections_per_address(from, max_connections)?,
        })
    }
}

/// The quota that two settings name. What is left empty is as in the default; a rate of 0 is no quota; a burst without a
/// default is what comes back in two seconds.
fn quota(from: &Reader<'_>, rate: &str, burst: &str, default: Option<Quota>) -> Result<Option<Quota>, SettingsError> {
    let own =
        |key: &str, min, max| if from.text(key)?.is_empty() { Ok(None) } else { from.number(key, min, max).map(Some) };
    let (own_rate, own_burst) = (own(rate, 0, Quota::MAX_RATE)?, own(burst, 1, Quota::MAX_BURST)?);
    let Some(rate) = NonZeroU32::new(own_rate.or(default.map(Quota::rate)).unwrap_or(0)) else { return Ok(None) };
    let burst = own_burst.or(default.map(Quota::burst)).and_then(NonZeroU32::new);
    Ok(Some(Quota::new(burst.unwrap_or(rate.saturating_mul(TWO)), rate)))
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

fn times(quota: Quota, factor: u32) -> Quota {
    let times = |value: u32| NonZeroU32::new(value.saturating_mul(factor)).unwrap_or(NonZeroU32::MIN);
    Quota::new(times(quota.burst()), times(quota.rate()))
}

/// One address never takes all connections there are, where nobody says otherwise.
fn connections_per_address(from: &Reader<'_>, max_connections: usize) -> Result<Option<NonZeroUsize>, SettingsError> {
    let key = "max_connections_per_address";
    if from.text(key)?.is_empty() {
        return Ok(NonZeroUsize::new(max_connections.div_ceil(2)));
    }
    Ok(NonZeroUsize::new(from.number(key, 0, 1_000_000)?))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::super::source::Sources;
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<LimitSettings, String> {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let figment = Sources { environment, ..Sources::default() }.merge().unwrap();
        Settings::read(&figment).map(|settings| settings.limits).map_err(|error| error.to_string())
    }

    /// The quotas as burst and rate: of a caller's requests and messages, of a tenant's.
    fn quotas(variables: &[(&str, &str)]) -> [Option<(u32, u32)>; 4] {
        let Limits { caller, tenant } = read(variables).unwrap().quotas;
        let pair = |quota: Option<Quota>| quota.map(|quota| (quota.burst(), quota.rate()));
        [caller.requests, caller.messages, tenant.requests, tenant.messages].map(pair)
    }

    #[test]
    fn a_caller_has_a_hundred_a_second_and_its_tenant_as_much_as_a_hundred_callers() {
        assert_eq!(quotas(&[]), [Some((200, 100)), None, Some((20_000, 10_000)), None]);
        let messages = [("RATE_LIMIT_MESSAGES", "5")];
        assert_eq!(quotas(&messages), [Some((200, 100)), Some((10, 5)), Some((20_000, 10_000)), Some((1_000, 500))]);
        let twice = [("RATE_LIMIT", "200"), ("RATE_BURST", "300"), ("RATE_BURST_TENANT", "7")];
        assert_eq!(quotas(&twice), [Some((300, 200)), None, Some((7, 20_000)), None]);
    }

    #[test]
    fn nought_is_no_limit() {
        assert_eq!(quotas(&[("RATE_LIMIT", "0")]), [None; 4]);
        assert_eq!(quotas(&[("RATE_LIMIT_TENANT", "0")]), [Some((200, 100)), None, None, None]);
        assert_eq!(quotas(&[("RATE_LIMIT", "0"), ("RATE_LIMIT_TENANT", "10")])[2], Some((20, 10)));
        let off = [
            ("RATE_LIMIT_UNAUTHENTICATED", "0"),
            ("MAX_REQUESTS_PER_CALLER", "0"),
            ("MAX_CONNECTIONS_PER_ADDRESS", "0"),
        ];
        let off = read(&off).unwrap();
        assert!(off.unauthenticated.is_none() && off.requests_per_caller.is_none());
        assert!(off.connections_per_address.is_none());
    }

    #[test]
    fn one_address_never_takes_all_connections() {
        let most = |variables| read(variables).unwrap().connections_per_address.map(NonZeroUsize::get);
        assert_eq!(most(&[("MAX_CONNECTIONS", "501")]), Some(251));
        assert_eq!(most(&[("MAX_CONNECTIONS_PER_ADDRESS", "3")]), Some(3));
    }

    #[test]
    fn a_limit_that_is_none_stops_the_start() {
        for (name, value) in [
            ("RATE_LIMIT", "-1"),
            ("RATE_LIMIT", "many"),
            ("RATE_LIMIT", "1000001"),
            ("RATE_LIMIT", "0.5"),
            ("RATE_BURST", "0"),
            ("RATE_BURST_TENANT", "0"),
            ("RATE_LIMIT_UNAUTHENTICATED", "x"),
            ("MAX_REQUESTS_PER_CALLER", "-1"),
            ("MAX_CONNECTIONS_PER_ADDRESS", "all"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("{name} (environment): must be a whole number from ")), "{error}");
        }
    }
}
