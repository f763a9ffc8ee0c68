//! The whole service: real processes, real sockets, real stores. Each promise is tried on SQLite with the in-process
//! cache and on PostgreSQL with Redis.
#![cfg(test)]

mod auth;
mod client;
mod collector;
mod descriptors;
mod figures;
mod limits_redis;
mod log;
mod memory;
mod migrate;
mod node;
mod promises;
#[path = "../../../chat-infra/tests/contract/s3_server.rs"]
mod s3_server;
mod security;
mod start;
mod store;
#[path = "../../../chat-infra/tests/contract/token_signer.rs"]
mod token_signer;

/// Makes one test of each promise, on one kind of store.
macro_rules! on_store {
    ($module:ident, $store:expr, $statement:literal) => {
        mod $module {
            use crate::promises::{
                attachment, audit, crash, edit, extension, idempotency, order, parity, participant, staleness, stop,
                tenants, traces,
            };
            use crate::store::Store;

            async fn store() -> Store {
                $store.await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn thirty_two_writers_leave_no_gap_and_a_reader_skips_none() {
                order::thirty_two_writers_leave_no_gap_and_a_reader_skips_none(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn a_hundred_equal_posts_make_one_message() {
                idempotency::a_hundred_equal_posts_make_one_message(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn a_hundred_equal_posts_make_one_session() {
                idempotency::a_hundred_equal_posts_make_one_session(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn what_one_node_wrote_the_other_reads_at_once() {
                staleness::what_one_node_wrote_the_other_reads_at_once(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn what_hangs_on_messages_comes_out_right_on_two_nodes_at_once() {
                extension::what_hangs_on_messages_comes_out_right_on_two_nodes_at_once(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn what_one_node_hangs_on_a_message_the_other_shows_at_once() {
                extension::what_one_node_hangs_on_a_message_the_other_shows_at_once(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn edits_on_two_nodes_at_once_lose_no_version() {
                edit::edits_on_two_nodes_at_once_lose_no_version(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn what_one_node_edits_the_other_shows_at_once() {
                edit::what_one_node_edits_the_other_shows_at_once(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn equal_restorations_restore_once() {
                edit::equal_restorations_restore_once(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn what_is_read_on_one_node_the_other_counts_no_more() {
                participant::what_is_read_on_one_node_the_other_counts_no_more(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn receipts_on_two_nodes_at_once_end_at_the_highest() {
                participant::receipts_on_two_nodes_at_once_end_at_the_highest(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn what_one_node_takes_in_the_other_gives_out() {
                attachment::what_one_node_takes_in_the_other_gives_out(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn one_key_keeps_one_file_on_two_nodes() {
                attachment::one_key_keeps_one_file_on_two_nodes(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn a_file_that_was_acknowledged_outlives_a_kill() {
                attachment::a_file_that_was_acknowledged_outlives_a_kill(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn nothing_acknowledged_is_lost_by_a_kill() {
                crash::nothing_acknowledged_is_lost_by_a_kill(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn a_terminated_node_answers_what_is_in_flight() {
                stop::a_terminated_node_answers_what_is_in_flight(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn the_tour_gives_the_answers_that_are_written_down() {
                parity::the_tour_gives_the_answers_that_are_written_down(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn ids_of_another_tenant_answer_as_ids_that_do_not_exist() {
                tenants::ids_of_another_tenant_answer_as_ids_that_do_not_exist(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn who_did_what_is_told_and_never_what_was_said() {
                audit::who_did_what_is_told_and_never_what_was_said(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn a_message_is_traced_from_its_caller_down_to_the_statement() {
                let store = store().await;
                traces::a_message_is_traced_from_its_caller_down_to_the_statement(&store, $statement).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn a_page_is_traced_down_to_the_store_and_a_refusal_with_its_status() {
                traces::a_page_is_traced_down_to_the_store_and_a_refusal_with_its_status(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn requests_that_share_a_write_are_linked() {
                traces::requests_that_share_a_write_are_linked(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn only_what_is_sampled_is_sent_and_probes_are_not() {
                traces::only_what_is_sampled_is_sent_and_probes_are_not(&store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn a_collector_that_hangs_or_is_not_there_stops_nobody() {
                traces::a_collector_that_hangs_or_is_not_there_stops_nobody(&store().await).await;
            }
        }
    };
}

on_store!(sqlite, Store::sqlite(), "insert message");
on_store!(postgres_redis, Store::postgres_redis(), "append messages");
