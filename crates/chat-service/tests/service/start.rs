//! Starting: settings, migrations, many nodes at once, one file for one process.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::node::{Node, command};
use crate::store::Store;

fn run(arguments: &[&str], variables: &[(&str, String)]) -> Output {
    command().args(arguments).envs(variables.iter().cloned()).stderr(Stdio::piped()).output().unwrap()
}

/// What a process comes to that must end by itself. Generous: without a limit it would wait for ever.
async fn ended(child: Child) -> Output {
    let id = child.id();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
    let Ok(output) = tokio::time::timeout(Duration::from_mins(1), output).await else {
        Command::new("sh").arg("-c").arg(format!("kill -9 {id}")).status().unwrap();
        panic!("the process does not end");
    };
    output.unwrap()
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line_that_names_it() {
    for (variable, value) in [("PORT", "http"), ("DATABASE_URL", "mysql://u:hunter2@h/d"), ("AUTH_MODE", "jwt")] {
        let output = run(&[], &[(variable, value.to_owned())]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(error.contains(variable) && error.lines().count() == 1 && !error.contains("hunter2"), "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn open_mode_is_not_served_beyond_this_machine_unasked() {
    let output = run(&["--host", "0.0.0.0"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("AUTH_MODE"));
}

#[test]
fn config_shows_every_setting_and_no_secret() {
    let variables = [("SECRET_KEY", "hunter2".to_owned()), ("DATABASE_URL", "postgres://u:hunter2@h/d".to_owned())];
    let output = run(&["config", "--port", "8001"], &variables);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(shown.contains("PORT=8001") && shown.contains("SECRET_KEY=***") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_openapi_document_is_printed() {
    let output = run(&["openapi"], &[]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[test]
fn help_names_the_commands() {
    let help = String::from_utf8(run(&["--help"], &[]).stdout).unwrap();
    for command in ["serve", "config", "migrate", "openapi"] {
        assert!(help.contains(command), "{help}");
    }
}

mod sqlite {
    use super::*;

    #[tokio::test]
    async fn a_restart_finds_everything() {
        let store = Store::sqlite().await;
        let node = store.node().await;
        let session = Client::new(&node.url).new_session().await;
        node.terminate();
        assert!(node.exit().await.success());
        let node = store.node().await;
        Client::new(&node.url).get(&format!("/sessions/{session}")).await.expect(200);
    }

    #[tokio::test]
    async fn a_second_signal_ends_the_delay() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        // Far longer than this test may take.
        variables.extend([("SHUTDOWN_DELAY_S", "3000".to_owned()), ("SHUTDOWN_TIMEOUT_S", "3600".to_owned())]);
        let node = Node::start(&variables).await;
        let (client, ready) = (Client::new(&node.url), format!("{}/health/ready", node.url));
        client.get(&ready).await.expect(200);
        node.terminate();
        while client.get(&ready).await.status != 503 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        client.new_session().await;
        node.terminate();
        assert!(node.exit().await.success());
    }

    #[tokio::test]
    async fn health_asks_the_service_that_runs() {
        let node = Store::sqlite().await.node().await;
        let port = node.url.rsplit(':').next().unwrap().to_owned();
        assert!(run(&["health", "--port", &port], &[]).status.success());
        node.kill();
        let output = run(&["health", "--port", &port], &[]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
    }

    #[tokio::test]
    async fn a_node_that_has_all_its_connections_still_says_that_it_lives_where_clients_cannot_come_in_the_way() {
        let store = Store::sqlite().await;
        let mut variables = store.variables();
        let few = [("WORKERS", "1"), ("MAX_CONNECTIONS", "1"), ("METRICS_PORT", "0")];
        variables.extend(few.map(|(name, value)| (name, value.to_owned())));
        let node = Node::start(&variables).await;
        let client = Client::new(&node.url);
        // A connection that has served is kept for the next request.
        client.new_session().await;
        let live = node.metrics_url.replace("/metrics", "/health/live");
        assert_eq!(reqwest::get(&live).await.unwrap().status(), 200);
        let of = |url: &str| url.rsplit(':').next().unwrap().trim_end_matches("/metrics").to_owned();
        let ports = [("PORT", of(&node.url)), ("METRICS_PORT", of(&node.metrics_url))];
        assert!(run(&["health"], &ports).status.success());
        assert_eq!(
            run(&["health"], &ports[..1]).status.code(),
            Some(1),
            "the node must have no room for this to mean a thing"
        );
        client.new_session().await;
    }

    #[tokio::test]
    async fn the_version_is_the_same_wherever_it_is_told() {
        let told = String::from_utf8(run(&["--version"], &[]).stdout).unwrap();
        let version = told.trim().strip_prefix("chat-service ").unwrap();
        assert!(version.starts_with(env!("CARGO_PKG_VERSION")));
        let store = Store::sqlite().await;
        let node = store.node().await;
        let about = Client::new(&node.url).get(&node.url).await.expect(200);
        assert_eq!(about["version"], version);
        let figures = reqwest::get(&node.metrics_url).await.unwrap().text().await.unwrap();
        assert!(figures.contains(&format!("chat_build_info{{version=\"{version}\",")), "{version}");
    }

    #[tokio::test]
    async fn a_second_process_on_the_file_is_refused_in_one_line() {
        let store = Store::sqlite().await;
        let node = store.node().await;
        let output = run(&["--port", "0"], &store.variables());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(error.contains("chat.db") && error.lines().count() == 1, "{error}");
        Client::new(&node.url).new_session().await;
    }

    #[tokio::test]
    async fn migrate_makes_the_tables_and_exits() {
        let store = Store::sqlite().await;
        assert!(run(&["migrate"], &store.variables()).status.success());
        assert!(run(&["migrate"], &store.variables()).status.success());
        Client::new(&store.node().await.url).new_session().await;
    }
}

mod postgres_redis {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn five_nodes_start_at_once_on_an_empty_database() {
        let store = Store::postgres_redis().await;
        let variables = store.variables();
        let starts = (0..5).map(|_| {
            let variables = variables.clone();
            tokio::spawn(async move { Node::start(&variables).await })
        });
        let mut nodes = Vec::new();
        for start in starts.collect::<Vec<_>>() {
            nodes.push(start.await.unwrap());
        }
        let session = Client::new(&nodes[0].url).new_session().await;
        for node in &nodes {
            let client = Client::new(&node.url);
            client.get(&format!("/sessions/{session}")).await.expect(200);
            let health = client.get(&format!("{}/health", node.url)).await.expect(200);
            assert_eq!(health["status"], json!("healthy"));
        }
    }

    #[tokio::test]
    async fn a_node_that_waits_for_anothers_migrations_says_so_and_can_be_stopped() {
        let store = Store::postgres_redis().await;
        let migrating = store.migrating().await;
        let node = Node::start_until("waiting for another node that migrates", &store.variables()).await;
        let log = node.whole_log().await;
        assert_eq!(log.iter().filter(|line| line.contains("waiting for another node")).count(), 1, "{log:?}");
        assert!(!log.iter().any(|line| line.contains("listening")), "{log:?}");
        drop(migrating);
        Client::new(&store.node().await.url).new_session().await;
    }

    #[tokio::test]
    async fn a_role_that_may_not_alter_tables_serves_where_another_migrates() {
        let store = Store::postgres_redis().await;
        let mut variables = store.variables();
        let owner = variables.iter().find(|(name, _)| *name == "DATABASE_URL").unwrap().1.clone();
        let role = store.role_without_rights().await;
        variables.push(("DATABASE_URL", role.url()));
        let refused = run(&["--port", "0"], &variables);
        assert_eq!(refused.status.code(), Some(1), "the role must not be able to make the tables itself");
        variables.push(("MIGRATE_DATABASE_URL", owner));
        let node = Node::start(&variables).await;
        Client::new(&node.url).new_session().await;
    }

    #[tokio::test]
    async fn migrate_makes_the_tables_and_exits() {
        let store = Store::postgres_redis().await;
        assert!(run(&["migrate"], &store.variables()).status.success());
        Client::new(&store.node().await.url).new_session().await;
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_stops_the_start_in_one_line_without_the_password() {
        for (url, code) in [("postgres://u:hunter2@127.0.0.1:1/d", 1), ("postgres://u:hunter2@h/d?sslmode=bogus", 2)] {
            let output = run(&["--port", "0"], &[("DATABASE_URL", url.to_owned())]);
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{error}");
            assert!(
                error.contains("DATABASE_URL") && error.lines().count() == 1 && !error.contains("hunter2"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_database_that_takes_connections_and_says_nothing_stops_the_start_in_one_line() {
        // Taken by the system, and by nobody after it.
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("postgres://u:hunter2@{}/d", silent.local_addr().unwrap());
        for arguments in [&["--port", "0"][..], &["migrate"]] {
            let mut command = command();
            command.args(arguments).env("DATABASE_URL", &url).stderr(Stdio::piped());
            let output = ended(command.spawn().unwrap()).await;
            let [log, error] = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
            assert_eq!(output.status.code(), Some(1), "{error}");
            assert!(error.contains("DATABASE_URL") && error.contains("no answer within"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
            assert_eq!(log.matches("connecting to the database").count(), 1, "{log}");
            assert!(!format!("{log}{error}").contains("hunter2"), "{log}{error}");
        }
    }

    #[tokio::test]
    async fn redis_that_is_not_there_is_a_degraded_start() {
        let store = Store::postgres_redis().await;
        let node = store.node_without_redis().await.unwrap();
        let client = Client::new(&node.url);
        client.new_session().await;
        let health = client.get(&format!("{}/health", node.url)).await.expect(200);
        assert_eq!((&health["status"], &health["checks"]["cache"]["status"]), (&json!("degraded"), &json!("down")));
    }
}
