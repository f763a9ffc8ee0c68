//! A collector of traces, as small as a test needs: takes OTLP over HTTP and shows what it was sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use prost::Message as _;

/// What has been sent must be here within this time, or the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A collector that takes everything.
pub(crate) struct Collector {
    address: SocketAddr,
    taken: Taken,
}

type Taken = Arc<Mutex<Vec<Span>>>;

/// One span, with its ids in hexadecimal.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty where it has none.
    pub(crate) parent: String,
    pub(crate) name: String,
    /// As OTLP counts them: 1 internal, 2 server, 3 client.
    pub(crate) kind: i32,
    /// As OTLP counts them: 0 unset, 1 ok, 2 error.
    pub(crate) status: i32,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The traces and ids of the spans that it is linked to.
    pub(crate) links: Vec<(String, String)>,
    /// The header that came along.
    pub(crate) authorization: String,
    /// Of the process.
    pub(crate) resource: BTreeMap<String, String>,
    /// All of it, for those who look for what must not be there.
    pub(crate) text: String,
}

impl Collector {
    /// Listens on a free port.
    pub(crate) fn start() -> Self {
        let taken = Taken::default();
        let into = web::Data::from(Arc::clone(&taken));
        let app = move || {
            let limit = web::PayloadConfig::new(16 * 1024 * 1024);
            App::new().app_data(limit).app_data(into.clone()).route("/v1/traces", web::post().to(take))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        Self { address, taken }
    }

    /// The variables that have a node send its traces here, and soon.
    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.address)),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret".to_owned()),
            ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
        ]
    }

    /// All that has been sent so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().clone()
    }

    /// What has been sent of a trace, once that is what the test waits for.
    pub(crate) async fn trace(&self, trace: &str, is_whole: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let wait = async {
            loop {
                let spans: Vec<_> = self.spans().into_iter().filter(|span| span.trace == trace).collect();
                if is_whole(&spans) {
                    return spans;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let whole = tokio::time::timeout(PATIENCE, wait).await;
        whole.unwrap_or_else(|_| panic!("the trace is not whole: {:#?}", self.spans()))
    }
}

/// A set of keys without any, and what those say who ask for it.
pub(crate) struct Keys {
    address: SocketAddr,
    parents: Parents,
}

type Parents = Arc<Mutex<Vec<String>>>;

impl Keys {
    /// Listens on a free port.
    pub(crate) fn start() -> Self {
        let parents = Parents::default();
        let into = web::Data::from(Arc::clone(&parents));
        let app = move || App::new().app_data(into.clone()).default_service(web::to(show_keys));
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        Self { address, parents }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// The `traceparent` of each request that had one.
    pub(crate) fn parents(&self) -> Vec<String> {
        self.parents.lock().unwrap().clone()
    }
}

/// The public key of RFC 8037, appendix A.2, with a name.
const SOMEBODY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"somebody",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

async fn show_keys(request: HttpRequest, parents: web::Data<Mutex<Vec<String>>>) -> HttpResponse {
    if let Some(parent) = request.headers().get("traceparent") {
        parents.lock().unwrap().push(parent.to_str().unwrap().to_owned());
    }
    HttpResponse::Ok().content_type("application/json").body(SOMEBODY)
}

/// An address where somebody takes connections and never says a word.
pub(crate) fn silent() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    (listener.local_addr().unwrap(), listener)
}

async fn take(request: HttpRequest, body: web::Bytes, taken: web::Data<Mutex<Vec<Span>>>) -> HttpResponse {
    let header = |name| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("content-type"), "application/x-protobuf");
    let authorization = header("authorization");
    let sent = ExportTraceServiceRequest::decode(body).unwrap();
    for group in sent.resource_spans {
        let resource = pairs(&group.resource.unwrap_or_default().attributes);
        for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            taken.lock().unwrap().push(read(&span, authorization, &resource));
        }
    }
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}

fn read(span: &Sent, authorization: &str, resource: &BTreeMap<String, String>) -> Span {
    Span {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name.clone(),
        kind: span.kind,
        status: span.status.as_ref().map_or(0, |status| status.code),
        attributes: pairs(&span.attributes),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        authorization: authorization.to_owned(),
        resource: resource.clone(),
        text: format!("{span:?}"),
    }
}

fn pairs(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}
