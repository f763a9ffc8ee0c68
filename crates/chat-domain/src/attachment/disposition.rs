//! How a file is offered for download: `Content-Disposition` (RFC 6266), with its name in two spellings.

use std::fmt::Write as _;

use super::name::FileName;

/// The value of the header: `attachment`, a name that everybody can read, and the name itself where that is another.
#[must_use]
pub fn disposition(name: &FileName) -> String {
    let plain: String = name.as_str().chars().map(|char| if is_plain(char) { char } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != name.as_str() {
        value.push_str("; filename*=UTF-8''");
        name.as_str().bytes().for_each(|byte| push(&mut value, byte));
    }
    value
}

/// Within quotes no reader of this header sees more than a letter in it; some decode `%`.
const fn is_plain(char: char) -> bool {
    matches!(char, ' '..='~') && !matches!(char, '"' | '\\' | '%')
}

/// As RFC 8187 has it.
fn push(value: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
        value.push(char::from(byte));
    } else {
        // A String takes all that is written to it.
        _ = write!(value, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_in_two_spellings_where_one_is_not_enough() {
        for (name, value) in [
            ("a b.txt", r#"attachment; filename="a b.txt""#),
            ("a'b;c.txt", r#"attachment; filename="a'b;c.txt""#),
            ("100%.txt", r#"attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt"#),
            ("ü 日.txt", r#"attachment; filename="_ _.txt"; filename*=UTF-8''%C3%BC%20%E6%97%A5.txt"#),
        ] {
            assert_eq!(disposition(&FileName::of(Some(name))), value);
        }
    }
}
