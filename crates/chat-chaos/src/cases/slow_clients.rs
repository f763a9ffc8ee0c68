//! Clients that send heads and bodies byte by byte or stop in the middle, and clients that do not read what they asked
//! for.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::case::Form;
use crate::cases::beside::{self, Calm};
use crate::client::Request;
use crate::failure::{Failure, Outcome};
use crate::load::{Load, Size};
use crate::memory::MemoryWatch;
use crate::stage::Stage;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "slow clients: heads, bodies, readers";
pub(crate) const EXPECTED: &str = "others are served as before; half-sent requests are gone in 10 s";

/// Whoever is still there by then is not thrown out at all.
const PATIENCE: Duration = Duration::from_mins(1);
/// The promise, and a moment for the machine.
const GONE: Duration = Duration::from_secs(12);
/// An answer that nobody reads is kept for its client until that one is thrown out.
const PAGE_MIB: f64 = 8.0;
/// Messages of its page, and how many of them are sent at once.
const LARGE: usize = 992;
const AT_ONCE: usize = 16;
const DRIP: Duration = Duration::from_millis(500);

/// How a request is sent.
#[derive(Debug, Clone, Copy)]
enum Slow {
    /// A head, a byte now and then.
    DrippingHead,
    /// Half a head.
    HalfHead,
    /// A head, and half a body.
    HalfBody,
}

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(1)).await?;
    fill(&world).await?;
    let load = world.load(Size::default())?;
    load.stored(50).await?;
    let mut calm = beside::calm(stage, &world, &load).await?;
    let memory = MemoryWatch::start(&world);
    let many = stage.times(200, 10);
    let readers = readers(&world, many).await?;
    let (longest, ()) = tokio::try_join!(senders(&world, many), costs(stage, &world, &load, &mut calm))?;
    drop(readers);
    stage.note(format!("longest half-sent request {longest:.1?}"));
    stage.grown(
        memory.growth(),
        super::postgres_slow::GROWTH_MIB + PAGE_MIB * f64::from(u32::try_from(many).unwrap_or(u32::MAX)),
    );
    let limit = if stage.form() == Form::Long { GONE } else { PATIENCE };
    stage.promise(longest <= limit, || format!("a half-sent request was there for {longest:.1?}"));
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}

async fn costs(stage: &mut Stage, world: &World, load: &Load, calm: &mut Calm) -> Outcome {
    for _ in 0..3 {
        beside::cost(stage, world, load, calm).await?;
    }
    Ok(())
}

/// A session whose page is larger than what sockets keep.
async fn fill(world: &World) -> Outcome {
    let (session, node) = (world.ask(0, &Request::session("large")).await?.text("id")?, world.address(0)?);
    for batch in 0..LARGE / AT_ONCE {
        let mut sending = JoinSet::new();
        for number in batch * AT_ONCE..(batch + 1) * AT_ONCE {
            let request = Request::message(&session, &format!("large-{number}"), &"large ".repeat(1_000));
            let (client, node) = (world.client.clone(), node.clone());
            sending.spawn(async move { client.ask(&node, &request).await.map(|answer| answer.status) });
        }
        while let Some(sent) = sending.join_next().await {
            match sent {
                Ok(Ok(201)) => {}
                other => return Err(Failure::other(format!("a message was not stored: {other:?}"))),
            }
        }
    }
    Ok(())
}

async fn connect(world: &World) -> Outcome<TcpStream> {
    let address = world.address(0)?;
    let connected = TcpStream::connect(address.trim_start_matches("http://")).await;
    connected.map_err(Failure::io("a slow client's connection"))
}

/// Clients that ask for the large page and never read it.
async fn readers(world: &World, many: usize) -> Outcome<Vec<TcpStream>> {
    let list = world.ask(0, &Request::get("/api/v1/users/u-1/sessions")).await?;
    let largest = list
        .body
        .as_array()
        .into_iter()
        .flatten()
        .max_by_key(|session| session.get("message_count").and_then(serde_json::Value::as_i64));
    let id = largest.and_then(|session| session.get("id")?.as_str()).unwrap_or_default();
    let request = format!("GET /api/v1/sessions/{id}/messages?limit=1000 HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut clients = Vec::new();
    for _ in 0..many {
        let mut client = connect(world).await?;
        client.write_all(request.as_bytes()).await.map_err(Failure::io("a request"))?;
        clients.push(client);
    }
    Ok(clients)
}

/// Clients that do not come to an end with their request; how long the last of them was suffered.
async fn senders(world: &World, many: usize) -> Outcome<Duration> {
    let mut clients = JoinSet::new();
    for number in 0..many {
        let slow = match number % 3 {
            0 => Slow::DrippingHead,
            1 => Slow::HalfHead,
            _ => Slow::HalfBody,
        };
        clients.spawn(suffered(connect(world).await?, slow));
    }
    let mut longest = Duration::ZERO;
    while let Some(time) = clients.join_next().await {
        longest = longest.max(time.map_err(|error| Failure::other(error.to_string()))?);
    }
    Ok(longest)
}

/// How long the server keeps such a client.
async fn suffered(client: TcpStream, slow: Slow) -> Duration {
    let began = Instant::now();
    let (mut from, mut to) = client.into_split();
    let start: &[u8] = match slow {
        Slow::DrippingHead | Slow::HalfHead => b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ",
        Slow::HalfBody => {
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
              Content-Length: 100\r\n\r\n{\"user_id\":"
        }
    };
    let sending = async move {
        _ = to.write_all(start).await;
        loop {
            sleep(DRIP).await;
            if let Slow::DrippingHead = slow {
                _ = to.write_all(b"x").await;
            }
        }
    };
    // An answer that says 408 is the end of the request; the connection may linger for the client to hear it.
    let closed = async {
        _ = from.read(&mut [0; 1]).await;
    };
    _ = timeout(PATIENCE * 2, async {
        tokio::select! {
            () = closed => {}
            () = sending => {}
        }
    })
    .await;
    began.elapsed()
}
