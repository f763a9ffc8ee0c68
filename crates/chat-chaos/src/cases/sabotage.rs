//! No fault of the service: the suite itself takes a message out of the file. A suite that works fails this case.

use rusqlite::Connection;

use crate::case::{Case, Store};
use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::stage::Stage;
use crate::world::{Plan, data_directory};

/// Not one of [`CASES`](crate::CASES): it shows that the suite can fail.
pub const SABOTAGE: Case = Case {
    name: "sabotage",
    store: Store::Sqlite,
    fault: "a message taken out of the store behind the service's back",
    expected: "the suite finds that it is lost",
    play: |stage| Box::pin(run(stage)),
};

async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(1)).await?;
    let load = world.load(Size::default())?;
    load.stored(50).await?;
    world.first()?.kill();
    let file = Connection::open(data_directory(stage).join("chat.db"))?;
    let gone = file.execute("DELETE FROM messages WHERE seq = 3", [])?;
    drop(file);
    if gone == 0 {
        return Err(Failure::other("there was no message to take"));
    }
    world.first()?.start().await?;
    stage.settle(&mut world, load).await
}
