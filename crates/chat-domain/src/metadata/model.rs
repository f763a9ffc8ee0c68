//! The metadata object and its limits.

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::minify::minify;
use super::scan::scan;
use crate::fault::Rejection;

/// A checked JSON object, as minified text: at most 16 KiB and 16 levels deep, without U+0000 and without doubled keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata(Arc<str>);

impl Metadata {
    /// The largest size as serialised without white space, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;
    /// The deepest nesting of objects and arrays, the outermost object counted.
    pub const MAX_DEPTH: usize = 16;

    /// Checks a JSON text. `null` reads as the empty object.
    ///
    /// # Errors
    /// The pointer below the metadata at which a rule is broken, and the rule.
    pub fn parse(text: &str) -> Result<Self, (String, Rejection)> {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        let here = |code, detail: &str| (String::new(), Rejection::new(code, detail));
        if text == "null" || text == "{}" {
            return Ok(Self::default());
        }
        if !text.starts_with('{') {
            return Err(here("invalid_type", "must be an object"));
        }
        let minified = minify(text);
        if minified.len() > Self::MAX_BYTES {
            return Err(here("too_large", "must be at most 16384 bytes as serialised"));
        }
        // The text as it came: without its white space `1 2` would pass for a number.
        match scan(text, Self::MAX_DEPTH) {
            Ok(None) => Ok(Self(minified.into())),
            Ok(Some(broken)) => Err((broken.pointer, broken.rejection)),
            Err(_) => Err(here("invalid_json", "must be JSON")),
        }
    }

    /// Takes what a store kept, which was checked when it was written.
    ///
    /// # Errors
    /// Where it is not JSON.
    pub fn from_stored(text: String) -> Result<Self, serde_json::Error> {
        if text == "{}" {
            return Ok(Self::default());
        }
        RawValue::from_string(text).map(|raw| Self(raw.get().into()))
    }

    /// The object as minified JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Metadata {
    /// The empty object; shared, since most sessions and messages have it.
    fn default() -> Self {
        static EMPTY: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| "{}".into());
        Self(Arc::clone(&EMPTY))
    }
}

impl Serialize for Metadata {
    /// Writes the kept text as it is. Only for `serde_json`, which is the only format that has raw values.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(|(_, rejection)| D::Error::custom(rejection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_sent() {
        let text = r#"{"zero":-0.0,"big":123456789012345678901234567890,"long":0.1000000000000000055,"exp":1E2}"#;
        let metadata = Metadata::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&metadata).unwrap(), text);
        assert_eq!(serde_json::from_str::<Metadata>(text).unwrap(), metadata);
    }

    #[test]
    fn null_is_the_empty_object() {
        assert_eq!(Metadata::parse("null").unwrap().as_str(), "{}");
        assert_eq!(Metadata::parse(" { } ").unwrap(), Metadata::default());
    }

    #[test]
    fn other_types_are_refused() {
        for bad in ["[]", "1", "\"{}\"", "true"] {
            assert_eq!(Metadata::parse(bad).unwrap_err().1.code, "invalid_type", "{bad}");
        }
    }

    #[test]
    fn size_counts_what_is_said_not_the_white_space() {
        let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(Metadata::MAX_BYTES - 8));
        assert_eq!(fits.len(), Metadata::MAX_BYTES);
        assert!(Metadata::parse(&fits).is_ok());
        assert!(Metadata::parse(&fits.replace(':', &format!(":{}", " ".repeat(100)))).is_ok());
        assert_eq!(Metadata::parse(&fits.replace("x\"", "xx\"")).unwrap_err().1.code, "too_large");
    }

    #[test]
    fn sixteen_levels_pass_and_seventeen_do_not() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(Metadata::parse(&nested(16)).is_ok());
        assert_eq!(Metadata::parse(&nested(17)).unwrap_err().1.code, "too_deep");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in ["{\"a\":1 2}", "{\"a\":tr ue}", "{\"a\":1}}", "{", "{\"a\":1e400}"] {
            assert_eq!(Metadata::parse(bad).unwrap_err().1.code, "invalid_json", "{bad}");
        }
        assert_eq!(Metadata::parse("nu ll").unwrap_err().1.code, "invalid_type");
    }

    #[test]
    fn a_damaged_row_is_an_error() {
        assert!(Metadata::from_stored("{\"a\":".to_owned()).is_err());
    }
}
