//! Everything that goes wrong, on its way to an RFC 9457 document.
//!
//! Handlers and extractors return a [`Problem`] without knowing the request that it belongs to. The edge (see
//! `middleware::edge`) adds what only it knows, the path and the request id, and logs what lies behind.

mod attachment;
mod document;
mod domain;
mod kind;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use chat_domain::error::{Source, chain};
use chat_domain::fault::Faults;
use chat_domain::revision::Rev;
use chat_domain::session::SessionStatus;

pub(crate) use document::ProblemDocument;
pub(crate) use kind::Kind;

/// After so many seconds a client may try again where a store was not there.
pub(crate) const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Why a request is not answered as its client hoped. Boxed, because nearly all results carry none.
#[derive(Debug)]
pub(crate) struct Problem(Box<Facts>);

#[derive(Debug)]
struct Facts {
    kind: Kind,
    detail: Cow<'static, str>,
    faults: Faults,
    session: Option<(SessionStatus, Rev)>,
    header: Option<(HeaderName, HeaderValue)>,
    source: Option<Source>,
}

/// Something is missing that a request needs, or stands in the wrong place.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misassembled(&'static str);

impl Problem {
    /// A problem with a sentence for people, which must hold nothing that the client may not know, and nothing that it
    /// said: where nothing else lies behind the problem, the log has the sentence.
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let (detail, faults) = (detail.into(), Faults::none());
        Self(Box::new(Facts { kind, detail, faults, session: None, header: None, source: None }))
    }

    /// Values that are refused.
    pub(crate) fn invalid(faults: Faults) -> Self {
        let count = faults.iter().count();
        let detail = if count == 1 { "One value was refused.".into() } else { format!("{count} values were refused.") };
        let mut problem = Self::new(Kind::InvalidRequest, detail);
        problem.0.faults = faults;
        problem
    }

    /// A fault of ours; what lies behind it is for the log alone.
    pub(crate) fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self::new(Kind::Internal, "Something went wrong on our side.").because(source)
    }

    /// A fault of ours: the parts of the service were put together wrongly, in this way.
    pub(crate) fn of_assembly(what: &'static str) -> Self {
        Self::internal(Misassembled(what))
    }

    /// An error that another crate answered with.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let kind = Kind::of_status(status);
        Self::new(kind, format!("{}.", kind.title()))
    }

    fn with_session(mut self, status: SessionStatus, rev: Rev) -> Self {
        self.0.session = Some((status, rev));
        self
    }

    /// What lies behind it, for the log alone; nothing in it may be what a client said.
    pub(crate) fn because(self, source: impl Error + Send + Sync + 'static) -> Self {
        self.with_source(Arc::new(source))
    }

    fn with_source(mut self, source: Source) -> Self {
        self.0.source = Some(source);
        self
    }

    /// Adds a header to the answer.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Why it came to this, for the log: what lies behind it, outermost first, or what was wrong with the input, or the
    /// sentence for people. Of the input it has places and codes alone: a pointer may name what a client made up.
    pub(crate) fn causes(&self) -> Cow<'static, str> {
        let facts = &*self.0;
        if let Some(source) = facts.source.as_deref() {
            return chain(source).into();
        }
        if facts.faults.is_empty() {
            return facts.detail.clone();
        }
        let faults: Vec<_> =
            facts.faults.iter().map(|fault| format!("{} {}", fault.place, fault.rejection.code)).collect();
        faults.join(", ").into()
    }

    /// Whether the client sent so much less or more than it should that its connection cannot go on.
    fn closes(&self) -> bool {
        matches!(self.0.kind, Kind::PayloadTooLarge | Kind::RequestTimeout | Kind::IncompleteBody)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.code())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// The head of the answer. The edge puts the document into it.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut builder = HttpResponse::build(self.status_code());
        if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            builder.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        if let Some((name, value)) = &self.0.header {
            builder.insert_header((name.clone(), value.clone()));
        }
        if self.closes() {
            builder.force_close();
        }
        builder.finish()
    }
}
