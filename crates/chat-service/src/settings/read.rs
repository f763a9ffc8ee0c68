//! Reading one setting out of the merged sources, with an error that names it and where it came from.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use figment::Figment;
use figment::value::Value;

use super::catalogue::{CATALOGUE, Secrecy, Setting};

/// Why the service does not start. One line, and never a secret in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A value that means nothing, or nothing good.
    #[error("{variable} ({source_name}): {reason}")]
    Wrong {
        /// The environment variable of the setting.
        variable: String,
        /// Where the value came from.
        source_name: String,
        /// What it must be.
        reason: String,
    },
    /// A file names a setting that does not exist.
    #[error("{} in {}: there is no such setting", key.to_ascii_uppercase(), file.display())]
    Unknown {
        /// The key.
        key: String,
        /// The file.
        file: PathBuf,
    },
    /// A file cannot be read.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The merged sources.
pub(super) struct Reader<'a>(pub(super) &'a Figment);

impl Reader<'_> {
    /// The value as text, and whether anybody set it.
    pub(super) fn text(&self, key: &str) -> Result<String, SettingsError> {
        match self.0.find_value(key) {
            Ok(Value::String(_, text)) => Ok(text),
            Ok(Value::Num(_, number)) => number
                .to_u128()
                .map(|number| number.to_string())
                .or_else(|| number.to_i128().map(|number| number.to_string()))
                .or_else(|| number.to_f64().map(|number| number.to_string()))
                .ok_or_else(|| self.wrong(key, "must be a number or text")),
            Ok(Value::Bool(_, flag)) => Ok(flag.to_string()),
            Ok(_) => Err(self.wrong(key, "must be a single value")),
            Err(_) => Ok(String::new()),
        }
    }

    /// A list: of TOML, of JSON, or separated by commas.
    pub(super) fn list(&self, key: &str) -> Result<Vec<String>, SettingsError> {
        if let Ok(Value::Array(_, items)) = self.0.find_value(key) {
            let texts = items.into_iter().map(Value::into_string).collect::<Option<Vec<_>>>();
            return texts.ok_or_else(|| self.wrong(key, "must be a list of texts"));
        }
        let text = self.text(key)?;
        if text.trim_start().starts_with('[') {
            return serde_json::from_str(&text).map_err(|_| self.wrong(key, "must be a JSON list of texts"));
        }
        Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }

    /// A value of a type that reads itself from text.
    pub(super) fn parse<T: FromStr>(&self, key: &str, must_be: &str) -> Result<T, SettingsError> {
        self.text(key)?.trim().parse().map_err(|_| self.wrong(key, must_be))
    }

    /// Yes or no, as people write it.
    pub(super) fn flag(&self, key: &str) -> Result<bool, SettingsError> {
        match self.text(key)?.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(self.wrong(key, "must be true or false")),
        }
    }

    /// A whole number between two bounds.
    pub(super) fn number<T>(&self, key: &str, min: T, max: T) -> Result<T, SettingsError>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let must_be = format!("must be a whole number from {min} to {max}");
        let number: T = self.parse(key, &must_be)?;
        if (min..=max).contains(&number) { Ok(number) } else { Err(self.wrong(key, &must_be)) }
    }

    /// A whole number from 1.
    pub(super) fn count(&self, key: &str, max: usize) -> Result<NonZeroUsize, SettingsError> {
        let count = self.number(key, 1, max)?;
        NonZeroUsize::new(count).ok_or_else(|| self.wrong(key, "must not be 0"))
    }

    /// Whether something other than the default set it.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.origin(key) != "default"
    }

    /// The name of the place where the value came from.
    fn origin(&self, key: &str) -> String {
        let metadata = self.0.find_metadata(key);
        metadata.map_or_else(|| "default".to_owned(), |metadata| metadata.name.clone().into_owned())
    }

    /// The error about this setting.
    pub(super) fn wrong(&self, key: &str, reason: &str) -> SettingsError {
        let (variable, source_name) = (key.to_ascii_uppercase(), self.origin(key));
        SettingsError::Wrong { variable, source_name, reason: reason.to_owned() }
    }

    /// Every setting with the value in force, secrets masked, and where it came from.
    pub(super) fn shown(&self) -> Vec<(&'static Setting, String, String)> {
        let show = |setting: &'static Setting| {
            let text = match self.0.find_value(setting.key) {
                Ok(Value::Array(..)) => self.list(setting.key).map(|items| items.join(",")),
                _ => self.text(setting.key),
            };
            (setting, masked(setting.secrecy, &text.unwrap_or_default()), self.origin(setting.key))
        };
        CATALOGUE.iter().map(show).collect()
    }
}

/// What may be shown of a value.
fn masked(secrecy: Secrecy, text: &str) -> String {
    match secrecy {
        Secrecy::Open => text.to_owned(),
        Secrecy::Secret | Secrecy::Url if text.is_empty() => String::new(),
        Secrecy::Secret => "***".to_owned(),
        Secrecy::Url => masked_url(text),
    }
}

/// A URL without its password, and without its query, which may hold one too.
fn masked_url(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return "***".to_owned() };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let shown = masked(Secrecy::Url, "postgres://u:hunter2@h/d?password=hunter2");
        assert_eq!(shown, "postgres://u:***@h/d?***");
        assert_eq!(masked(Secrecy::Url, "not a url with hunter2"), "***");
        assert_eq!(masked(Secrecy::Secret, "hunter2"), "***");
        assert_eq!(masked(Secrecy::Secret, ""), "");
    }
}
