//! Walks through every operation of the OpenAPI document: a route that is added is walked by the same rules as the others
//! before anybody has thought of it.

mod assignment;
mod counted;
mod internal;
mod operation;
mod roles;
mod seen;
mod tenant;
