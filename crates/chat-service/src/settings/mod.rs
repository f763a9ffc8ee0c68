//! Settings: what can be set, where it is read from, and what is sound.
//!
//! A wrong value stops the start with one line that names the setting and where it came from.

mod attachments;
mod auth;
mod caches;
mod catalogue;
mod database;
mod limits;
mod model;
mod read;
mod source;
mod traces;

pub(crate) use attachments::{AttachmentSettings, FilePlace};
pub(crate) use auth::{Auth, Signing};
pub(crate) use database::Database;
pub(crate) use model::{LogFormat, Settings};
pub(crate) use read::SettingsError;
pub(crate) use source::Sources;
pub(crate) use traces::{Sampler, Share, TraceSettings};
