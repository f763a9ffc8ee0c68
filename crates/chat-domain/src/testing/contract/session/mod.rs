//! What a [`SessionRepository`](crate::session::SessionRepository) promises.

pub mod create;
pub mod list;
pub mod race;
pub mod update;

/// Runs the suites of a session repository on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `session_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! session_repository_contract {
    ($name:ident, $rig:ty) => {
        mod $name {
            use super::*;

            $crate::contract_suite!(
                create,
                $rig as StoreRig,
                session::create,
                [
                    a_new_session_is_active_with_the_first_rev_and_version,
                    every_field_comes_back_as_it_was_given,
                    a_session_is_found_in_its_tenant_alone,
                    one_id_in_two_tenants_is_two_sessions,
                    a_replay_returns_the_first_session_as_it_is_now,
                    a_key_is_refused_for_another_command,
                    a_key_belongs_to_its_tenant,
                    fifty_creations_with_one_key_make_one_session,
                ]
            );
            $crate::contract_suite!(
                list,
                $rig as StoreRig,
                session::list,
                [
                    a_list_is_newest_first_by_creation_then_id,
                    a_list_shows_one_user_of_one_tenant,
                    an_unknown_user_has_no_sessions,
                    a_status_narrows_the_list,
                    cursors_lead_through_the_whole_list_and_back,
                    a_cursor_holds_its_place_while_sessions_are_made,
                ]
            );
            $crate::contract_suite!(
                update,
                $rig as StoreRig,
                session::update,
                [
                    each_field_changes_by_itself,
                    all_fields_change_in_one_step,
                    what_is_as_wanted_already_changes_nothing,
                    metadata_is_replaced_or_merged,
                    updated_at_moves_on_whatever_a_clock_says,
                    an_update_asks_for_the_expected_rev_or_version,
                    an_impossible_move_leaves_all_as_it_was,
                    too_much_metadata_leaves_all_as_it_was,
                    the_end_is_stamped_once,
                    an_ended_session_gets_no_other_agent,
                    an_ended_session_takes_metadata,
                    a_replay_changes_nothing_and_comes_before_precondition_and_state,
                    a_key_is_remembered_where_nothing_changed,
                    a_refused_update_is_not_remembered,
                    an_unknown_session_is_missing,
                    another_tenants_session_is_missing,
                ]
            );
            $crate::contract_suite!(
                race,
                $rig as StoreRig,
                session::race,
                [
                    twenty_merges_at_once_lose_nothing,
                    of_many_updates_from_one_version_one_wins,
                    many_ends_at_once_stamp_one_moment,
                    one_key_for_many_ends_is_one_change,
                    messages_and_updates_at_once_take_revs_of_their_own,
                ]
            );
        }
    };
}
