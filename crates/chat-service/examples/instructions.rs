//! Calls one hot path of the service so many times, on one thread and without a socket, and does nothing else: whoever
//! counts the instructions of two runs that differ in the number of calls knows what one call costs.
//! `deploy/count-instructions.sh` does so; the log goes to standard output.
//!
//! `cargo run --release -p chat-service --example instructions -- list 1000 >/dev/null`; further arguments are settings,
//! such as `RUST_LOG=off`, so that what these cost can be counted too.

use std::error::Error;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{AppConfig, Service, ServiceFactory as _, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use chat_http::Request;
use chat_service::Measured;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Messages on a page, as many as the benchmarks read.
const PAGE: usize = 50;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A hot path.
#[derive(Clone, Copy)]
enum Call {
    /// A message of 60 characters.
    Create,
    /// The first page of a session, which did not change since it was last read.
    List,
    /// A message, and the page after it, which has to find out that it still stands.
    Moved,
}

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let call = match arguments.next().as_deref() {
        Some("create") => Call::Create,
        Some("list") => Call::List,
        Some("moved") => Call::Moved,
        _ => return Err("which? create, list or moved".into()),
    };
    let count = arguments.next().ok_or("how many?")?.parse()?;
    let settings: Vec<String> = arguments.collect();
    let settings: Option<Vec<_>> = settings.iter().map(|setting| setting.split_once('=')).collect();
    let settings = settings.ok_or("what follows the number is NAME=value")?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(measure(call, count, settings)))
}

async fn measure(call: Call, count: usize, mut settings: Vec<(&str, &str)>) -> Outcome {
    let place = tempfile::tempdir()?;
    let directory = place.path().to_str().ok_or("a directory whose name is no text")?;
    settings.extend([("DATA_DIR", directory), ("WORKERS", "1")]);
    let measured = Measured::start(&settings).await?;
    let app = measured.app().new_service(AppConfig::default()).await.map_err(|()| "the application does not start")?;
    let session = said(&app, "/api/v1/sessions", json!({"user_id": "ann"}), StatusCode::CREATED).await?;
    let session = session.get("id").and_then(|id| id.as_str()).ok_or("a session without an id")?;
    let messages = format!("/api/v1/sessions/{session}/messages");
    let page = format!("{messages}?limit={PAGE}");
    for _ in 0..PAGE {
        create(&app, &messages).await?;
    }
    list(&app, &page).await?;
    for _ in 0..count {
        match call {
            Call::Create => create(&app, &messages).await?,
            Call::List => list(&app, &page).await?,
            Call::Moved => {
                create(&app, &messages).await?;
                list(&app, &page).await?;
            }
        }
    }
    Ok(())
}

async fn create<A, B>(app: &A, path: &str) -> Outcome
where
    A: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let message = json!({"content": "x".repeat(60), "sender_type": "user", "sender_id": "ann"});
    said(app, path, message, StatusCode::CREATED).await.map(drop)
}

async fn list<A, B>(app: &A, path: &str) -> Outcome
where
    A: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let answer = app.call(TestRequest::get().uri(path).to_request()).await?;
    let (status, body) = (answer.status(), to_bytes(answer.into_body()).await.map_err(Into::into)?);
    if status == StatusCode::OK && body.len() > PAGE { Ok(()) } else { Err(format!("a list: {status}").into()) }
}

/// Sends a body and reads the answer.
async fn said<A, B>(app: &A, path: &str, body: Value, wanted: StatusCode) -> Outcome<Value>
where
    A: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let answer = app.call(TestRequest::post().uri(path).set_json(body).to_request()).await?;
    let (status, body) = (answer.status(), to_bytes(answer.into_body()).await.map_err(Into::into)?);
    if status == wanted { Ok(serde_json::from_slice(&body)?) } else { Err(format!("{path}: {status}").into()) }
}
