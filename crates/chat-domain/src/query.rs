//! Reading query parameters, which arrive as text, with every fault noted.

use crate::fault::{Faults, Place, Rejection};

/// The most rows that one page holds.
pub const MAX_LIMIT: u16 = 1_000;
/// The rows of a page where the caller does not say.
pub const DEFAULT_LIMIT: u16 = 100;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// Oldest first.
    #[default]
    Asc,
    /// Newest first.
    Desc,
}

impl Order {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// A whole number between two bounds, or the default where none was sent.
pub(crate) fn number(name: &str, text: Option<&str>, min: i64, max: i64, faults: &mut Faults) -> Option<i64> {
    let text = text?;
    let value = match text.parse::<i64>() {
        // `+5` and `-0` parse, but no client means them.
        Ok(value) if !text.starts_with('+') && text != "-0" => value,
        _ => {
            faults.add(Place::Query, pointer(name), Rejection::new("invalid_type", "must be a whole number"));
            return None;
        }
    };
    if (min..=max).contains(&value) {
        return Some(value);
    }
    let detail = if max == i64::MAX { format!("must be at least {min}") } else { format!("must be {min} to {max}") };
    faults.add(Place::Query, pointer(name), Rejection::new("out_of_range", detail));
    None
}

/// The number of rows of a page.
pub(crate) fn limit(name: &str, text: Option<&str>, min: i64, faults: &mut Faults) -> u16 {
    let limit = number(name, text, min, i64::from(MAX_LIMIT), faults);
    limit.and_then(|limit| u16::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT)
}

/// `true` or `false`; `false` where none was sent.
pub(crate) fn flag(name: &str, text: Option<&str>, faults: &mut Faults) -> bool {
    match text {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            faults.add(Place::Query, pointer(name), Rejection::new("invalid_type", "must be true or false"));
            false
        }
    }
}

/// `asc` or `desc`.
pub(crate) fn order(name: &str, text: Option<&str>, faults: &mut Faults) -> Order {
    match text {
        None | Some("asc") => Order::Asc,
        Some("desc") => Order::Desc,
        Some(_) => {
            faults.add(Place::Query, pointer(name), Rejection::new("invalid_value", "must be asc or desc"));
            Order::Asc
        }
    }
}

pub(crate) fn pointer(name: &str) -> String {
    format!("/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(run: impl FnOnce(&mut Faults)) -> Vec<&'static str> {
        let mut faults = Faults::none();
        run(&mut faults);
        faults.iter().map(|fault| fault.rejection.code).collect()
    }

    #[test]
    fn limits_are_held_at_both_ends() {
        for (text, code) in [
            ("0", "out_of_range"),
            ("1001", "out_of_range"),
            ("x", "invalid_type"),
            ("", "invalid_type"),
            ("+1", "invalid_type"),
            ("1.0", "invalid_type"),
            ("99999999999999999999", "invalid_type"),
        ] {
            assert_eq!(codes(|faults| _ = limit("limit", Some(text), 1, faults)), [code], "{text}");
        }
        let mut faults = Faults::none();
        assert_eq!(limit("limit", Some("1000"), 1, &mut faults), 1_000);
        assert_eq!(limit("limit", None, 1, &mut faults), DEFAULT_LIMIT);
        assert!(faults.is_empty());
    }

    #[test]
    fn words_are_taken_to_the_letter() {
        assert_eq!(codes(|faults| _ = flag("f", Some("True"), faults)), ["invalid_type"]);
        assert_eq!(codes(|faults| _ = order("o", Some("ASC"), faults)), ["invalid_value"]);
        assert_eq!(codes(|faults| assert!(flag("f", Some("true"), faults))), [""; 0]);
    }
}
