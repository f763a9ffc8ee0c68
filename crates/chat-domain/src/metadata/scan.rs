//! One walk over a JSON value that checks what the parser lets pass: depth, doubled keys and U+0000.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::fault::Rejection;

/// The rule that a walk found broken, and where: an RFC 6901 pointer below the value's own root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) pointer: String,
    pub(super) rejection: Rejection,
}

/// Walks a JSON text. `Ok(None)` where all rules hold; `Err` where it is not JSON at all.
pub(super) fn scan(text: &str, max_depth: usize) -> Result<Option<Broken>, serde_json::Error> {
    let mut broken = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let walk = Walk { depth: 0, max_depth, path: &mut Vec::new(), broken: &mut broken };
    match walk.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
        Err(error) if broken.is_none() => Err(error),
        _ => Ok(broken),
    }
}

struct Walk<'a> {
    depth: usize,
    max_depth: usize,
    path: &'a mut Vec<String>,
    broken: &'a mut Option<Broken>,
}

impl Walk<'_> {
    /// Notes the broken rule and ends the walk.
    fn stop<E: Error>(&mut self, code: &'static str, detail: impl Into<String>) -> E {
        let pointer = self
            .path
            .iter()
            .fold(String::new(), |pointer, step| pointer + "/" + &step.replace('~', "~0").replace('/', "~1"));
        *self.broken = Some(Broken { pointer, rejection: Rejection::new(code, detail) });
        E::custom("stopped")
    }

    fn inner(&mut self) -> Walk<'_> {
        Walk { depth: self.depth + 1, max_depth: self.max_depth, path: self.path, broken: self.broken }
    }

    fn enter<E: Error>(&mut self) -> Result<(), E> {
        if self.depth >= self.max_depth {
            let detail = format!("must be at most {} levels deep", self.max_depth);
            return Err(self.stop("too_deep", detail));
        }
        Ok(())
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        if text.contains('\0') { Err(self.stop("nul_character", "must not hold U+0000")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.enter()?;
        for index in 0_usize.. {
            self.path.push(index.to_string());
            let more = items.next_element_seed(self.inner())?;
            self.path.pop();
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.text(&key)?;
            self.path.push(key.clone());
            if !seen.insert(key) {
                return Err(self.stop("duplicate_field", "stands twice in its object"));
            }
            entries.next_value_seed(self.inner())?;
            self.path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> Option<(String, &'static str)> {
        scan(text, 3).unwrap().map(|broken| (broken.pointer, broken.rejection.code))
    }

    #[test]
    fn plain_values_pass() {
        assert_eq!(broken(r#"{"a":[1,-0.0,1e10,true,null,"x"],"b":{"c":{}}}"#), None);
    }

    #[test]
    fn a_doubled_key_is_found_at_any_depth_and_in_any_spelling() {
        assert_eq!(broken(r#"{"x":[{"a":1,"\u0061":2}]}"#), Some(("/x/0/a".to_owned(), "duplicate_field")));
    }

    #[test]
    fn nul_is_found_in_keys_and_values() {
        assert_eq!(broken(r#"{"a":"\u0000"}"#), Some(("/a".to_owned(), "nul_character")));
        assert_eq!(broken(r#"{"\u0000":1}"#).map(|b| b.1), Some("nul_character"));
    }

    #[test]
    fn depth_counts_brackets() {
        assert_eq!(broken(r#"{"a":{"b":{}}}"#), None);
        assert_eq!(broken(r#"{"a/~":{"b":{"c":[]}}}"#), Some(("/a~1~0/b/c".to_owned(), "too_deep")));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for bad in ["", "{", "{}x", r#"{"a":1e400}"#, r#"{"a":"\ud800"}"#, r#"{"a":01}"#] {
            assert!(scan(bad, 16).is_err(), "{bad}");
        }
    }
}
