//! How the server treats its clients.

use std::time::Duration;

use crate::extract::BodyLimits;
use crate::limit::ConnectionLimit;
use crate::middleware::LogShare;

/// How long half a request is waited for: it is gone within 10 s, which leaves half a second for timers and a busy machine.
pub(crate) const HALF_SENT: Duration = Duration::from_millis(9_500);

/// How the server treats its clients.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Threads that serve requests.
    pub workers: usize,
    /// The most connections of one worker; further ones wait to be accepted.
    pub max_connections: usize,
    /// The most connections of one address; `None` for any number.
    pub connection_limit: Option<ConnectionLimit>,
    /// The longest that a client may take for the head of a request.
    pub head_timeout: Duration,
    /// The longest silence between two pieces of a body.
    pub body_stall_timeout: Duration,
    /// The longest that a whole body may take.
    pub body_timeout: Duration,
    /// The longest that a client may take for 64 KiB of an answer, or for what is left of it, once it does not keep up.
    pub write_stall_timeout: Duration,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// The most bytes of bodies above 8 KiB that are held at once, those that are still coming among them; a further such
    /// body is a 503.
    pub held_body_bytes: usize,
    /// The most files that are on their way in at once, on all workers; a further one is a 503. They are not counted among
    /// the bytes of bodies: of each a buffer is held.
    pub uploads_at_once: usize,
    /// The longest that a file may take to come in.
    pub upload_timeout: Duration,
    /// How long a connection is kept without a request.
    pub keep_alive: Duration,
    /// The longest wait for a client to close its side.
    pub disconnect_timeout: Duration,
    /// The longest that requests under way may take once the server is stopped.
    pub shutdown_timeout: Duration,
    /// The longest that the work of one request in stores may take, all calls together; see
    /// [`deadline`](chat_domain::deadline).
    pub store_deadline: Duration,
    /// The most bytes of printed answers that are kept to be sent again.
    pub answer_bytes: u64,
    /// The most bytes of long answers that are being sent, beside those that are kept; a further long list is a 503.
    pub long_answer_bytes: usize,
    /// How long a printed answer is kept.
    pub answer_ttl: Duration,
    /// The share of good answers that leave an event in the log.
    pub log_share: LogShare,
}

impl Default for ServerSettings {
    fn default() -> Self {
        let limits = BodyLimits::default();
        Self {
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            max_connections: 25_000,
            connection_limit: None,
            head_timeout: HALF_SENT,
            body_stall_timeout: limits.stall,
            body_timeout: limits.whole,
            write_stall_timeout: Duration::from_secs(10),
            max_body_bytes: limits.bytes,
            held_body_bytes: 32 * 1024 * 1024,
            uploads_at_once: 64,
            upload_timeout: Duration::from_mins(15),
            keep_alive: Duration::from_secs(75),
            disconnect_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
            store_deadline: Duration::from_secs(5),
            answer_bytes: 12 * 1024 * 1024,
            long_answer_bytes: 128 * 1024 * 1024,
            answer_ttl: Duration::from_mins(10),
            log_share: LogShare::ALL,
        }
    }
}
