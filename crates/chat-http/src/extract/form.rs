//! Forms with a file (`multipart/form-data`), read piece by piece: memory holds no more than a buffer of them.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::DispositionParam;
use actix_web::mime::BOUNDARY;
use actix_web::{HttpMessage as _, web};
use bytes::Bytes;
use chat_domain::attachment::AttachmentService;
use chat_domain::fault::{Faults, Place, Rejection};
use futures_util::{Stream, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::body::{announced, broken, uncompressed, unsupported};
use super::wire::pointer;
use super::{Part, Reading};
use crate::problem::{Kind, Problem};
use crate::uploads::Pace;

/// What a form may have beside its file, in bytes: boundaries and headers.
const BESIDE: u64 = 64 * 1024;

/// A form that is about to be read.
pub(crate) struct Form {
    multipart: Multipart,
    body: Body,
    limit: u64,
}

/// A part of a form: what is said of it, and its bytes.
pub(crate) struct FormPart {
    /// The field that it is for.
    pub(crate) name: String,
    /// What the file is called.
    pub(crate) filename: Option<String>,
    /// What it is said to be.
    pub(crate) content_type: Option<String>,
    field: Field,
}

/// How long each piece may be waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pace: Pace,
    end: Instant,
}

impl Patience {
    /// From now on.
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, end: Instant::now() + pace.whole }
    }

    async fn wait<T>(&self, piece: impl Future<Output = T>) -> Result<T, Problem> {
        let end = self.end.min(Instant::now() + self.pace.stall);
        let late = |_| Problem::new(Kind::RequestTimeout, "The file did not come in time.");
        timeout_at(end, piece).await.map_err(late)
    }
}

impl Part for Form {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let mime = from.request.mime_type().ok().flatten();
        let fits =
            mime.is_some_and(|mime| mime.essence_str() == "multipart/form-data" && mime.get_param(BOUNDARY).is_some());
        if !fits {
            return Err(unsupported("The body must be multipart/form-data, with a boundary."));
        }
        uncompressed(from.request.headers())?;
        let service = from.request.app_data::<web::Data<AttachmentService>>();
        let limit = service.ok_or_else(|| Problem::of_assembly("there is no place for files"))?.max_bytes();
        if announced(from.request.headers()).is_some_and(|length| length as u64 > limit.saturating_add(BESIDE)) {
            return Err(too_large(limit));
        }
        let payload = std::mem::replace(&mut from.payload, Payload::None);
        let body = Body(Rc::new(RefCell::new(Inner { payload, left: limit.saturating_add(BESIDE), too_large: false })));
        let multipart = Multipart::new(from.request.headers(), body.clone());
        Ok(Some(Self { multipart, body, limit }))
    }
}

impl Form {
    /// The next part, once the one before was read to its end; `None` after the last.
    pub(crate) async fn next(&mut self, patience: &Patience) -> Result<Option<FormPart>, Problem> {
        let field = patience.wait(self.multipart.next()).await?;
        let field = field.transpose().map_err(|error| self.explain(error))?;
        Ok(field.map(FormPart::of))
    }

    /// The next piece of a part.
    pub(crate) async fn piece(&self, part: &mut FormPart, patience: &Patience) -> Result<Option<Bytes>, Problem> {
        let piece = patience.wait(part.field.next()).await?;
        piece.transpose().map_err(|error| self.explain(error))
    }

    /// Reads what follows the last part, so that the connection can go on.
    pub(crate) async fn finish(mut self, patience: &Patience) -> Result<(), Problem> {
        while let Some(piece) = patience.wait(self.body.next()).await? {
            piece.map_err(|error| self.body_error(error))?;
        }
        Ok(())
    }

    fn explain(&self, error: MultipartError) -> Problem {
        match error {
            MultipartError::Payload(error) => self.body_error(error),
            MultipartError::Incomplete => Problem::new(Kind::IncompleteBody, "The form broke off."),
            // What the parser quotes may be what a client said.
            _ => Problem::new(Kind::MalformedForm, "The form cannot be read."),
        }
    }

    fn body_error(&self, error: PayloadError) -> Problem {
        match error {
            PayloadError::Overflow if self.body.0.borrow().too_large => too_large(self.limit),
            PayloadError::Overflow => Problem::new(Kind::MalformedForm, "The headers of a part are too long."),
            error => broken(error),
        }
    }
}

fn too_large(limit: u64) -> Problem {
    Problem::new(Kind::PayloadTooLarge, format!("The file must be at most {limit} bytes."))
}

impl FormPart {
    fn of(field: Field) -> Self {
        let disposition = field.content_disposition();
        let extended = disposition.and_then(|disposition| disposition.get_filename_ext());
        let extended = extended.and_then(|name| String::from_utf8(name.value.clone()).ok());
        let plain = || disposition?.parameters.iter().find_map(DispositionParam::as_filename).map(str::to_owned);
        Self {
            name: field.name().unwrap_or_default().to_owned(),
            filename: extended.or_else(plain),
            content_type: field.content_type().map(ToString::to_string),
            field,
        }
    }

    /// The fault of a form that has this part.
    pub(crate) fn fault(&self, code: &'static str, detail: &str) -> Problem {
        let mut faults = Faults::none();
        faults.add(Place::Body, pointer(&self.name), Rejection::new(code, detail));
        faults.into()
    }
}

/// The bytes of a form, shared with whoever parses it.
#[derive(Clone)]
struct Body(Rc<RefCell<Inner>>);

struct Inner {
    payload: Payload,
    left: u64,
    too_large: bool,
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut inner = self.0.borrow_mut();
        let Some(piece) = ready!(Pin::new(&mut inner.payload).poll_next(context)) else { return Poll::Ready(None) };
        let length = piece.as_ref().map_or(0, Bytes::len) as u64;
        if length > inner.left {
            inner.too_large = true;
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        inner.left -= length;
        Poll::Ready(Some(piece))
    }
}
