//! One emoji, as a reaction shows it.

use std::fmt;
use std::str::FromStr;

use crate::fault::Rejection;

/// An emoji that Unicode recommends for use everywhere: one picture, with its skin tones, joined parts, flag or keycap.
///
/// It is kept in the one spelling that Unicode calls fully qualified, so that clients which leave out the selector of the
/// picture (`❤` for `❤️`) mean the same emoji. That spelling is in NFC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(&'static str);

impl Emoji {
    /// The longest emoji, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Its text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for Emoji {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        if text.len() > Self::MAX_BYTES {
            return Err(Rejection::new("too_long", "must be at most 64 bytes"));
        }
        let known = emojis::get(text).map(|emoji| Self(emoji.as_str()));
        known.ok_or_else(|| Rejection::new("not_an_emoji", "must be one emoji"))
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    fn code(text: &str) -> &'static str {
        text.parse::<Emoji>().unwrap_err().code
    }

    #[test]
    fn an_emoji_is_one_picture_however_many_parts_it_is_made_of() {
        for emoji in ["👍", "👍🏽", "👨‍👩‍👧‍👦", "👩🏿‍❤️‍💋‍👨🏻", "🏳️‍🌈", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "#️⃣", "❤️", "🫡"]
        {
            assert_eq!(emoji.parse::<Emoji>().unwrap().as_str(), emoji);
        }
    }

    #[test]
    fn what_is_no_emoji_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "1",
            "#",
            "thumbsup",
            ":+1:",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "👍\0",
            "🇩",
            "ü",
            "\u{200d}",
            "\u{fe0f}",
            "❤\u{fe0e}",
            "👍\u{200d}👍",
            "日",
            "<b>",
            "\u{202e}👍",
        ] {
            assert_eq!(code(text), "not_an_emoji", "{text:?}");
        }
        assert_eq!(code(&"👍".repeat(17)), "too_long");
        assert_eq!(code(&"👍".repeat(16)), "not_an_emoji");
    }

    #[test]
    fn an_emoji_without_the_selector_of_its_picture_is_the_same_emoji() {
        for (short, whole) in [("❤", "❤️"), ("1⃣", "1️⃣"), ("🏳‍🌈", "🏳️‍🌈")] {
            assert_eq!(short.parse::<Emoji>().unwrap().as_str(), whole);
        }
    }

    #[test]
    fn each_emoji_is_in_nfc_and_short_and_nothing_becomes_one_by_normalisation() {
        for emoji in emojis::iter().flat_map(|emoji| emoji.skin_tones().into_iter().flatten().chain([emoji])) {
            assert!(emoji.as_str().len() <= Emoji::MAX_BYTES, "{emoji}");
            assert!(emoji.as_str().nfc().eq(emoji.as_str().chars()), "{emoji}");
        }
        for char in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let normal: String = std::iter::once(char).nfc().collect();
            let is_normal = normal.chars().eq([char]);
            assert!(is_normal || emojis::get(&normal).is_none(), "{char:?}");
        }
    }
}
