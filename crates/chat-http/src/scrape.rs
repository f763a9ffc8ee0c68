//! The figures as those who collect them ask for them.

use std::fmt;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

/// The figures of the process, as text. Clones give the same.
#[derive(Clone)]
pub struct Scrape {
    handle: PrometheusHandle,
    look: Arc<dyn Fn() + Send + Sync>,
}

impl Scrape {
    /// Figures that are counted while things happen, and those for which one has to look, such as the length of a queue:
    /// `look` sets them, each time before they are given. It may take some milliseconds, but may not wait for anything.
    pub fn new(handle: PrometheusHandle, look: impl Fn() + Send + Sync + 'static) -> Self {
        Self { handle, look: Arc::new(look) }
    }

    /// All figures in the text format of Prometheus.
    pub(crate) fn text(&self) -> String {
        (self.look)();
        self.handle.render()
    }
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}
