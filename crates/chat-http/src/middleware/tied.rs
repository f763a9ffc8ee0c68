//! The body of an answer, with what must live until it is sent.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

/// A body that keeps something alive.
pub(crate) struct Tied<T> {
    body: BoxBody,
    _kept: T,
}

impl<T: Unpin + 'static> Tied<T> {
    /// Ties the two together.
    pub(crate) fn to(body: BoxBody, kept: T) -> BoxBody {
        BoxBody::new(Self { body, _kept: kept })
    }
}

impl<T: Unpin> MessageBody for Tied<T> {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
