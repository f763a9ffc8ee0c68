//! One operation, from beginning to end.

use std::sync::Arc;

use tracing::Instrument as _;

use super::figures::Figures;
use super::name::{Call, Classify, System};
use super::span;

/// Connections, or whatever leads to them, given out for one named operation at a time. A clone leads to the same ones.
#[derive(Clone)]
pub(crate) struct Observed<C> {
    connections: C,
    figures: Arc<Figures>,
}

impl<C> Observed<C> {
    /// The connections of this system; its figures are there from now on.
    pub(crate) fn new(system: System, connections: C) -> Self {
        Self { connections, figures: Arc::new(Figures::new(system)) }
    }

    /// Has the operation done, which takes as long as it takes: deadlines are the connections' matter.
    ///
    /// # Errors
    /// Those of the work.
    pub(crate) async fn run<'c, T, E, F>(&'c self, call: impl Into<Call>, work: impl FnOnce(&'c C) -> F) -> Result<T, E>
    where
        E: Classify,
        F: Future<Output = Result<T, E>>,
    {
        let call = call.into();
        let running = self.figures.begin(call.operation);
        let span = span::operation(self.figures.system, call);
        let done = work(&self.connections).instrument(span.clone()).await;
        if let Err(error) = &done {
            running.failed(error.fault());
            span::failed(&span, error.fault());
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use chat_domain::error::RepositoryError;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::operation::Operation;

    #[derive(Debug, thiserror::Error)]
    #[error("somebody holds it")]
    struct Held;

    #[tokio::test]
    async fn each_operation_is_there_at_zero_and_is_timed_and_counted_by_how_it_failed() {
        let recorder = PrometheusBuilder::new().set_buckets(&[1.0]).unwrap().build_recorder();
        let page = recorder.handle();
        let store = metrics::with_local_recorder(&recorder, || Observed::new(System::Sqlite, 7));
        let has = |line: &str| {
            let page = page.render();
            assert!(page.lines().any(|found| found == line), "{line} is not in {page}");
        };
        has(r#"chat_store_operation_duration_seconds_count{store="sqlite",operation="sessions.find"} 0"#);
        has(r#"chat_store_errors_total{store="sqlite",operation="messages.append",kind="busy"} 0"#);
        assert!(!page.render().contains("cache.get"), "what a store does not know is not there");

        let done = store.run(Operation::SessionsFind, async |seven| Ok::<_, RepositoryError>(*seven)).await;
        assert_eq!(done.unwrap(), 7);
        let call = Operation::MessagesAppend.of(2);
        let failed = store.run(call, async |_| Err::<(), _>(RepositoryError::busy(Held))).await;
        assert!(failed.is_err());
        has(r#"chat_store_operation_duration_seconds_count{store="sqlite",operation="sessions.find"} 1"#);
        has(r#"chat_store_operation_duration_seconds_count{store="sqlite",operation="messages.append"} 1"#);
        has(r#"chat_store_errors_total{store="sqlite",operation="messages.append",kind="busy"} 1"#);
        has(r#"chat_store_errors_total{store="sqlite",operation="messages.append",kind="unavailable"} 0"#);
    }

    #[tokio::test]
    async fn what_is_given_up_is_timed_too() {
        let recorder = PrometheusBuilder::new().set_buckets(&[1.0]).unwrap().build_recorder();
        let store = metrics::with_local_recorder(&recorder, || Observed::new(System::Postgres, ()));
        let never = store.run(Operation::MessagesPage, async |()| {
            std::future::pending::<()>().await;
            Ok::<_, RepositoryError>(())
        });
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), never).await.is_err());
        let line = r#"chat_store_operation_duration_seconds_count{store="postgres",operation="messages.page"} 1"#;
        assert!(recorder.handle().render().contains(line));
    }
}
