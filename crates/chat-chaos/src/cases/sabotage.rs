//! No fault of the service: the suite itself changes what is in the file. A suite that works fails these cases.

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
    play: |stage| Box::pin(run(stage, "DELETE FROM messages WHERE seq = 3")),
};

/// Not one of [`CASES`](crate::CASES) either.
pub const SABOTAGE_OF_DELETIONS: Case = Case {
    name: "sabotage_of_deletions",
    store: Store::Sqlite,
    fault: "a deletion undone in the store behind the service's back",
    expected: "the suite finds what is there again",
    play: |stage| Box::pin(run(stage, UNDO)),
};

const UNDO: &str = "UPDATE messages SET deleted_at = NULL
WHERE id = (SELECT min(id) FROM messages WHERE deleted_at IS NOT NULL)";

async fn run(stage: &mut Stage, statement: &str) -> Outcome {
    let mut world = stage.world(Plan::nodes(1)).await?;
    let load = world.load(Size::default())?;
    load.stored(50).await?;
    world.first()?.kill();
    let file = Connection::open(data_directory(stage).join("chat.db"))?;
    let changed = file.execute(statement, [])?;
    drop(file);
    if changed == 0 {
        return Err(Failure::other("there was no message to change"));
    }
    world.first()?.start().await?;
    stage.settle(&mut world, load).await
}
