//! What a client sends to hang something on a message, and what becomes of it once every field is checked.

use serde::Serialize;
use serde_json::value::RawValue;

use super::model::ExtensionType;
use crate::fault::{Faults, Place, Rejection};
use crate::field::Field;
use crate::metadata::Metadata;

/// The fields of a request for a new extension, unchecked.
#[derive(Debug, Default)]
pub struct ExtensionDraft {
    /// What kind. Required; none of the service's own.
    pub extension_type: Field<String>,
    /// What it says: an object, under the limits of metadata. Required.
    pub data: Field<Box<RawValue>>,
}

/// A checked request for a new extension.
#[derive(Debug, Serialize)]
pub(super) struct CheckedExtension {
    pub(super) extension_type: ExtensionType,
    pub(super) data: Metadata,
}

impl ExtensionDraft {
    /// Checks every field.
    pub(super) fn check(self) -> Result<CheckedExtension, Faults> {
        let mut faults = Faults::none();
        let extension_type = self.extension_type.required("/extension_type", &mut faults);
        let extension_type =
            extension_type.and_then(|text| faults.take(Place::Body, "/extension_type", type_of_a_client(&text)));
        let data = self.data.required("/data", &mut faults).and_then(|raw| checked_data(&raw, &mut faults));
        let checked = extension_type.zip(data);
        faults.settle(checked.map(|(extension_type, data)| CheckedExtension { extension_type, data }))
    }

    /// All faults that the fields have, for a body that could not be read whole.
    #[must_use]
    pub fn faults(self) -> Faults {
        self.check().err().unwrap_or_default()
    }
}

/// A type that clients make themselves: what the service makes is made where its rules are kept.
fn type_of_a_client(text: &str) -> Result<ExtensionType, Rejection> {
    let made_elsewhere = match text {
        ExtensionType::REACTION => "is made by PUT …/reactions/{emoji}",
        ExtensionType::ATTACHMENT => "comes with a message when that is created",
        ExtensionType::EDIT_HISTORY => "is made by editing the message",
        _ => return text.parse(),
    };
    Err(Rejection::new("reserved_type", made_elsewhere))
}

fn checked_data(raw: &RawValue, faults: &mut Faults) -> Option<Metadata> {
    Metadata::parse(raw.get())
        .map_err(|(below, rejection)| faults.add(Place::Body, format!("/data{below}"), rejection))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(extension_type: Field<String>, data: Option<&str>) -> ExtensionDraft {
        let data = data.map(|json| RawValue::from_string(json.to_owned()).unwrap());
        ExtensionDraft { extension_type, data: data.map_or(Field::Absent, Field::Value) }
    }

    fn codes(draft: ExtensionDraft) -> Vec<(String, &'static str)> {
        draft.faults().iter().map(|fault| (fault.pointer.clone(), fault.rejection.code)).collect()
    }

    #[test]
    fn a_type_of_the_clients_own_with_an_object_passes() {
        let checked = draft(Field::Value("x.y-z_0".to_owned()), Some("{ \"a\": 1 }")).check().unwrap();
        assert_eq!((checked.extension_type.as_str(), checked.data.as_str()), ("x.y-z_0", "{\"a\":1}"));
    }

    #[test]
    fn what_the_service_makes_is_made_elsewhere() {
        for reserved in ["reaction", "attachment", "edit_history"] {
            let found = codes(draft(Field::Value(reserved.to_owned()), Some("{}")));
            assert_eq!(found, [("/extension_type".to_owned(), "reserved_type")], "{reserved}");
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let bad = codes(draft(Field::Value("No".to_owned()), Some("{\"a\":\"\\u0000\"}")));
        let expected = [("/extension_type", "invalid_value"), ("/data/a", "nul_character")];
        assert_eq!(bad, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        let missing = ["/extension_type", "/data"].map(|pointer| (pointer.to_owned(), "missing_field"));
        assert_eq!(codes(ExtensionDraft::default()), missing);
        for other in ["[]", "1", "\"{}\""] {
            let found = codes(draft(Field::Value("a".to_owned()), Some(other)));
            assert_eq!(found, [("/data".to_owned(), "invalid_type")], "{other}");
        }
        let null = ExtensionDraft { extension_type: Field::Value("a".to_owned()), data: Field::Null };
        assert_eq!(codes(null), [("/data".to_owned(), "invalid_type")]);
    }
}
