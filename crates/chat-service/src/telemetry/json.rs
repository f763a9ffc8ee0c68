//! JSON log lines, written without a detour.
//!
//! The stock formatter parses a span's fields again for every event. Here a span keeps its fields as the text that they
//! will be printed as, and a line is put together in one buffer and written by one call, so that lines never mix.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chat_domain::clock::Clock;
use chat_domain::error::chain;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A layer that writes each event as one JSON object and a line feed.
pub(super) struct JsonLines<C, W> {
    clock: C,
    out: Mutex<W>,
}

impl<C: Clock, W: Write + Send + 'static> JsonLines<C, W> {
    pub(super) const fn new(clock: C, out: W) -> Self {
        Self { clock, out: Mutex::new(out) }
    }
}

impl<C, W, S> Layer<S> for JsonLines<C, W>
where
    C: Clock,
    W: Write + Send + 'static,
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut members = Members::of_span();
            attributes.record(&mut members);
            span.extensions_mut().insert(members);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(members) = span.extensions_mut().get_mut::<Members>()
        {
            values.record(members);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut members = Members::of_line();
        members.printed("timestamp", format_args!("{}", self.clock.now()));
        members.text("level", metadata.level().as_str());
        members.text("target", metadata.target());
        event.record(&mut members);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(inherited) = span.extensions().get::<Members>() {
                members.inherit(inherited);
            }
        }
        let line = members.into_line();
        // A log that cannot be written is no reason to stop serving, and there is nowhere left to say so.
        _ = self.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// Members of a JSON object, each printed and followed by a comma.
struct Members {
    text: String,
    /// The name of each member, and where it ends in the text.
    ends: Vec<(&'static str, usize)>,
}

impl Members {
    /// Of a line, with room for what most lines hold.
    fn of_line() -> Self {
        let mut text = String::with_capacity(512);
        text.push('{');
        Self { text, ends: Vec::with_capacity(16) }
    }

    /// Of a span, with room for its ids.
    fn of_span() -> Self {
        Self { text: String::with_capacity(128), ends: Vec::with_capacity(4) }
    }

    /// Prints a member; what is recorded again later (on a span) is printed again, and the log keeps the first.
    fn member(&mut self, name: &'static str, print: impl FnOnce(&mut Self)) {
        // Names stand in the code.
        self.text.extend(["\"", name, "\":"]);
        print(self);
        self.text.push(',');
        self.ends.push((name, self.text.len()));
    }

    fn text(&mut self, name: &'static str, value: &str) {
        self.string(name, |inside| inside.write_str(value));
    }

    fn printed(&mut self, name: &'static str, value: fmt::Arguments<'_>) {
        self.string(name, |inside| inside.write_fmt(value));
    }

    fn string(&mut self, name: &'static str, print: impl FnOnce(&mut Escaped<'_>) -> fmt::Result) {
        self.member(name, |members| {
            members.text.push('"');
            // Writing to a string cannot fail.
            _ = print(&mut Escaped(&mut members.text));
            members.text.push('"');
        });
    }

    fn bare(&mut self, name: &'static str, value: impl fmt::Display) {
        self.member(name, |members| _ = write!(members.text, "{value}"));
    }

    /// Takes over the members whose names are not there yet: an object has each name once.
    fn inherit(&mut self, other: &Self) {
        let mut begin = 0;
        for &(name, end) in &other.ends {
            if let Some(member) = other.text.get(begin..end)
                && self.ends.iter().all(|(known, _)| *known != name)
            {
                self.text.push_str(member);
                self.ends.push((name, self.text.len()));
            }
            begin = end;
        }
    }

    fn into_line(self) -> String {
        let mut line = self.text;
        line.pop();
        line.push_str("}\n");
        line
    }
}

/// The inside of a JSON string. Line feeds and other control characters are escaped, so that a value stays in its line.
struct Escaped<'t>(&'t mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Without a way out in the middle, which lets the compiler look at many bytes at once.
        let special = |byte: u8| !matches!(byte, b' '..=b'~') | matches!(byte, b'"' | b'\\');
        if !text.bytes().fold(false, |found, byte| found | special(byte)) {
            self.0.push_str(text);
            return Ok(());
        }
        for char in text.chars() {
            match char {
                '"' | '\\' => self.0.extend(['\\', char]),
                '\u{2028}' | '\u{2029}' => write!(self.0, "\\u{:04x}", u32::from(char))?,
                _ if char.is_control() => write!(self.0, "\\u{:04x}", u32::from(char))?,
                _ => self.0.push(char),
            }
        }
        Ok(())
    }
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.printed(field.name(), format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field.name(), &chain(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no infinity and no NaN.
        if value.is_finite() { self.bare(field.name(), value) } else { self.text(field.name(), &value.to_string()) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use chat_domain::error::RepositoryError;
    use chat_domain::testing::fake::FakeClock;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    pub(in super::super) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(in super::super) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are logged.
    pub(in super::super) fn lines(log: impl FnOnce()) -> Vec<serde_json::Value> {
        let written = Written::default();
        let layer = JsonLines::new(FakeClock::new(), written.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        written.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_event_carries_the_fields_of_its_spans() {
        let lines = lines(|| {
            let span = tracing::info_span!("request", request_id = "r-1", status = tracing::field::Empty);
            span.record("status", 201_u16);
            span.in_scope(|| tracing::info!(elapsed_ms = 1.5, ok = true, "request"));
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!((&line["message"], &line["level"]), (&"request".into(), &"INFO".into()));
        assert_eq!((&line["request_id"], &line["status"]), (&"r-1".into(), &201.into()));
        assert_eq!((&line["elapsed_ms"], &line["ok"]), (&1.5.into(), &true.into()));
    }

    #[test]
    fn each_name_stands_once_in_a_line() {
        let written = Written::default();
        let layer = JsonLines::new(FakeClock::new(), written.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("request", request_id = "outer", trace_id = "t");
            span.in_scope(|| tracing::info!(request_id = "inner", "request"));
        });
        let line = written.text();
        assert_eq!((line.matches("request_id").count(), line.matches("trace_id").count()), (1, 1));
        assert!(line.contains(r#""request_id":"inner""#), "{line}");
    }

    #[test]
    fn a_value_cannot_forge_a_line() {
        let evil = "x\"}\n{\"level\":\"ERROR\",\u{2028}\u{1b}[31m\\";
        let lines = lines(|| tracing::info!(name = evil, dbg = ?evil, "m"));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["name"], evil);
        assert_eq!(lines[0]["level"], "INFO");
    }

    #[test]
    fn an_error_is_told_with_what_lies_behind_it() {
        let behind = std::io::Error::other("behind\nDETAIL: hunter2");
        let error = RepositoryError::unavailable(behind);
        let lines = lines(|| tracing::info!(error = &error as &dyn Error, "m"));
        assert_eq!(lines[0]["error"], "store unavailable: behind");
    }

    #[test]
    fn a_number_that_json_does_not_know_is_text() {
        let lines = lines(|| tracing::info!(ratio = f64::NAN, "m"));
        assert_eq!(lines[0]["ratio"], "NaN");
    }
}
