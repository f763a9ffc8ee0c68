//! A second look at a body that was refused: all that is wrong with it, each fault with its place.
//!
//! Good requests never come here. First the whole text is held to be JSON, which is a 400 where it is not; then each
//! field is read by itself.

use std::fmt;

use chat_domain::access::Caller;
use chat_domain::fault::{Faults, Place, Rejection};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::body::Media;
use super::wire::{Body, pointer};
use crate::problem::{Kind, Problem};

/// Brackets within brackets, at most.
const MAX_DEPTH: usize = 128;

/// All faults of a body.
///
/// # Errors
/// Where the text is no JSON.
pub(super) fn examine<T: Body>(text: &[u8], media: Media, caller: Option<&Caller>) -> Result<Faults, Problem> {
    let Some(members) = members(text)? else {
        return Ok(Faults::body("", Rejection::new("invalid_type", "must be an object")));
    };
    let mut faults = Faults::none();
    let mut body = T::default();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in &members {
        let rejection = if !T::NAMES.contains(&name.as_str()) {
            Rejection::new("unknown_field", "is not known")
        } else if seen.contains(&name.as_str()) {
            Rejection::new("duplicate_field", "stands twice")
        } else {
            seen.push(name);
            match body.set(name, value) {
                Ok(()) => continue,
                Err(rejection) => rejection,
            }
        };
        faults.add(Place::Body, pointer(name), rejection);
    }
    faults.extend(body.faults(media, caller));
    Ok(faults)
}

/// Whether a text is JSON in every part of it, those that the strict reader takes as they are included.
///
/// # Errors
/// Where it is not.
pub(super) fn check_syntax(text: &[u8]) -> Result<(), Problem> {
    members(text).map(drop)
}

/// The members of the outermost object, each of them whole JSON; `None` where the text is JSON, but no object.
fn members(text: &[u8]) -> Result<Option<Vec<(String, &RawValue)>>, Problem> {
    if depth(text) > MAX_DEPTH {
        return Err(malformed("brackets within brackets, too deep"));
    }
    if text.trim_ascii_start().first() != Some(&b'{') {
        return whole(text).map(|()| None).map_err(|error| broken(error, 0));
    }
    let Members(members) = serde_json::from_slice(text).map_err(|error| broken(error, 0))?;
    for (_, value) in &members {
        let value = value.get().as_bytes();
        whole(value).map_err(|error| broken(error, value.as_ptr().addr().saturating_sub(text.as_ptr().addr())))?;
    }
    Ok(Some(members))
}

fn whole(text: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<Value>(text).map(drop)
}

/// What a parser stopped at. Its message quotes nothing of the text; its position counts from within a part of it, and is
/// for the log alone.
fn broken(error: serde_json::Error, begins: usize) -> Problem {
    let message = error.to_string();
    let problem = malformed(message.split(" at line ").next().unwrap_or_default());
    if begins == 0 { problem.because(error) } else { problem.because(Within { begins, error }) }
}

fn malformed(message: &str) -> Problem {
    Problem::new(Kind::MalformedJson, format!("The body is not valid JSON: {message}."))
}

/// The place of a fault in a member that is read by itself.
#[derive(Debug, thiserror::Error)]
#[error("in the value that begins at byte {begins}")]
struct Within {
    begins: usize,
    #[source]
    error: serde_json::Error,
}

/// The deepest nesting of brackets outside strings.
fn depth(text: &[u8]) -> usize {
    let (mut deepest, mut depth, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The members of an object in their order, doubled ones included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = entries.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings() {
        assert_eq!(depth(br#"{"a":[1,"[[[\"[[",{}]}"#), 3);
        assert_eq!(depth(b"]]]["), 1);
    }

    #[test]
    fn what_a_parser_refuses_is_no_json_wherever_it_stands() {
        for bad in [
            "",
            " ",
            "{",
            "{}x",
            "nul",
            "{\"a\":1,}",
            "{'a':1}",
            r#"{"a":1e400}"#,
            r#"{"a":-1e400}"#,
            r#"{"a":{"b":["\ud800"]}}"#,
            r#"{"\udc00":1}"#,
            r#"{"a":01}"#,
            r#"{"a":NaN}"#,
            "\u{feff}{}",
            "{\"a\":\"\n\"}",
        ] {
            assert_eq!(check_syntax(bad.as_bytes()).unwrap_err().kind(), Kind::MalformedJson, "{bad:?}");
        }
        assert!(check_syntax(b"{\"a\":\"\xff\"}").is_err());
        for good in ["{}", " [1] ", "null", r#"{"a":-0.0,"b":1e300,"c":123456789012345678901234567890}"#] {
            assert!(check_syntax(good.as_bytes()).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_hundred_and_twenty_eight_brackets_are_json_and_one_more_is_not() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(check_syntax(nested(128).as_bytes()).is_ok());
        assert!(check_syntax(nested(129).as_bytes()).is_err());
        assert!(check_syntax("[".repeat(200_000).as_bytes()).is_err());
    }
}
