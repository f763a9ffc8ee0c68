//! Bodies that an answer did not wait for.
//!
//! An answer that leaves a body unread is the last of its connection, and must say so. The server finds that out by
//! itself for some bodies only, and goes on reading a chunked body whose reader is gone, for as long as its client likes
//! to send or to say nothing. So the edge keeps the reader of each body: while it lives the server sees a body that
//! nobody read to its end, and closes the connection once the answer is sent.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;

/// A body and whether its end was read.
struct Inner {
    payload: Payload,
    ended: bool,
}

/// Keeps a body, beside whoever reads it.
pub(super) struct Unread(Rc<RefCell<Inner>>);

impl Unread {
    /// Keeps the body of the request, where it has one.
    pub(super) fn keep(request: &mut ServiceRequest) -> Option<Self> {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return None;
        }
        let inner = Rc::new(RefCell::new(Inner { payload, ended: false }));
        request.set_payload(Payload::Stream { payload: Box::pin(Reader(Rc::clone(&inner))) });
        Some(Self(inner))
    }

    /// Whether its end was read.
    pub(super) fn was_read(&self) -> bool {
        self.0.borrow().ended
    }
}

struct Reader(Rc<RefCell<Inner>>);

impl Stream for Reader {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut inner = self.0.borrow_mut();
        let piece = ready!(Pin::new(&mut inner.payload).poll_next(context));
        inner.ended |= piece.is_none();
        Poll::Ready(piece)
    }
}
