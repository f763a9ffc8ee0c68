//! The fields of log lines for people. The stock formatter prints what an error says as it is, line feeds included; here
//! an event is one line, whatever its values hold.

use std::error::Error;
use std::fmt::{self, Write};

use chat_domain::error::chain;
use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Prints `name=value`, and a message without its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct InOneLine;

impl<'writer> FormatFields<'writer> for InOneLine {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut printer = Printer { out: Escaped(writer), begun: false, printed: Ok(()) };
        fields.record(&mut printer);
        printer.printed
    }
}

struct Printer<W> {
    out: Escaped<W>,
    begun: bool,
    printed: fmt::Result,
}

impl<W: Write> Printer<W> {
    fn print(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let space = if self.begun { " " } else { "" };
        self.begun = true;
        self.printed = self.printed.and_then(|()| match field.name() {
            "message" => write!(self.out, "{space}{value}"),
            name => write!(self.out, "{space}{name}={value}"),
        });
    }
}

impl<W: Write> Visit for Printer<W> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.print(field, format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.print(field, format_args!("{:?}", chain(value)));
    }
}

/// Writes what would break a line or turn it round as its number.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((plain, special, after)) = cut(rest) {
            self.0.write_str(plain)?;
            write!(self.0, "{}", special.escape_unicode())?;
            rest = after;
        }
        self.0.write_str(rest)
    }
}

/// The text before the first character that is special, that character, and the text after it.
fn cut(text: &str) -> Option<(&str, char, &str)> {
    let (at, special) = text.char_indices().find(|(_, char)| is_special(*char))?;
    let (plain, rest) = text.split_at_checked(at)?;
    Some((plain, special, rest.get(special.len_utf8()..)?))
}

fn is_special(char: char) -> bool {
    let turns = matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::json::tests::Written;
    use super::*;

    impl MakeWriter<'_> for Written {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn printed(log: impl FnOnce()) -> String {
        let written = Written::default();
        let layer = tracing_subscriber::fmt::layer().compact().fmt_fields(InOneLine);
        let layer = layer.with_ansi(false).without_time().with_writer(written.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        written.text()
    }

    #[test]
    fn an_event_and_its_span_are_one_line() {
        let line = printed(|| {
            let span = tracing::info_span!("request", request_id = "r-1", trace_id = tracing::field::Empty);
            span.record("trace_id", "t-1");
            span.in_scope(|| tracing::info!(status = 201, code = None::<&str>, "request"));
        });
        assert_eq!(line.lines().count(), 1);
        for part in ["INFO", "request status=201", "request_id=\"r-1\"", "trace_id=\"t-1\""] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(!line.contains("code"), "{line}");
    }

    #[test]
    fn no_value_breaks_the_line_or_turns_it_round() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Evil(&'static str);

        const EVIL: &str = "x\nERROR forged\r\u{1b}[31m\u{202e}\u{2028}\u{85}";
        let line = printed(|| {
            let error = &Evil(EVIL) as &dyn Error;
            tracing::info!(text = EVIL, debug = ?EVIL, display = %EVIL, error, "{EVIL}");
        });
        assert_eq!(line.lines().count(), 1, "{line:?}");
        let body = line.trim_end_matches('\n');
        assert!(!body.contains(|char: char| is_special(char)), "{line:?}");
        assert_eq!(body.matches("forged").count(), 4, "an error is told by its first line: {line:?}");
    }
}
