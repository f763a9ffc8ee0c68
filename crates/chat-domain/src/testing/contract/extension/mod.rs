//! What an [`ExtensionRepository`](crate::extension::ExtensionRepository) promises.

pub mod add;
pub mod key;
pub mod reaction;
pub mod remove;
pub mod room;

use super::stage::{any_session, say};
use crate::extension::{AddOutcome, DetachOutcome, Detachment, Extension, NewExtension};
use crate::id::{ExtensionId, MessageId};
use crate::message::Message;
use crate::revision::Rev;
use crate::session::Session;
use crate::testing::builder::{a_detachment_of, a_message, tenant};
use crate::testing::rig::Store;

/// Runs the suites of an extension repository on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `extension_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! extension_repository_contract {
    ($name:ident, $rig:ty) => {
        mod $name {
            use super::*;

            $crate::contract_suite!(
                add,
                $rig as StoreRig,
                extension::add,
                [
                    an_extension_comes_back_as_it_was_given,
                    an_extension_moves_the_message_and_the_session,
                    extensions_stand_oldest_first_on_their_messages,
                    one_extension_is_found_with_who_made_it,
                    an_addition_asks_for_the_expected_rev,
                    an_ended_session_takes_extensions,
                    an_unknown_message_is_missing,
                    a_deleted_message_takes_and_shows_none,
                    another_tenants_message_is_missing,
                    additions_that_race_with_a_deletion_come_before_it,
                ]
            );
            $crate::contract_suite!(
                key,
                $rig as StoreRig,
                extension::key,
                [
                    a_repeat_gives_what_the_first_attempt_made,
                    a_key_is_refused_for_another_command,
                    a_repeat_of_what_is_gone_makes_nothing_anew,
                    a_repeat_comes_before_any_check_of_state,
                    a_refusal_is_not_remembered,
                    a_key_is_worth_nothing_in_another_tenant,
                    twenty_repeats_at_once_make_one_extension,
                    keys_of_extensions_are_forgotten_in_the_end,
                ]
            );
            $crate::contract_suite!(
                reaction,
                $rig as StoreRig,
                extension::reaction,
                [
                    a_second_time_changes_nothing,
                    each_actor_and_each_emoji_is_one_reaction,
                    a_reaction_taken_back_is_gone_and_may_come_again,
                    what_is_not_shown_cannot_be_taken_back,
                    a_repeat_takes_no_room,
                    twenty_four_equal_reactions_at_once_are_one,
                    twenty_four_who_take_one_back_at_once_take_one_rev,
                    showing_and_taking_back_at_once_leaves_one_or_none,
                ]
            );
            $crate::contract_suite!(
                room,
                $rig as StoreRig,
                extension::room,
                [
                    the_hundred_and_first_is_too_many,
                    what_is_too_large_together_is_refused,
                    the_twenty_first_emoji_is_too_many,
                    a_race_for_the_last_place_has_one_winner,
                    a_hundred_and_ten_at_once_leave_a_hundred,
                    twenty_four_emoji_at_once_leave_twenty,
                ]
            );
            $crate::contract_suite!(
                remove,
                $rig as StoreRig,
                extension::remove,
                [
                    a_removed_extension_is_gone,
                    what_is_not_there_cannot_be_removed,
                    another_tenants_extension_cannot_be_removed,
                    a_removal_asks_for_the_expected_rev,
                    a_removal_is_recorded_where_it_is_done,
                    many_removals_at_once_take_one_rev,
                ]
            );
        }
    };
}

async fn try_add(store: &Store, new: NewExtension) -> AddOutcome {
    store.extensions.add(new).await.expect("the store works")
}

/// Adds what is not there yet: the extension, and the `rev` that it took.
async fn add(store: &Store, new: NewExtension) -> (Extension, Rev) {
    match try_add(store, new).await {
        AddOutcome::Added { extension, message } => {
            assert!(message.extensions.contains(&extension), "the message is told with what was hung on it");
            (extension, message.rev)
        }
        other => panic!("an extension was not added: {other:?}"),
    }
}

async fn detach(store: &Store, message: MessageId, detachment: Detachment) -> DetachOutcome {
    store.extensions.remove(&tenant("default"), message, detachment).await.expect("the store works")
}

/// Takes one off that may be there; the `rev` that this took.
async fn take_off(store: &Store, of_tenant: &str, message: MessageId, id: ExtensionId) -> Option<Rev> {
    let outcome = store.extensions.remove(&tenant(of_tenant), message, a_detachment_of(id)).await;
    match outcome.expect("the store works") {
        DetachOutcome::Removed(message) => Some(message.rev),
        DetachOutcome::NotThere(_) | DetachOutcome::MessageMissing | DetachOutcome::MessageDeleted => None,
        DetachOutcome::PreconditionFailed => panic!("there was no precondition"),
    }
}

async fn a_stored_message(store: &Store) -> (Session, Message) {
    let session = any_session(store).await;
    let message = say(store, a_message(&session)).await;
    (session, message)
}

async fn message_now(store: &Store, message: &Message) -> Message {
    let found = store.messages.find(&tenant("default"), message.id).await.expect("the store works");
    found.expect("the message is there")
}
