//! Answers that were printed before, kept as the bytes that are sent.
//!
//! To print a page costs several times what it costs to send it, and most pages are asked for more often than they
//! change. Whether a page is the present one is decided behind the service, for each request; here it is only remembered
//! how that very page looked on the wire. So a kept answer cannot be stale: it belongs to one value in memory, and is
//! sent when the service gives that value again. Of a page that moved on and still shows the same the body is sent again,
//! under a new tag.

use std::any::Any;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use bytes::Bytes;
use chat_domain::access::View;
use chat_domain::participant::{Reader, UnreadCount};
use foldhash::fast::RandomState;
use metrics::{Counter, counter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::etag::Tag;
use crate::link::Links;
use crate::long::LongAnswers;
use crate::problem::Problem;
use crate::turn::Turn;

/// What an entry takes beside its texts, about, in bytes: the entry itself, the headers, the empty place of the page.
const ENTRY: usize = 768;

/// A printed answer. A clone shares its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// What stands before the body.
    pub(crate) head: Head,
    /// The JSON.
    pub(crate) body: Bytes,
}

/// The header fields of an answer that are its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// The entity tag, where it has one.
    pub(crate) tag: Option<HeaderValue>,
    /// The pages around, where there are some.
    pub(crate) link: Option<HeaderValue>,
}

impl Head {
    /// Prints them.
    pub(crate) fn print(tag: Option<&Tag>, links: &Links) -> Self {
        Self { tag: tag.map(Tag::header), link: links.header() }
    }
}

/// A page, and what of it the body of its answer is printed of: nothing else may stand there but what the target, the
/// view and the count say.
pub(crate) struct Shown<'p, P, B> {
    /// The page. Its head is printed of all of it.
    page: &'p Arc<P>,
    /// The part, which pages may share.
    body: &'p Arc<B>,
    /// Whom alone the page is for.
    reader: Option<&'p Reader>,
    /// What the caller has not read, where the answer says so and the page does not.
    unread: UnreadCount,
}

impl<'p, P, B> Shown<'p, P, B> {
    /// A part of a page.
    pub(crate) const fn part(page: &'p Arc<P>, body: &'p Arc<B>) -> Self {
        Self { page, body, reader: None, unread: UnreadCount::NONE }
    }
}

impl<'p, T> Shown<'p, T, T> {
    /// All of a page.
    pub(crate) const fn whole(page: &'p Arc<T>) -> Self {
        Self::part(page, page)
    }

    /// All of a page, to whoever has not read so much.
    pub(crate) const fn counted(page: &'p Arc<T>, unread: UnreadCount) -> Self {
        Self { page, body: page, reader: None, unread }
    }

    /// All of a page that says what this reader has not read.
    pub(crate) const fn to(reader: &'p Reader, page: &'p Arc<T>) -> Self {
        Self { page, body: page, reader: Some(reader), unread: UnreadCount::NONE }
    }
}

/// The answers of all workers, bounded by their bytes; what was used least recently goes first.
///
/// Counts `chat_cache_reads_total` of the `tier` `answer` by `result` (`hit`, `miss`).
pub(crate) struct Answers {
    kept: Cache<Place, Arc<Kept>, RandomState>,
    targets: RandomState,
    long: Arc<LongAnswers>,
    hit: Counter,
    miss: Counter,
}

/// What was asked for, by callers of one view who have not read as much, or by one reader: the present answer takes the place of the one before, of
/// which nobody will ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    /// Of the path and query; those that share one take each other's place.
    target: u64,
    view: View,
    /// Of the reader, where there is one; the same holds.
    reader: u64,
    unread: UnreadCount,
}

type Address = Weak<dyn Any + Send + Sync>;

struct Kept {
    /// Keeps the address from being given to another page, and not the page itself.
    page: Address,
    /// The same for what the body was printed of.
    body: Address,
    /// The path and query that were asked for: links repeat them.
    target: Box<str>,
    answer: Answer,
}

impl Answers {
    /// Keeps so many bytes of answers, each for so long. Long ones need room among all that there are.
    pub(crate) fn new(max_bytes: u64, ttl: Duration, long: Arc<LongAnswers>) -> Self {
        let kept = Cache::builder()
            .max_capacity(max_bytes)
            .time_to_live(ttl)
            .weigher(|_, kept: &Arc<Kept>| kept.weight())
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(RandomState::default());
        let reads = |result: &'static str| counter!("chat_cache_reads_total", "tier" => "answer", "result" => result);
        Self { kept, targets: RandomState::default(), long, hit: reads("hit"), miss: reads("miss") }
    }

    /// What all long answers take together.
    pub(crate) fn long(&self) -> Arc<LongAnswers> {
        Arc::clone(&self.long)
    }

    /// A turn for a list of so many entries, which may be very long; see [`LongAnswers::turn`]. To be held until its answer
    /// is there and nothing else is left of it.
    ///
    /// # Errors
    /// Those of the turn.
    pub(crate) async fn turn(&self, limit: Option<&str>) -> Result<Option<Turn<'_>>, Problem> {
        self.long.turn(limit).await
    }

    /// The answer that shows this page. What is not kept of it is printed now.
    ///
    /// # Errors
    /// Those of the printing, and that there is no room for a long answer.
    pub(crate) fn of<P: Send + Sync + 'static, B: Send + Sync + 'static>(
        &self,
        request: &HttpRequest,
        shown: &Shown<'_, P, B>,
        view: View,
        head: impl FnOnce() -> Head,
        body: impl FnOnce() -> Result<Bytes, Problem>,
    ) -> Result<Answer, Problem> {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        let reader = shown.reader.map_or(0, |reader| self.targets.hash_one(reader));
        let place = Place { target: self.targets.hash_one(target), view, reader, unread: shown.unread };
        let kept = self.kept.get(&place).filter(|kept| *kept.target == *target && lies_at(&kept.body, shown.body));
        let body = if let Some(kept) = kept {
            self.hit.increment(1);
            if lies_at(&kept.page, shown.page) {
                return Ok(kept.answer.clone());
            }
            kept.answer.body.clone()
        } else {
            self.miss.increment(1);
            self.long.keep(body()?)?
        };
        let answer = Answer { head: head(), body };
        // What nobody else holds was read for this request alone, and will not be seen again.
        if Arc::strong_count(shown.page) > 1 {
            let (page, body) = (address(shown.page), address(shown.body));
            self.kept.insert(place, Arc::new(Kept { page, body, target: target.into(), answer: answer.clone() }));
        }
        Ok(answer)
    }
}

fn lies_at<T>(address: &Address, value: &Arc<T>) -> bool {
    address.as_ptr().addr() == Arc::as_ptr(value).addr()
}

fn address<T: Send + Sync + 'static>(value: &Arc<T>) -> Address {
    let value: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(value);
    Arc::downgrade(&value)
}

impl Kept {
    /// One that is too large to be counted is too large to be kept.
    fn weight(&self) -> u32 {
        u32::try_from(ENTRY + self.target.len() + self.answer.body.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fmt;

    use actix_web::test::TestRequest;
    use chat_domain::participant::ParticipantRole;
    use serde::{Serialize, Serializer};

    use super::*;
    use crate::reply;

    const DAY: Duration = Duration::from_hours(24);

    /// Counts how often it is printed.
    struct Printed(String, Cell<u32>);

    impl Serialize for Printed {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.1.update(|times| times + 1);
            self.0.serialize(serializer)
        }
    }

    /// Asks for a page, and says how often it was printed for that.
    fn printed(answers: &Answers, target: &str, page: &Arc<u32>, view: View) -> u32 {
        shown(answers, target, &Shown::whole(page), view)
    }

    /// The same, for a part of a page; the head is the page.
    fn shown<P>(answers: &Answers, target: &str, shown: &Shown<'_, P, u32>, view: View) -> u32
    where
        P: fmt::Display + Send + Sync + 'static,
    {
        let request = TestRequest::with_uri(target).to_http_request();
        let tag = HeaderValue::try_from(shown.page.to_string()).unwrap();
        let head = || Head { tag: Some(tag.clone()), link: None };
        let body = Printed(format!("{} {view:?} {target}", shown.body), Cell::new(0));
        let answer = answers.of(&request, shown, view, head, || reply::print(&body)).unwrap();
        assert_eq!(answer.body, serde_json::to_vec(&body.0).unwrap());
        assert_eq!(answer.head.tag, Some(tag));
        body.1.get()
    }

    #[test]
    fn a_page_that_others_hold_is_printed_once_for_each_way_of_asking() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let (page, _near) = held(1);
        for (times, target, view) in [
            (1, "/a?limit=1", View::Full),
            (0, "/a?limit=1", View::Full),
            (1, "/a?limit=1", View::Public),
            (0, "/a?limit=1", View::Full),
            (1, "/A?limit=1", View::Full),
            (1, "/a?limit=01", View::Full),
        ] {
            assert_eq!(printed(&answers, target, &page, view), times, "{target} {view:?}");
        }
    }

    #[test]
    fn a_page_is_printed_once_for_all_who_have_not_read_as_much() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let (page, _near) = held(1);
        for (times, unread) in [(1, 0), (1, 3), (0, 0), (0, 3), (1, 4), (0, 3)] {
            let shown_to_some = Shown::counted(&page, UnreadCount::of(unread));
            assert_eq!(shown(&answers, "/", &shown_to_some, View::Full), times, "{unread}");
        }
    }

    #[test]
    fn a_page_that_is_for_one_reader_is_printed_for_each() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let reader = |id: &str| Reader { role: ParticipantRole::Agent, id: id.parse().unwrap() };
        let ((of_bob, _near_one), (of_cleo, _near_other)) = (held(1), held(2));
        for times in [1, 0, 0] {
            assert_eq!(shown(&answers, "/", &Shown::to(&reader("bob"), &of_bob), View::Full), times);
            assert_eq!(shown(&answers, "/", &Shown::to(&reader("cleo"), &of_cleo), View::Full), times);
        }
    }

    #[test]
    fn an_equal_page_is_another_page() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let ((one, _near_one), (other, _near_other)) = (held(7), held(7));
        assert_eq!(printed(&answers, "/", &one, View::Full), 1);
        assert_eq!(printed(&answers, "/", &other, View::Full), 1);
    }

    #[test]
    fn a_page_that_moved_on_and_shows_the_same_has_a_new_head_and_the_body_of_before() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let ((body, _near), (other, _near_other)) = (held(7), held(8));
        let pages = ["a", "b"].map(Arc::new);
        let _near_pages = pages.clone();
        for (times, page, body) in [(1, 0, &body), (0, 1, &body), (0, 1, &body), (0, 0, &body), (1, 0, &other)] {
            assert_eq!(shown(&answers, "/", &Shown::part(&pages[page], body), View::Full), times);
        }
    }

    #[test]
    fn a_page_that_is_gone_is_never_taken_for_the_next_at_its_address() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        for number in 0..1_000 {
            let (page, _near) = held(number);
            // Checks what it is answered, too.
            printed(&answers, "/", &page, View::Full);
        }
    }

    #[test]
    fn a_page_that_nobody_else_holds_is_not_kept() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let page = Arc::new(1);
        assert_eq!(printed(&answers, "/", &page, View::Full), 1);
        assert_eq!(printed(&answers, "/", &page, View::Full), 1);
        answers.kept.run_pending_tasks();
        assert_eq!(answers.kept.entry_count(), 0);
    }

    #[test]
    fn an_answer_takes_the_place_of_the_one_before() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let pages: Vec<_> = (0..100).map(held).collect();
        for (page, _) in &pages {
            assert_eq!(printed(&answers, "/", page, View::Full), 1);
        }
        answers.kept.run_pending_tasks();
        assert_eq!(answers.kept.entry_count(), 1);
    }

    #[test]
    fn the_answers_together_stay_below_the_bound() {
        let answers = Answers::new(10_000, DAY, LongAnswers::new(0));
        let pages: Vec<_> = (0..100).map(held).collect();
        for (page, _) in &pages {
            printed(&answers, &format!("/{page}"), page, View::Full);
        }
        answers.kept.run_pending_tasks();
        assert!(answers.kept.weighted_size() <= 10_000);
        assert!((1..=12).contains(&answers.kept.entry_count()));
    }

    /// A page, and the hold that a cache behind the service has on it.
    fn held(number: u32) -> (Arc<u32>, Arc<u32>) {
        let page = Arc::new(number);
        (Arc::clone(&page), page)
    }
}
