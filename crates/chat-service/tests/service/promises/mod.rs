//! What the service promises, each as a function over a store.

pub(crate) mod attachment;
pub(crate) mod audit;
pub(crate) mod crash;
pub(crate) mod edit;
pub(crate) mod extension;
pub(crate) mod idempotency;
pub(crate) mod order;
pub(crate) mod parity;
pub(crate) mod participant;
pub(crate) mod staleness;
pub(crate) mod stop;
pub(crate) mod tenants;
pub(crate) mod traces;
