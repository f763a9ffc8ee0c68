//! The fault suite in its short form, on this build of the service. `just chaos` plays the long form.
#![cfg(test)]

use chat_chaos::{CASES, Form, Programs, SABOTAGE, SABOTAGE_OF_DELETIONS, play};

/// Makes a test of each case on each of its stores.
macro_rules! tests {
    ($($name:ident: $($store:ident)+,)+) => {$(
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $store() {
                    super::keeps_its_promises(stringify!($name), stringify!($store)).await;
                }
            )+
        }
    )+};
}

chat_chaos::cases!(tests);

#[tokio::test]
async fn the_suite_finds_a_message_that_was_taken_away() {
    let row = play(SABOTAGE, Form::Short, &programs()).await;
    assert!(!row.passed() && row.complaint().contains("lost: message"), "{}", row.complaint());
}

#[tokio::test]
async fn the_suite_finds_a_deletion_that_was_undone() {
    let row = play(SABOTAGE_OF_DELETIONS, Form::Short, &programs()).await;
    assert!(!row.passed() && row.complaint().contains("there, though deleted: message"), "{}", row.complaint());
}

async fn keeps_its_promises(name: &str, store: &str) {
    let case = CASES.iter().find(|case| case.name == name && case.store.name() == store).unwrap();
    let row = play(*case, Form::Short, &programs()).await;
    assert!(row.passed(), "{}", row.complaint());
}

fn programs() -> Programs {
    let service = env!("CARGO_BIN_EXE_chat-service").into();
    Programs::new(service, given("TEST_POSTGRES_PROGRAMS"), given("TEST_REDIS_SERVER"))
}

/// A place that the environment names; what it does not name is looked for on the `PATH`.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
fn given(variable: &str) -> Option<std::path::PathBuf> {
    std::env::var_os(variable).map(Into::into)
}
