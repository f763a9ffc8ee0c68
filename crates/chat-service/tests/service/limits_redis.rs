//! Limits across nodes: real processes that share nothing but a Redis.

use std::time::Instant;

use chat_domain::clock::IdSource as _;
use chat_infra::system::SystemIds;
use reqwest::Method;
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::node::Node;
use crate::store::given;

const BURST: u32 = 100;
const RATE: u32 = 2;
/// What two nodes may hold ahead of need together: a sixteenth of a burst each, as the documentation says.
const OVERSHOOT: u32 = 2 * BURST / 16;

/// A node with a file of its own, which believes this machine as it would its gateway.
async fn node(directory: &TempDir, redis: &str, prefix: &str) -> Node {
    let data = directory.path().join(SystemIds.session_id().to_string());
    let variables = [
        ("DATA_DIR", data.display().to_string()),
        ("REDIS_URL", redis.to_owned()),
        ("REDIS_PREFIX", prefix.to_owned()),
        ("METRICS_PORT", "0".to_owned()),
        ("AUTH_MODE", "gateway".to_owned()),
        ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
        ("RATE_LIMIT", RATE.to_string()),
        ("RATE_BURST", BURST.to_string()),
    ];
    Node::start(&variables).await
}

fn prefix() -> String {
    format!("test-{}", SystemIds.session_id())
}

/// Both nodes, on one Redis or, with another prefix, as good as on two.
async fn two_nodes(directory: &TempDir, prefixes: [&str; 2]) -> [Node; 2] {
    let redis = given("TEST_REDIS_URL");
    [node(directory, &redis, prefixes[0]).await, node(directory, &redis, prefixes[1]).await]
}

async fn ask(client: &Client, user: &str) -> Answer {
    let identity = [("x-tenant-id", "t"), ("x-user-id", user), ("x-user-role", "user")];
    client.send(Method::GET, &format!("/users/{user}/sessions"), &identity, None).await.unwrap()
}

/// Sixteen clients ask so often each, one node in turn; how many requests were let through.
async fn flood(nodes: &[Node], user: &str, times: u32) -> u32 {
    let clients = (0..16).map(|n| {
        let (client, user) = (Client::new(&nodes[n % nodes.len()].url), user.to_owned());
        tokio::spawn(async move {
            let mut passed = 0;
            for _ in 0..times {
                let answer = ask(&client, &user).await;
                match answer.status.as_u16() {
                    200 => passed += 1,
                    429 => assert_eq!(answer.body["code"], "rate_limited"),
                    _ => panic!("{answer:?}"),
                }
            }
            passed
        })
    });
    let mut passed = 0;
    for client in clients.collect::<Vec<_>>() {
        passed += client.await.unwrap();
    }
    passed
}

/// How often Redis was not there for the nodes in time: requests that they let through by themselves, and calls that came
/// to nothing, with which the permits are lost that Redis may have sold.
async fn late(nodes: &[Node; 2]) -> u32 {
    let mut count = 0;
    for node in nodes {
        let page = reqwest::get(&node.metrics_url).await.unwrap().text().await.unwrap();
        let fallbacks = page.lines().find_map(|line| line.strip_prefix("chat_rate_limit_fallbacks_total "));
        count += fallbacks.expect("it is there from the start").parse::<u32>().unwrap();
        let calls = page.lines().filter(|line| line.starts_with("chat_redis_calls_total{") && line.contains("\"buy\""));
        let lost = calls.filter(|line| !line.contains("result=\"ok\""));
        count += lost.map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()).sum::<u32>();
    }
    count
}

/// Asks each node in turn until none lets anything through: a node whose clients have all been refused may still have
/// permits in hand. How many went through.
async fn rest(nodes: &[Node; 2], user: &str) -> u32 {
    let clients = nodes.each_ref().map(|node| Client::new(&node.url));
    let mut passed = 0;
    // More rounds there are none with something in it, but for what comes back meanwhile on a machine that is very slow.
    for _ in 0..BURST {
        let mut round = 0;
        for client in &clients {
            round += u32::from(ask(client, user).await.status == 200);
        }
        if round == 0 {
            break;
        }
        passed += round;
    }
    passed
}

/// A flood in which Redis was always in time, which on a busy machine it may not be however well it is; how many requests
/// were let through until nothing was left, and what may have come back meanwhile.
async fn flood_in_time(nodes: &[Node; 2], times: u32) -> (u32, u32) {
    for n in 0..30 {
        let (start, before, user) = (Instant::now(), late(nodes).await, format!("flood-{n}"));
        let passed = flood(nodes, &user, times).await + rest(nodes, &user).await;
        let back = came_back(start);
        if late(nodes).await == before {
            return (passed, back);
        }
    }
    panic!("Redis is always late");
}

/// What may have come back since.
fn came_back(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis() * u128::from(RATE) / 1_000).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_together_keep_a_caller_to_its_limit() {
    let (directory, prefix) = (TempDir::new().unwrap(), prefix());
    let nodes = two_nodes(&directory, [&prefix, &prefix]).await;
    let (passed, back) = flood_in_time(&nodes, 60).await;
    let most = BURST + back + OVERSHOOT;
    assert!((BURST..=most).contains(&passed), "{passed} of at most {most}");
    assert_eq!(ask(&Client::new(&nodes[0].url), "bob").await.status, 200, "another caller has its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_share_nothing_each_keep_to_the_limit() {
    let directory = TempDir::new().unwrap();
    let nodes = two_nodes(&directory, [&prefix(), &prefix()]).await;
    let (passed, back) = flood_in_time(&nodes, 30).await;
    let most = 2 * (BURST + back);
    assert!((2 * BURST..=most).contains(&passed), "{passed} of at most {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_cannot_reach_redis_keeps_to_the_limit_by_itself_and_fails_nobody() {
    let directory = TempDir::new().unwrap();
    // A port that nothing listens on: reserved, and refused at once.
    let nodes = [node(&directory, "redis://127.0.0.1:1", "test").await];
    let start = Instant::now();
    let passed = flood(&nodes, "ann", 30).await;
    let most = BURST + came_back(start);
    assert!((BURST..=most).contains(&passed), "{passed} of at most {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_is_told_of_what_it_used_on_the_other_node() {
    let (directory, prefix) = (TempDir::new().unwrap(), prefix());
    let nodes = two_nodes(&directory, [&prefix, &prefix]).await;
    let [one, other] = [0, 1].map(|n| Client::new(&nodes[n].url));
    let left = |text: &str| text.split([';', '=']).nth(2).unwrap().parse::<u32>().unwrap();
    // On a busy machine the other node may not hear of it in time, once or twice.
    for n in 0..20 {
        let user = format!("user-{n}");
        for _ in 0..60 {
            ask(&one, &user).await;
        }
        for _ in 0..10 {
            let answer = ask(&other, &user).await;
            assert_eq!(answer.header("ratelimit-policy"), r#""requests";q=100;w=50"#);
            if left(answer.header("ratelimit")) < 90 {
                return;
            }
        }
    }
    panic!("what was used on the other node never shows");
}
