//! Clients that send nearly all of the largest body there may be, and then a byte now and then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{PATIENCE, connect};
use crate::failure::{Failure, Outcome};
use crate::world::World;

/// What they announce, which is the most that the service takes, and what they send of it at once.
const ANNOUNCED: usize = 262_144;
const SENT: usize = 250_000;
/// Between two bytes after that; sooner than the service takes a silence for the end.
const DRIP: Duration = Duration::from_secs(2);

/// What became of such clients.
#[derive(Debug, Default)]
pub(super) struct Large {
    /// How many had sent all that they send at once.
    pub(super) held: usize,
    /// How many were told that there is no room for their body.
    pub(super) refused: usize,
    /// What the others were told, and it is none of what is promised.
    pub(super) unclear: Vec<String>,
}

/// So many of them, until the others are done; what these say, and what became of them.
pub(super) async fn beside<T>(
    world: &World,
    many: usize,
    others: impl Future<Output = Outcome<T>>,
) -> Outcome<(T, Large)> {
    let (mut clients, seen) = (JoinSet::new(), Arc::new(Mutex::new(Large::default())));
    let session = world.sessions.first().ok_or_else(|| Failure::other("there is no session"))?;
    let head = format!(
        "POST /api/v1/sessions/{session}/messages HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
         Content-Length: {ANNOUNCED}\r\n\r\n{{\"content\":\""
    );
    let start: Arc<[u8]> = format!("{head}{}", "x".repeat(SENT)).into_bytes().into();
    for _ in 0..many {
        let (client, start, seen) = (connect(world).await?, Arc::clone(&start), Arc::clone(&seen));
        clients.spawn(async move { one(client, &start, &seen).await });
    }
    let others = others.await?;
    clients.shutdown().await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((others, seen))
}

/// One of them, until it is answered or cut off.
async fn one(client: TcpStream, start: &[u8], seen: &Mutex<Large>) {
    let note = |note: fn(&mut Large)| note(&mut seen.lock().unwrap_or_else(PoisonError::into_inner));
    let (mut from, mut to) = client.into_split();
    let sending = async {
        if to.write_all(start).await.is_ok() {
            note(|large| large.held += 1);
        }
        loop {
            sleep(DRIP).await;
            _ = to.write_all(b"x").await;
        }
    };
    let answered = async {
        let mut answer = Vec::new();
        // What was told before the connection broke was told.
        let whole = timeout(PATIENCE, from.read_to_end(&mut answer)).await;
        (String::from_utf8_lossy(&answer).into_owned(), whole.is_ok_and(|whole| whole.is_ok()))
    };
    let (answer, whole) = tokio::select! {
        answered = answered => answered,
        () = sending => return,
    };
    match answer.get(..12) {
        Some("HTTP/1.1 503") if whole && is_clear(&answer) => note(|large| large.refused += 1),
        // Its minute is over.
        Some("HTTP/1.1 408") => {}
        _ => {
            let said = answer.chars().take(200).collect();
            seen.lock().unwrap_or_else(PoisonError::into_inner).unclear.push(said);
        }
    }
}

/// Whether it says when to come again, and by its code that nothing was done.
fn is_clear(answer: &str) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    head.to_lowercase().contains("\r\nretry-after: ") && body.contains("\"code\":\"store_unavailable\"")
}
