//! The port beside the service's own: figures and health, for whoever looks after it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use chat_domain::testing::fake::{FakeClock, FakeProbe};
use chat_http::{Drain, Health, Scrape, ServerSettings, bind_metrics};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::observe::{lines_of, record_log};
use crate::server::{Answer, figures, start};

/// A server on that port.
pub(crate) struct Beside {
    address: SocketAddr,
    drain: Drain,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Beside {
    /// For a service with this database.
    pub(crate) fn start(database: Arc<dyn Probe>) -> Self {
        let (scrape, drain) = (Scrape::new(figures(), || ()), Drain::default());
        let health = Arc::new(Health::new(database, Arc::new(FakeProbe::Healthy), Arc::new(FakeClock::new())));
        let bound = bind_metrics(scrape, health, drain.clone(), "127.0.0.1:0", &ServerSettings::default()).unwrap();
        let handle = bound.server.handle();
        Self { address: bound.address, drain, handle, serving: tokio::spawn(bound.server) }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        reqwest::get(format!("http://{}{path}", self.address)).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.handle.stop(false).await;
        self.serving.await.unwrap().unwrap();
    }
}

async fn says(server: &Beside, path: &str, status: u16, word: &str) {
    let answer = server.get(path).await;
    assert_eq!(answer.status(), status, "{path}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers().contains_key("retry-after"), status == 503);
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], word);
}

/// Away, and says so in words that no other test has.
struct Away;

#[derive(Debug, thiserror::Error)]
#[error("away-beside-1")]
struct NotThere;

#[async_trait]
impl Probe for Away {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        Err(RepositoryError::unavailable(NotThere))
    }
}

#[tokio::test]
async fn it_serves_figures_and_what_probes_ask_and_nothing_else() {
    let server = Beside::start(Arc::new(FakeProbe::Healthy));
    // The figures are those of the process.
    Answer::of(start().await.get("/")).await.expect(StatusCode::OK);
    assert!(server.get("/metrics").await.text().await.unwrap().contains("chat_http_requests_total"));
    says(&server, "/health/live", 200, "live").await;
    says(&server, "/health/ready", 200, "ready").await;
    for elsewhere in ["/", "/health", "/openapi.json", "/api/v1/health", "/api/v1/sessions"] {
        assert_eq!(server.get(elsewhere).await.status(), 404, "{elsewhere}");
    }
    server.drain.begin();
    says(&server, "/health/ready", 503, "draining").await;
    says(&server, "/health/live", 200, "live").await;
    server.stop().await;
}

#[tokio::test]
async fn a_connection_ends_with_its_first_answer_whatever_else_was_begun_on_it() {
    let server = Beside::start(Arc::new(FakeProbe::Healthy));
    for path in ["/health/live", "/metrics", "/elsewhere"] {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        let requests = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\nGET /health/live HTTP/1.1\r\nHo");
        client.write_all(requests.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_mins(1), client.read_to_end(&mut answer)).await;
        // What nobody reads of the second request may make it a reset.
        drop(ended.expect("the connection ends"));
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        assert!(answer.contains("\r\nconnection: close\r\n"), "{path}: {answer}");
        assert_eq!(answer.matches("http/1.1 ").count(), 1, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_node_that_is_not_ready_says_why_in_the_log() {
    record_log();
    let server = Beside::start(Arc::new(Away));
    says(&server, "/health/ready", 503, "unhealthy").await;
    says(&server, "/health/live", 200, "live").await;
    let events = lines_of("away-beside-1");
    assert_eq!(events.len(), 1, "{events:?}");
    let event: Value = serde_json::from_str(&events[0]).unwrap();
    assert_eq!(event["level"], "ERROR");
    let fields = &event["fields"];
    assert_eq!((&fields["code"], &fields["route"]), (&"unhealthy".into(), &"/health/ready".into()));
    assert_eq!(fields["causes"], "database: away-beside-1");
    server.stop().await;
}
