//! Settings: what can be set, where it is read from, and what is sound.
//!
//! A wrong value stops the start with one line that names the setting and where it came from.

mod catalogue;
mod database;
mod model;
mod read;
mod source;

pub(crate) use database::Database;
pub(crate) use model::{LogFormat, Settings};
pub(crate) use read::SettingsError;
pub(crate) use source::Sources;
