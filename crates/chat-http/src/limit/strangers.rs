//! How often an address may fail to say who calls.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chat_domain::limit::{Bucket, Quota};

/// Addresses are counted in so many buckets, for good: no flood of addresses takes more memory.
const BUCKETS: usize = 4_096;

/// Keeps count of failures, on this node alone.
///
/// Two addresses may share a bucket, by chance: it hangs on a number that is drawn at the start which ones do. The one
/// that has to wait because of the other loses little: who has a good token is served all the same.
pub(super) struct Strangers {
    quota: Quota,
    start: Instant,
    hasher: RandomState,
    buckets: Box<[Mutex<Bucket>]>,
}

impl Strangers {
    pub(super) fn new(quota: Quota) -> Self {
        let buckets = (0..BUCKETS).map(|_| Mutex::default()).collect();
        Self { quota, start: Instant::now(), hasher: RandomState::new(), buckets }
    }

    /// Whether the address has a failure left.
    ///
    /// # Errors
    /// Where it has none: how long until it has.
    pub(super) fn may_try(&self, address: IpAddr) -> Result<(), Duration> {
        self.with(address, |bucket, now| bucket.clone().take(self.quota, now).map(drop))
    }

    /// The address has failed.
    ///
    /// # Errors
    /// Where it had no failure left: how long until it has.
    pub(super) fn failed(&self, address: IpAddr) -> Result<(), Duration> {
        self.with(address, |bucket, now| bucket.take(self.quota, now).map(drop))
    }

    fn with(
        &self,
        address: IpAddr,
        act: impl FnOnce(&mut Bucket, Duration) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let place = usize::try_from(self.hasher.hash_one(network(address)) % BUCKETS as u64).unwrap_or_default();
        let Some(bucket) = self.buckets.get(place) else { return Ok(()) };
        act(&mut bucket.lock().unwrap_or_else(PoisonError::into_inner), self.start.elapsed())
    }
}

/// The network that is one client's: with IPv6 everybody has at least 2⁶⁴ addresses.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn strangers(burst: u32) -> Strangers {
        Strangers::new(Quota::new(burst.try_into().unwrap(), 1.try_into().unwrap()))
    }

    #[test]
    fn an_address_may_fail_a_few_times_and_then_has_to_wait() {
        let (strangers, one) = (strangers(3), address("192.0.2.1"));
        for _ in 0..3 {
            assert!(strangers.may_try(one).is_ok() && strangers.may_try(one).is_ok(), "asking costs nothing");
            assert!(strangers.failed(one).is_ok());
        }
        assert!(strangers.may_try(one).is_err() && strangers.failed(one).is_err());
        let others = (0..100).filter(|n| strangers.may_try(address(&format!("198.51.100.{n}"))).is_err());
        assert!(others.count() < 50, "others are let alone");
    }

    #[test]
    fn one_client_is_one_network() {
        assert_eq!(network(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        assert_ne!(network(address("192.0.2.1")), network(address("192.0.2.2")));
    }
}
