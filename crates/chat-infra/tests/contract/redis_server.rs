//! Where the tests find a Redis, and Redis servers of their own that they may stop.

use std::ffi::OsString;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chat_infra::redis::{RedisCache, RedisConfig, RedisPool};
use deadpool_redis::redis;
use tempfile::TempDir;

/// The Redis that all tests share, under a prefix that no other test has.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
pub(crate) fn shared() -> RedisConfig {
    let url = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL must name a Redis, as in redis://127.0.0.1:6379");
    unlike_others(&url)
}

/// A configuration for this Redis with the patience of a busy test machine, under a prefix that no other test has.
pub(crate) fn unlike_others(url: &str) -> RedisConfig {
    use chat_domain::clock::IdSource as _;

    let prefix = format!("test-{}", chat_infra::system::SystemIds.session_id());
    RedisConfig { prefix, timeout: Duration::from_secs(5), ..RedisConfig::new(url) }
}

/// A cache over connections of its own.
pub(crate) fn cache(config: &RedisConfig) -> RedisCache {
    RedisCache::new(RedisPool::new(config).expect("a valid url"), config)
}

/// A pause after which a Redis that failed is soon looked at again.
pub(crate) const SOON: Duration = Duration::from_millis(10);

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it has an address").port()
}

/// The server program: `TEST_REDIS_SERVER` where it is set, else whatever the PATH has.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
fn program() -> OsString {
    std::env::var_os("TEST_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

/// A Redis of one test, which is stopped at its end.
pub(crate) struct RedisServer {
    port: u16,
    directory: TempDir,
    running: Option<Child>,
}

impl RedisServer {
    /// A Redis that does not run yet.
    pub(crate) fn stopped() -> Self {
        Self { port: free_port(), directory: tempfile::tempdir().expect("a directory"), running: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn start(&mut self) {
        self.stop();
        let server = Command::new(program())
            .current_dir(self.directory.path())
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(self.port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.running = Some(server.expect("redis-server is on the PATH, or TEST_REDIS_SERVER names it"));
    }

    /// Gives it so many bytes for its values, 0 for any number; what does not fit is refused.
    pub(crate) async fn room(&self, bytes: u64) {
        let client = redis::Client::open(self.url()).expect("a valid url");
        let mut connection = client.get_multiplexed_async_connection().await.expect("it runs");
        let mut command = redis::cmd("CONFIG");
        let set = command.arg("SET").arg("maxmemory").arg(bytes).query_async::<()>(&mut connection).await;
        set.expect("it obeys");
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.running.take() {
            server.kill().expect("it can be stopped");
            server.wait().expect("it ends");
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}
