//! What a [`MessageRepository`](crate::message::MessageRepository) promises.

pub mod append;
pub mod audit;
pub mod changes;
pub mod edit;
pub mod page;
pub mod race;
pub mod refuse;
pub mod remove;
pub mod replay;
pub mod restore;
pub mod versions;
pub mod walk;

/// Runs the suites of a message repository on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `message_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! message_repository_contract {
    ($name:ident, $rig:ty) => {
        mod $name {
            use super::*;

            $crate::contract_suite!(
                append,
                $rig as StoreRig,
                message::append,
                [
                    seq_counts_from_one_and_rev_from_two,
                    outcomes_stand_in_the_order_of_the_batch,
                    an_empty_batch_has_no_outcome,
                    every_field_comes_back_as_it_was_sent,
                    every_named_value_comes_back,
                    counts_and_last_message_at_follow_each_view,
                    a_session_that_takes_messages_becomes_what_it_is_reckoned_to_be,
                    a_message_says_how_it_found_its_session,
                    what_a_message_says_that_it_found_is_what_was_there,
                    an_append_moves_the_session_and_leaves_its_version_alone,
                    updated_at_moves_on_whatever_a_clock_says,
                ]
            );
            $crate::contract_suite!(
                refuse,
                $rig as StoreRig,
                message::refuse,
                [
                    an_unknown_session_is_missing,
                    another_tenants_session_is_missing,
                    another_users_session_is_missing_to_a_confined_caller,
                    an_ended_session_takes_no_more_messages,
                    a_refused_message_leaves_its_neighbours_untouched,
                    a_stranger_beside_a_message_does_not_keep_it_from_its_session,
                    a_refusal_changes_nothing,
                    a_refusal_is_not_remembered,
                ]
            );
            $crate::contract_suite!(
                audit,
                $rig as StoreRig,
                message::audit,
                [
                    an_entry_is_stored_where_its_message_is,
                    a_message_whose_entry_cannot_be_stored_is_not_stored,
                    twenty_repeats_at_once_leave_one_entry,
                ]
            );
            $crate::contract_suite!(
                replay,
                $rig as StoreRig,
                message::replay,
                [
                    a_replay_returns_the_first_message,
                    a_replay_inside_one_batch_returns_the_first_message,
                    a_replay_changes_nothing,
                    a_replay_comes_before_the_sessions_state,
                    a_replay_of_a_deleted_message_is_its_tombstone,
                    a_replay_shows_the_extensions_of_now,
                    a_key_is_refused_for_another_command,
                    a_key_is_refused_for_another_command_inside_one_batch,
                    a_key_belongs_to_its_tenant,
                    a_replay_is_not_for_a_caller_who_may_not_see_the_session,
                ]
            );
            $crate::contract_suite!(
                race,
                $rig as StoreRig,
                message::race,
                [
                    a_hundred_appends_at_once_leave_no_gap,
                    one_key_on_two_nodes_makes_one_message,
                    keys_that_race_in_batches_leave_no_gap,
                    batches_with_crossed_sessions_all_come_through,
                    a_reader_that_follows_by_after_skips_nothing,
                    nothing_is_written_after_the_end,
                ]
            );
            $crate::contract_suite!(
                page,
                $rig as StoreRig,
                message::page,
                [
                    an_unknown_session_has_no_page,
                    another_tenants_session_has_no_page,
                    a_new_session_has_an_empty_page,
                    a_page_is_nearest_to_its_bound,
                    every_question_gets_the_rows_it_asks_for,
                    a_page_of_no_rows_still_has_the_session,
                    a_page_and_its_session_are_of_one_moment,
                    a_message_is_found_in_its_tenant_alone,
                    a_damaged_row_is_reported_as_corrupt,
                ]
            );
            $crate::contract_suite!(
                changes,
                $rig as StoreRig,
                message::changes,
                [
                    a_page_that_is_moved_on_is_the_page_that_a_reader_gets,
                    changes_stand_in_the_order_of_the_question,
                    nothing_is_told_since_a_state_that_never_was,
                    an_internal_message_moves_a_users_page_on_unseen,
                ]
            );
            $crate::contract_suite!(
                walk,
                $rig as StoreRig,
                message::walk,
                [
                    links_lead_through_the_whole_list_and_back,
                    the_newest_messages_lead_back_to_the_first,
                    a_walk_between_two_bounds_stays_between_them,
                ]
            );
            $crate::contract_suite!(
                remove,
                $rig as StoreRig,
                message::remove,
                [
                    a_removed_message_is_a_tombstone,
                    a_removal_moves_the_session_and_leaves_its_version_alone,
                    updated_at_moves_on_whatever_a_clock_says,
                    a_second_removal_changes_nothing,
                    a_removal_lowers_the_counts_once,
                    a_removed_seq_is_never_given_again,
                    an_ended_sessions_message_can_be_removed,
                    a_removal_asks_for_the_expected_rev,
                    an_unknown_message_is_missing,
                    another_tenants_message_is_missing,
                    twenty_removals_at_once_take_one_rev,
                ]
            );
            $crate::contract_suite!(
                edit,
                $rig as StoreRig,
                message::edit,
                [
                    an_edited_message_reads_otherwise_and_is_the_same,
                    an_edit_moves_the_session_alone,
                    updated_at_moves_on_whatever_a_clock_says,
                    the_same_text_is_no_edit,
                    other_metadata_are_a_change_and_no_edit,
                    metadata_that_would_be_too_large_are_refused,
                    the_longest_text_is_kept,
                    an_edit_asks_for_the_expected_rev,
                    a_tombstone_is_not_edited,
                    an_unknown_message_is_missing,
                    another_tenants_message_is_missing,
                    an_ended_sessions_message_can_be_edited,
                    a_replay_shows_the_text_of_now,
                    earlier_texts_are_not_among_what_hangs_on_a_message,
                    an_entry_is_stored_where_the_message_changed,
                    twenty_four_edits_at_once_lose_no_version,
                    edits_that_race_with_a_deletion_lose_nothing,
                    merges_at_once_lose_no_key,
                    each_version_names_who_put_it_there,
                ]
            );
            $crate::contract_suite!(
                versions,
                $rig as StoreRig,
                message::versions,
                [
                    pages_lead_through_all_versions,
                    earlier_texts_are_kept_under_the_ids_of_their_edits,
                    a_tombstone_tells_no_text,
                    each_message_has_its_own_history,
                    what_is_not_there_has_no_history,
                    a_history_and_its_message_are_of_one_moment,
                ]
            );
            $crate::contract_suite!(
                restore,
                $rig as StoreRig,
                message::restore,
                [
                    a_restored_message_is_as_it_was,
                    a_restoration_moves_the_session_and_leaves_its_version_alone,
                    updated_at_moves_on_whatever_a_clock_says,
                    a_restoration_raises_the_counts_once,
                    what_is_not_deleted_is_left_alone,
                    a_restoration_asks_for_the_expected_rev,
                    an_unknown_message_is_missing,
                    another_tenants_message_is_missing,
                    an_ended_sessions_message_can_be_restored,
                    a_repeated_key_restores_nothing,
                    a_key_is_remembered_unless_it_was_refused,
                    twenty_restorations_at_once_take_one_rev,
                    one_key_at_once_restores_once,
                ]
            );
        }
    };
}
