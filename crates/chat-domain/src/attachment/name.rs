//! What a file may be called: a name that does no harm wherever somebody saves it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::fault::Rejection;

/// What a file is called that has no name, or none that is left.
const NAMELESS: &str = "file";
/// So much after the last dot still tells what kind of file it is, and is kept where a name is cut, in bytes.
const LONGEST_ENDING: usize = 16;

/// The name of a file: one segment of a path, without characters that steer a terminal, a header or the direction of
/// writing, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName(Arc<str>);

impl FileName {
    /// The longest, in bytes of UTF-8: what file systems take.
    pub const MAX_BYTES: usize = 255;

    /// Makes a safe name of what a client calls its file.
    #[must_use]
    pub fn of(said: Option<&str>) -> Self {
        let said = said.unwrap_or_default();
        let last = said.split(['/', '\\']).rfind(|segment| !segment.is_empty()).unwrap_or_default();
        let safe: String = last.chars().filter(|char| !is_hidden(*char)).map(harmless).collect();
        let trimmed = trimmed(&safe);
        let cut = trimmed_end(&cut(trimmed)).to_owned();
        Self(if cut.is_empty() { NAMELESS.into() } else { cut.into() })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that nobody sees, or that change how others are seen.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// What some system or program takes for more than a letter becomes a line.
const fn harmless(char: char) -> char {
    match char {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        other => other,
    }
}

/// Without what hides a file, or what some systems drop by themselves.
fn trimmed(name: &str) -> &str {
    trimmed_end(name.trim_start_matches(|char: char| char == '.' || char.is_whitespace()))
}

fn trimmed_end(name: &str) -> &str {
    name.trim_end_matches(|char: char| char == '.' || char.is_whitespace())
}

/// At most as long as a name may be; what tells its kind is kept.
fn cut(name: &str) -> String {
    if name.len() <= FileName::MAX_BYTES {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|dot| name.get(dot..)).filter(|ending| ending.len() <= LONGEST_ENDING);
    let ending = ending.unwrap_or_default();
    let mut room = FileName::MAX_BYTES - ending.len();
    while !name.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}{ending}", name.get(..room).unwrap_or_default())
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FileName {
    type Err = Rejection;

    /// Takes a name that is safe already, as a store keeps it.
    fn from_str(text: &str) -> Result<Self, Rejection> {
        let name = Self::of(Some(text));
        if name.as_str() == text { Ok(name) } else { Err(Rejection::new("invalid_value", "must be a safe file name")) }
    }
}

impl Serialize for FileName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn safe(said: &str) -> String {
        FileName::of(Some(said)).to_string()
    }

    #[test]
    fn an_ordinary_name_stays_as_it_is() {
        for name in ["a.txt", "Ünïcode – 日本語.pdf", "two words.tar.gz", "emoji 👩‍👩‍👧.png", "it's (1) [2] {3}.md"]
        {
            assert_eq!(safe(name), name);
        }
    }

    #[test]
    fn of_a_path_the_last_segment_is_left() {
        for (said, name) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ann\\report.docx", "report.docx"),
            ("/", "file"),
            ("..", "file"),
            ("a/..", "file"),
            ("a/b/", "b"),
            ("..\\..\\", "file"),
        ] {
            assert_eq!(safe(said), name, "{said:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_left_out() {
        for (said, name) in [
            ("a\0b.txt", "ab.txt"),
            ("a\r\nX-Evil: 1.txt", "aX-Evil_ 1.txt"),
            ("\u{1b}[31mred.txt", "[31mred.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("a\u{200f}\u{2066}\u{2069}\u{feff}b", "ab"),
            ("a\u{2028}b\u{85}c", "abc"),
        ] {
            assert_eq!(safe(said), name, "{said:?}");
        }
    }

    #[test]
    fn what_hides_a_file_or_means_something_to_a_system_goes() {
        assert_eq!(safe(".htaccess"), "htaccess");
        assert_eq!(safe(" name. . "), "name");
        assert_eq!(safe("a<b>:\"|?*.txt"), "a_b______.txt");
    }

    #[test]
    fn a_file_without_a_name_is_called_file() {
        assert_eq!(FileName::of(None).as_str(), "file");
        for nothing in ["", " ", "...", "\0", "\u{202e}"] {
            assert_eq!(safe(nothing), "file", "{nothing:?}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_before_its_ending() {
        let long = safe(&format!("{}.pdf", "x".repeat(5_000)));
        assert_eq!(long, format!("{}.pdf", "x".repeat(251)));
        let long = safe(&format!("{}.pdf", "ü".repeat(5_000)));
        assert_eq!(long, format!("{}.pdf", "ü".repeat(125)));
        assert_eq!(safe(&"y".repeat(5_000)), "y".repeat(255));
        assert_eq!(safe(&format!("a.{}", "z".repeat(5_000))).len(), 255);
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_name_is_safe_and_stays_what_it_is(said in any::<String>()) {
            let name = FileName::of(Some(&said));
            prop_assert!(!name.as_str().is_empty() && name.as_str().len() <= FileName::MAX_BYTES);
            prop_assert!(!name.as_str().contains(['/', '\\', '\0', '\r', '\n', '"']) && !name.as_str().starts_with('.'));
            prop_assert_eq!(name.as_str().parse::<FileName>(), Ok(name.clone()));
        }
    }
}
