//! Real requests to the real server, over fakes: what a client sees.
#![cfg(test)]

mod conditional;
mod cors;
mod description;
mod fault;
mod health;
mod idempotency;
mod link;
mod message;
mod meta;
mod observe;
mod outage;
mod pipeline;
mod role;
mod server;
mod session;
mod slow;
