//! Request bodies: for each one list of fields that makes its struct, its strict reader and its lenient one.

use chat_domain::access::Caller;
use chat_domain::fault::{Faults, Rejection};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::body::Media;

/// A pointer shows this many characters of a name that the service does not know.
const MAX_SHOWN: usize = 128;

/// A JSON object that a client sends.
pub(crate) trait Body: DeserializeOwned + Default + 'static {
    /// Whether it may come as `application/merge-patch+json` too.
    const MERGE_PATCH: bool = false;
    /// The names of its fields.
    const NAMES: &'static [&'static str];

    /// Reads one field by itself.
    ///
    /// # Errors
    /// Why the value cannot be that field's.
    fn set(&mut self, name: &str, value: &RawValue) -> Result<(), Rejection>;

    /// What the domain finds wrong with the fields that could be read.
    fn faults(self, media: Media, caller: Option<&Caller>) -> Faults;
}

/// What a field may hold.
pub(crate) trait FieldType {
    /// What a value must be that is something else.
    const WANTED: &'static str;
}

impl FieldType for String {
    const WANTED: &'static str = "must be a string";
}

impl FieldType for i64 {
    const WANTED: &'static str = "must be an integer";
}

impl FieldType for Vec<String> {
    const WANTED: &'static str = "must be an array of strings";
}

impl FieldType for Box<RawValue> {
    const WANTED: &'static str = "must be JSON";
}

/// Makes a struct of [`Field`](chat_domain::field::Field)s, and a [`Body`] of it, from one list of fields.
macro_rules! body {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty,)* }
        $(merge_patch = $merge_patch:literal;)?
        faults($this:ident, $media:ident, $caller:ident) $faults:block
    ) => {
        #[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        $vis struct $name { $(#[serde(default)] $(#[$field_meta])* $field: chat_domain::field::Field<$kind>,)* }

        impl $crate::extract::Body for $name {
            $(const MERGE_PATCH: bool = $merge_patch;)?
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            fn set(
                &mut self,
                name: &str,
                value: &serde_json::value::RawValue,
            ) -> Result<(), chat_domain::fault::Rejection> {
                match name {
                    $(stringify!($field) => {
                        let field = serde_json::from_str(value.get());
                        self.$field = field.map_err(|_| {
                            let wanted = <$kind as $crate::extract::FieldType>::WANTED;
                            chat_domain::fault::Rejection::new("invalid_type", wanted)
                        })?;
                    })*
                    _ => {}
                }
                Ok(())
            }

            fn faults(
                self,
                $media: $crate::extract::Media,
                $caller: Option<&chat_domain::access::Caller>,
            ) -> chat_domain::fault::Faults {
                let $this = self;
                $faults
            }
        }
    };
}
pub(crate) use body;

/// The RFC 6901 pointer to a member of the outermost object.
pub(super) fn pointer(name: &str) -> String {
    let escaped = name.replace('~', "~0").replace('/', "~1");
    match escaped.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("/{}…", escaped.get(..end).unwrap_or_default()),
        None => format!("/{escaped}"),
    }
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn a_pointer_is_escaped_and_never_long() {
        assert_eq!(pointer("a/b~c"), "/a~1b~0c");
        assert_eq!(pointer(&"ü".repeat(1_000)).chars().count(), 130);
    }
}
