//! The queue of spans that wait for the collector, and what becomes of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, counter, describe_counter};
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

/// So many spans wait at most, those that are being sent included; a few megabytes.
const ROOM: usize = 8_192;

const SPANS: &str = "chat_trace_spans_total";

/// Who knows how many spans wait. A clone counts the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue(Arc<Counts>);

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    refused: AtomicBool,
    figures: OnceLock<Figures>,
}

struct Figures {
    exported: Counter,
    failed: Counter,
    dropped: Counter,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counts").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Queue {
    /// What takes spans that have ended, and has them sent by a thread of its own.
    pub(super) fn processor<E: SpanExporter + 'static>(&self, exporter: E) -> impl SpanProcessor + use<E> {
        let config = BatchConfigBuilder::default().with_max_queue_size(ROOM).build();
        let exporter = Watched { exporter, queue: self.clone() };
        Bounded { inner: BatchSpanProcessor::new(exporter, config), queue: self.clone() }
    }

    /// Begins to count, with whatever takes the figures by now.
    pub(super) fn count(&self) {
        describe_counter!(
            SPANS,
            "Spans that were exported, that the collector did not take, or that found no place to wait"
        );
        self.0.figures.get_or_init(|| Figures {
            exported: counter!(SPANS, "result" => "exported"),
            failed: counter!(SPANS, "result" => "failed"),
            dropped: counter!(SPANS, "result" => "dropped"),
        });
    }

    fn add(&self, spans: usize, counter: impl FnOnce(&Figures) -> &Counter) {
        if let Some(figures) = self.0.figures.get() {
            counter(figures).increment(u64::try_from(spans).unwrap_or(u64::MAX));
        }
    }

    /// Takes a place for a span, where there is one.
    fn enter(&self) -> bool {
        let place = self.0.waiting.fetch_add(1, Ordering::Relaxed) < ROOM;
        if !place {
            self.0.waiting.fetch_sub(1, Ordering::Relaxed);
            self.add(1, |figures| &figures.dropped);
        }
        place
    }

    /// So many spans have gone, in one way or the other.
    fn leave(&self, spans: usize, sent: &OTelSdkResult) {
        self.0.waiting.fetch_sub(spans, Ordering::Relaxed);
        self.add(spans, |figures| if sent.is_ok() { &figures.exported } else { &figures.failed });
        let refused = self.0.refused.swap(sent.is_err(), Ordering::Relaxed);
        match sent {
            Err(error) if !refused => tracing::warn!(%error, "traces are not taken; going on without them"),
            Ok(()) if refused => tracing::info!("traces are taken again"),
            Ok(()) | Err(_) => {}
        }
    }
}

/// A batch processor that is never given more than it has room for: what it drops it would drop in silence.
#[derive(Debug)]
struct Bounded {
    inner: BatchSpanProcessor,
    queue: Queue,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.queue.enter() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that tells the queue what became of the spans.
#[derive(Debug)]
struct Watched<E> {
    exporter: E,
    queue: Queue,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.exporter.export(batch).await;
        self.queue.leave(spans, &sent);
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.exporter.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// Takes spans once it may.
    #[derive(Debug)]
    struct Slow(Mutex<mpsc::Receiver<()>>);

    impl SpanExporter for Slow {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            // An error says that it may from now on.
            _ = self.0.lock().unwrap().recv();
            Ok(())
        }
    }

    #[derive(Debug)]
    struct Refusing;

    impl SpanExporter for Refusing {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            Err(OTelSdkError::InternalFailure("no".to_owned()))
        }
    }

    /// A way for spans over this exporter, and the figures.
    fn way(exporter: impl SpanExporter + 'static) -> (SdkTracerProvider, PrometheusHandle) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let queue = Queue::default();
        metrics::with_local_recorder(&recorder, || queue.count());
        let provider = SdkTracerProvider::builder().with_span_processor(queue.processor(exporter)).build();
        (provider, recorder.handle())
    }

    fn make(provider: &SdkTracerProvider, spans: usize) {
        let tracer = provider.tracer("test");
        (0..spans).for_each(|_| tracer.start("span").end());
    }

    fn count(page: &PrometheusHandle, result: &str) -> usize {
        let name = format!("{SPANS}{{result=\"{result}\"}} ");
        page.render().lines().find_map(|line| line.strip_prefix(&*name)?.parse().ok()).unwrap()
    }

    #[test]
    fn what_finds_no_place_is_dropped_and_counted_and_nobody_waits() {
        let (go, may) = mpsc::channel();
        let (provider, page) = way(Slow(Mutex::new(may)));
        make(&provider, ROOM + 10);
        assert_eq!((count(&page, "dropped"), count(&page, "exported")), (10, 0));
        drop(go);
        provider.shutdown_with_timeout(Duration::from_mins(1)).unwrap();
        assert_eq!((count(&page, "dropped"), count(&page, "exported"), count(&page, "failed")), (10, ROOM, 0));
    }

    #[test]
    fn what_the_collector_refuses_is_counted_and_makes_place_for_others() {
        let (provider, page) = way(Refusing);
        for _ in 0..3 {
            make(&provider, ROOM / 2);
            _ = provider.force_flush();
        }
        assert_eq!((count(&page, "failed"), count(&page, "dropped")), (ROOM / 2 * 3, 0));
    }
}
