//! The attachments that a client names in a new message.

use super::model::Attachment;
use crate::fault::{Faults, Place, Rejection};
use crate::field::Field;
use crate::id::AttachmentId;

const POINTER: &str = "/attachments";

/// Reads their ids, each of which may stand once.
pub(crate) fn enclosed_ids(named: Field<Vec<String>>, faults: &mut Faults) -> Vec<AttachmentId> {
    let Some(named) = named.value() else { return Vec::new() };
    if named.len() > Attachment::MAX_PER_MESSAGE {
        faults.add(Place::Body, POINTER, Rejection::new("too_many", "must name at most 10 attachments"));
        return Vec::new();
    }
    let mut ids = Vec::with_capacity(named.len());
    for (place, text) in named.iter().enumerate() {
        let id = read(text).and_then(|id| if ids.contains(&id) { Err(twice()) } else { Ok(id) });
        ids.extend(faults.take(Place::Body, &format!("{POINTER}/{place}"), id));
    }
    ids
}

fn read(text: &str) -> Result<AttachmentId, Rejection> {
    let id = if text.len() == 36 { text.parse().ok() } else { None };
    id.ok_or_else(|| Rejection::new("invalid_uuid", "must be a UUID, 36 characters with hyphens"))
}

fn twice() -> Rejection {
    Rejection::new("duplicate_value", "stands twice")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(named: &[&str]) -> Vec<(String, &'static str)> {
        let mut faults = Faults::none();
        enclosed_ids(Field::Value(named.iter().map(|&text| text.to_owned()).collect()), &mut faults);
        faults.iter().map(|fault| (fault.pointer.clone(), fault.rejection.code)).collect()
    }

    const ONE: &str = "0198c0de-0000-7000-8000-000000000001";
    const OTHER: &str = "0198c0de-0000-7000-8000-000000000002";

    #[test]
    fn each_fault_stands_at_its_place() {
        assert_eq!(codes(&[]), []);
        assert_eq!(codes(&[ONE, OTHER]), []);
        let expected = [("/attachments/1", "invalid_uuid"), ("/attachments/2", "duplicate_value")];
        assert_eq!(codes(&[ONE, "x", ONE]), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        assert_eq!(codes(&["x"; 11]), [("/attachments".to_owned(), "too_many")]);
    }
}
