//! Fakes: small, correct, in memory.

mod bus;
mod cache;
mod clock;
mod ids;
mod probe;
mod store;

pub use bus::FakeBus;
pub use cache::FakeCache;
pub use clock::FakeClock;
pub use ids::FakeIds;
pub use probe::FakeProbe;
pub use store::FakeStore;
