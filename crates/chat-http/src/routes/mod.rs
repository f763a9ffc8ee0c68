//! One file for each resource: its wire types, then its handlers.

pub(crate) mod health;
pub(crate) mod message;
pub(crate) mod meta;
pub(crate) mod session;
