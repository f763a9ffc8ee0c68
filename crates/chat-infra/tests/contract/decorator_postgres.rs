//! The decorators over PostgreSQL and Redis, as several nodes run them.

use std::sync::Arc;

use chat_domain::testing::rig::{CacheRig as _, StoreRig as _};
use chat_domain::{message_repository_contract, revision_source_contract, store_contract};

use crate::decorator::{Cached, Decorated, Grouped, Shared};
use crate::decorator_staleness::{all_at_once, node, take_turns};
use crate::postgres::PostgresRig;
use crate::redis::RedisCacheRig;
use crate::redis_server::cache;

message_repository_contract!(group_commit, Decorated<PostgresRig, Grouped>);
revision_source_contract!(shared_revs, Decorated<PostgresRig, Shared>);
store_contract!(cached_in_redis, Decorated<PostgresRig, Cached<RedisCacheRig>>);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_share_redis_show_each_others_writes() {
    let (database, common) = (PostgresRig::start().await, RedisCacheRig::start().await);
    let (one, other) = (database.node().await, database.node().await);
    let nodes = [node(&one, common.node().await), node(&other, common.node().await)];
    take_turns(&one, &nodes, 1_000).await;
    all_at_once(&one, &nodes, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_cut_off_from_redis_misleads_nobody() {
    let (database, common) = (PostgresRig::start().await, RedisCacheRig::start().await);
    let (one, other) = (database.node().await, database.node().await);
    let lost = Arc::new(cache(&crate::redis_outage::nobody_there()));
    let nodes = [node(&one, common.node().await), node(&other, lost)];
    take_turns(&one, &nodes, 200).await;
    all_at_once(&one, &nodes, 100).await;
}
