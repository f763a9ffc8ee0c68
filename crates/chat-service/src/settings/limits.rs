//! How much callers, tenants and addresses may ask.

use std::num::{NonZeroU32, NonZeroUsize};

use chat_domain::limit::{Limits, Quota, Quotas};

use super::read::{Reader, SettingsError};

/// A tenant has so many callers that ask all they may, where nobody says otherwise.
const BUSY_CALLERS: u32 = 100;

/// The rate of a quota and its burst.
type Keys = [&'static str; 2];

const REQUESTS: Keys = ["rate_limit", "rate_burst"];
const MESSAGES: Keys = ["rate_limit_messages", "rate_burst_messages"];
const ALL_REQUESTS: Keys = ["rate_limit_tenant", "rate_burst_tenant"];
const ALL_MESSAGES: Keys = ["rate_limit_tenant_messages", "rate_burst_tenant_messages"];
const UNAUTHENTICATED: Keys = ["rate_limit_unauthenticated", "rate_burst_unauthenticated"];

/// One address has such a part of all connections, where nobody says otherwise.
const PARTS: usize = 8;

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
        let (requests, all_requests) = pair(from, REQUESTS, ALL_REQUESTS)?;
        let (messages, all_messages) = pair(from, MESSAGES, ALL_MESSAGES)?;
        Ok(Self {
            quotas: Limits {
                caller: Quotas { requests, messages },
                tenant: Quotas { requests: all_requests, messages: all_messages },
            },
            unauthenticated: quota(from, UNAUTHENTICATED, None)?,
            requests_per_caller: NonZeroUsize::new(from.number("max_requests_per_caller", 0, 1_000_000)?),
            connections_per_address: connections_per_address(from, max_connections)?,
        })
    }
}

/// The quotas of a caller and of its tenant, which must leave room for what one caller may.
fn pair(from: &Reader<'_>, own: Keys, all: Keys) -> Result<(Option<Quota>, Option<Quota>), SettingsError> {
    let of_caller = quota(from, own, None)?;
    let of_tenant = quota(from, all, of_caller.map(|quota| times(quota, BUSY_CALLERS)))?;
    if let Some((caller, tenant)) = of_caller.zip(of_tenant) {
        let ([rate, burst], [all_rate, all_burst]) = (own, all);
        leaves_room(from, (rate, caller.rate()), (all_rate, tenant.rate()))?;
        leaves_room(from, (burst, caller.burst()), (all_burst, tenant.burst()))?;
    }
    Ok((of_caller, of_tenant))
}

fn leaves_room(from: &Reader<'_>, caller: (&str, u32), tenant: (&str, u32)) -> Result<(), SettingsError> {
    if tenant.1 >= caller.1 {
        return Ok(());
    }
    let reason = format!("must be at least {}, which is {}", caller.0.to_ascii_uppercase(), caller.1);
    Err(from.wrong(tenant.0, &reason))
}

/// The quota that two settings name. What is left empty is as in the default; a rate of 0 is no quota, to which no burst
/// may be set; a burst without a default is what comes back in two seconds.
fn quota(from: &Reader<'_>, [rate, burst]: Keys, default: Option<Quota>) -> Result<Option<Quota>, SettingsError> {
    let own =
        |key: &str, min, max| if from.text(key)?.is_empty() { Ok(None) } else { from.number(key, min, max).map(Some) };
    let (own_rate, own_burst) = (own(rate, 0, Quota::MAX_RATE)?, own(burst, 1, Quota::MAX_BURST)?);
    let Some(rate_set) = NonZeroU32::new(own_rate.or(default.map(Quota::rate)).unwrap_or(0)) else {
        if own_burst.is_some() && from.is_set(burst) {
            let reason = format!("must not be set where {} sets no limit", rate.to_ascii_uppercase());
            return Err(from.wrong(burst, &reason));
        }
        return Ok(None);
    };
    let burst = own_burst.or(default.map(Quota::burst)).and_then(NonZeroU32::new);
    Ok(Some(Quota::new(burst.unwrap_or(rate_set.saturating_mul(TWO)), rate_set)))
}

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

fn times(quota: Quota, factor: u32) -> Quota {
    let times = |value: u32| NonZeroU32::new(value.saturating_mul(factor)).unwrap_or(NonZeroU32::MIN);
    Quota::new(times(quota.burst()), times(quota.rate()))
}

/// Nor do a few addresses take all connections there are, where nobody says otherwise.
fn connections_per_address(from: &Reader<'_>, max_connections: usize) -> Result<Option<NonZeroUsize>, SettingsError> {
    let key = "max_connections_per_address";
    if from.text(key)?.is_empty() {
        return Ok(NonZeroUsize::new(max_connections.div_ceil(PARTS)));
    }
    Ok(NonZeroUsize::new(from.number(key, 0, 1_000_000)?))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::super::source::Sources;
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<LimitSettings, String> {
        let figment = Sources::of(variables).merge().unwrap();
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
        let twice = [("RATE_LIMIT", "200"), ("RATE_BURST", "300"), ("RATE_BURST_TENANT", "700")];
        assert_eq!(quotas(&twice), [Some((300, 200)), None, Some((700, 20_000)), None]);
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
    fn a_few_addresses_never_take_all_connections() {
        let most = |variables| read(variables).unwrap().connections_per_address.map(NonZeroUsize::get);
        assert_eq!(most(&[("MAX_CONNECTIONS", "501")]), Some(63));
        assert_eq!(most(&[("MAX_CONNECTIONS_PER_ADDRESS", "3")]), Some(3));
    }

    #[test]
    fn limits_that_cannot_be_meant_stop_the_start() {
        for (variables, wrong) in [
            (&[("RATE_BURST_MESSAGES", "5")][..], "RATE_BURST_MESSAGES"),
            (&[("RATE_BURST_TENANT_MESSAGES", "5")], "RATE_BURST_TENANT_MESSAGES"),
            (&[("RATE_LIMIT", "0"), ("RATE_BURST", "5")], "RATE_BURST"),
            (&[("RATE_LIMIT_TENANT", "0"), ("RATE_BURST_TENANT", "5000")], "RATE_BURST_TENANT"),
            (&[("RATE_LIMIT_UNAUTHENTICATED", "0"), ("RATE_BURST_UNAUTHENTICATED", "5")], "RATE_BURST_UNAUTHENTICATED"),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.starts_with(&format!("{wrong} (environment): must not be set where ")), "{error}");
        }
        for (variables, wrong) in [
            (&[("RATE_BURST", "200"), ("RATE_BURST_TENANT", "3")][..], "RATE_BURST_TENANT"),
            (&[("RATE_LIMIT_TENANT", "99")], "RATE_LIMIT_TENANT"),
            (&[("RATE_LIMIT_MESSAGES", "5"), ("RATE_BURST_TENANT_MESSAGES", "9")], "RATE_BURST_TENANT_MESSAGES"),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.starts_with(&format!("{wrong} (environment): must be at least RATE_")), "{error}");
        }
        let just = [("RATE_LIMIT_TENANT", "100"), ("RATE_BURST_TENANT", "200")];
        assert_eq!(quotas(&just)[2], Some((200, 100)));
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
