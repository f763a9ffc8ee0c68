//! The bare handler: one answer from memory, by the HTTP server that the service uses, set up as the service sets it up.
//! What it reaches is what is left when everything that a chat service does is taken away.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer, rt};

use crate::cli::BareArgs;
use crate::connection::Connection;
use crate::error::LoadError;
use crate::request;

/// Headers that the server writes by itself.
const OF_THE_SERVER: [&str; 4] = ["content-length", "date", "connection", "transfer-encoding"];

/// The answer, kept.
#[derive(Debug, Clone)]
struct Kept {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Kept {
    fn small() -> Self {
        let json = (HeaderName::from_static("content-type"), HeaderValue::from_static("application/json"));
        let body = Bytes::from_static(br#"{"service":"chat-load","status":"running"}"#);
        Self { status: StatusCode::OK, headers: vec![json], body }
    }

    /// The answer that the given URL gives now.
    async fn like(args: &BareArgs) -> Result<Self, LoadError> {
        let Some(target) = &args.like else { return Ok(Self::small()) };
        let mut connection = Connection::open(target).await?;
        let answer = connection.exchange(&request::get(target, "", &args.headers)).await?;
        let sent = |(name, value): (String, Vec<u8>)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let ours = !OF_THE_SERVER.contains(&name.as_str());
            Some((name, HeaderValue::from_bytes(&value).ok()?)).filter(|_| ours)
        };
        Ok(Self {
            status: StatusCode::from_u16(answer.status).map_err(|_| LoadError::Answer("its status is none"))?,
            headers: answer.headers().into_iter().filter_map(sent).collect(),
            body: Bytes::copy_from_slice(answer.body),
        })
    }

    fn answer(&self) -> HttpResponse {
        let mut response = HttpResponse::with_body(self.status, BoxBody::new(self.body.clone()));
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response
    }
}

/// Serves until it is stopped.
pub(crate) fn serve(args: &BareArgs) -> Result<(), LoadError> {
    rt::System::new().block_on(async {
        let kept = Kept::like(args).await?;
        let cannot = |source| LoadError::io(format!("cannot serve on port {}", args.port), source);
        bind(kept, args.port).map_err(cannot)?.0.await.map_err(cannot)
    })
}

/// As the service binds with its default settings.
fn bind(kept: Kept, port: u16) -> io::Result<(Server, u16)> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let port = listener.local_addr()?.port();
    let app = move || {
        let kept = kept.clone();
        App::new().default_service(web::to(move || {
            let answer = kept.answer();
            async move { answer }
        }))
    };
    let server = HttpServer::new(app)
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(75))
        .tcp_nodelay(true)
        .listen(listener)?
        .run();
    Ok((server, port))
}

/// A bare server on a thread of its own, for as long as the process lives.
#[cfg(test)]
pub(crate) fn spawn() -> crate::target::Target {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        rt::System::new().block_on(async {
            let (server, port) = bind(Kept::small(), 0).unwrap();
            sender.send(port).unwrap();
            server.await.unwrap();
        });
    });
    crate::target::Target::local(receiver.recv().unwrap(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_sent_again() {
        let target = spawn();
        let args = BareArgs { port: 0, like: Some(target), headers: Vec::new() };
        let kept = crate::load::runtime().unwrap().block_on(Kept::like(&args)).unwrap();
        let small = Kept::small();
        assert_eq!((kept.status, kept.headers, kept.body), (small.status, small.headers, small.body));
    }
}
