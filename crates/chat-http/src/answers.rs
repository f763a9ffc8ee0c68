//! Answers that were printed before, kept as the bytes that are sent.
//!
//! To print a page costs several times what it costs to send it, and most pages are asked for more often than they
//! change. Whether a page is the present one is decided behind the service, for each request; here it is only remembered
//! how that very page looked on the wire. So a kept answer cannot be stale: it belongs to one value in memory, and is
//! sent when the service gives that value again.

use std::any::Any;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use bytes::Bytes;
use chat_domain::access::View;
use foldhash::fast::RandomState;
use metrics::{Counter, counter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde::Serialize;

use crate::etag::Tag;
use crate::link::Links;
use crate::long::LongAnswers;
use crate::problem::Problem;
use crate::reply;
use crate::turn::Turn;

/// What an entry takes beside its texts, about, in bytes: the entry itself, the headers, the empty place of the page.
const ENTRY: usize = 768;

/// A printed answer. A clone shares its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The entity tag, where it has one.
    pub(crate) tag: Option<HeaderValue>,
    /// The pages around, where there are some.
    pub(crate) link: Option<HeaderValue>,
    /// The JSON.
    pub(crate) body: Bytes,
}

impl Answer {
    /// Prints an answer.
    ///
    /// # Errors
    /// Where a value cannot be written as JSON.
    pub(crate) fn print(tag: Option<&Tag>, links: &Links, value: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { tag: tag.map(Tag::header), link: links.header(), body: reply::print(value)? })
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

/// What was asked for, by callers of one view: the present answer takes the place of the one before, of which nobody will
/// ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    /// Of the path and query; those that share one take each other's place.
    target: u64,
    view: View,
}

struct Kept {
    /// Keeps the address from being given to another page, and not the page itself.
    page: Weak<dyn Any + Send + Sync>,
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

    /// The answer that shows this page, printed now where it is not kept.
    ///
    /// # Errors
    /// Those of the printing, and that there is no room for a long answer.
    pub(crate) fn of<P: Send + Sync + 'static>(
        &self,
        request: &HttpRequest,
        page: &Arc<P>,
        view: View,
        print: impl FnOnce() -> Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        let place = Place { target: self.targets.hash_one(target), view };
        if let Some(kept) = self.kept.get(&place).filter(|kept| kept.shows(page, target)) {
            self.hit.increment(1);
            return Ok(kept.answer.clone());
        }
        self.miss.increment(1);
        let mut answer = print()?;
        answer.body = self.long.keep(answer.body)?;
        // What nobody else holds was read for this request alone, and will not be seen again.
        if Arc::strong_count(page) > 1 {
            let page: Arc<dyn Any + Send + Sync> = Arc::<P>::clone(page);
            let kept = Kept { page: Arc::downgrade(&page), target: target.into(), answer: answer.clone() };
            self.kept.insert(place, Arc::new(kept));
        }
        Ok(answer)
    }
}

impl Kept {
    fn shows<P>(&self, page: &Arc<P>, target: &str) -> bool {
        self.page.as_ptr().addr() == Arc::as_ptr(page).addr() && *self.target == *target
    }

    /// One that is too large to be counted is too large to be kept.
    fn weight(&self) -> u32 {
        u32::try_from(ENTRY + self.target.len() + self.answer.body.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    /// Asks for a page, and says how often it was printed for that.
    fn printed(answers: &Answers, target: &str, page: &Arc<u32>, view: View) -> u32 {
        let request = TestRequest::with_uri(target).to_http_request();
        let mut times = 0;
        let answer = answers.of(&request, page, view, || {
            times += 1;
            let body = format!("{page} {view:?} {target}");
            Ok(Answer { tag: None, link: None, body: body.into() })
        });
        assert_eq!(answer.unwrap().body, format!("{page} {view:?} {target}"));
        times
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
    fn an_equal_page_is_another_page() {
        let answers = Answers::new(1_000_000, DAY, LongAnswers::new(0));
        let ((one, _near_one), (other, _near_other)) = (held(7), held(7));
        assert_eq!(printed(&answers, "/", &one, View::Full), 1);
        assert_eq!(printed(&answers, "/", &other, View::Full), 1);
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
