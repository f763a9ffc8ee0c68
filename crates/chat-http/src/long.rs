//! Long answers: sent in pieces, and bounded in what they take together.
//!
//! The server copies what it is given of a body, and keeps the copy until the client has taken it. A short answer is given
//! to it whole. Of a long one it gets a piece whenever the one before has gone, so that nothing is copied for a client that
//! does not read, and all who are sent the same answer share its text.
//!
//! Clients that do not read, each another page, must not fill the memory either. So the texts of long lists are bounded
//! together (other answers are hardly longer than what the server copies anyway), and where many are on their way further
//! ones go uncompressed: a compressor takes a few megabytes for as long as its client reads. How long a list is, is known
//! only when it is read and printed, which takes several times its length. So few at once are read of those that may be
//! very long, see [`crate::turn`]; and a part of the room is kept from the largest, since a few of these fill it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::middleware::Next;
use actix_web::{Error, web};
use bytes::Bytes;

use crate::middleware::Tied;
use crate::problem::{Kind, Problem};
use crate::reply::IDENTITY;
use crate::turn::{Turn, Turns, may_be_very_long};

/// An answer of more bytes is long.
const LONG: usize = 64 * 1024;
/// What the server is given at once. It asks for more while it holds less than as much, so it never holds twice of it.
const PIECE: usize = 32 * 1024;
/// An answer of more bytes is one of the largest, for which a quarter of the room is out of reach.
const LARGEST: usize = 1024 * 1024;
/// While so many long answers are on their way, further ones are not compressed.
const COMPRESSED: usize = 16;
const CROWDED: &str = "Too many long answers are on their way to clients. Nothing was changed; try again.";

/// The long answers of all workers: those that are kept to be sent again, and those that are being sent.
pub(crate) struct LongAnswers {
    most: usize,
    /// Bytes of their texts.
    held: AtomicUsize,
    /// How many are being sent.
    sending: AtomicUsize,
    /// For lists that are read and printed.
    turns: Turns,
}

/// The text of a long answer, counted for as long as anybody holds it.
struct Text {
    text: Bytes,
    all: Arc<LongAnswers>,
}

/// A long answer is on its way for as long as this lives.
struct OnItsWay(Arc<LongAnswers>);

/// There is no more room for long answers.
#[derive(Debug, thiserror::Error)]
#[error("{0} bytes of long answers are held already")]
struct Crowded(usize);

impl Crowded {
    fn problem(self) -> Problem {
        Problem::new(Kind::StoreUnavailable, CROWDED).because(self)
    }
}

impl LongAnswers {
    /// Takes no further text once there are so many bytes, and none of the largest once there are three quarters of them: it
    /// may go beyond that by one answer.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let (held, sending) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { most, held, sending, turns: Turns::default() })
    }

    /// A turn for a list of so many entries at most, as its client has said. One that may be very long is read, printed and
    /// kept while this is held.
    ///
    /// # Errors
    /// Where long answers take too much already, or no turn comes within the time that the request has for stores.
    pub(crate) async fn turn(&self, limit: Option<&str>) -> Result<Option<Turn<'_>>, Problem> {
        if !may_be_very_long(limit) {
            return Ok(None);
        }
        self.has_room()?;
        // In a box, so that the requests that need no turn are not larger for it.
        let turn = Box::pin(self.turns.next()).await;
        let turn = turn.map_err(|error| Problem::new(Kind::StoreUnavailable, CROWDED).because(error))?;
        self.has_room()?;
        Ok(Some(turn))
    }

    fn has_room(&self) -> Result<(), Problem> {
        let held = self.held.load(Ordering::Relaxed);
        if held < self.most { Ok(()) } else { Err(Crowded(held).problem()) }
    }

    /// The same text; a long one counts until nobody holds it any more.
    ///
    /// # Errors
    /// Where long answers take too much already.
    pub(crate) fn keep(self: &Arc<Self>, text: Bytes) -> Result<Bytes, Problem> {
        if text.len() <= LONG {
            return Ok(text);
        }
        let room = if text.len() > LARGEST { self.most - self.most / 4 } else { self.most };
        let taken = |held: usize| (held < room).then(|| held.saturating_add(text.len()));
        match self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken) {
            Ok(_) => Ok(Bytes::from_owner(Text { text, all: Arc::clone(self) })),
            Err(held) => Err(Crowded(held).problem()),
        }
    }

    /// Begins to send one, and says whether it may be compressed.
    fn send(self: Arc<Self>) -> (OnItsWay, bool) {
        let before = self.sending.fetch_add(1, Ordering::Relaxed);
        (OnItsWay(self), before < COMPRESSED)
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.all.held.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.sending.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether an answer of this size may be on its way for long.
pub(crate) fn is_long(size: BodySize) -> bool {
    match size {
        BodySize::None => false,
        BodySize::Sized(bytes) => bytes > LONG as u64,
        BodySize::Stream => true,
    }
}

/// Has a long answer sent in pieces, and keeps something for it until the last of them is sent or its client is gone. A
/// short answer stays as it is, and for it nothing is kept.
pub(crate) fn in_pieces<K: Unpin + 'static>(response: ServiceResponse<BoxBody>, kept: K) -> ServiceResponse<BoxBody> {
    if !is_long(response.response().body().size()) {
        return response;
    }
    let all = response.request().app_data::<web::Data<LongAnswers>>().cloned();
    let (on_its_way, may_be_compressed) = all.map(|all| all.into_inner().send()).unzip();
    response.map_body(|head, body| {
        if may_be_compressed == Some(false) {
            head.headers_mut().insert(CONTENT_ENCODING, IDENTITY);
        }
        let body = body.try_into_bytes().map_or_else(|body| body, |text| BoxBody::new(Pieces(text)));
        Tied::to(body, (on_its_way, kept))
    })
}

/// Does so with the answers of a route.
pub(crate) async fn send_in_pieces<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    Ok(in_pieces(next.call(request).await?.map_into_boxed_body(), ()))
}

/// What is left to be sent of a text.
struct Pieces(Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let next = self.0.len().min(PIECE);
        let piece = self.0.split_to(next);
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf as _;

    use super::*;

    fn text(length: usize) -> Bytes {
        vec![b'x'; length].into()
    }

    #[test]
    fn long_texts_have_so_much_room_together_until_the_last_hold_on_them_is_gone() {
        let all = LongAnswers::new(3 * LONG);
        let [one, two] = [2 * LONG, 2 * LONG].map(|length| all.keep(text(length)).unwrap());
        assert!(all.keep(text(LONG + 1)).is_err());
        assert_eq!(all.keep(text(LONG)).unwrap().len(), LONG, "a short one always has room");
        let mut piece = one.clone();
        piece.advance(LONG);
        drop(one);
        assert!(all.keep(text(LONG + 1)).is_err(), "somebody still holds a piece of it");
        drop(piece);
        assert!(all.keep(text(LONG + 1)).is_ok());
        drop(two);
        assert_eq!(all.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_answer_has_room_however_long_it_is() {
        let all = LongAnswers::new(1);
        assert!(all.keep(text(10 * LONG)).is_ok());
    }

    #[test]
    fn the_largest_texts_leave_a_quarter_of_the_room_to_others() {
        let all = LongAnswers::new(8 * LARGEST);
        let mut largest: Vec<_> = (0..3).map(|_| all.keep(text(2 * LARGEST)).unwrap()).collect();
        assert!(all.keep(text(LARGEST + 1)).is_err());
        let others: Vec<_> = (0..2).map(|_| all.keep(text(LARGEST)).unwrap()).collect();
        assert!(all.keep(text(LONG + 1)).is_err(), "now it is full for everybody");
        drop(others);
        largest.pop();
        assert!(all.keep(text(2 * LARGEST)).is_ok());
    }

    #[tokio::test]
    async fn a_list_that_may_be_very_long_is_not_read_while_there_is_no_room() {
        let all = LongAnswers::new(2 * LONG);
        let text = all.keep(text(2 * LONG)).unwrap();
        assert!(all.turn(Some("101")).await.is_err());
        assert!(all.turn(Some("100")).await.unwrap().is_none(), "an ordinary one is");
        drop(text);
        assert!(all.turn(Some("101")).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn pieces_share_the_text_and_make_it_up_again() {
        let whole: Bytes = (0..5 * LONG + 7).map(|number| number.to_le_bytes()[0]).collect();
        let mut pieces = Pieces(whole.clone());
        let mut sent = 0;
        while sent < whole.len() {
            assert_eq!(pieces.size(), BodySize::Sized((whole.len() - sent) as u64));
            let piece = std::future::poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await;
            let piece = piece.unwrap().unwrap();
            assert!(piece.len() <= PIECE && piece == whole[sent..sent + piece.len()]);
            assert_eq!(piece.as_ptr(), whole[sent..].as_ptr(), "it is no copy");
            sent += piece.len();
        }
        assert!(std::future::poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await.is_none());
    }

    #[test]
    fn beyond_so_many_at_once_long_answers_are_not_compressed() {
        let all = LongAnswers::new(0);
        let mut sending: Vec<_> = (0..COMPRESSED).map(|_| Arc::clone(&all).send()).collect();
        assert!(sending.iter().all(|(_, compressed)| *compressed));
        assert!(!Arc::clone(&all).send().1);
        sending.pop();
        assert!(all.send().1);
    }
}
