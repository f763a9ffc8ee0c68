//! The whole service: real processes, real sockets, real stores. Each promise is tried on SQLite with the in-process
//! cache and on PostgreSQL with Redis.
#![cfg(test)]

mod client;
mod node;
mod promises;
mod start;
mod store;

/// Makes one test of each promise, on one kind of store.
macro_rules! on_store {
    ($module:ident, $store:expr) => {
        mod $module {
            use crate::promises::{crash, idempotency, order, parity, staleness, stop};
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
        }
    };
}

on_store!(sqlite, Store::sqlite());
on_store!(postgres_redis, Store::postgres_redis());
