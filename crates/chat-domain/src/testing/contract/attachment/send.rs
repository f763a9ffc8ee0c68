//! Messages that are sent with attachments.

use super::{find, upload};
use crate::attachment::{Attachment, Enclosure};
use crate::clock::IdSource as _;
use crate::extension::{Extension, ExtensionType};
use crate::message::{AppendOutcome, Message, NewMessage};
use crate::session::{NewSession, Session};
use crate::testing::builder::{a_key, a_message, a_session, ids, metadata, tenant};
use crate::testing::contract::stage::{
    all_messages, any_session, append, append_one, create, end, remove, restore, say, session_now, stored, together,
    two_nodes,
};
use crate::testing::rig::StoreRig;

fn enclosing(session: &Session, attachments: &[&Attachment]) -> NewMessage {
    let enclosure = |attachment: &&Attachment| Enclosure {
        id: attachment.id,
        data: metadata(&format!(r#"{{"id":"{}"}}"#, attachment.id)),
    };
    let enclosures = attachments.iter().map(enclosure).collect();
    NewMessage { content: String::new(), enclosures, ..a_message(session) }
}

/// Each hangs on the message as an extension with its id; message and session move on once, and it is sent.
pub async fn a_message_is_sent_with_attachments_in_one_change<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let [one, other] = [upload(&store, &session).await, upload(&store, &session).await];
    let new = enclosing(&session, &[&other, &one]);
    let message = say(&store, new.clone()).await;
    let extension = |attachment: &Attachment| Extension {
        id: attachment.extension_id(),
        message_id: message.id,
        extension_type: ExtensionType::attachment(),
        data: metadata(&format!(r#"{{"id":"{}"}}"#, attachment.id)),
        created_at: new.created_at,
    };
    assert_eq!(message.extensions, [extension(&one), extension(&other)]);
    assert_eq!((message.rev, message.content.as_str()), (session.rev.next(), ""));
    assert_eq!(session_now(&store, &session).await.rev, message.rev);
    assert_eq!(all_messages(&store, &session).await, std::slice::from_ref(&message));
    let found = store.messages.find(&session.tenant_id, message.id).await.expect("the store works");
    assert_eq!(found, Some(message.clone()));
    for attachment in [one, other] {
        let sent = Attachment { message_id: Some(message.id), ..attachment.clone() };
        assert_eq!(find(&store, &session, &attachment).await, Some(sent));
    }
}

/// A second message does not get it, nor a second one of the same batch.
pub async fn an_attachment_is_sent_once<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let [one, other] = [upload(&store, &session).await, upload(&store, &session).await];
    let first = say(&store, enclosing(&session, &[&one])).await;
    let again = append_one(&store, enclosing(&session, &[&other, &one])).await;
    assert_eq!(again, AppendOutcome::AttachmentTaken(one.id));
    assert_eq!(all_messages(&store, &session).await, [first]);
    let batch = vec![enclosing(&session, &[&other]), enclosing(&session, &[&other])];
    let outcomes = append(&store, batch).await;
    let taken = outcomes.iter().filter(|outcome| **outcome == AppendOutcome::AttachmentTaken(other.id)).count();
    assert_eq!((taken, all_messages(&store, &session).await.len()), (1, 2), "{outcomes:?}");
}

/// Beside it others are stored, of the same session and of others, with and without attachments.
pub async fn a_refused_message_leaves_its_attachments_and_its_neighbours<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, elsewhere) = (any_session(&store).await, any_session(&store).await);
    let sent = upload(&store, &session).await;
    say(&store, enclosing(&session, &[&sent])).await;
    let [free, good, theirs] =
        [upload(&store, &session).await, upload(&store, &session).await, upload(&store, &elsewhere).await];
    let batch = vec![
        a_message(&session),
        enclosing(&session, &[&free, &sent]),
        enclosing(&elsewhere, &[&theirs]),
        enclosing(&session, &[&good]),
        a_message(&elsewhere),
    ];
    let mut outcomes = append(&store, batch).await;
    assert_eq!(outcomes.remove(1), AppendOutcome::AttachmentTaken(sent.id));
    let kept: Vec<Message> = outcomes.into_iter().map(stored).collect();
    let places: Vec<_> = kept.iter().map(|message| (message.session_id, message.seq.get(), message.rev)).collect();
    let at = |session: &Session, seq: i64| (session.id, seq, crate::revision::Rev::new(seq + 1));
    assert_eq!(places, [at(&session, 2), at(&elsewhere, 1), at(&session, 3), at(&elsewhere, 2)]);
    assert_eq!(find(&store, &session, &free).await, Some(free), "it may still be sent");
}

/// The repeat is the message, as it is now.
pub async fn a_repeat_is_what_it_was_though_its_attachments_were_sent<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let attachment = upload(&store, &session).await;
    let new = NewMessage { idempotency: Some(a_key("k", "c")), ..enclosing(&session, &[&attachment]) };
    let first = say(&store, new.clone()).await;
    let again = NewMessage { id: ids().message_id(), ..new.clone() };
    assert_eq!(append_one(&store, again.clone()).await, AppendOutcome::Replayed(first.clone()));
    let other = NewMessage { idempotency: Some(a_key("k", "d")), ..again.clone() };
    assert_eq!(append_one(&store, other).await, AppendOutcome::KeyReused);
    end(&store, &session).await;
    assert_eq!(append_one(&store, again).await, AppendOutcome::Replayed(first));
}

/// What is not of the session is nothing to its messages.
pub async fn attachments_of_other_sessions_and_tenants_are_not_there<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (session, elsewhere) = (any_session(&store).await, any_session(&store).await);
    let of_another = create(&store, NewSession { tenant_id: tenant("other"), ..a_session() }).await;
    for attachment in [upload(&store, &elsewhere).await, upload(&store, &of_another).await] {
        let outcome = append_one(&store, enclosing(&session, &[&attachment])).await;
        assert_eq!(outcome, AppendOutcome::AttachmentTaken(attachment.id));
    }
    assert_eq!(session_now(&store, &session).await, session);
}

/// On two nodes, with messages beside it.
pub async fn a_race_for_one_attachment_has_one_winner<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let attachment = upload(&nodes[0], &session).await;
    let sending = (0..20).map(|number: usize| {
        let (store, plain) = (nodes[number % 2].clone(), a_message(&session));
        let new = if number.is_multiple_of(3) { plain } else { enclosing(&session, &[&attachment]) };
        async move { append_one(&store, new).await }
    });
    let outcomes = together(|task| rig.spawn(task), sending).await;
    let taken = outcomes.iter().filter(|outcome| **outcome == AppendOutcome::AttachmentTaken(attachment.id)).count();
    let messages = all_messages(&nodes[0], &session).await;
    let with = messages.iter().filter(|message| !message.extensions.is_empty()).count();
    assert_eq!((taken, messages.len(), with), (12, 8, 1), "{outcomes:?}");
    let seqs: Vec<_> = messages.iter().map(|message| message.seq.get()).collect();
    assert_eq!(seqs, (1..=8).collect::<Vec<_>>());
}

/// What is refused for the session's end is still to be had, though not in this session.
pub async fn an_ended_session_leaves_attachments_unsent<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let attachment = upload(&store, &session).await;
    let rev = end(&store, &session).await.rev;
    let outcome = append_one(&store, enclosing(&session, &[&attachment])).await;
    assert_eq!(outcome, AppendOutcome::SessionEnded { rev });
    assert_eq!(find(&store, &session, &attachment).await, Some(attachment));
}

/// They go and come with their message.
pub async fn a_tombstone_hides_attachments_and_a_restoration_shows_them<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let attachment = upload(&store, &session).await;
    let message = say(&store, enclosing(&session, &[&attachment])).await;
    assert_eq!(remove(&store, &session.tenant_id, &message).await.extensions, []);
    let restored = restore(&store, &session.tenant_id, &message).await;
    assert_eq!(restored.extensions, message.extensions);
}
