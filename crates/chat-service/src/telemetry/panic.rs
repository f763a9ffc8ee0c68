//! Panics as events of the log.
//!
//! What a panic says may quote the value that it is about, and so what somebody said. Only the place is told, and what
//! stands in the code word for word; the way there, where `RUST_BACKTRACE` asks for it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

/// From now on panics are told here and nowhere else.
pub(super) fn listen() {
    std::panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    tracing::error!(
        place = panic.location().map(display),
        said = panic.payload().downcast_ref::<&'static str>(),
        backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| display(&backtrace)),
        "panicked"
    );
}

#[cfg(test)]
mod tests {
    use super::super::json::tests::lines;
    use super::*;

    #[test]
    fn a_panic_tells_its_place_and_no_value() {
        let before = std::panic::take_hook();
        let lines = lines(|| {
            listen();
            let secret = String::from("hunter2");
            _ = std::panic::catch_unwind(|| panic!("no place for {secret}"));
            _ = std::panic::catch_unwind(|| panic!("word for word"));
        });
        std::panic::set_hook(before);
        let lines: Vec<_> = lines.iter().filter(|line| line["message"] == "panicked").collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line["place"].as_str().unwrap().contains("panic.rs:")));
        assert_eq!((&lines[0]["said"], &lines[1]["said"]), (&serde_json::Value::Null, &"word for word".into()));
        assert!(!format!("{lines:?}").contains("hunter2"));
    }
}
