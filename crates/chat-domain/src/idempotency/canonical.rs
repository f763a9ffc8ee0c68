//! One text for all spellings of a JSON value: keys in order, strings spelt one way, no white space.
//!
//! It works on the text and never on numbers: whoever reads `12345678901234567890123` as a float loses the last digits,
//! and two commands would look like one. So `1` and `1.0` are two values here, which does no harm: a client that repeats
//! a request repeats its text.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The canonical text of a JSON text.
///
/// # Errors
/// Where it is not JSON.
pub(super) fn canonical(text: &str) -> Result<String, serde_json::Error> {
    let mut out = String::with_capacity(text.len());
    write(serde_json::from_str(text)?, &mut out)?;
    Ok(out)
}

/// Recursion is bounded by the depth that metadata may have, and the few levels of a command around it.
fn write(value: &RawValue, out: &mut String) -> Result<(), serde_json::Error> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            enclosed('{', '}', entries, out, |(key, value), out| {
                out.push_str(&serde_json::to_string(&key)?);
                out.push(':');
                write(value, out)
            })
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            enclosed('[', ']', items, out, write)
        }
        Some(b'"') => {
            let plain: String = serde_json::from_str(text)?;
            out.push_str(&serde_json::to_string(&plain)?);
            Ok(())
        }
        _ => {
            out.push_str(text);
            Ok(())
        }
    }
}

fn enclosed<T>(
    open: char,
    close: char,
    parts: impl IntoIterator<Item = T>,
    out: &mut String,
    mut write: impl FnMut(T, &mut String) -> Result<(), serde_json::Error>,
) -> Result<(), serde_json::Error> {
    out.push(open);
    for (number, part) in parts.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write(part, out)?;
    }
    out.push(close);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_spelling_and_white_space_make_no_difference() {
        let one = r#"{"a":[1,{"c":null,"b":"x/"}],"b":"é"}"#;
        let other = " { \"\\u0062\" : \"\\u00e9\" ,\n\"a\" : [ 1 , { \"b\" : \"\\u0078\\/\" , \"c\" : null } ] } ";
        assert_eq!(canonical(one).unwrap(), r#"{"a":[1,{"b":"x/","c":null}],"b":"é"}"#);
        assert_eq!(canonical(other).unwrap(), canonical(one).unwrap());
    }

    #[test]
    fn a_number_keeps_its_text() {
        for text in ["12345678901234567890123", "-0.0", "0.1000000000000000055", "1E2", "[0,-0,1.10]"] {
            assert_eq!(canonical(text).unwrap(), text);
        }
    }

    #[test]
    fn a_string_is_not_taken_for_what_it_looks_like() {
        assert_ne!(canonical(r#""1""#).unwrap(), canonical("1").unwrap());
        assert_eq!(canonical(r#""\"},{\"""#).unwrap(), r#""\"},{\"""#);
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for bad in ["", "{", r#"{"a":"\ud800"}"#, "[1 2]"] {
            assert!(canonical(bad).is_err(), "{bad}");
        }
    }
}
