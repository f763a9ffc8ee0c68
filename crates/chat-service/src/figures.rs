//! The figures: how they are kept, and those for which one has to look when they are asked for.
//!
//! Each part of the service counts for itself, with handles of its own; `docs/metrics.md` lists them all.

use chat_http::{COMPILER, DURATION_METRIC, REVISION, Scrape, VERSION};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

use crate::telemetry::DroppedLines;

/// Upper bounds of the histograms of requests, in seconds.
const REQUESTS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Those of all other times: what a request waits for is shorter than the request.
const PARTS: [f64; 14] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// Those of batches, in things.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

const BUILD: &str = "chat_build_info";
const DROPPED: &str = "chat_log_lines_dropped_total";

/// Sets gauges to what there is to see at the moment.
pub(crate) type Look = Box<dyn Fn() + Send + Sync>;

/// What all parts count, from now on.
pub(crate) struct Figures {
    handle: PrometheusHandle,
    dropped_lines: DroppedLines,
}

impl Figures {
    /// Begins. To be called once in a process, before anything is made that counts.
    ///
    /// # Errors
    /// Where somebody else counts already.
    pub(crate) fn begin(dropped_lines: DroppedLines) -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new()
            .set_buckets(&PARTS)?
            .set_buckets_for_metric(Matcher::Full(DURATION_METRIC.to_owned()), &REQUESTS)?
            .set_buckets_for_metric(Matcher::Suffix("_batch_size".to_owned()), &SIZES)?;
        let handle = builder.install_recorder()?;
        describe_gauge!(BUILD, "1, with the version, the revision of its sources and the compiler as labels");
        describe_counter!(DROPPED, "Log lines dropped, because nobody took them in time or they could not be written");
        gauge!(BUILD, "version" => VERSION, "revision" => REVISION, "rustc" => COMPILER).set(1.0);
        Ok(Self { handle, dropped_lines })
    }

    /// Puts the histograms' memory in order; to be called now and then, so that it stays flat where nobody asks.
    pub(crate) fn tidy(&self) -> impl Fn() + Send + 'static {
        let handle = self.handle.clone();
        move || handle.run_upkeep()
    }

    /// Gives them out, after a look at the process and wherever else there is something to see.
    pub(crate) fn scrape(self, looks: Vec<Look>) -> Scrape {
        let process = Collector::default();
        process.describe();
        let (dropped, lines) = (counter!(DROPPED), self.dropped_lines);
        Scrape::new(self.handle, move || {
            process.collect();
            dropped.absolute(lines.count());
            for look in &looks {
                look();
            }
        })
    }
}
