//! The figures of real nodes, held against the table in `docs/metrics.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::client::{Client, message};
use crate::node::Node;
use crate::store::Store;
use crate::token_signer::{Signer, set};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// What is said of a metric: in the table, or in a scrape.
#[derive(Debug, PartialEq, Eq)]
struct About {
    kind: String,
    labels: BTreeSet<String>,
    meaning: String,
}

/// The metrics that the table promises of such a node.
fn promised(traits: &[&str]) -> BTreeMap<String, About> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let has = |needs: &str| needs.split(", ").all(|need| need == "all" || traits.contains(&need));
    rows.filter(|cells| has(cells[4]))
        .map(|cells| {
            let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
            let about = About { kind: cells[2].into(), labels: quoted(cells[3]), meaning: cells[5].into() };
            (cells[1].trim_matches('`').to_owned(), about)
        })
        .collect()
}

/// One scrape.
struct Scrape(String);

impl Scrape {
    async fn of(node: &Node) -> Self {
        Self(reqwest::get(&node.metrics_url).await.unwrap().error_for_status().unwrap().text().await.unwrap())
    }

    /// The sum of all series of this name (or name and labels, up to any point).
    fn sum(&self, name: &str) -> f64 {
        let series = self.0.lines().filter(|line| line.starts_with(name));
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    fn families(&self) -> BTreeMap<String, About> {
        let named = |mark: &'static str| {
            let lines = self.0.lines().filter_map(move |line| line.strip_prefix(mark)?.split_once(' '));
            lines.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect::<BTreeMap<_, _>>()
        };
        let (kinds, meanings) = (named("# TYPE "), named("# HELP "));
        kinds
            .into_iter()
            .map(|(name, kind)| {
                let (labels, meaning) = (self.labels(&name, &kind), meanings.get(&name).cloned().unwrap_or_default());
                (name, About { kind, labels, meaning })
            })
            .collect()
    }

    /// The labels of a metric; all its series must have the same.
    fn labels(&self, name: &str, kind: &str) -> BTreeSet<String> {
        let endings: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        let of_this = |line: &&str| {
            let rest = line.strip_prefix(name).and_then(|rest| endings.iter().find_map(|end| rest.strip_prefix(end)));
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
        };
        let sets: BTreeSet<_> = self.0.lines().filter(of_this).map(labels).collect();
        assert_eq!(sets.len(), 1, "{name} has series, all with the same labels: {sets:?}");
        sets.into_iter().next().unwrap()
    }
}

/// The names of the labels of a series, but for the bound of a bucket. Names stand outside of quotes, values inside.
fn labels(line: &str) -> BTreeSet<String> {
    let outside = line.split('"').step_by(2).filter_map(|part| part.strip_suffix('='));
    let names = outside.map(|part| part.rsplit(['{', ',']).next().unwrap().to_owned());
    names.filter(|name| name != "le").collect()
}

/// A node shows what the table promises, and nothing else. One request has been made: what stands by route is there.
async fn has_the_figures_of_the_table(node: &Node, traits: &[&str]) {
    Client::new(&node.url).get(&format!("{}/health/live", node.url)).await.expect(200);
    let (shown, promised) = (Scrape::of(node).await.families(), promised(traits));
    let names = |of: &BTreeMap<String, About>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&shown), names(&promised), "left: the node, right: docs/metrics.md");
    for (name, about) in promised {
        assert_eq!(shown[&name], about, "{name}: left: the node, right: docs/metrics.md");
    }
}

/// What is done moves what stands for it.
async fn figures_move(node: &Node, moved: &[&str]) {
    let client = Client::new(&node.url);
    let before = Scrape::of(node).await;
    let session = client.new_session().await;
    for content in ["one", "two"] {
        let path = format!("/sessions/{session}/messages");
        client.store(&path, &[], &message("u-1", content)).await.unwrap();
        client.get(&path).await.expect(200);
        client.get(&path).await.expect(200);
    }
    client.get("/sessions/none").await.expect(422);
    client.send(Method::PUT, "/sessions", &[], Some(&json!({}))).await.unwrap().expect(405);
    let after = Scrape::of(node).await;
    for name in moved {
        let (before, after) = (before.sum(name), after.sum(name));
        assert!(after > before, "{name}: {before}, then {after}");
    }
    for (name, least) in [
        ("process_resident_memory_bytes", 1e6),
        ("process_start_time_seconds", 1.7e9),
        ("process_open_fds", 4.0),
        ("process_threads", 3.0),
        ("chat_build_info", 1.0),
    ] {
        assert!(after.sum(name) >= least, "{name}: {}", after.sum(name));
    }
}

const MOVED: [&str; 9] = [
    "chat_http_requests_total{method=\"POST\",route=\"/api/v1/sessions/{session_id}/messages\",status=\"201\"}",
    "chat_http_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/sessions/{session_id}/messages\"}",
    "chat_http_problems_total{code=\"invalid_request\"}",
    "chat_http_problems_total{code=\"method_not_allowed\"}",
    "chat_append_batch_size_count",
    "chat_append_wait_seconds_count",
    "chat_page_reads_total{result=\"miss\"}",
    "chat_page_reads_total{result=\"hit\"}",
    "chat_store_operation_duration_seconds_count",
];

/// A gauge comes to say this.
async fn comes_to_say(node: &Node, name: &str, value: f64) {
    let said = async {
        while (Scrape::of(node).await.sum(&format!("{name} ")) - value).abs() > 0.1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), said).await.unwrap_or_else(|_| panic!("{name} is never {value}"));
}

/// The gauge of readiness comes to say this. Nobody asks the node for its health meanwhile: it looks by itself.
async fn comes_to_be(node: &Node, ready: f64) {
    comes_to_say(node, "chat_ready", ready).await;
}

/// What `/health/ready` answers, and what the figures say right after it.
async fn ready(node: &Node) -> (u16, f64) {
    let answer = reqwest::get(format!("{}/health/ready", node.url)).await.unwrap();
    (answer.status().as_u16(), Scrape::of(node).await.sum("chat_ready "))
}

/// A node that is told to stop says so in its figures, for as long as it can still be asked.
async fn stops_being_ready(store: &Store) {
    let mut variables = store.variables();
    variables.push(("SHUTDOWN_DELAY_S", "20".to_owned()));
    let node = Node::start(&variables).await;
    comes_to_be(&node, 1.0).await;
    node.terminate();
    comes_to_be(&node, 0.0).await;
    assert_eq!(ready(&node).await, (503, 0.0));
    // The second one ends the delay.
    node.terminate();
    assert!(node.exit().await.success());
}

mod sqlite {
    use super::*;

    #[tokio::test]
    async fn a_node_that_is_told_to_stop_is_not_ready_among_the_figures_either() {
        stops_being_ready(&Store::sqlite().await).await;
    }

    #[tokio::test]
    async fn a_node_that_has_all_its_connections_says_so_among_the_figures_until_they_are_closed() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        let few = [("WORKERS", "2"), ("MAX_CONNECTIONS", "4"), ("METRICS_PORT", "0")];
        variables.extend(few.map(|(name, value)| (name, value.to_owned())));
        let node = Node::start(&variables).await;
        comes_to_say(&node, "chat_http_max_connections", 4.0).await;
        comes_to_say(&node, "chat_http_connections", 0.0).await;
        let address = node.url.strip_prefix("http://").unwrap();
        // Those beyond the four wait to be taken.
        let mut held: Vec<_> = (0..6).map(|_| TcpStream::connect(address).unwrap()).collect();
        comes_to_say(&node, "chat_http_connections", 4.0).await;
        held.truncate(1);
        comes_to_say(&node, "chat_http_connections", 1.0).await;
        drop(held);
        comes_to_say(&node, "chat_http_connections", 0.0).await;
    }

    #[tokio::test]
    async fn a_node_has_the_figures_of_the_table() {
        has_the_figures_of_the_table(&Store::sqlite().await.node().await, &["SQLite"]).await;
    }

    #[tokio::test]
    async fn figures_move_with_what_is_done() {
        figures_move(&Store::sqlite().await.node().await, &MOVED).await;
    }

    #[tokio::test]
    async fn a_port_of_its_own_serves_figures_and_what_probes_ask_and_nothing_else() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        variables.push(("METRICS_PORT", "0".to_owned()));
        let node = Node::start(&variables).await;
        assert!(!node.metrics_url.starts_with(&node.url));
        assert!(Scrape::of(&node).await.sum("chat_build_info") > 0.0);
        for probe in ["/health/live", "/health/ready"] {
            let url = node.metrics_url.replace("/metrics", probe);
            assert_eq!(reqwest::get(&url).await.unwrap().status(), 200, "{url}");
        }
        for elsewhere in [format!("{}/metrics", node.url), node.metrics_url.replace("/metrics", "/api/v1/health")] {
            assert_eq!(reqwest::get(&elsewhere).await.unwrap().status(), 404, "{elsewhere}");
        }
        assert!(!node.whole_log().await.is_empty(), "the node must end cleanly");
    }
}

mod postgres_redis {
    use super::*;

    #[tokio::test]
    async fn a_node_that_loses_its_database_is_not_ready_among_the_figures_until_it_is_back() {
        let store = Store::postgres_redis().await;
        let node = store.node().await;
        comes_to_be(&node, 1.0).await;
        store.is_away(true).await;
        comes_to_be(&node, 0.0).await;
        assert_eq!(ready(&node).await, (503, 0.0));
        store.is_away(false).await;
        comes_to_be(&node, 1.0).await;
        assert_eq!(ready(&node).await, (200, 1.0));
    }

    const MOVED_TOO: [&str; 4] = [
        "chat_postgres_pool_wait_seconds_count{for=\"connection\"}",
        "chat_revision_batch_size_sum",
        "chat_redis_calls_total{call=\"put\",result=\"ok\"}",
        "chat_store_operation_duration_seconds_count{store=\"redis\",operation=\"cache.get\"}",
    ];

    #[tokio::test]
    async fn a_node_has_the_figures_of_the_table() {
        let store = Store::postgres_redis().await;
        has_the_figures_of_the_table(&store.node().await, &["PostgreSQL", "Redis"]).await;
    }

    #[tokio::test]
    async fn a_node_with_tokens_limits_and_traces_has_their_figures_too() {
        let store = Store::postgres_redis().await;
        let keys = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(keys.path(), set(&[&Signer::eddsa("ed")])).unwrap();
        let mut variables = store.variables();
        variables.extend([
            ("AUTH_MODE", "jwt".to_owned()),
            ("JWKS_FILE", keys.path().display().to_string()),
            ("METRICS_PORT", "0".to_owned()),
            // A port that nothing listens on: reserved, and refused at once.
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1".to_owned()),
        ]);
        let node = Node::start(&variables).await;
        has_the_figures_of_the_table(&node, &["PostgreSQL", "Redis", "keys", "limits", "traces"]).await;
    }

    #[tokio::test]
    async fn figures_move_with_what_is_done() {
        let store = Store::postgres_redis().await;
        let node = store.node().await;
        figures_move(&node, &MOVED).await;
        figures_move(&node, &MOVED_TOO).await;
        let scrape = Scrape::of(&node).await;
        assert!((scrape.sum("chat_postgres_pool_max_connections") - 8.0).abs() < 0.1);
        assert!(scrape.sum("chat_postgres_pool_connections") >= 1.0);
    }
}
