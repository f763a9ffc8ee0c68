//! How a node connects: what it asks of every connection, and whom it trusts.

use std::time::Duration;

use chat_domain::clock::Clock as _;
use chat_domain::error::chain;
use chat_domain::health::{ClockSkew, Probe as _};
use chat_domain::testing::builder::a_session;
use chat_infra::postgres::{PgConfig, PgStartError, PgStore, migrate};
use chat_infra::system::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::postgres_proxy::Proxy;
use crate::postgres_server::{Database, admin};

/// The code by which a client asks for encryption, and that of an ordinary first packet.
const SSL_REQUEST: u32 = 80_877_103;
const STARTUP: u32 = 196_608;

/// What clients say to a server that answers a request for encryption so and hangs up after the next packet.
async fn said_to_a_server_that_answers(answer: u8) -> (Vec<u32>, PgStartError) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://chat@127.0.0.1:{port}/none?sslmode=prefer");
    let config = PgConfig::new(url.into());
    let mut said = Vec::new();
    let serve = async {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            said.push(first_packet(&mut client).await);
            client.write_all(&[answer]).await.unwrap();
            if answer == b'N' {
                said.push(first_packet(&mut client).await);
            }
        }
    };
    let error = tokio::select! {
        () = serve => unreachable!("it serves for ever"),
        connected = PgStore::connect(&config) => connected.err().unwrap(),
    };
    (said, error)
}

/// The code in the first packet that a client sends in clear.
async fn first_packet(client: &mut TcpStream) -> u32 {
    let length = client.read_u32().await.unwrap();
    let code = client.read_u32().await.unwrap();
    let mut rest = vec![0; length as usize - 8];
    client.read_exact(&mut rest).await.unwrap();
    code
}

#[tokio::test]
async fn where_encryption_is_preferred_a_handshake_that_fails_is_not_made_up_for_in_clear() {
    let (said, error) = said_to_a_server_that_answers(b'S').await;
    assert!(matches!(error, PgStartError::Unreachable(_)), "{error:?}");
    assert_eq!(said, [SSL_REQUEST]);
}

#[tokio::test]
async fn where_encryption_is_preferred_a_server_that_has_none_is_spoken_to_in_clear() {
    let (said, _) = said_to_a_server_that_answers(b'N').await;
    assert_eq!(said, [SSL_REQUEST, STARTUP]);
}

/// Generous: without a limit it would be for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a start on this database fails.
async fn fails(config: &PgConfig) -> [PgStartError; 2] {
    let (migrated, connected) =
        tokio::time::timeout(PATIENCE, async { (migrate(config, None).await, PgStore::connect(config).await) })
            .await
            .expect("a start that cannot go on ends");
    [migrated.unwrap_err(), connected.err().unwrap()]
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_waited_for_no_longer_than_for_a_connection() {
    let (_listener, port) = silent();
    for mode in ["disable", "prefer", "require"] {
        let url = format!("postgres://chat:open-sesame@127.0.0.1:{port}/none?sslmode={mode}");
        let config = PgConfig { connect_timeout: Duration::from_millis(50), ..PgConfig::new(url.into()) };
        for error in fails(&config).await {
            assert!(matches!(error, PgStartError::Unreachable(_)), "{error:?}");
            let said = chain(&error);
            assert!(said.ends_with("no answer within 50ms") && !said.contains("sesame"), "{said}");
        }
    }
}

/// A port where connections are taken by the system, and by nobody after it.
fn silent() -> (std::net::TcpListener, u16) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// All of it is waited for a host that is silent, and within it a good one on a busy machine has to answer.
const FOR_A_HOST: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_takes_connections_and_says_nothing_does_not_keep_a_start_from_the_one_behind_it() {
    let database = Database::empty().await;
    let (_listener, port) = silent();
    let url = database.url().replacen('@', &format!("@127.0.0.1:{port},"), 1);
    let config = PgConfig { url: url.into(), connect_timeout: FOR_A_HOST, ..database.config() };
    migrate(&config, None).await.unwrap();
    let store = PgStore::connect(&config).await.unwrap();
    store.probe().check().await.unwrap();
    let session = a_session();
    assert!(store.sessions().find(&session.tenant_id, session.id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_falls_silent_does_not_keep_the_pool_from_the_one_behind_it() {
    let database = Database::migrated().await;
    let proxy = Proxy::before(&database.url()).await;
    let first = url::Url::parse(&proxy.url(&database.url())).unwrap().port().unwrap();
    let both = database.url().replacen('@', &format!("@127.0.0.1:{first},"), 1);
    let config = PgConfig { url: both.into(), connect_timeout: FOR_A_HOST, ..database.config() };
    let store = PgStore::connect(&config).await.unwrap();
    assert_ne!(proxy.counted(), (0, 0), "the first one was good");
    proxy.mute(true);
    let session = a_session();
    assert!(store.sessions().find(&session.tenant_id, session.id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_behind_a_good_one_is_not_asked() {
    let database = Database::migrated().await;
    let (listener, port) = silent();
    let (front, name) = database.url().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let url = format!("{front},127.0.0.1:{port}/{name}");
    let store = PgStore::connect(&PgConfig { url: url.into(), ..database.config() }).await.unwrap();
    let session = a_session();
    assert!(store.sessions().find(&session.tenant_id, session.id).await.unwrap().is_none());
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn of_several_hosts_that_say_nothing_each_is_told() {
    let ((_one, first), (_other, second)) = (silent(), silent());
    let url = format!("postgres://chat:open-sesame@127.0.0.1:{first},127.0.0.1:{second}/none");
    let config = PgConfig { connect_timeout: Duration::from_millis(50), ..PgConfig::new(url.into()) };
    for error in fails(&config).await {
        assert!(matches!(error, PgStartError::Unreachable(_)), "{error:?}");
        let told = [first, second].map(|port| format!("127.0.0.1:{port}: no answer within 50ms"));
        assert!(chain(&error).ends_with(&told.join("; ")), "{}", chain(&error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_after_its_welcome_is_waited_for_no_longer_than_for_a_statement() {
    let database = Database::migrated().await;
    let other = database.tool().await;
    other.batch_execute("BEGIN; LOCK TABLE __diesel_schema_migrations").await.unwrap();
    // The server itself must not be the one that gives up.
    let url = format!("{}?options=-c%20lock_timeout%3D0%20-c%20statement_timeout%3D0", database.url());
    let config = PgConfig { url: url.into(), deadline: Duration::from_millis(200), ..database.config() };
    for error in fails(&config).await {
        assert!(matches!(error, PgStartError::Unreachable(_)), "{error:?}");
    }
    other.batch_execute("ROLLBACK").await.unwrap();
    assert!(migrate(&database.config(), None).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_is_not_used_even_to_read() {
    let database = Database::migrated().await;
    let turn = |how: &str| format!("ALTER DATABASE {} SET default_transaction_read_only = {how}", database.name());
    admin().await.batch_execute(&turn("on")).await.unwrap();
    assert!(matches!(PgStore::connect(&database.config()).await.err(), Some(PgStartError::Unreachable(_))));
    let url = format!("{}?target_session_attrs=any", database.url());
    let reading = PgStore::connect(&PgConfig { url: url.into(), ..database.config() }).await.unwrap();
    let session = a_session();
    assert!(reading.sessions().find(&session.tenant_id, session.id).await.unwrap().is_none());
    admin().await.batch_execute(&turn("off")).await.unwrap();
    database.node().await.probe().check().await.unwrap();
}

#[tokio::test]
async fn the_probe_tells_what_the_servers_clock_says() {
    let database = Database::migrated().await;
    let probe = database.node().await.probe();
    let (asked, pulse, answered) = (SystemClock.now(), probe.check().await.unwrap(), SystemClock.now());
    // The server of the tests may be another machine, but none whose clock nobody looks after.
    let skew = ClockSkew::between(asked, pulse.clock.unwrap(), answered);
    assert!(skew.is_tolerable(), "{skew:?}");
}
