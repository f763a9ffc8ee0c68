//! Which proxies are trusted, and which address a client has behind them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, web};
use ipnet::IpNet;

use crate::extract::lines;

/// The networks of the proxies whose word counts on who calls and from where: none by default. Clones share one list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// A text that is no network whose addresses could be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a network such as 10.0.0.0/8, or is the whole internet")]
pub struct InvalidNetwork(String);

impl TrustedProxies {
    /// Reads a list of addresses and networks (CIDR).
    ///
    /// # Errors
    /// The first that is none, or that is all addresses at once.
    pub fn new<T: AsRef<str>>(networks: impl IntoIterator<Item = T>) -> Result<Self, InvalidNetwork> {
        networks.into_iter().map(|network| read(network.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is the address of one of them.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Where a request comes from that reached us from this address: the last address on its way that is not a trusted
    /// proxy's. What lies further away is hearsay.
    ///
    /// `X-Forwarded-For` and `Forwarded` (RFC 7239) are both understood. Where both came and differ, one of them may have
    /// been handed on from a client unread, and neither counts.
    pub(crate) fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contain(peer) {
            return peer;
        }
        let listed = self.last_untrusted(peer, &hops(headers, "x-forwarded-for", Some));
        let forwarded = self.last_untrusted(peer, &hops(headers, "forwarded", forwarded_for));
        match (listed, forwarded) {
            (Some(one), Some(two)) if one != two => peer,
            (one, two) => one.or(two).unwrap_or(peer),
        }
    }

    /// Goes back along the way, from us to the client; `None` where nothing tells of it.
    fn last_untrusted(&self, peer: IpAddr, hops: &[&str]) -> Option<IpAddr> {
        let mut nearest = (!hops.is_empty()).then_some(peer);
        for hop in hops.iter().rev() {
            let Some(address) = address(hop) else { break };
            nearest = Some(address);
            if !self.contain(address) {
                break;
            }
        }
        nearest
    }
}

/// Where a request comes from; `None` where that is no address.
pub(crate) fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let proxies = request.app_data::<web::Data<TrustedProxies>>();
    Some(proxies.map_or(peer, |proxies| proxies.client_address(peer, request.headers())))
}

fn read(text: &str) -> Result<IpNet, InvalidNetwork> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    let network = address.or_else(|_| text.parse::<IpNet>()).map_err(|_| InvalidNetwork(text.to_owned()))?;
    if network.prefix_len() == 0 { Err(InvalidNetwork(text.to_owned())) } else { Ok(network.trunc()) }
}

/// The elements of a header that is a list, over all its lines, as far as they can be read.
fn hops<'a>(headers: &'a HeaderMap, name: &'static str, of: fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    let lines = lines(headers, name).map(|line| str::from_utf8(line).unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(|element| of(element.trim()).unwrap_or_default()).collect()
}

/// The `for` of an element of `Forwarded`: `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    Some(value.trim_matches('"'))
}

/// An address, with or without a port; `None` for `unknown` and for names that proxies make up.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(with_port).or_else(bare).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[track_caller]
    fn seen(peer: &str, list: &[(&'static str, &str)]) -> String {
        let proxies = TrustedProxies::new(["10.0.0.0/8", "192.168.1.7", "2001:db8::/32"]).unwrap();
        proxies.client_address(peer.parse().unwrap(), &headers(list)).to_string()
    }

    #[test]
    fn a_stranger_is_where_it_is_whatever_it_says() {
        for list in [&[("x-forwarded-for", "1.2.3.4")][..], &[("forwarded", "for=1.2.3.4")], &[]] {
            assert_eq!(seen("8.8.8.8", list), "8.8.8.8");
            assert_eq!(seen("192.168.1.8", list), "192.168.1.8");
        }
    }

    #[test]
    fn behind_proxies_the_last_address_counts_that_is_none_of_theirs() {
        let name = "x-forwarded-for";
        assert_eq!(seen("10.0.0.1", &[(name, "1.2.3.4")]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[(name, "6.6.6.6, 1.2.3.4, 10.1.1.1,192.168.1.7")]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[(name, "6.6.6.6"), (name, "1.2.3.4")]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[(name, "10.0.0.3, 10.0.0.2")]), "10.0.0.3");
        assert_eq!(seen("::ffff:10.0.0.1", &[(name, "::ffff:1.2.3.4")]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[(name, "1.2.3.4:5678")]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[(name, "[2001:db9::1]:5678")]), "2001:db9::1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_cannot_be_read_ends_the_way_back() {
        let name = "x-forwarded-for";
        for unreadable in ["unknown", "", "1.2.3", "_hidden", "1.2.3.4.5", "999.1.1.1"] {
            assert_eq!(seen("10.0.0.1", &[(name, unreadable)]), "10.0.0.1", "{unreadable}");
            assert_eq!(seen("10.0.0.1", &[(name, &format!("6.6.6.6, {unreadable}, 10.0.0.2"))]), "10.0.0.2");
        }
    }

    #[test]
    fn the_header_of_rfc_7239_is_understood() {
        let name = "forwarded";
        assert_eq!(seen("10.0.0.1", &[(name, "for=6.6.6.6, For=\"1.2.3.4:80\";proto=https;by=10.0.0.2")]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[(name, "proto=https; for=\"[2001:db9::1]\"")]), "2001:db9::1");
        assert_eq!(seen("10.0.0.1", &[(name, "for=6.6.6.6, proto=https")]), "10.0.0.1");
    }

    #[test]
    fn where_two_headers_differ_neither_counts() {
        let both = |one, two| seen("10.0.0.1", &[("x-forwarded-for", one), ("forwarded", two)]);
        assert_eq!(both("1.2.3.4", "for=1.2.3.4"), "1.2.3.4");
        assert_eq!(both("1.2.3.4", "for=6.6.6.6"), "10.0.0.1");
    }

    #[test]
    fn a_list_of_networks_is_read_to_the_letter() {
        for good in ["10.0.0.1", "10.0.0.0/8", "10.1.2.3/8", "::1", "fd00::/8", " 10.0.0.1 ", "::ffff:10.0.0.1"] {
            assert!(TrustedProxies::new([good]).is_ok(), "{good}");
        }
        for bad in ["", "proxy.example", "10.0.0", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1:80"] {
            assert_eq!(TrustedProxies::new([bad]), Err(InvalidNetwork(bad.to_owned())));
        }
    }
}
