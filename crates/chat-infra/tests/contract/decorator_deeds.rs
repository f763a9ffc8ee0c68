//! Everything that may be done to a session, one thing after the other: each takes the session's next `rev`.

use chat_domain::extension::{AddOutcome, DetachOutcome, Reaction, Which};
use chat_domain::message::{
    Edit, EditOutcome, Message, MessageChange, NewMessage, RemoveOutcome, RestoreOutcome, Sender, SenderType,
    Visibility,
};
use chat_domain::participant::{MarkOutcome, ParticipantRole, Reader, Receipt, ReceiptKind};
use chat_domain::precondition::Precondition;
use chat_domain::revision::Seq;
use chat_domain::session::{MetadataChange, Session, SessionChange, SessionUpdate, UpdateOutcome};
use chat_domain::testing::builder::{
    a_detachment, a_message, a_reaction, a_removal, a_restoration, an_edit, metadata, next_moment, participant,
};
use chat_domain::testing::rig::Store;

use crate::decorator_doubles::stored;
use crate::decorator_own_messages::tell;

/// What is done, mostly to the last message.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Write a message.
    Say,
    /// Write a note between agents.
    Note,
    /// Give it another text.
    Edit,
    /// Give it other metadata.
    Describe,
    /// Show an emoji on it.
    React,
    /// Take the emoji off again.
    TakeBack,
    /// Delete it.
    Delete,
    /// Undo that.
    Restore,
    /// Read all there is.
    Read,
    /// Give the session other metadata.
    Label,
}

use Deed::{Delete, Describe, Edit as Reword, Label, Note, React, Read, Restore, Say, TakeBack};

/// An odd number of them, so that in time each node does each.
const DEEDS: [Deed; 17] = [
    Say, Say, Note, Reword, React, Say, Reword, Say, React, TakeBack, Say, Delete, Read, Restore, Describe, Label,
    Delete,
];

const EMOJI: &str = "👍";

/// Somebody who does all that to a session.
pub(crate) struct Writer {
    session: Session,
    last: Option<Message>,
}

impl Writer {
    pub(crate) const fn of(session: Session) -> Self {
        Self { session, last: None }
    }

    /// Does through this node what it is the turn of, which changes something.
    pub(crate) async fn act(&mut self, node: &Store, turn: usize) {
        let deed = DEEDS[turn % DEEDS.len()];
        match (deed, &self.last) {
            (Say, _) => self.say(node, Visibility::Public, turn).await,
            (Note, _) => self.say(node, Visibility::Internal, turn).await,
            (Read, _) => self.read(node).await,
            (Label, _) => self.label(node, turn).await,
            (_, Some(last)) => self.change(node, deed, last, turn).await,
            (_, None) => panic!("nothing was said yet"),
        }
    }

    /// Mostly the node's pages hear of it.
    async fn say(&mut self, node: &Store, visibility: Visibility, turn: usize) {
        let new = NewMessage { visibility, content: format!("turn {turn}"), ..a_message(&self.session) };
        let outcomes = node.messages.append(vec![new]).await.unwrap();
        if !turn.is_multiple_of(7) {
            tell(&*node.pages, &self.session, &outcomes[0]);
        }
        self.last = Some(stored(&outcomes[0]).clone());
    }

    async fn change(&self, node: &Store, deed: Deed, last: &Message, turn: usize) {
        let (tenant, id, messages) = (&self.session.tenant_id, last.id, &node.messages);
        let change = MessageChange { content: None, metadata: Some(labelled(turn)) };
        let is_done = match deed {
            Reword => {
                let edited = messages.edit(tenant, id, an_edit(&format!("reworded {turn}"))).await;
                matches!(edited, Ok(EditOutcome::Edited(_)))
            }
            Describe => {
                let edited = messages.edit(tenant, id, Edit { change, ..an_edit("") }).await;
                matches!(edited, Ok(EditOutcome::Edited(_)))
            }
            React => {
                let added = node.extensions.add(a_reaction(tenant, last, "user", EMOJI)).await;
                matches!(added, Ok(AddOutcome::Added { .. }))
            }
            TakeBack => {
                let actor = Sender { sender_type: SenderType::User, id: participant("user") };
                let which = Which::UniqueKey(Reaction { emoji: EMOJI.parse().unwrap(), actor }.unique_key());
                let removed = node.extensions.remove(tenant, id, a_detachment(which)).await;
                matches!(removed, Ok(DetachOutcome::Removed(_)))
            }
            Delete => matches!(messages.remove(tenant, id, a_removal()).await, Ok(RemoveOutcome::Removed(_))),
            Restore => matches!(messages.restore(tenant, id, a_restoration()).await, Ok(RestoreOutcome::Restored(_))),
            Say | Note | Read | Label => panic!("{deed:?} does nothing to a message"),
        };
        assert!(is_done, "turn {turn}: {deed:?}");
    }

    async fn read(&self, node: &Store) {
        let reader = Reader { role: ParticipantRole::Agent, id: participant("agent") };
        let (kind, seq, at) = (ReceiptKind::Read, Seq::new(i64::MAX), next_moment());
        let receipt = Receipt { reader, kind, seq, at, confined_to: None, idempotency: None };
        let marked = node.participants.mark(&self.session.tenant_id, self.session.id, receipt).await;
        assert!(matches!(marked, Ok(MarkOutcome::Moved(_))), "{marked:?}");
    }

    async fn label(&self, node: &Store, turn: usize) {
        let change = SessionChange { metadata: Some(labelled(turn)), ..SessionChange::default() };
        let update = SessionUpdate { change, precondition: Precondition::None, at: next_moment(), idempotency: None };
        let updated = node.sessions.update(&self.session.tenant_id, self.session.id, update).await;
        assert!(matches!(updated, Ok(UpdateOutcome::Updated(_))), "{updated:?}");
    }
}

/// Metadata that no other turn gives.
fn labelled(turn: usize) -> MetadataChange {
    MetadataChange::Replace(metadata(&format!(r#"{{"turn":{turn}}}"#)))
}
