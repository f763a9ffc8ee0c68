//! The figures of cached pages, their handles made once.

use metrics::{Counter, counter, describe_counter};

const PAGES: &str = "chat_page_reads_total";
const READS: &str = "chat_cache_reads_total";

/// How reads went.
pub(super) struct Figures {
    pub(super) hit: Counter,
    pub(super) miss: Counter,
    pub(super) moved: Counter,
    pub(super) joined: Counter,
    pub(super) unreadable: Counter,
    pub(super) near: Tier,
    pub(super) far: Tier,
}

/// How often a cache had what was asked for.
pub(super) struct Tier {
    hit: Counter,
    miss: Counter,
}

impl Figures {
    /// The handles, with whatever takes the figures by now.
    pub(super) fn new() -> Self {
        describe_counter!(PAGES, "Reads of a page of messages, by where it came from");
        describe_counter!(READS, "Reads of a cache: answer and near are in the process, far is Redis");
        let reads = |result: &'static str| counter!(PAGES, "result" => result);
        Self {
            hit: reads("hit"),
            miss: reads("miss"),
            moved: reads("moved"),
            joined: reads("joined"),
            unreadable: reads("unreadable"),
            near: Tier::new("near"),
            far: Tier::new("far"),
        }
    }
}

impl Tier {
    fn new(tier: &'static str) -> Self {
        let reads = |result: &'static str| counter!(READS, "tier" => tier, "result" => result);
        Self { hit: reads("hit"), miss: reads("miss") }
    }

    pub(super) fn count(&self, is_hit: bool) {
        if is_hit { self.hit.increment(1) } else { self.miss.increment(1) }
    }
}
