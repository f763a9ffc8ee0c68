//! The hosts of a URL, tried one after the other. The driver would do it too, but waits for ever for one that takes the
//! connection and says nothing, as a server does that is frozen: the next, which may have taken its place, is never asked.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts};

/// Where nothing else is said.
const PORT: u16 = 5432;

/// The hosts of a URL, each with all that the URL says besides. A clone remembers with the others which was good last.
#[derive(Clone)]
pub(super) struct Hosts {
    each: Arc<[Config]>,
    /// Whether each connection goes through them in an order of its own.
    random: bool,
    /// The one that let us in last. Whoever opens a connection in the middle of a request cannot wait for the frozen ones
    /// before it, and one that thaws gets no more work than it had.
    good: Arc<AtomicUsize>,
    /// The address that let us in last where another of its name had not: for the same reason. Where all let us in, names
    /// lead to their addresses in turn.
    good_address: Arc<Mutex<Option<IpAddr>>>,
    /// The longest that is waited for one address of a host, until we are let in.
    limit: Duration,
}

impl Hosts {
    /// Those that the first names, with what the second says besides.
    pub(super) fn new(named: &Config, besides: &Config, limit: Duration) -> Self {
        let each = one_each(named, besides).into();
        let random = besides.get_load_balance_hosts() == LoadBalanceHosts::Random;
        Self { each, random, good: Arc::default(), good_address: Arc::default(), limit }
    }

    /// What it takes to get through all of them, where each has one address.
    pub(super) fn patience(&self) -> Duration {
        self.limit.saturating_mul(u32::try_from(self.each.len()).unwrap_or(u32::MAX))
    }

    /// What the first of them gives that gives anything.
    ///
    /// # Errors
    /// What became of each.
    pub(super) async fn first<T, F>(&self, open: impl Fn(Config) -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, String>>,
    {
        let mut failed = Vec::new();
        for (index, host) in self.in_order() {
            for address in self.addresses(host).await {
                let ip = address.as_ref().ok().and_then(|address| address.get_hostaddrs().first().copied());
                let opened = match address {
                    Ok(address) => (name(&address), self.in_time(open(address)).await),
                    Err(error) => (name(host), Err(error)),
                };
                match opened {
                    (_, Ok(opened)) => {
                        self.remember(index, ip.filter(|_| !failed.is_empty()));
                        return Ok(opened);
                    }
                    (name, Err(error)) => failed.push((name, error)),
                }
            }
        }
        Err(told(&failed))
    }

    /// Each with its place in the URL: from the one that was good last, round to the one before it.
    fn in_order(&self) -> Vec<(usize, &Config)> {
        let mut order: Vec<_> = self.each.iter().enumerate().collect();
        if self.random {
            shuffle(&mut order);
        } else {
            let good = self.good.load(Ordering::Relaxed).min(order.len());
            order.rotate_left(good);
        }
        order
    }

    /// A host once for each of its addresses, since of these too one may be silent.
    async fn addresses(&self, host: &Config) -> Vec<Result<Config, String>> {
        let ([Host::Tcp(name)], []) = (host.get_hosts(), host.get_hostaddrs()) else { return vec![Ok(host.clone())] };
        let port = host.get_ports().first().copied().unwrap_or(PORT);
        let found = self.in_time(async { lookup_host((name.as_str(), port)).await.map_err(|error| not_found(&error)) });
        let found = match found.await {
            Ok(found) => found,
            Err(error) => return vec![Err(error)],
        };
        let at = |address: SocketAddr| {
            let mut host = host.clone();
            host.hostaddr(address.ip());
            Ok(host)
        };
        let found: Vec<_> = self.addresses_in_order(found.collect()).into_iter().map(at).collect();
        if found.is_empty() { vec![Err("its name has no address".to_owned())] } else { found }
    }

    fn addresses_in_order(&self, mut found: Vec<SocketAddr>) -> Vec<SocketAddr> {
        if self.random {
            shuffle(&mut found);
        } else {
            let good = *self.good_address();
            found.sort_by_key(|address| Some(address.ip()) != good);
        }
        found
    }

    /// The host that let us in, and the address of it where others had not.
    fn remember(&self, host: usize, address: Option<IpAddr>) {
        self.good.store(host, Ordering::Relaxed);
        if address.is_some() {
            *self.good_address() = address;
        }
    }

    fn good_address(&self) -> MutexGuard<'_, Option<IpAddr>> {
        self.good_address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        timeout(self.limit, work).await.unwrap_or_else(|_| Err(format!("no answer within {:?}", self.limit)))
    }
}

fn not_found(error: &io::Error) -> String {
    format!("its name cannot be looked up: {error}")
}

/// One of each host. Where the numbers of hosts, addresses and ports do not fit each other it is one of all of them, and
/// the driver says what is wrong.
fn one_each(named: &Config, besides: &Config) -> Vec<Config> {
    let (hosts, addresses, ports) = (named.get_hosts(), named.get_hostaddrs(), named.get_ports());
    let many = hosts.len().max(addresses.len());
    let fits = |length: usize, others: usize| length == many || length == others;
    if many == 0 || !fits(hosts.len(), 0) || !fits(addresses.len(), 0) || !(ports.len() < 2 || ports.len() == many) {
        return vec![with(besides, hosts, addresses, ports)];
    }
    let one = |index: usize| {
        let port = ports.get(index).or(ports.first());
        with(besides, hosts.get(index), addresses.get(index), port)
    };
    (0..many).map(one).collect()
}

fn with<'h>(
    besides: &Config,
    hosts: impl IntoIterator<Item = &'h Host>,
    addresses: impl IntoIterator<Item = &'h IpAddr>,
    ports: impl IntoIterator<Item = &'h u16>,
) -> Config {
    let mut config = besides.clone();
    for host in hosts {
        match host {
            Host::Tcp(name) => config.host(name),
            #[cfg(unix)]
            Host::Unix(path) => config.host_path(path),
        };
    }
    for address in addresses {
        config.hostaddr(*address);
    }
    for port in ports {
        config.port(*port);
    }
    config
}

/// Every order is as likely as any other.
fn shuffle<T>(these: &mut [T]) {
    let random = RandomState::new();
    for end in (1..these.len()).rev() {
        let bound = u64::try_from(end).map_or(u64::MAX, |end| end.saturating_add(1));
        let other = usize::try_from(random.hash_one(end) % bound).unwrap_or(end);
        these.swap(end, other);
    }
}

/// A host, or the address of it that is tried.
fn name(host: &Config) -> String {
    let port = host.get_ports().first().copied().unwrap_or(PORT);
    match (host.get_hostaddrs(), host.get_hosts()) {
        ([address, ..], _) => SocketAddr::new(*address, port).to_string(),
        ([], [Host::Tcp(name), ..]) => format!("{name}:{port}"),
        #[cfg(unix)]
        ([], [Host::Unix(path), ..]) => path.display().to_string(),
        ([], []) => "no host".to_owned(),
    }
}

/// Which host it was is said only where there are several.
fn told(failed: &[(String, String)]) -> String {
    match failed {
        [(_, error)] => error.clone(),
        several => several.iter().map(|(name, error)| format!("{name}: {error}")).collect::<Vec<_>>().join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(named: &str, besides: &str) -> Hosts {
        Hosts::new(&named.parse().unwrap(), &besides.parse().unwrap(), Duration::from_secs(3))
    }

    /// The names of the hosts that are tried where this one lets us in, one by one.
    async fn tried(hosts: &Hosts, good: &str) -> (Vec<String>, Result<(), String>) {
        let tried = Mutex::new(Vec::new());
        let open = |host| {
            let name = name(&host);
            let answer = if name == good { Ok(()) } else { Err("away".to_owned()) };
            tried.lock().unwrap().push(name);
            async { answer }
        };
        let opened = hosts.first(open).await;
        (tried.into_inner().unwrap(), opened)
    }

    const THREE: &str = "postgres://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3";

    #[tokio::test]
    async fn they_are_tried_in_their_order_from_the_one_that_was_good_last() {
        let hosts = hosts(THREE, "postgres://u@/d");
        let (tried_first, opened) = tried(&hosts, "127.0.0.1:2").await;
        assert_eq!((tried_first, opened), (vec!["127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned()], Ok(())));
        let (tried_next, _) = tried(&hosts.clone(), "127.0.0.1:1").await;
        assert_eq!(tried_next, ["127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1"]);
        assert_eq!(tried(&hosts, "127.0.0.1:1").await.0, ["127.0.0.1:1"]);
    }

    #[test]
    fn the_addresses_of_a_name_keep_their_order_until_one_of_them_was_of_no_use() {
        let hosts = hosts("postgres://name", "");
        let [one, two, three] = [1, 2, 3].map(|last| SocketAddr::from(([127, 0, 0, last], PORT)));
        hosts.remember(0, None);
        assert_eq!(hosts.addresses_in_order(vec![two, one, three]), [two, one, three]);
        hosts.remember(0, Some(three.ip()));
        assert_eq!(hosts.addresses_in_order(vec![two, one, three]), [three, two, one]);
    }

    #[tokio::test]
    async fn what_became_of_each_is_said_by_its_name_where_there_are_several() {
        let error = tried(&hosts(THREE, ""), "none").await.1.unwrap_err();
        assert_eq!(error, "127.0.0.1:1: away; 127.0.0.1:2: away; 127.0.0.1:3: away");
        assert_eq!(tried(&hosts("postgres://127.0.0.1:1", ""), "none").await.1.unwrap_err(), "away");
    }

    #[tokio::test]
    async fn an_order_at_random_is_another_each_time_and_leaves_nobody_out() {
        let hosts = hosts(THREE, "load_balance_hosts=random");
        let mut seen = std::collections::HashSet::new();
        while seen.len() < 6 {
            let (mut tried, _) = tried(&hosts, "none").await;
            seen.insert(tried.clone());
            tried.sort();
            assert_eq!(tried, ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]);
        }
    }

    #[test]
    fn each_has_its_own_place_and_all_that_the_url_says_besides() {
        let hosts = hosts(
            "host=one,/run/two hostaddr=127.0.0.1,127.0.0.2 port=6000",
            "user=u password=p dbname=d options='-c a=b' keepalives_idle=7 channel_binding=disable",
        );
        let all = "user=u password=p dbname=d options='-c a=b' keepalives_idle=7 channel_binding=disable port=6000";
        let expected = ["host=one hostaddr=127.0.0.1", "host=/run/two hostaddr=127.0.0.2"];
        let expected = expected.map(|host| format!("{all} {host}").parse::<Config>().unwrap());
        assert!(*hosts.each == expected);
        assert_eq!(hosts.patience(), Duration::from_secs(6));
    }

    #[test]
    fn hosts_and_ports_that_do_not_fit_are_left_to_the_driver() {
        for named in ["", "host=a,b port=1,2,3", "host=a,b hostaddr=127.0.0.1"] {
            let whole: Config = named.parse().unwrap();
            assert!(*hosts(named, "").each == [whole]);
        }
    }
}
