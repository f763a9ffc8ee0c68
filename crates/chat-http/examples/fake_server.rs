//! The whole interface over fakes, for tools that try it out: `cargo run -p chat-http --example fake_server -- 8099`.
//! Nothing outlives the process.

use std::io;
use std::sync::Arc;

use chat_domain::audit::AuditService;
use chat_domain::figures::FiguresService;
use chat_domain::message::MessageService;
use chat_domain::session::SessionService;
use chat_domain::testing::builder::a_guard;
use chat_domain::testing::fake::{FakeBus, FakeClock, FakeIds, FakeProbe, FakeStore};
use chat_http::{Api, AuthMode, CorsOrigins, Drain, Health, Scrape, ServerSettings, TrustedProxies, bind};
use metrics_exporter_prometheus::PrometheusBuilder;

fn api() -> Api {
    let (store, clock, ids) = (FakeStore::new().store(), Arc::new(FakeClock::new()), Arc::new(FakeIds::new()));
    let bus = Arc::new(FakeBus::new());
    let (sessions, messages, pages) = (store.sessions, store.messages, store.pages);
    Api {
        sessions: Arc::new(SessionService::new(
            Arc::clone(&sessions),
            bus.clone(),
            a_guard(),
            clock.clone(),
            ids.clone(),
        )),
        audit: Arc::new(AuditService::new(store.audit, a_guard())),
        figures: Arc::new(FiguresService::new(a_guard())),
        messages: Arc::new(MessageService::new(messages, pages, sessions, bus, a_guard(), clock.clone(), ids)),
        health: Arc::new(Health::new(Arc::new(FakeProbe::Healthy), Arc::new(FakeProbe::Healthy), clock)),
        metrics: Some(Scrape::new(PrometheusBuilder::new().build_recorder().handle(), || ())),
        auth: AuthMode::Open,
        proxies: TrustedProxies::default(),
        limits: None,
        cors: CorsOrigins::default(),
        drain: Drain::default(),
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8099);
    bind(api(), ("127.0.0.1", port), &ServerSettings::default())?.server.await
}
