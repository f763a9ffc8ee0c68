//! What nodes share in Redis. Nothing here is needed to be right, only to be fast: Redis may be down at any time, also at
//! the start, and whatever it does not answer in time is a miss.

mod breaker;
mod cache;
mod config;
mod figures;
mod limiter;
mod look;
mod pool;
mod probe;

pub use cache::RedisCache;
pub use config::{InvalidRedisUrl, RedisConfig};
pub use limiter::RedisLimiter;
pub use pool::RedisPool;
pub use probe::RedisProbe;
