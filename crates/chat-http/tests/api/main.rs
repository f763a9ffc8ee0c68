//! Real requests to the real server, over fakes: what a client sees.
#![cfg(test)]

mod address;
mod answers;
mod attachment;
mod audit;
mod beside;
mod body_room;
mod conditional;
mod cors;
mod deadline;
mod description;
mod edit;
mod extension;
mod fault;
mod gate;
mod gateway;
mod hardening;
mod head;
mod health;
mod idempotency;
mod limit;
mod link;
mod log;
mod long;
mod message;
mod meta;
mod observe;
mod outage;
mod participant;
mod pipeline;
mod role;
mod server;
mod session;
mod slow;
mod turn;
mod walk;
