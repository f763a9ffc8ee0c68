//! What an [`AttachmentRepository`](crate::attachment::AttachmentRepository) promises, and what a message does with
//! attachments.

pub mod row;
pub mod send;
pub mod sweep;

use crate::attachment::{Attachment, CommitOutcome, NewAttachment, ReserveOutcome};
use crate::session::Session;
use crate::testing::builder::an_attachment;
use crate::testing::rig::Store;

/// Runs the suites of a repository of attachments on a [`StoreRig`](crate::testing::rig::StoreRig):
/// `attachment_repository_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! attachment_repository_contract {
    ($name:ident, $rig:ty) => {
        mod $name {
            use super::*;

            $crate::contract_suite!(
                row,
                $rig as StoreRig,
                attachment::row,
                [
                    an_attachment_comes_back_as_it_was_given,
                    what_is_reserved_is_not_found,
                    another_tenants_attachment_is_not_found,
                    what_was_not_reserved_cannot_be_committed,
                    the_files_of_a_tenant_have_so_much_room_together,
                    a_race_for_the_last_room_has_one_winner,
                    a_repeated_key_leads_to_the_first,
                    a_key_is_refused_for_another_command,
                    a_key_belongs_to_its_tenant,
                    keys_that_race_make_one_attachment,
                ]
            );
            $crate::contract_suite!(
                send,
                $rig as StoreRig,
                attachment::send,
                [
                    a_message_is_sent_with_attachments_in_one_change,
                    an_attachment_is_sent_once,
                    a_refused_message_leaves_its_attachments_and_its_neighbours,
                    a_repeat_is_what_it_was_though_its_attachments_were_sent,
                    attachments_of_other_sessions_and_tenants_are_not_there,
                    a_race_for_one_attachment_has_one_winner,
                    an_ended_session_leaves_attachments_unsent,
                    a_tombstone_hides_attachments_and_a_restoration_shows_them,
                ]
            );
            $crate::contract_suite!(
                sweep,
                $rig as StoreRig,
                attachment::sweep,
                [
                    what_is_old_and_was_not_sent_is_doomed_until_it_is_forgotten,
                    what_is_doomed_can_neither_be_committed_nor_sent,
                    what_was_forgotten_gives_its_room_back_once,
                    what_is_good_is_not_forgotten,
                    what_went_with_erased_messages_is_doomed,
                    strays_are_files_without_a_row,
                ]
            );
        }
    };
}

async fn reserve(store: &Store, new: NewAttachment) {
    let outcome = store.attachments.reserve(new, None).await.expect("the store works");
    assert_eq!(outcome, ReserveOutcome::Reserved);
}

async fn commit(store: &Store, new: &NewAttachment) -> Attachment {
    match store.attachments.commit(&new.tenant_id, new.id, None).await.expect("the store works") {
        CommitOutcome::Stored(attachment) => attachment,
        other => panic!("an attachment was not stored: {other:?}"),
    }
}

/// An attachment of the session, ready to be sent.
async fn upload(store: &Store, session: &Session) -> Attachment {
    let new = an_attachment(session);
    reserve(store, new.clone()).await;
    commit(store, &new).await
}

async fn find(store: &Store, session: &Session, of: &Attachment) -> Option<Attachment> {
    store.attachments.find(&session.tenant_id, of.id).await.expect("the store works")
}
