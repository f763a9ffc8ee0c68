//! Thousands of connections on which nothing is sent.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use crate::cases::beside;
use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::memory::MemoryWatch;
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "5,000 connections that send nothing";
pub(crate) const EXPECTED: &str = "others are served as before";

/// About 20 KiB for each, and some room.
const GROWTH_MIB: f64 = 160.0;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let many = stage.times(5_000, 500);
    allow_files(many * 2 + 200)?;
    let mut world = stage.world(Plan::nodes(1)).await?;
    let load = world.load(Size::default())?;
    load.stored(50).await?;
    let mut calm = beside::calm(stage, &world, &load).await?;
    let memory = MemoryWatch::start(&world);
    let address = world.address(0)?;
    let mut idle = Vec::with_capacity(many);
    for _ in 0..many {
        let connected = TcpStream::connect(address.trim_start_matches("http://")).await;
        idle.push(connected.map_err(Failure::io("an idle connection"))?);
    }
    for _ in 0..3 {
        beside::cost(stage, &world, &load, &mut calm).await?;
    }
    // A client that was not there before is served, too.
    let fresh = crate::client::Client::new()?.ask(&address, &crate::client::Request::get("/health")).await;
    stage.promise(fresh.is_ok_and(|answer| answer.status == 200), || "a new client was not served".to_owned());
    stage.grown(memory.growth(), GROWTH_MIB);
    drop(idle);
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}

/// Lets this process, and those that it starts, have so many files.
fn allow_files(many: usize) -> Outcome {
    let many = many as u64;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|now| now >= many) {
        return Ok(());
    }
    let limit = Rlimit { current: Some(many.min(now.maximum.unwrap_or(many))), maximum: now.maximum };
    setrlimit(Resource::Nofile, limit).map_err(|error| Failure::io("more open files")(error.into()))
}
