//! Both services over fakes, and the people who use them.

use std::sync::Arc;

use chat_domain::access::{Caller, EDIT_WINDOW_SECONDS, Guard, Role};
use chat_domain::audit::AuditService;
use chat_domain::clock::Clock as _;
use chat_domain::error::RepositoryError;
use chat_domain::event::MockEventPublisher;
use chat_domain::extension::ExtensionService;
use chat_domain::fault::Faults;
use chat_domain::field::Field;
use chat_domain::figures::FiguresService;
use chat_domain::id::{MessageId, SessionId};
use chat_domain::idempotency::IdempotencyKey;
use chat_domain::message::{
    Message, MessageDraft, MessageError, MessageService, MockMessagePages, MockMessageRepository, NewMessage,
};
use chat_domain::participant::{MockUnreadCounts, ParticipantService};
use chat_domain::precondition::Precondition;
use chat_domain::revision::Seq;
use chat_domain::session::{MockSessionRepository, NewSession, Session, SessionDraft, SessionService};
use chat_domain::testing::builder::{a_guard, a_message, a_session, participant, tenant};
use chat_domain::testing::fake::{FakeAuditLog, FakeBus, FakeClock, FakeIds, FakeStore};
use serde_json::value::RawValue;

/// Both services over fakes.
pub(crate) struct House {
    pub(crate) store: FakeStore,
    pub(crate) bus: FakeBus,
    pub(crate) clock: FakeClock,
    pub(crate) log: FakeAuditLog,
    pub(crate) sessions: SessionService,
    pub(crate) participants: ParticipantService,
    pub(crate) messages: Arc<MessageService>,
    pub(crate) extensions: ExtensionService,
    pub(crate) audit: AuditService,
    pub(crate) figures: FiguresService,
}

impl House {
    pub(crate) fn new() -> Self {
        let (store, bus, clock, ids) = (FakeStore::new(), FakeBus::new(), FakeClock::new(), Arc::new(FakeIds::new()));
        let (ports, events, time) = (store.store(), Arc::new(bus.clone()), Arc::new(clock.clone()));
        let log = FakeAuditLog::new();
        let (sessions, guard) = (ports.sessions, Guard::new(Arc::new(log.clone())));
        let of_messages = Arc::new(MessageService::new(
            ports.messages,
            ports.pages,
            sessions.clone(),
            events.clone(),
            guard.clone(),
            time.clone(),
            ids.clone(),
        ));
        let extensions = ExtensionService::new(
            of_messages.clone(),
            ports.extensions,
            events.clone(),
            guard.clone(),
            time.clone(),
            ids.clone(),
        );
        let participants =
            ParticipantService::new(ports.participants, sessions.clone(), events.clone(), guard.clone(), time.clone());
        let sessions =
            SessionService::new(sessions, store.store().pages, ports.unread, events, guard.clone(), time, ids);
        let audit = AuditService::new(ports.audit, guard.clone());
        let figures = FiguresService::new(guard);
        Self { store, bus, clock, log, sessions, participants, messages: of_messages, extensions, audit, figures }
    }

    /// A session of the user, started by that user.
    pub(crate) async fn session_of(&self, user: &str) -> Session {
        let made = self.sessions.create(&as_user(user), session_draft(user), None).await;
        made.expect("a user starts its own session").value.session
    }

    /// A message of the caller.
    pub(crate) async fn says(&self, caller: &Caller, session: SessionId, content: &str) -> Message {
        let written = self.messages.create(caller, session, message_draft(content), None).await;
        written.expect("a caller writes as itself").value
    }

    /// A note of an agent.
    pub(crate) async fn notes(&self, session: SessionId, content: &str) -> Message {
        let draft = MessageDraft { visibility: text("internal"), ..message_draft(content) };
        let written = self.messages.create(&as_agent("anna"), session, draft, None).await;
        written.expect("an agent writes notes").value
    }

    /// What becomes of a message that the caller wants deleted, whatever state it is in.
    pub(crate) async fn remove(&self, caller: &Caller, id: MessageId) -> Result<Message, MessageError> {
        self.messages.remove(caller, id, Precondition::None).await
    }

    /// How many events were published until now.
    pub(crate) fn told(&self) -> usize {
        self.bus.published().len()
    }
}

/// A session service whose store answers as the mock was told to, and whose publisher must stay silent.
pub(crate) fn silent_sessions(store: MockSessionRepository) -> SessionService {
    let silent = Arc::new(MockEventPublisher::new());
    let (pages, counts) = (Arc::new(MockMessagePages::new()), Arc::new(MockUnreadCounts::new()));
    let (clock, ids) = (Arc::new(FakeClock::new()), Arc::new(FakeIds::new()));
    SessionService::new(Arc::new(store), pages, counts, silent, a_guard(), clock, ids)
}

/// A message service whose stores answer as the mocks were told to, and whose publisher must stay silent.
pub(crate) fn silent_messages(store: MockMessageRepository, sessions: MockSessionRepository) -> MessageService {
    let silent = Arc::new(MockEventPublisher::new());
    let pages = Arc::new(MockMessagePages::new());
    let (clock, ids) = (Arc::new(FakeClock::new()), Arc::new(FakeIds::new()));
    MessageService::new(Arc::new(store), pages, Arc::new(sessions), silent, a_guard(), clock, ids)
}

/// What is left of a message that ann sent and somebody deleted in time, which is too long ago for her now; and its session.
pub(crate) fn an_old_tombstone() -> (Message, Session) {
    let session = NewSession { user_id: participant("ann"), ..a_session() }.to_session();
    let sent = FakeClock::new().now().plus_seconds(-EDIT_WINDOW_SECONDS - 1);
    let new = NewMessage { created_at: sent, ..a_message(&session) };
    let message = Message { deleted_at: Some(sent), ..new.to_message(Seq::FIRST, session.rev.next()) };
    (message.shown(), session)
}

/// Stores that find these two, and fail the test where they are asked for anything else.
pub(crate) fn who_only_look(message: &Message, session: &Session) -> (MockMessageRepository, MockSessionRepository) {
    let (mut messages, mut sessions) = (MockMessageRepository::new(), MockSessionRepository::new());
    let (message, session) = (message.clone(), session.clone());
    messages.expect_find().returning(move |_, _| Ok(Some(message.clone())));
    sessions.expect_find().returning(move |_, _| Ok(Some(session.clone())));
    (messages, sessions)
}

pub(crate) fn as_role(role: Role, name: &str) -> Caller {
    Caller::new(tenant("default"), participant(name), role)
}

pub(crate) fn as_user(name: &str) -> Caller {
    as_role(Role::User, name)
}

pub(crate) fn as_agent(name: &str) -> Caller {
    as_role(Role::Agent, name)
}

pub(crate) fn as_service() -> Caller {
    as_role(Role::Service, "service")
}

/// The mightiest caller there is, but of another tenant.
pub(crate) fn as_stranger() -> Caller {
    Caller::new(tenant("other"), participant("service"), Role::Service)
}

pub(crate) fn text(text: &str) -> Field<String> {
    Field::Value(text.to_owned())
}

pub(crate) fn json(json: &str) -> Field<Box<RawValue>> {
    Field::Value(RawValue::from_string(json.to_owned()).expect("valid JSON"))
}

pub(crate) fn session_draft(user: &str) -> SessionDraft {
    SessionDraft { user_id: text(user), ..SessionDraft::default() }
}

pub(crate) fn message_draft(content: &str) -> MessageDraft {
    MessageDraft { content: text(content), ..MessageDraft::default() }
}

pub(crate) fn key(key: &str) -> IdempotencyKey {
    key.parse().expect("a valid key")
}

/// The pointers and codes of all faults.
pub(crate) fn codes(faults: &Faults) -> Vec<(&str, &str)> {
    faults.iter().map(|fault| (fault.pointer.as_str(), fault.rejection.code)).collect()
}

/// Whether the caller sees the message and may not do this to it.
pub(crate) fn is_forbidden<T>(outcome: &Result<T, MessageError>) -> bool {
    matches!(outcome, Err(MessageError::Forbidden))
}

/// Whether the message is not to be seen by the caller.
pub(crate) fn is_hidden<T>(outcome: &Result<T, MessageError>) -> bool {
    matches!(outcome, Err(MessageError::NotFound))
}

pub(crate) fn outage() -> RepositoryError {
    RepositoryError::unavailable(std::io::Error::other("down"))
}
