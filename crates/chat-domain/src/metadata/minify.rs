//! Leaves out the white space between the tokens of a JSON text, so that its size is that of what it says.

/// The same JSON text without white space outside strings. The text must be valid JSON.
pub(super) fn minify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_string = false;
    let mut escaped = false;
    for char in text.chars() {
        if in_string {
            out.push(char);
            match char {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
        } else if !matches!(char, ' ' | '\t' | '\n' | '\r') {
            in_string = char == '"';
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::minify;

    #[test]
    fn white_space_goes_between_tokens_and_stays_in_strings() {
        assert_eq!(minify("{ \"a b\" : [ 1 ,\t\"\\\" x\" ],\r\n\"c\\\\\": -0.0 }"), r#"{"a b":[1,"\" x"],"c\\":-0.0}"#);
    }
}
