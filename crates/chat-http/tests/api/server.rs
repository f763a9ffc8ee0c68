//! A server of its own for each test, and a client for it.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use async_trait::async_trait;
use chat_domain::access::Guard;
use chat_domain::attachment::{
    AllowedTypes, AttachmentFiles, AttachmentRepository, AttachmentRules, AttachmentService,
};
use chat_domain::audit::{AuditRepository, AuditService};
use chat_domain::error::RepositoryError;
use chat_domain::extension::{ExtensionRepository, ExtensionService};
use chat_domain::figures::FiguresService;
use chat_domain::health::{Probe, Pulse};
use chat_domain::message::{MessagePages, MessageRepository, MessageService};
use chat_domain::participant::{ParticipantRepository, ParticipantService, UnreadCounts};
use chat_domain::session::{SessionRepository, SessionService};
use chat_domain::testing::builder::a_guard;
use chat_domain::testing::fake::{FakeBus, FakeClock, FakeFiles, FakeIds, FakeProbe, FakeStore};
use chat_domain::testing::rig::Store;
use chat_http::{
    Api, AuthMode, CorsOrigins, Drain, Health, Limiting, Scrape, ServerSettings, Stopper, TrustedProxies, bind,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// What a test may want otherwise than usual.
pub(crate) struct Parts {
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) messages: Arc<dyn MessageRepository>,
    pub(crate) pages: Arc<dyn MessagePages>,
    pub(crate) extensions: Arc<dyn ExtensionRepository>,
    pub(crate) participants: Arc<dyn ParticipantRepository>,
    pub(crate) unread: Arc<dyn UnreadCounts>,
    pub(crate) audit: Arc<dyn AuditRepository>,
    pub(crate) attachments: Arc<dyn AttachmentRepository>,
    pub(crate) files: Arc<dyn AttachmentFiles>,
    pub(crate) attachment_rules: AttachmentRules,
    /// Who is asked about the figures.
    pub(crate) guard: Guard,
    pub(crate) database: Arc<dyn Probe>,
    pub(crate) cache: Arc<dyn Probe>,
    pub(crate) token_keys: Option<Arc<dyn Probe>>,
    pub(crate) auth: AuthMode,
    pub(crate) proxies: TrustedProxies,
    pub(crate) limits: Option<Limiting>,
    pub(crate) cors: CorsOrigins,
    pub(crate) settings: ServerSettings,
}

impl Default for Parts {
    fn default() -> Self {
        Self::on(FakeStore::new().store())
    }
}

impl Parts {
    /// On this store, and otherwise as usual.
    pub(crate) fn on(store: Store) -> Self {
        Self {
            sessions: store.sessions,
            messages: store.messages,
            pages: store.pages,
            extensions: store.extensions,
            participants: store.participants,
            unread: store.unread,
            audit: store.audit,
            attachments: store.attachments,
            files: Arc::new(FakeFiles::default()),
            attachment_rules: AttachmentRules {
                max_bytes: 100_000,
                quota: None,
                types: AllowedTypes::new(["image/png", "image/jpeg", "text/plain"]).unwrap(),
            },
            guard: a_guard(),
            database: Arc::new(FakeProbe::Healthy),
            cache: Arc::new(FakeProbe::Healthy),
            token_keys: None,
            auth: AuthMode::Open,
            proxies: TrustedProxies::default(),
            limits: None,
            cors: CorsOrigins::default(),
            settings: ServerSettings {
                workers: 1,
                disconnect_timeout: Duration::from_secs(1),
                shutdown_timeout: Duration::from_secs(5),
                ..ServerSettings::default()
            },
        }
    }
}

/// A running server.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) clock: FakeClock,
    pub(crate) drain: Drain,
    pub(crate) handle: ServerHandle,
    pub(crate) stopper: Option<Stopper>,
    client: Client,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// The figures of all servers of this process.
pub(crate) fn figures() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap()).clone()
}

pub(crate) async fn start() -> TestServer {
    start_with(Parts::default()).await
}

pub(crate) async fn start_with(parts: Parts) -> TestServer {
    let (clock, drain) = (FakeClock::new(), Drain::default());
    let (shared, ids, bus) = (Arc::new(clock.clone()), Arc::new(FakeIds::new()), Arc::new(FakeBus::new()));
    let (pages, unread) = (Arc::clone(&parts.pages), parts.unread);
    let sessions = Arc::clone(&parts.sessions);
    let sessions = SessionService::new(sessions, pages, unread, bus.clone(), a_guard(), shared.clone(), ids.clone());
    let participants = ParticipantService::new(
        parts.participants,
        Arc::clone(&parts.sessions),
        bus.clone(),
        a_guard(),
        shared.clone(),
    );
    let stores = (Arc::clone(&parts.sessions), Arc::clone(&parts.messages));
    let messages = MessageService::new(
        parts.messages,
        parts.pages,
        parts.sessions,
        bus.clone(),
        a_guard(),
        shared.clone(),
        ids.clone(),
    );
    let messages = Arc::new(messages.with_attachments(Arc::clone(&parts.attachments)));
    let attachments = AttachmentService::new(
        (parts.attachments, parts.files),
        stores,
        parts.attachment_rules,
        a_guard(),
        shared.clone(),
        ids.clone(),
    );
    let extensions =
        ExtensionService::new(Arc::clone(&messages), parts.extensions, bus, a_guard(), shared.clone(), ids);
    let health = Health::new(parts.database, parts.cache, shared);
    let api = Api {
        figures: Arc::new(FiguresService::new(parts.guard)),
        sessions: Arc::new(sessions),
        participants: Arc::new(participants),
        extensions: Arc::new(extensions),
        messages,
        attachments: Arc::new(attachments),
        audit: Arc::new(AuditService::new(parts.audit, a_guard())),
        health: Arc::new(parts.token_keys.into_iter().fold(health, Health::with_token_keys)),
        metrics: Some(Scrape::new(figures(), || ())),
        auth: parts.auth,
        proxies: parts.proxies,
        limits: parts.limits,
        cors: parts.cors,
        drain: drain.clone(),
    };
    let bound = bind(api, "127.0.0.1:0", &parts.settings).unwrap();
    let (address, handle) = (bound.address, bound.server.handle());
    let stopper = Some(bound.stopper);
    tokio::spawn(bound.server);
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    TestServer { address, clock, drain, handle, stopper, client }
}

impl TestServer {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// A new session of the user `ann`.
    pub(crate) async fn session(&self) -> Value {
        let request = self.post("/api/v1/sessions").json(&json!({"user_id": "ann"}));
        Answer::of(request).await.expect(StatusCode::CREATED)
    }

    /// The path of a new session of `ann`.
    pub(crate) async fn session_path(&self) -> String {
        format!("/api/v1/sessions/{}", self.session().await["id"].as_str().unwrap())
    }

    /// A new message of `ann` in the session at this path.
    pub(crate) async fn say(&self, session: &str, content: &str) -> Value {
        let body = json!({"content": content, "sender_type": "user", "sender_id": "ann"});
        let request = self.post(&format!("{session}/messages")).json(&body);
        Answer::of(request).await.expect(StatusCode::CREATED)
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(20), read).await.expect("the server closes");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.bytes).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(crate) fn expect(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    /// Holds the answer to be a problem document of this status and code, in every part that the contract names.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:chorus:problem:{code}"));
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for text in ["title", "detail", "instance"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {problem}");
        }
        problem
    }

    /// The faults of a 422 as `in pointer code`, with an empty place for the body.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<String> {
        let problem = self.problem(422, "invalid_request");
        let errors = problem["errors"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line = |fault: &Value| {
            assert!(!text(&fault["detail"]).is_empty());
            format!("{} {} {}", text(&fault["in"]), text(&fault["pointer"]), text(&fault["code"])).trim().to_owned()
        };
        errors.map(line).collect()
    }
}

/// A probe that says when it is asked, and answers only once the test lets it.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) asked: Notify,
    pub(crate) released: Notify,
}

#[async_trait]
impl Probe for Held {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        self.asked.notify_one();
        self.released.notified().await;
        Ok(Pulse::default())
    }
}
