//! What a client sends as a receipt, unchecked.

use crate::fault::{Faults, Place, Rejection};
use crate::field::Field;
use crate::revision::Seq;

/// The fields of a receipt, unchecked.
#[derive(Debug, Default)]
pub struct ReceiptDraft {
    /// The last message that was received or read, by its `seq`; 0 for none. Required.
    pub seq: Field<i64>,
}

impl ReceiptDraft {
    /// Checks every field. A `seq` beyond the last is no fault: it stands for the last.
    ///
    /// # Errors
    /// All faults at once.
    pub(super) fn check(self) -> Result<Seq, Faults> {
        let mut faults = Faults::none();
        let seq = self.seq.required("/seq", &mut faults);
        let not_negative = |seq: i64| {
            let refused = || Rejection::new("out_of_range", "must not be negative");
            (seq >= 0).then(|| Seq::new(seq)).ok_or_else(refused)
        };
        let seq = seq.and_then(|seq| faults.take(Place::Body, "/seq", not_negative(seq)));
        faults.settle(seq)
    }

    /// All faults that the fields have, for a body that could not be read whole.
    #[must_use]
    pub fn faults(self) -> Faults {
        self.check().err().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seq: Field<i64>) -> Result<Seq, &'static str> {
        let checked = ReceiptDraft { seq }.check();
        checked.map_err(|faults| faults.iter().next().map_or("", |fault| fault.rejection.code))
    }

    #[test]
    fn a_receipt_names_a_place_in_the_session() {
        assert_eq!(check(Field::Value(7)), Ok(Seq::new(7)));
        assert_eq!(check(Field::Value(0)), Ok(Seq::new(0)));
        assert_eq!(check(Field::Value(-1)), Err("out_of_range"));
        assert_eq!(check(Field::Absent), Err("missing_field"));
        assert_eq!(check(Field::Null), Err("invalid_type"));
    }
}
