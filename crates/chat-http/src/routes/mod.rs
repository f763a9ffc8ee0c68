//! One module for each resource: its handlers, and what they take and show, in `wire` where that is much.

pub(crate) mod attachment;
pub(crate) mod audit;
pub(crate) mod extension;
pub(crate) mod health;
pub(crate) mod message;
pub(crate) mod meta;
pub(crate) mod participant;
pub(crate) mod session;
