//! Nodes that are started with few open files.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::client::Client;
use crate::node::Node;
use crate::store::Store;

/// Whatever takes so long does not come.
const PATIENCE: Duration = Duration::from_mins(1);
const WARNING: &str = "fewer open files are allowed than MAX_CONNECTIONS needs";

mod sqlite {
    use super::*;

    #[tokio::test]
    async fn a_node_takes_more_connections_than_its_soft_limit_of_open_files() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        variables.push(("MAX_CONNECTIONS", "400".to_owned()));
        let node = Node::start_under("ulimit -Sn 100", &variables).await;
        let address = node.url.trim_start_matches("http://");
        let mut idle = Vec::new();
        for _ in 0..200 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let (client, live) = (Client::new(&node.url), format!("{}/health/live", node.url));
        let live = tokio::time::timeout(PATIENCE, client.get(&live)).await;
        live.expect("there is room for one more").expect(200);
        drop(idle);
        let log = node.whole_log().await;
        assert!(!log.iter().any(|line| line.contains(WARNING)), "{log:?}");
    }

    #[tokio::test]
    async fn a_node_that_may_not_open_enough_files_says_so_once_and_serves() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        variables.push(("MAX_CONNECTIONS", "400".to_owned()));
        let node = Node::start_under("ulimit -n 300", &variables).await;
        Client::new(&node.url).new_session().await;
        let log = node.whole_log().await;
        assert_eq!(log.iter().filter(|line| line.contains(WARNING)).count(), 1, "{log:?}");
    }
}
