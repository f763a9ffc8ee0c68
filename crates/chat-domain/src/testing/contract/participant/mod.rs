//! What a [`ParticipantRepository`](crate::participant::ParticipantRepository) and
//! [`UnreadCounts`](crate::participant::UnreadCounts) promise.

mod acts;
pub mod random;
pub mod receipt;
pub mod seen;
pub mod unread;

/// Runs the suites of participants on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `participant_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! participant_repository_contract {
    ($name:ident, $rig:ty) => {
        mod $name {
            use super::*;

            $crate::contract_suite!(
                receipt,
                $rig as StoreRig,
                participant::receipt,
                [
                    a_receipt_takes_the_next_rev_and_leaves_the_rest_of_the_session_alone,
                    what_was_read_was_delivered,
                    a_receipt_never_moves_back_and_what_moves_nothing_takes_no_rev,
                    a_receipt_ends_at_the_last_message,
                    a_users_receipt_ends_at_the_last_message_that_it_sees,
                    a_session_without_messages_takes_receipts_that_move_nothing,
                    an_ended_session_takes_receipts,
                    a_session_that_is_not_there_is_missing,
                    a_repeated_key_gives_the_participant_of_now,
                    twenty_four_receipts_at_once_end_at_the_highest,
                    receipts_beside_messages_take_revs_of_their_own,
                    one_key_on_two_nodes_takes_one_rev,
                ]
            );
            $crate::contract_suite!(
                seen,
                $rig as StoreRig,
                participant::seen,
                [
                    participants_are_listed_by_id_and_role,
                    nobody_is_listed_where_there_is_no_session,
                    a_user_knows_of_itself_of_who_serves_and_of_who_has_spoken,
                ]
            );
            $crate::contract_suite!(
                unread,
                $rig as StoreRig,
                participant::unread,
                [
                    unread_is_what_others_said_above_what_was_read,
                    a_count_is_exact_below_a_hundred,
                    what_does_not_count_hides_nothing,
                    many_senders_are_counted_together,
                    a_list_shows_what_its_reader_has_not_read,
                    a_count_is_of_the_state_that_it_names,
                    nothing_is_counted_where_there_is_no_session,
                    sessions_are_counted_together_in_the_order_of_the_question,
                    what_one_node_has_read_another_counts_no_more,
                ]
            );
            $crate::contract_suite!(
                random,
                $rig as StoreRig,
                participant::random,
                [counts_are_what_one_finds_by_looking_at_every_message]
            );
        }
    };
}
