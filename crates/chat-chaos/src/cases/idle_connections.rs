//! Thousands of connections on which nothing is sent.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::cases::beside;
use crate::failure::{Failure, Outcome};
use crate::memory::MemoryWatch;
use crate::node::Node;
use crate::process::allow_files;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "5,000 connections that send nothing, to a node started with 1,024 open files";
pub(crate) const EXPECTED: &str = "others are served as before";

/// About 20 KiB for each, and some room.
const GROWTH_MIB: f64 = 160.0;

/// What a service is mostly started with: fewer files than there are connections, so that it has to see to more itself.
const FILES: u32 = 1_024;

/// Sooner than a connection on which nothing is sent is given up.
const TAKEN: Duration = Duration::from_secs(9);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let many = stage.times(5_000, 1_200);
    allow_files(many * 2 + 200)?;
    let mut world = stage.world(Plan { files: Some(FILES), ..Plan::nodes(1) }).await?;
    let load = world.load(beside::load(stage))?;
    load.stored(50).await?;
    let mut calm = beside::calm(stage, &world, &load).await?;
    let memory = MemoryWatch::start(&world);
    let address = world.address(0)?;
    let mut idle = Vec::with_capacity(many);
    for _ in 0..many {
        let connected = TcpStream::connect(address.trim_start_matches("http://")).await;
        idle.push(connected.map_err(Failure::io("an idle connection"))?);
    }
    // Those that the node had no descriptor for would wait in the system, and be taken once others have been given up.
    until("all idle connections to be taken", TAKEN, async || Ok(descriptors(&world)? > many)).await?;
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

/// The open files of the node, as Linux tells it.
fn descriptors(world: &World) -> Outcome<usize> {
    let node = world.nodes.first().and_then(Node::process_id).ok_or_else(|| Failure::other("the node does not run"))?;
    let files = std::fs::read_dir(format!("/proc/{node}/fd")).map_err(Failure::io("the node's open files"))?;
    Ok(files.count())
}
