//! Fakes: small, correct, in memory.

mod audit_log;
mod bus;
mod cache;
mod clock;
mod files;
mod ids;
mod limiter;
mod probe;
mod store;
mod tokens;

pub use audit_log::FakeAuditLog;
pub use bus::FakeBus;
pub use cache::FakeCache;
pub use clock::FakeClock;
pub use files::FakeFiles;
pub use ids::FakeIds;
pub use limiter::FakeRateLimiter;
pub use probe::FakeProbe;
pub use store::FakeStore;
pub use tokens::FakeTokens;
