//! The body of a request that is refused before it is read.
//!
//! It is not waited for. What has come of it already is thrown away; where that was all, the connection goes on, and
//! requests behind it are served. Most bodies come together with their heads, so a client that is told to slow down
//! need not open new connections all the time.

use std::pin::Pin;
use std::task::Poll;

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use futures_util::Stream as _;
use futures_util::future::poll_fn;

/// Throws away what has come.
pub(super) async fn discard(request: &mut ServiceRequest) {
    let mut body = request.take_payload();
    if matches!(body, Payload::None) {
        return;
    }
    // The server hands a request on before it looks at what came with its head, and does so right after.
    let mut looked = false;
    poll_fn(|context| {
        while let Poll::Ready(piece) = Pin::new(&mut body).poll_next(context) {
            if !matches!(piece, Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
        if looked {
            return Poll::Ready(());
        }
        looked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
