//! A field of a request that may be absent, `null` or a value: three things that a partial update must tell apart.

use serde::{Deserialize, Deserializer};

use crate::fault::{Faults, Place, Rejection};

/// What a request said about one field. Deserialise it with `#[serde(default)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// The field was not sent.
    #[default]
    Absent,
    /// The field was sent as `null`.
    Null,
    /// The field was sent with a value.
    Value(T),
}

impl<T> Field<T> {
    /// The value, where one was sent.
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// For a field that must be there: notes a fault where it is absent or `null`.
    pub fn required(self, pointer: &str, faults: &mut Faults) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent => {
                faults.add(Place::Body, pointer, Rejection::new("missing_field", "is required"));
                None
            }
            Self::Null => {
                faults.add(Place::Body, pointer, Rejection::new("invalid_type", "must not be null"));
                None
            }
        }
    }

    /// For a field with a default: `null` is a fault, absence is not.
    pub fn optional(self, pointer: &str, faults: &mut Faults) -> Option<T> {
        match self {
            Self::Absent => None,
            present => present.required(pointer, faults),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        name: Field<String>,
    }

    fn read(text: &str) -> Field<String> {
        serde_json::from_str::<Body>(text).unwrap().name
    }

    #[test]
    fn absent_null_and_value_are_told_apart() {
        assert_eq!(read("{}"), Field::Absent);
        assert_eq!(read(r#"{"name":null}"#), Field::Null);
        assert_eq!(read(r#"{"name":"x"}"#), Field::Value("x".to_owned()));
    }

    #[test]
    fn a_required_field_says_whether_it_is_missing_or_null() {
        let mut faults = Faults::none();
        assert_eq!(Field::<u8>::Absent.required("/a", &mut faults), None);
        assert_eq!(Field::<u8>::Null.required("/b", &mut faults), None);
        assert_eq!(Field::<u8>::Null.optional("/c", &mut faults), None);
        assert_eq!(Field::<u8>::Absent.optional("/d", &mut faults), None);
        let codes: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.rejection.code)).collect();
        assert_eq!(codes, [("/a", "missing_field"), ("/b", "invalid_type"), ("/c", "invalid_type")]);
    }
}
