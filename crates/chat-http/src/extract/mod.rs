//! What handlers take from a request. Each [`Part`] reads its own piece and notes what is wrong with it; [`Input`] reads
//! all parts of a handler and answers with every fault of all of them at once.

mod body;
mod caller;
mod form;
mod header;
mod idempotency;
mod lenient;
mod path;
mod percent;
mod query;
mod room;
mod wire;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chat_domain::access::Caller;
use chat_domain::fault::Faults;
use futures_util::future::LocalBoxFuture;

pub(crate) use body::{ApiJson, BodyLimits, Empty, Media, NoBody};
pub(crate) use form::{Form, Patience};
pub(crate) use header::{lines, note, single};
pub(crate) use idempotency::OptionalKey;
pub(crate) use path::{AttachmentPath, EmojiPath, ExtensionPath, MessagePath, SessionPath, UserPath};
pub(crate) use percent::{encode_component, encode_path};
pub(crate) use query::{NoQuery, Parameters, Query, parameters};
pub(crate) use room::{BodyRoom, REFUSALS_METRIC};
pub(crate) use wire::{Body, FieldType, body};

use crate::problem::Problem;

/// A request while its parts are read.
pub(crate) struct Reading {
    pub(crate) request: HttpRequest,
    payload: Payload,
    /// The caller, once it is known.
    caller: Option<Caller>,
    /// What is wrong so far.
    pub(crate) faults: Faults,
}

/// A piece of a request that a handler wants.
pub(crate) trait Part: Sized + 'static {
    /// Reads the piece. `None` where it is at fault, which is noted in the reading.
    ///
    /// # Errors
    /// What makes reading on pointless, such as a body that is no JSON.
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem>;
}

/// All parts that a handler wants. The caller comes first, the body last: it may be judged by what was found before.
pub(crate) struct Input<T>(pub(crate) T);

macro_rules! input {
    ($($part:ident),+) => {
        impl<$($part: Part),+> FromRequest for Input<($($part,)+)> {
            type Error = Problem;
            type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

            #[expect(non_snake_case, reason = "each part is named after its type")]
            fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
                let (request, payload) = (request.clone(), payload.take());
                Box::pin(async move {
                    let mut reading = Reading { request, payload, caller: None, faults: Faults::none() };
                    $(let $part = $part::read(&mut reading).await?;)+
                    match ($($part,)+) {
                        ($(Some($part),)+) if reading.faults.is_empty() => Ok(Self(($($part,)+))),
                        _ => Err(reading.faults.into()),
                    }
                })
            }
        }
    };
}

input!(A, B);
input!(A, B, C);
input!(A, B, C, D);
input!(A, B, C, D, E);
input!(A, B, C, D, E, F);
