//! Being told to stop while tables are brought up to date.

mod postgres_redis {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Child, Command, Output, Stdio};
    use std::time::Duration;

    use crate::client::Client;
    use crate::node::{Node, command};
    use crate::store::Store;

    /// Generous, and far less than what is waited for would take: for ever.
    const PATIENCE: Duration = Duration::from_mins(1);

    fn migrate(store: &Store) -> Child {
        command().arg("migrate").envs(store.variables()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Tells it to stop, and waits until it has.
    async fn stopped(child: Child, signal: &str) -> Output {
        let kill = format!("kill -s {signal} {}", child.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
        let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
        tokio::time::timeout(PATIENCE, output).await.expect("it must end").unwrap()
    }

    fn says_that_it_was_stopped(output: &Output, signal: &str) {
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("stopped by {signal}")) && said.lines().count() == 1, "{said}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_migration_under_way_is_given_up_and_undone() {
        let store = Store::postgres_redis().await;
        let other = store.making("sessions").await;
        let migrating = migrate(&store);
        store.blocked().await;
        says_that_it_was_stopped(&stopped(migrating, "TERM").await, "SIGTERM");
        assert!(!store.is_blocked().await, "the server is still at it");
        drop(other);
        Client::new(&store.node().await.url).new_session().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_waits_for_anothers_migrations_ends() {
        let store = Store::postgres_redis().await;
        let _other = store.migrating().await;
        let mut waiting = migrate(&store);
        let mut log = BufReader::new(waiting.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(log.any(|line| line.contains("waiting for another node that migrates")));
        says_that_it_was_stopped(&stopped(waiting, "INT").await, "SIGINT");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_node_that_migrates_ends_well() {
        let store = Store::postgres_redis().await;
        let _other = store.making("sessions").await;
        let node = Node::starting(&store.variables());
        store.blocked().await;
        node.terminate();
        assert!(node.exit().await.success());
    }
}
