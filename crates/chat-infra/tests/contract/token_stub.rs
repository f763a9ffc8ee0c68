//! Somebody who has keys and gives them over HTTP, well or badly.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_infra::token::KeySetUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How the stub answers.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// With this text.
    Set(String),
    /// With this text and another status, and a place to look elsewhere.
    Status(u16, String),
    /// With more than anybody would want.
    Huge,
    /// By hanging up.
    HangUp,
    /// Never.
    Hang,
    /// With the head of an answer, and never with the rest.
    Trickle,
}

/// A server that runs until it is dropped.
pub(crate) struct Stub {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
    server: JoinHandle<()>,
}

struct Shared {
    manner: Mutex<Manner>,
    asked: AtomicUsize,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stub {
    /// Gives this text.
    pub(crate) async fn start(text: &str) -> Self {
        let shared = Arc::new(Shared { manner: Mutex::new(Manner::Set(text.to_owned())), asked: AtomicUsize::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, answering) = (listener.local_addr().unwrap(), Arc::clone(&shared));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&answering)));
            }
        });
        Self { shared, address, server }
    }

    /// Answers otherwise from now on.
    pub(crate) fn turn(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Waits until it was asked so many times more.
    pub(crate) async fn asked_again(&self, times: usize) {
        let until = self.asked() + times;
        let asked = async {
            while self.asked() < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), asked).await.expect("the set must be asked for");
    }

    pub(crate) fn url(&self) -> KeySetUrl {
        format!("http://{}/keys", self.address).parse().unwrap()
    }
}

async fn answer(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let manner = shared.manner.lock().unwrap().clone();
    // The client may have left; that is its business.
    _ = match manner {
        Manner::Set(text) => stream.write_all(document("200 OK", &text).as_bytes()).await,
        Manner::Status(status, text) => {
            let status = format!("{status} Else\r\nLocation: /elsewhere");
            stream.write_all(document(&status, &text).as_bytes()).await
        }
        Manner::Huge => stream.write_all(document("200 OK", &" ".repeat(4 * 1024 * 1024)).as_bytes()).await,
        Manner::HangUp => Ok(()),
        Manner::Hang => std::future::pending().await,
        Manner::Trickle => {
            let begun = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").await;
            std::future::pending::<()>().await;
            begun
        }
    };
}

fn document(status: &str, text: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
}
