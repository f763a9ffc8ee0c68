//! The use cases of messages: check, ask the rule book, write, tell.

mod edit;
mod enclose;

use std::sync::Arc;

use super::draft::{CheckedMessage, MessageDraft};
use super::list::{MessagePage, PageDraft, PageQuery};
use super::model::{Message, Visibility};
use super::port::{AppendOutcome, MessagePages, MessageRepository, NewMessage, Removal, RemoveOutcome};
use crate::access::{Action, Caller, Denied, Guard, Guarded, Permit, Relation, Sealed};
use crate::attachment::AttachmentRepository;
use crate::audit::Thing;
use crate::clock::{Clock, IdSource};
use crate::error::RepositoryError;
use crate::event::{EventPublisher, SessionChanged};
use crate::fault::{Faults, Rejection};
use crate::id::{MessageId, SessionId};
use crate::idempotency::{Idempotency, IdempotencyKey};
use crate::outcome::Written;
use crate::precondition::Precondition;
use crate::revision::Rev;
use crate::session::SessionRepository;

/// Why a use case of messages did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MessageError {
    /// The input is at fault.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// There is no such session that the caller may see.
    #[error("no such session")]
    SessionNotFound,
    /// There is no such message that the caller may see.
    #[error("no such message")]
    NotFound,
    /// The caller may see the thing, but not do this to it.
    #[error("not allowed")]
    Forbidden,
    /// The message is deleted, which rules this out.
    #[error("the message is deleted")]
    Deleted,
    /// The idempotency key had been used for another command.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The message has moved on since the caller saw it.
    #[error("the message has moved on")]
    PreconditionFailed,
    /// The session takes no more messages.
    #[error("the session has ended")]
    SessionEnded {
        /// The session's present `rev`.
        rev: Rev,
    },
    /// The store is at fault.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// The use cases of messages.
pub struct MessageService {
    messages: Guarded<dyn MessageRepository>,
    pages: Guarded<dyn MessagePages>,
    sessions: Guarded<dyn SessionRepository>,
    /// Where there is none, no message is sent with an attachment.
    attachments: Option<Guarded<dyn AttachmentRepository>>,
    events: Arc<dyn EventPublisher>,
    guard: Guard,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl MessageService {
    /// Puts the use cases on top of their ports.
    #[must_use]
    pub fn new(
        messages: Arc<dyn MessageRepository>,
        pages: Arc<dyn MessagePages>,
        sessions: Arc<dyn SessionRepository>,
        events: Arc<dyn EventPublisher>,
        guard: Guard,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let (messages, pages) = (Guarded::new(messages), Guarded::new(pages));
        Self { messages, pages, sessions: Guarded::new(sessions), attachments: None, events, guard, clock, ids }
    }

    /// The same, which can send attachments.
    #[must_use]
    pub fn with_attachments(self, attachments: Arc<dyn AttachmentRepository>) -> Self {
        Self { attachments: Some(Guarded::new(attachments)), ..self }
    }

    /// Writes a message; it is durable when this returns.
    ///
    /// # Errors
    /// All faults of the draft at once, a session that is not there or has ended, a sender that the caller may not
    /// write as, attachments that are not there to be sent, a reused key, a store at fault.
    pub async fn create(
        &self,
        caller: &Caller,
        session_id: SessionId,
        draft: MessageDraft,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written<Message>, MessageError> {
        let checked = draft.check(caller)?;
        let permit = self.allow_write(caller, session_id, &checked)?;
        self.check_reply(caller, session_id, &checked).await?;
        let named = checked.attachments.clone();
        let mut new = self.new_message(caller, &permit, session_id, checked, key)?;
        if !named.is_empty() {
            // In a box, so that the requests without are not larger for it.
            new.enclosures = Box::pin(self.enclosures(caller, session_id, &named)).await?;
        }
        let outcome = self.messages.with(&permit).append(vec![new]).await?.pop();
        match outcome.ok_or_else(|| RepositoryError::internal(NoOutcome))? {
            AppendOutcome::Stored { message, found } => {
                if permit.is_kept() {
                    self.guard.done(&permit, &Thing::Message { id: message.id, session: session_id });
                }
                if let Some(found) = found {
                    self.pages.with(&permit).stored(caller.tenant(), &message, found);
                }
                self.tell(caller, &message).await;
                Ok(Written::fresh(message))
            }
            AppendOutcome::Replayed(message) => Ok(Written::replayed(message)),
            AppendOutcome::KeyReused => Err(MessageError::KeyReused),
            AppendOutcome::SessionEnded { rev } => Err(MessageError::SessionEnded { rev }),
            AppendOutcome::AttachmentTaken(id) => Err(enclose::taken(&named, id)),
            AppendOutcome::SessionMissing => Err(MessageError::SessionNotFound),
        }
    }

    /// A message that the caller may see, or its tombstone.
    ///
    /// # Errors
    /// [`MessageError::NotFound`] also where the caller may not see it; a store at fault.
    pub async fn find(&self, caller: &Caller, id: MessageId) -> Result<Message, MessageError> {
        self.seen(caller, id).await.map(|(message, _)| message)
    }

    /// The same, and what its session is to the caller.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn seen(&self, caller: &Caller, id: MessageId) -> Result<(Message, Relation), MessageError> {
        let found = self.messages.look(|messages| messages.find(caller.tenant(), id)).await?;
        let found = found.ok_or(MessageError::NotFound)?;
        let (session_id, visibility) = (found.to_judge().session_id, found.to_judge().visibility);
        if !visibility.shown_in(caller.view()) {
            return Err(MessageError::NotFound);
        }
        let relation = self.relation_to(caller, session_id).await?;
        let opened = self.guard.open(found, caller, Action::ReadSession, relation, || Thing::Session(session_id));
        opened.map(|(message, _)| (message, relation)).map_err(|denied| refused(denied, MessageError::NotFound))
    }

    /// A page of a session's messages, and the question as it was understood.
    ///
    /// # Errors
    /// All faults of the parameters at once, a session that is not there or may not be seen, a store at fault.
    pub async fn list(
        &self,
        caller: &Caller,
        session_id: SessionId,
        draft: &PageDraft,
    ) -> Result<(PageQuery, Arc<MessagePage>), MessageError> {
        let query = draft.check(caller.view())?;
        Ok((query, self.page(caller, session_id, &query).await?))
    }

    /// Deletes a message; deleting a tombstone changes nothing.
    ///
    /// # Errors
    /// A message that is not there or may not be deleted, a precondition that does not hold, a store at fault.
    pub async fn remove(
        &self,
        caller: &Caller,
        id: MessageId,
        precondition: Precondition,
    ) -> Result<Message, MessageError> {
        let message = self.find(caller, id).await?;
        let at = self.clock.now();
        let (relation, thing) = (edit::authorship(caller, &message, at), Thing::of_message(&message));
        if edit::is_over(caller, Action::DeleteMessage, relation, &message) {
            let is_met = precondition.holds(message.rev, None);
            return is_met.then_some(message).ok_or(MessageError::PreconditionFailed);
        }
        let permit = self.guard.ask(caller, Action::DeleteMessage, relation, || thing.clone());
        let permit = permit.map_err(|denied| refused(denied, MessageError::NotFound))?;
        let audit = permit.entry(|| self.ids.audit_id(), at, &thing);
        let removal = Removal { precondition, at, audit };
        match self.messages.with(&permit).remove(caller.tenant(), id, removal).await? {
            RemoveOutcome::Removed(message) => {
                self.guard.done(&permit, &thing);
                self.tell(caller, &message).await;
                Ok(message)
            }
            RemoveOutcome::AlreadyRemoved(message) => Ok(message),
            RemoveOutcome::Missing => Err(MessageError::NotFound),
            RemoveOutcome::PreconditionFailed => Err(MessageError::PreconditionFailed),
        }
    }

    async fn page(&self, caller: &Caller, id: SessionId, query: &PageQuery) -> Result<Arc<MessagePage>, MessageError> {
        let found = self.pages.look(|pages| pages.page(caller.tenant(), id, query)).await?;
        let found = found.ok_or(MessageError::SessionNotFound)?;
        let relation = caller.relation_to(&found.to_judge().session.user_id);
        let opened = self.guard.open(found, caller, Action::ReadSession, relation, || Thing::Session(id));
        opened.map(|(page, _)| page).map_err(|denied| refused(denied, MessageError::SessionNotFound))
    }

    /// A message neither leaves its session nor changes its visibility, so looking before the write is no race.
    async fn check_reply(
        &self,
        caller: &Caller,
        session_id: SessionId,
        checked: &CheckedMessage,
    ) -> Result<(), MessageError> {
        let Some(id) = checked.reply_to else { return Ok(()) };
        let target = self.messages.look(|messages| messages.find(caller.tenant(), id)).await?;
        let target = target.as_ref().map(Sealed::to_judge);
        let target = target.filter(|t| t.session_id == session_id && t.visibility.shown_in(caller.view()));
        let rejection = match target.map(|target| target.visibility) {
            Some(Visibility::Internal) if checked.visibility == Visibility::Public => {
                Rejection::new("reply_to_internal", "names an internal message, which a public one must not give away")
            }
            Some(_) => return Ok(()),
            None if !self.is_shown(caller, session_id).await? => return Err(MessageError::SessionNotFound),
            None => Rejection::new("reply_to_not_found", "names no message of this session"),
        };
        Err(Faults::body("/reply_to", rejection).into())
    }

    /// Whether there is such a session, and the caller may see it.
    async fn is_shown(&self, caller: &Caller, session_id: SessionId) -> Result<bool, RepositoryError> {
        let relation = self.looked_up(caller, session_id).await?;
        Ok(relation.is_some_and(|relation| caller.may(Action::ReadSession, relation)))
    }

    /// What the session is to the caller. To those who see all sessions it makes no difference, so it is not looked up.
    async fn relation_to(&self, caller: &Caller, session_id: SessionId) -> Result<Relation, RepositoryError> {
        if caller.may(Action::ReadSession, Relation::Other) {
            return Ok(Relation::Other);
        }
        Ok(self.looked_up(caller, session_id).await?.unwrap_or(Relation::Other))
    }

    /// What the session is to the caller, where there is one.
    async fn looked_up(&self, caller: &Caller, session_id: SessionId) -> Result<Option<Relation>, RepositoryError> {
        let session = self.sessions.look(|sessions| sessions.find(caller.tenant(), session_id)).await?;
        Ok(session.map(|session| caller.relation_to(&session.to_judge().user_id)))
    }

    fn allow_write<'a>(
        &self,
        caller: &'a Caller,
        session_id: SessionId,
        checked: &CheckedMessage,
    ) -> Result<Permit<'a>, MessageError> {
        let relation = if caller.writes_as(&checked.sender) { Relation::Own } else { Relation::Other };
        let ask = |action| {
            let asked = self.guard.ask(caller, action, relation, || Thing::Session(session_id));
            asked.map_err(|denied| refused(denied, MessageError::SessionNotFound))
        };
        let permit = ask(Action::WriteMessage)?;
        if checked.visibility == Visibility::Internal {
            _ = ask(Action::WriteInternal)?;
        }
        Ok(permit)
    }

    fn new_message(
        &self,
        caller: &Caller,
        permit: &Permit<'_>,
        session_id: SessionId,
        checked: CheckedMessage,
        key: Option<&IdempotencyKey>,
    ) -> Result<NewMessage, RepositoryError> {
        let parent = || session_id.to_string();
        let idempotency =
            key.map(|key| Idempotency::new(key, caller, "messages.create", &parent(), &checked)).transpose()?;
        let (id, created_at) = (self.ids.message_id(), self.clock.now());
        let thing = Thing::Message { id, session: session_id };
        let audit = permit.entry(|| self.ids.audit_id(), created_at, &thing).map(Box::new);
        Ok(NewMessage {
            tenant_id: caller.tenant().clone(),
            session_id,
            id,
            sender: checked.sender,
            content: checked.content,
            message_type: checked.message_type,
            metadata: checked.metadata,
            reply_to: checked.reply_to,
            visibility: checked.visibility,
            created_at,
            enclosures: Vec::new(),
            confined_to: caller.confined_to().cloned(),
            idempotency,
            audit,
        })
    }

    async fn tell(&self, caller: &Caller, message: &Message) {
        self.events.publish(SessionChanged::of_message(caller.tenant(), message)).await;
    }
}

/// A store answered a batch of one with nothing.
#[derive(Debug, thiserror::Error)]
#[error("the store gave no outcome for a message")]
struct NoOutcome;

/// What the caller is told who may not: of what is hidden, the same as where there is nothing.
fn refused(denied: Denied, nothing: MessageError) -> MessageError {
    match denied {
        Denied::Forbidden => MessageError::Forbidden,
        Denied::Hidden => nothing,
    }
}
