//! JSON Merge Patch (RFC 7396) on metadata, without losing a digit of what is not touched.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use super::model::Metadata;
use crate::fault::Rejection;

/// A checked merge patch: an object whose `null`s remove and whose other values replace or, object by object, merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePatch(Metadata);

impl MergePatch {
    /// Takes an object, under the same limits as metadata itself.
    #[must_use]
    pub const fn new(patch: Metadata) -> Self {
        Self(patch)
    }

    /// What the patch makes of an object.
    ///
    /// # Errors
    /// The rule of metadata that the result breaks: its size.
    pub fn apply(&self, target: &Metadata) -> Result<Metadata, (String, Rejection)> {
        let invalid = |_| (String::new(), Rejection::new("invalid_json", "must be JSON"));
        let mut merged = object(target.as_str()).map_err(invalid)?;
        merge(&mut merged, object(self.0.as_str()).map_err(invalid)?).map_err(invalid)?;
        let text = serde_json::to_string(&merged).map_err(invalid)?;
        Metadata::parse(&text)
    }
}

type Object = BTreeMap<String, Box<RawValue>>;

fn object(text: &str) -> Result<Object, serde_json::Error> {
    serde_json::from_str(text)
}

/// Recursion is bounded by the depth that metadata may have.
fn merge(target: &mut Object, patch: Object) -> Result<(), serde_json::Error> {
    for (key, value) in patch {
        if value.get() == "null" {
            target.remove(&key);
        } else if value.get().starts_with('{') {
            let mut inner = match target.get(&key) {
                Some(old) if old.get().starts_with('{') => Object::deserialize(&**old)?,
                _ => Object::new(),
            };
            merge(&mut inner, Object::deserialize(&*value)?)?;
            target.insert(key, serde_json::value::to_raw_value(&inner)?);
        } else {
            target.insert(key, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(target: &str, patch: &str) -> String {
        let patch = MergePatch::new(Metadata::parse(patch).unwrap());
        patch.apply(&Metadata::parse(target).unwrap()).unwrap().as_str().to_owned()
    }

    #[test]
    fn the_examples_of_rfc_7396_that_are_objects() {
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merged(target, patch), result, "{target} + {patch}");
        }
    }

    #[test]
    fn untouched_numbers_keep_their_digits() {
        assert_eq!(merged(r#"{"n":-0.0,"o":{"m":1.10}}"#, r#"{"o":{"x":1}}"#), r#"{"n":-0.0,"o":{"m":1.10,"x":1}}"#);
    }

    #[test]
    fn a_result_over_the_limit_is_refused() {
        let half = |key: &str| format!("{{\"{key}\":\"{}\"}}", "x".repeat(Metadata::MAX_BYTES / 2));
        let patch = MergePatch::new(Metadata::parse(&half("a")).unwrap());
        let error = patch.apply(&Metadata::parse(&half("b")).unwrap()).unwrap_err();
        assert_eq!(error.1.code, "too_large");
    }
}
