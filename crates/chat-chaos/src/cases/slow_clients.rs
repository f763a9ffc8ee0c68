//! Clients that send heads and bodies byte by byte or stop in the middle, clients that do so near the end of the largest
//! bodies there may be, more of them than a node has room for, and clients that ask for large pages, each for another, and
//! do not read them, or read a few bytes now and then.

mod bystander;
mod large;
mod reader;
mod sender;

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::case::Form;
use crate::cases::beside::{self, Calm};
use crate::client::Request;
use crate::failure::{Failure, Outcome};
use crate::load::Load;
use crate::memory::MemoryWatch;
use crate::noise::noise;
use crate::process::allow_files;
use crate::stage::Stage;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "slow clients: heads, bodies, 1,000 large bodies, readers";
pub(crate) const EXPECTED: &str =
    "others served as before; half-sent requests gone in 10 s, readers that stop soon after; memory flat, else 503";

/// Whoever is still there by then is not thrown out at all.
const PATIENCE: Duration = Duration::from_mins(2);
/// However many read however large pages, and send however large bodies: what all lists may take (`LONG_ANSWERS_MIB`,
/// 128 MiB) and one page more, what all bodies may (32) and their buffers as much, four copies (as rows, as values, printed)
/// of each of the two pages that are read at once (64), 16 compressors (64), the caches (32), buffers of some hundred KB for
/// each slow client and those half-sent (80). In the long form a copy of its page for each reader would be four times as
/// much, and all that the bodies send half as much again.
const GROWTH_MIB: f64 = 448.0;
/// Messages of the largest page, of 8 KiB each, and how many of them are sent at once.
const LARGE: usize = 992;
const LENGTH: usize = 8 * 1024;
const AT_ONCE: usize = 16;
/// Senders are there before readers, so that what they are suffered is not the time that all those answers take to begin.
const HEAD_START: Duration = Duration::from_secs(2);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    // A node has room for a hundred of them.
    let large = stage.times(1_000, 150);
    allow_files(large * 2 + 1_000)?;
    let mut world = stage.world(Plan::nodes(1)).await?;
    let list = fill(&world).await?;
    let load = world.load(beside::load(stage))?;
    load.stored(50).await?;
    let mut calm = beside::calm(stage, &world, &load).await?;
    let memory = MemoryWatch::start(&world);
    let (readers, senders) = (stage.times(200, 40), stage.times(200, 10));
    // They are suffered for a minute, as promised, which is too long for every change.
    let dripping_bodies = stage.times(50, 0);
    let storm = large::beside(&world, large, async {
        sleep(HEAD_START).await;
        let reading = bystander::beside(&world, &list, reader::suffered(&world, &list, readers));
        tokio::try_join!(reading, costs(stage, &world, &load, &mut calm))
    });
    let (sending, dripping, (((reading, bystander), ()), large)) = tokio::try_join!(
        sender::suffered(&world, sender::HALF_SENT, senders),
        sender::suffered(&world, &[sender::Slow::DrippingBody], dripping_bodies),
        storm,
    )?;
    let reader::Suffered { longest: reading, begun, refused } = reading;
    stage.note(format!("longest half-sent request {sending:.1?}, reader {reading:.1?}"));
    stage.note(format!("{begun} large pages begun, {refused} refused; beside them {bystander}"));
    let large::Large { held, refused, unclear } = large;
    stage.note(format!("{held} large bodies half sent, {refused} refused"));
    stage.promise(held > 0 && refused > 0, || format!("{held} large bodies were half sent, {refused} refused"));
    let said = || format!("{} large bodies were told something else: {:?}", unclear.len(), unclear.first());
    stage.promise(unclear.is_empty(), said);
    stage.promise(begun > 0, || "no large page was begun".to_owned());
    stage.promise(bystander.all_went_well(), || format!("of pages of 100 KiB {bystander}"));
    stage.grown(memory.growth(), GROWTH_MIB);
    gone(stage, "a half-sent request", sending, sender::GONE);
    gone(stage, "a body that drips", dripping, sender::BODY_GONE);
    gone(stage, "a client that does not read", reading, reader::GONE);
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}

fn gone(stage: &mut Stage, what: &str, longest: Duration, limit: Duration) {
    let limit = if stage.form() == Form::Long { limit } else { PATIENCE };
    stage.promise(longest <= limit, || format!("{what} was there for {longest:.1?}; {limit:?} are promised"));
}

async fn costs(stage: &mut Stage, world: &World, load: &Load, calm: &mut Calm) -> Outcome {
    for _ in 0..3 {
        beside::cost(stage, world, load, calm).await?;
    }
    Ok(())
}

/// A session whose pages are larger than what sockets keep, compressed or not; the path of its list.
async fn fill(world: &World) -> Outcome<String> {
    let (session, node) = (world.ask(0, &Request::session("large")).await?.text("id")?, world.address(0)?);
    for batch in 0..LARGE / AT_ONCE {
        let mut sending = JoinSet::new();
        for number in batch * AT_ONCE..(batch + 1) * AT_ONCE {
            let request = Request::message(&session, &format!("large-{number}"), &noise(number, LENGTH));
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
    Ok(format!("/api/v1/sessions/{session}/messages"))
}

async fn connect(world: &World) -> Outcome<TcpStream> {
    let address = world.address(0)?;
    let connected = TcpStream::connect(address.trim_start_matches("http://")).await;
    connected.map_err(Failure::io("a slow client's connection"))
}

/// The longest that any of these took.
async fn longest(mut clients: JoinSet<Outcome<Duration>>) -> Outcome<Duration> {
    let mut longest = Duration::ZERO;
    while let Some(time) = clients.join_next().await {
        longest = longest.max(time.map_err(|error| Failure::other(error.to_string()))??);
    }
    Ok(longest)
}
