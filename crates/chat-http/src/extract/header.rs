//! Reading headers that stand once, as text.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chat_domain::fault::{Faults, Place, Rejection};

/// The value of a header that may stand once, or `None` where it does not stand or is at fault.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &'static str, faults: &mut Faults) -> Option<&'a str> {
    let mut values = headers.get_all(HeaderName::from_static(name));
    let value = values.next()?;
    if values.next().is_some() {
        note(name, Rejection::new("duplicate_header", "must stand only once"), faults);
        return None;
    }
    let text = str::from_utf8(value.as_bytes()).map_err(|_| Rejection::new("invalid_characters", "must be UTF-8"));
    text.map_err(|rejection| note(name, rejection, faults)).ok()
}

/// Notes a fault of a header.
pub(crate) fn note(name: &str, rejection: Rejection, faults: &mut Faults) {
    faults.add(Place::Header, format!("/{name}"), rejection);
}

/// All lines of a header that may stand many times.
pub(crate) fn lines<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(HeaderName::from_static(name)).map(HeaderValue::as_bytes)
}
