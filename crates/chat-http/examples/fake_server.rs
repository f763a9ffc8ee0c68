//! The whole interface over fakes, for tools that try it out: `cargo run -p chat-http --example fake_server -- 8099`.
//! Nothing outlives the process.

use std::io;
use std::sync::Arc;

use chat_domain::attachment::{AllowedTypes, AttachmentRules, AttachmentService};
use chat_domain::audit::AuditService;
use chat_domain::extension::ExtensionService;
use chat_domain::figures::FiguresService;
use chat_domain::message::MessageService;
use chat_domain::participant::ParticipantService;
use chat_domain::session::SessionService;
use chat_domain::testing::builder::a_guard;
use chat_domain::testing::fake::{FakeBus, FakeClock, FakeFiles, FakeIds, FakeProbe, FakeStore};
use chat_http::{Api, AuthMode, CorsOrigins, Drain, Health, Scrape, ServerSettings, TrustedProxies, bind};
use metrics_exporter_prometheus::PrometheusBuilder;

fn api() -> Api {
    let (store, clock, ids) = (FakeStore::new().store(), Arc::new(FakeClock::new()), Arc::new(FakeIds::new()));
    let bus = Arc::new(FakeBus::new());
    let (sessions, messages, pages) = (store.sessions, store.messages, store.pages);
    let store_messages = Arc::clone(&messages);
    let messages = MessageService::new(
        messages,
        Arc::clone(&pages),
        Arc::clone(&sessions),
        bus.clone(),
        a_guard(),
        clock.clone(),
        ids.clone(),
    );
    let messages = Arc::new(messages.with_attachments(store.attachments.clone()));
    let rules = AttachmentRules {
        max_bytes: 1024 * 1024,
        quota: None,
        types: AllowedTypes::new(["image/*", "text/plain"]).unwrap_or_else(|_| unreachable!("these are types")),
    };
    let attachments = AttachmentService::new(
        (store.attachments, Arc::new(FakeFiles::default())),
        (Arc::clone(&sessions), store_messages),
        rules,
        a_guard(),
        clock.clone(),
        ids.clone(),
    );
    Api {
        attachments: Arc::new(attachments),
        sessions: Arc::new(SessionService::new(
            Arc::clone(&sessions),
            Arc::clone(&pages),
            store.unread,
            bus.clone(),
            a_guard(),
            clock.clone(),
            ids.clone(),
        )),
        participants: Arc::new(ParticipantService::new(
            store.participants,
            sessions,
            bus.clone(),
            a_guard(),
            clock.clone(),
        )),
        audit: Arc::new(AuditService::new(store.audit, a_guard())),
        figures: Arc::new(FiguresService::new(a_guard())),
        extensions: Arc::new(ExtensionService::new(
            Arc::clone(&messages),
            store.extensions,
            bus,
            a_guard(),
            clock.clone(),
            ids,
        )),
        messages,
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
