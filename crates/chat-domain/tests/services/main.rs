//! The use cases: what callers may do, what is told to whom, what a store's answers become.
#![cfg(test)]

mod audit;
mod extension;
mod house;
mod message_create;
mod message_edit;
mod message_read;
mod message_remove;
mod participant;
mod session_change;
mod session_create;
mod session_read;
