//! What an operator says about the PostgreSQL server, and what of its URL is ours to understand.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::TargetSessionAttrs;

/// A connection that nobody needs lies idle for hours: seconds after which its peer is asked whether it is still there,
/// between two such questions, and how many go unanswered before it is given up. A firewall that forgets quiet connections
/// is kept from it, and one that forgot is noticed before a request is.
const KEEPALIVES: [(&str, &str); 3] =
    [("keepalives_idle", "60"), ("keepalives_interval", "15"), ("keepalives_retries", "4")];

/// How to reach a PostgreSQL server, and how much of it to use.
#[derive(Debug, Clone)]
pub struct PgConfig {
    /// `postgres://user:password@host:port/database`, with the parameters that `tokio-postgres` knows and two of our
    /// own: `sslmode` (`disable`, the default; `prefer`; `require`, `verify-ca` and `verify-full`, which all check the
    /// certificate and the name in it) and `sslrootcert`, a PEM file that replaces the roots of the system. `prefer`
    /// goes without encryption only where the server says that it has none.
    ///
    /// Of several hosts the first that takes writes is used (`target_session_attrs=read-write`, the default), and then as
    /// long as it does.
    pub url: SecretString,
    /// The most connections that are open at once for the work; the probe has one more.
    pub max_connections: usize,
    /// Within this every operation ends, well or not.
    pub deadline: Duration,
    /// The longest wait for a lock that somebody else holds, after which the operation was not made and is answered as
    /// busy. Well below the deadline, since whoever waits keeps a connection from others.
    pub lock_wait: Duration,
    /// The longest wait for a connection, free or new, for each host of the URL; never beyond the deadline. At the start so
    /// long for each address of each host, until the server lets us in or says why not.
    pub connect_timeout: Duration,
    /// The name under which the server lists the connections.
    pub application_name: String,
}

impl PgConfig {
    /// 16 connections, a deadline of 5 s, 3 s of it for a connection and 500 ms for a lock.
    #[must_use]
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            max_connections: 16,
            deadline: Duration::from_secs(5),
            lock_wait: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(3),
            application_name: "chat-service".to_owned(),
        }
    }

    /// Whether the URL can be used; it may name several hosts.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_url(url: &SecretString) -> Result<(), InvalidUrl> {
        Address::parse(url).map(drop)
    }
}

/// Why a URL cannot be used. Never quotes it: it holds the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Not `postgres://` or `postgresql://`.
    #[error("the url must begin with postgres:// or postgresql://")]
    Scheme,
    /// The driver does not understand it.
    #[error("the url is no postgresql url (special characters in a name or password must be percent-encoded)")]
    Syntax,
    /// An `sslmode` that we do not have.
    #[error("sslmode must be one of disable, prefer, require, verify-ca, verify-full")]
    SslMode,
}

/// Whether connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    Off,
    Preferred,
    Required,
}

/// A URL, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// What the URL says of its hosts, and only that.
    pub(super) hosts: tokio_postgres::Config,
    /// What it says of all else.
    pub(super) driver: tokio_postgres::Config,
    pub(super) encryption: Encryption,
    pub(super) root_certificates: Option<PathBuf>,
}

impl Address {
    pub(super) fn parse(url: &SecretString) -> Result<Self, InvalidUrl> {
        let url = url.expose_secret();
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(InvalidUrl::Scheme);
        }
        let (base, query) = split_query(url);
        let mut encryption = Encryption::Off;
        let mut root_certificates = None;
        // A cached page is right as far as the primary says so; a standby may be behind.
        let mut target = Some(TargetSessionAttrs::ReadWrite);
        let mut hosts = url::form_urlencoded::Serializer::new(String::new());
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        // What the URL says comes behind, and wins.
        rest.extend_pairs(KEEPALIVES);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => encryption = value.parse()?,
                "sslrootcert" => root_certificates = Some(PathBuf::from(&*value)),
                "host" | "hostaddr" | "port" => drop(hosts.append_pair(&name, &value)),
                _ => {
                    if name == "target_session_attrs" {
                        target = None;
                    }
                    rest.append_pair(&name, &value);
                }
            }
        }
        let hosts = driver_config(base, hosts)?;
        let mut driver = driver_config(&without_hosts(base), rest)?;
        if let Some(target) = target {
            driver.target_session_attrs(target);
        }
        Ok(Self { hosts, driver, encryption, root_certificates })
    }
}

fn driver_config(
    base: &str,
    mut query: url::form_urlencoded::Serializer<'_, String>,
) -> Result<tokio_postgres::Config, InvalidUrl> {
    // The driver takes `+` for itself, not for a space.
    let query = query.finish().replace('+', "%20");
    format!("{base}?{query}").parse().map_err(|_| InvalidUrl::Syntax)
}

impl FromStr for Encryption {
    type Err = InvalidUrl;

    fn from_str(mode: &str) -> Result<Self, InvalidUrl> {
        match mode {
            "disable" => Ok(Self::Off),
            "prefer" => Ok(Self::Preferred),
            "require" | "verify-ca" | "verify-full" => Ok(Self::Required),
            _ => Err(InvalidUrl::SslMode),
        }
    }
}

/// Cuts at the first `?` behind the credentials, which may hold one themselves.
fn split_query(url: &str) -> (&str, &str) {
    let credentials = url.find('@').unwrap_or(0);
    let (_, behind) = url.split_at(credentials);
    match behind.find('?') {
        Some(mark) => {
            let (base, query) = url.split_at(credentials + mark);
            (base, query.trim_start_matches('?'))
        }
        None => (url, ""),
    }
}

/// What stands before the query, less the hosts between the credentials and the path.
fn without_hosts(base: &str) -> String {
    let (scheme, behind) = base.split_once("://").unwrap_or((base, ""));
    let (credentials, behind) = behind.split_once('@').map_or(("", behind), |(user, behind)| (user, behind));
    let path = behind.split_once('/').map_or("", |(_, path)| path);
    let at = if credentials.is_empty() { "" } else { "@" };
    format!("{scheme}://{credentials}{at}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn parse(url: &str) -> Result<Address, InvalidUrl> {
        Address::parse(&SecretString::from(url.to_owned()))
    }

    #[test]
    fn encryption_is_off_unless_asked_for() {
        assert_eq!(parse("postgres://u@h/d").unwrap().encryption, Encryption::Off);
        assert_eq!(parse("postgres://u@h/d?sslmode=prefer").unwrap().encryption, Encryption::Preferred);
        for mode in ["require", "verify-ca", "verify-full"] {
            let address = parse(&format!("postgresql://u@h/d?sslmode={mode}&sslrootcert=%2Fa%20b.pem")).unwrap();
            assert_eq!(address.encryption, Encryption::Required);
            assert_eq!(address.root_certificates, Some(PathBuf::from("/a b.pem")));
        }
        assert_eq!(parse("postgres://u@h/d?sslmode=yes").unwrap_err(), InvalidUrl::SslMode);
    }

    #[test]
    fn the_drivers_own_parameters_reach_it() {
        let address = parse("postgres://u:p?w@h,i:6000/d?target_session_attrs=read-write&options=-c%20a%3Db").unwrap();
        assert_eq!((address.hosts.get_hosts().len(), address.driver.get_hosts().len()), (2, 0));
        assert_eq!(address.driver.get_password(), Some(b"p?w".as_slice()));
        assert_eq!(address.driver.get_options(), Some("-c a=b"));
    }

    #[test]
    fn the_hosts_come_apart_from_all_else_wherever_they_stand() {
        let urls = [
            "postgres://u:p@/d?host=h&host=%2Frun%2Fs&port=5433,6000",
            "postgres://u:p@h:5433,%2Frun%2Fs:6000/d",
            "postgres://h:5433,%2Frun%2Fs:6000/d?user=u&password=p",
        ];
        let [one, others @ ..] = urls.map(|url| parse(url).unwrap());
        for other in others {
            assert!(one.driver == other.driver);
            assert_eq!(one.hosts.get_hosts(), other.hosts.get_hosts());
            assert_eq!(other.hosts.get_ports(), [5433, 6000]);
        }
        assert_eq!((one.driver.get_user(), one.driver.get_dbname()), (Some("u"), Some("d")));
        assert!(one.driver.get_hosts().is_empty() && one.driver.get_ports().is_empty());
        assert_eq!(parse("postgres://u@[::1]:6000").unwrap().driver.get_dbname(), None);
    }

    #[test]
    fn an_idle_connection_is_asked_after_a_minute_unless_the_url_says_otherwise() {
        let idle = |url| {
            let driver = parse(url).unwrap().driver;
            assert_eq!(
                (driver.get_keepalives_interval(), driver.get_keepalives_retries()),
                (Some(SECOND * 15), Some(4))
            );
            (driver.get_keepalives(), driver.get_keepalives_idle())
        };
        assert_eq!(idle("postgres://u@h/d"), (true, SECOND * 60));
        assert_eq!(idle("postgres://u@h/d?keepalives_idle=7200"), (true, SECOND * 7_200));
        assert!(!idle("postgres://u@h/d?keepalives=0").0);
    }

    #[test]
    fn the_server_has_to_take_writes_unless_the_url_says_otherwise() {
        let target = |url| parse(url).unwrap().driver.get_target_session_attrs();
        assert_eq!(target("postgres://u@h/d"), TargetSessionAttrs::ReadWrite);
        assert_eq!(target("postgres://u@h/d?target_session_attrs=any"), TargetSessionAttrs::Any);
    }

    #[test]
    fn a_bad_url_is_refused_without_being_quoted() {
        for url in ["mysql://u:secret@h/d", "postgres://u:secret@h:port/d", "postgres://u@h/d?secret=1"] {
            assert!(!parse(url).unwrap_err().to_string().contains("secret"));
        }
        assert!(!format!("{:?}", PgConfig::new("postgres://u:secret@h/d".into())).contains("secret"));
    }
}
