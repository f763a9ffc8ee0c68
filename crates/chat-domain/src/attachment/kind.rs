//! What a file is: its bytes say so, and nobody's word counts.

use std::str::FromStr;

use infer::MatcherType;

/// Text in UTF-8 that is nothing more.
pub(super) const PLAIN_TEXT: &str = "text/plain";
/// What nobody knows.
pub(super) const UNKNOWN: &str = "application/octet-stream";

/// Text that is more than text, whatever it is made of.
const MORE_THAN_TEXT: [&str; 2] = ["application/pdf", "application/rtf"];

/// What files are taken for that begin like this; `is_text` where all of the file is readable text.
pub(super) fn sniffed(head: &[u8], is_text: bool) -> &'static str {
    // Some kinds are known by two letters, with which any text may begin.
    let told = |kind: &infer::Type| {
        !is_text || kind.matcher_type() == MatcherType::Text || MORE_THAN_TEXT.contains(&kind.mime_type())
    };
    match infer::get(head).filter(told) {
        Some(kind) => kind.mime_type(),
        None if is_text => PLAIN_TEXT,
        None => UNKNOWN,
    }
}

/// Whether a client that called its file this has told the truth, or nothing.
pub(super) fn agrees(declared: &str, sniffed: &str) -> bool {
    let declared = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let usual = match declared.as_str() {
        "" | UNKNOWN | "binary/octet-stream" => return true,
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "audio/mp3" => "audio/mpeg",
        "audio/wav" | "audio/wave" => "audio/x-wav",
        "audio/mp4" | "audio/x-m4a" => "audio/m4a",
        "application/x-zip-compressed" => "application/zip",
        "application/xml" => "text/xml",
        other => other,
    };
    usual == sniffed || (sniffed == PLAIN_TEXT && is_a_kind_of_text(usual))
}

/// Texts that nothing in their bytes tells from others. A page is not one of them.
fn is_a_kind_of_text(declared: &str) -> bool {
    let is_text = declared.starts_with("text/") && declared != "text/html";
    is_text || matches!(declared, "application/json" | "application/x-ndjson" | "application/yaml" | "application/sql")
}

/// The kinds of files that are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedTypes(Vec<String>);

/// A text that names no kind of file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no media type such as image/png or image/*")]
pub struct InvalidType(String);

impl AllowedTypes {
    /// Reads a list of media types; `image/*` stands for all images.
    ///
    /// # Errors
    /// The first that is none.
    pub fn new<T: AsRef<str>>(types: impl IntoIterator<Item = T>) -> Result<Self, InvalidType> {
        types.into_iter().map(|text| checked(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether files of this kind are taken.
    #[must_use]
    pub fn allow(&self, content_type: &str) -> bool {
        let fits = |allowed: &String| match allowed.strip_suffix('*') {
            Some(family) => content_type.starts_with(family),
            None => allowed == content_type,
        };
        self.0.iter().any(fits)
    }
}

impl FromStr for AllowedTypes {
    type Err = InvalidType;

    fn from_str(text: &str) -> Result<Self, InvalidType> {
        Self::new(text.split(',').map(str::trim).filter(|text| !text.is_empty()))
    }
}

fn checked(text: &str) -> Result<String, InvalidType> {
    let lower = text.trim().to_ascii_lowercase();
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_'))
    };
    let sound = lower.split_once('/').is_some_and(|(family, kind)| is_token(family) && (kind == "*" || is_token(kind)));
    if sound { Ok(lower) } else { Err(InvalidType(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn bytes_say_what_a_file_is() {
        for (head, is_text, kind) in [
            (PNG, false, "image/png"),
            (b"\xff\xd8\xff\xe0", false, "image/jpeg"),
            (b"GIF89a\0\0", false, "image/gif"),
            (b"%PDF-1.7\n", true, "application/pdf"),
            (b"hello", true, "text/plain"),
            (b"BC, MZ and BM are but letters", true, "text/plain"),
            (b"MZ\x90\0", false, "application/vnd.microsoft.portable-executable"),
            (b"<!DOCTYPE html><p>", true, "text/html"),
            (b" \n<script >alert(1)</script>", true, "text/html"),
            (b"<?xml version='1.0'?><svg/>", true, "text/xml"),
            (b"#!/bin/sh\n", true, "text/x-shellscript"),
            (b"\0\x01\x02", false, UNKNOWN),
            (b"", true, "text/plain"),
        ] {
            assert_eq!(sniffed(head, is_text), kind, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn a_client_may_say_nothing_or_the_truth() {
        for (declared, sniffed) in [
            ("", "image/png"),
            ("application/octet-stream", "image/png"),
            ("image/PNG", "image/png"),
            ("image/jpg", "image/jpeg"),
            ("text/csv; charset=utf-8", PLAIN_TEXT),
            ("application/json", PLAIN_TEXT),
        ] {
            assert!(agrees(declared, sniffed), "{declared} {sniffed}");
        }
        for (declared, sniffed) in [
            ("image/png", "image/jpeg"),
            ("image/png", "text/html"),
            ("text/plain", "text/html"),
            ("text/html", PLAIN_TEXT),
            ("image/svg+xml", PLAIN_TEXT),
            ("image/svg+xml", "text/xml"),
            ("text/plain", UNKNOWN),
            ("nonsense", PLAIN_TEXT),
        ] {
            assert!(!agrees(declared, sniffed), "{declared} {sniffed}");
        }
    }

    #[test]
    fn a_list_names_kinds_and_families() {
        let allowed: AllowedTypes = "image/*, application/pdf,text/Plain,".parse().unwrap();
        for kind in ["image/png", "image/gif", "application/pdf", "text/plain"] {
            assert!(allowed.allow(kind), "{kind}");
        }
        for kind in ["text/html", "application/zip", "imagex/png", "application/pdfx"] {
            assert!(!allowed.allow(kind), "{kind}");
        }
        for bad in ["png", "image/", "/png", "*/*", "image/p*", "a b/c"] {
            assert!(bad.parse::<AllowedTypes>().is_err(), "{bad}");
        }
    }

    /// Beginnings that lead deep into what looks at them.
    const BEGINNINGS: [&[u8]; 9] = [
        b"",
        b"PK\x03\x04",
        b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\x13\0\0\0[Content_Types].xml",
        b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x0b\0\0\0_rels/.relsPK\x03\x04",
        b"\0\0\0\x20ftypmp42",
        b"RIFF\0\0\0\0WEBP",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\x1a\x45\xdf\xa3",
        b"dey\n",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_bytes_bring_the_look_at_them_down(
            beginning in prop::sample::select(&BEGINNINGS[..]),
            rest in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let head = [beginning, &rest].concat();
            for end in [head.len(), head.len() / 2, beginning.len() / 2] {
                prop_assert!(sniffed(&head[..end], false).contains('/'));
            }
        }
    }
}
