//! Percent-encoding, taken to the letter: what cannot be decoded is a fault, never a replacement character.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What RFC 3986 calls unreserved stays; all else is encoded.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As [`COMPONENT`], for a path that is encoded already: its slashes, escapes and sub-delimiters stay.
const PATH: &AsciiSet = &COMPONENT
    .remove(b'/')
    .remove(b'%')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The text that was meant; `None` where an escape is broken or what it hides is not UTF-8.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let whole = |escape: &str| escape.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(whole) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok()
}

/// As a segment of a path or as a name or value of a query.
pub(crate) fn encode_component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// A path that came with a request, safe within a header.
pub(crate) fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        for text in ["a", "a/b", "a b+c%", "ü", "日本", "\u{0}", "?&=#"] {
            assert_eq!(decode(&encode_component(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn broken_escapes_and_broken_utf_8_are_refused() {
        for text in ["%", "%2", "%zz", "a%%41", "%ff", "%c3", "%ed%a0%80"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn a_path_that_is_encoded_stays_as_it_is() {
        assert_eq!(encode_path("/api/v1/users/a%2Fb@x/sessions"), "/api/v1/users/a%2Fb@x/sessions");
        assert_eq!(encode_path("/a\"<ü>"), "/a%22%3C%C3%BC%3E");
    }
}
