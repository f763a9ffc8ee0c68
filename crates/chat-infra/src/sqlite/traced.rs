//! What a trace shows of a connection's thread: the statements, each within the work of the caller that it is run for.

use std::cell::Cell;

use tracing::Span;
use tracing::span::EnteredSpan;

use crate::operation::{System, statement};

/// So many statements of one piece of work are shown: of a large batch the first ones, since one is like the other.
const SHOWN: u16 = 32;

thread_local! {
    /// How many of the present work may still be shown; none of work that is not traced.
    static LEFT: Cell<u16> = const { Cell::new(0) };
}

/// Does the work of a caller within the caller's span.
pub(super) fn within<T>(span: &Span, work: impl FnOnce() -> T) -> T {
    LEFT.set(if span.is_disabled() { 0 } else { SHOWN });
    span.in_scope(work)
}

/// A statement under way, shown until this is dropped.
#[must_use = "a statement is shown for as long as this lives"]
pub(super) struct Shown(#[expect(dead_code, reason = "its end is what it is for")] Option<EnteredSpan>);

/// Shows a statement of the present work, where that is traced, under a name that was written down with it.
pub(super) fn shown(name: &'static str) -> Shown {
    let left = LEFT.get();
    if left == 0 {
        return Shown(None);
    }
    LEFT.set(left - 1);
    Shown(Some(statement(System::Sqlite, name).entered()))
}
