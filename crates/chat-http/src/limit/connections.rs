//! Connections: how many are open, and how many one address may hold.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;

use metrics::{Counter, Gauge};

use super::figures;
use super::slots::{Slot, Slots};
use super::strangers::network;
use crate::gate::TrustedProxies;

/// How many connections one address may hold, and whose addresses that does not hold for.
#[derive(Debug, Clone)]
pub struct ConnectionLimit {
    /// The most at once, on this node; with IPv6 of a network of 2⁶⁴ addresses.
    pub most: NonZeroUsize,
    /// Proxies, behind whose addresses there are many clients.
    pub exempt: TrustedProxies,
    /// Whether clients on the same machine are let alone too: proxies and tools, as a rule.
    pub exempt_loopback: bool,
}

/// Keeps count of connections.
pub(crate) struct Connections {
    of_addresses: Option<OfAddresses>,
    open: Gauge,
}

/// Keeps count of the connections of each address.
struct OfAddresses {
    slots: Arc<Slots<IpAddr>>,
    limit: ConnectionLimit,
    refused: Counter,
}

/// A connection that counts, for as long as this lives.
pub(crate) struct Held {
    open: Gauge,
    _of_address: Option<Slot<IpAddr>>,
}

impl Connections {
    /// Of a server that takes so many at most, whoever they are from.
    pub(crate) fn new(limit: Option<ConnectionLimit>, most: usize) -> Self {
        Self { of_addresses: limit.map(OfAddresses::new), open: figures::open_connections(most) }
    }

    /// Lets a connection from there in.
    ///
    /// # Errors
    /// Where its address has too many: the connection is to be closed.
    pub(crate) fn admit(&self, peer: Option<SocketAddr>) -> io::Result<Held> {
        let of_address = self.of_addresses.as_ref().map_or(Ok(None), |addresses| addresses.admit(peer))?;
        self.open.increment(1.0);
        Ok(Held { open: self.open.clone(), _of_address: of_address })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.open.decrement(1.0);
    }
}

impl OfAddresses {
    fn new(limit: ConnectionLimit) -> Self {
        Self { slots: Arc::new(Slots::new(limit.most.get())), limit, refused: figures::connections() }
    }

    /// Lets a connection from there in; `None` where it does not count.
    fn admit(&self, peer: Option<SocketAddr>) -> io::Result<Option<Slot<IpAddr>>> {
        let Some(address) = peer.map(|peer| peer.ip().to_canonical()).filter(|address| self.counts(*address)) else {
            return Ok(None);
        };
        self.slots.take(&network(address)).map(Some).ok_or_else(|| {
            self.refused.increment(1);
            io::Error::other("too many connections from one address")
        })
    }

    fn counts(&self, address: IpAddr) -> bool {
        !(self.limit.exempt.contain(address) || self.limit.exempt_loopback && address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_each() -> OfAddresses {
        let exempt = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
        OfAddresses::new(ConnectionLimit { most: 2.try_into().unwrap(), exempt, exempt_loopback: true })
    }

    /// How many of ten connections are let in.
    fn admitted(connections: &OfAddresses, address: &str) -> usize {
        let held: Vec<_> =
            (1..=10).map(|port| connections.admit(Some(SocketAddr::new(address.parse().unwrap(), port)))).collect();
        held.iter().filter(|held| held.is_ok()).count()
    }

    #[test]
    fn an_address_has_so_many_and_those_of_others_do_not_count() {
        let connections = two_each();
        let held = connections.admit(Some("192.0.2.1:1".parse().unwrap()));
        assert!(held.is_ok_and(|held| held.is_some()), "it is let go at once");
        for address in ["192.0.2.1", "192.0.2.2", "2001:db8::1", "::ffff:192.0.2.3"] {
            assert_eq!(admitted(&connections, address), 2, "{address}");
        }
    }

    #[test]
    fn proxies_and_the_machine_itself_have_any_number() {
        let connections = two_each();
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "::1"] {
            assert_eq!(admitted(&connections, address), 10, "{address}");
        }
    }
}
