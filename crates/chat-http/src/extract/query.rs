//! Query parameters: each known one at most once, and no others.

use std::borrow::Cow;

use chat_domain::access::Caller;
use chat_domain::fault::{Faults, Place, Rejection};

use super::{Part, Reading, percent};
use crate::problem::Problem;

/// The query parameters of one route, as text.
pub(crate) trait Parameters: Default + 'static {
    /// Their names.
    const NAMES: &'static [&'static str];

    /// The place of a parameter's value; `None` for a name that is not known.
    fn slot(&mut self, name: &str) -> Option<&mut Option<String>>;

    /// What the domain finds wrong with the values.
    fn faults(self, caller: Option<&Caller>) -> Faults;
}

/// Makes a struct of optional texts, and [`Parameters`] of it, from one list of fields.
macro_rules! parameters {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field:ident,)+ }
        faults($this:ident, $caller:ident) $faults:block
    ) => {
        #[derive(Debug, Default, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field: Option<String>,)+ }

        impl $crate::extract::Parameters for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];

            fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    _ => None,
                }
            }

            fn faults(self, $caller: Option<&chat_domain::access::Caller>) -> chat_domain::fault::Faults {
                let $this = self;
                $faults
            }
        }
    };
}
pub(crate) use parameters;

/// The query parameters of a route.
pub(crate) struct Query<T>(pub(crate) T);

/// A route that takes no query parameters.
#[derive(Debug, Default)]
pub(crate) struct NoParameters;

/// That no query parameters were sent.
pub(crate) type NoQuery = Query<NoParameters>;

impl Parameters for NoParameters {
    const NAMES: &'static [&'static str] = &[];

    fn slot(&mut self, _: &str) -> Option<&mut Option<String>> {
        None
    }

    fn faults(self, _: Option<&Caller>) -> Faults {
        Faults::none()
    }
}

impl<T: Parameters> Part for Query<T> {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let mut parameters = T::default();
        for pair in from.request.query_string().split('&').filter(|pair| !pair.is_empty()) {
            take(&mut parameters, pair, &mut from.faults);
        }
        if from.faults.is_empty() {
            return Ok(Some(Self(parameters)));
        }
        from.faults.extend(parameters.faults(from.caller.as_ref()));
        Ok(None)
    }
}

fn take<T: Parameters>(parameters: &mut T, pair: &str, faults: &mut Faults) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let Some(name) = decode(name) else {
        return note(name, "invalid_encoding", "is not percent-encoded UTF-8", faults);
    };
    let Some(slot) = parameters.slot(&name) else {
        let detail = match T::NAMES {
            [] => "is not known; this route takes no parameters".into(),
            names => Cow::from(format!("is not known; there are {}", names.join(", "))),
        };
        return note(&name, "unknown_parameter", &detail, faults);
    };
    if slot.is_some() {
        return note(&name, "duplicate_parameter", "must stand only once", faults);
    }
    match decode(value) {
        Some(value) => *slot = Some(value.into_owned()),
        None => note(&name, "invalid_encoding", "must be percent-encoded UTF-8", faults),
    }
}

fn note(name: &str, code: &'static str, detail: &str, faults: &mut Faults) {
    faults.add(Place::Query, super::wire::pointer(name), Rejection::new(code, detail));
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        return percent::decode(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()));
    }
    percent::decode(text)
}
