//! Things of the domain, valid and unlike each other, for tests that care about one field of them:
//!
//! ```
//! use chat_domain::session::NewSession;
//! use chat_domain::testing::builder::{a_session, participant};
//!
//! let of_ann = NewSession { user_id: participant("ann"), ..a_session() };
//! assert_ne!(of_ann.id, a_session().id);
//! ```

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use super::fake::{FakeAuditLog, FakeClock, FakeIds};
use crate::access::{Action, Caller, Guard, Role};
use crate::audit::{AuditEntry, Thing};
use crate::clock::{Clock, IdSource};
use crate::event::{ChangeKind, SessionChanged};
use crate::extension::{Extension, NewExtension};
use crate::id::{ParticipantId, SessionId, TenantId};
use crate::idempotency::Idempotency;
use crate::message::{Message, MessageType, NewMessage, Removal, Sender, SenderType, Visibility};
use crate::metadata::Metadata;
use crate::precondition::Precondition;
use crate::revision::Rev;
use crate::session::{NewSession, Session};
use crate::timestamp::Timestamp;

static IDS: LazyLock<FakeIds> = LazyLock::new(FakeIds::unlike_others);

/// Ids that grow, and that no other run has.
pub fn ids() -> &'static impl IdSource {
    &*IDS
}

/// A moment one microsecond after the one given last.
pub fn next_moment() -> Timestamp {
    static MICROS: AtomicI64 = AtomicI64::new(1);
    let start = FakeClock::new().now().as_micros();
    Timestamp::from_micros(start + MICROS.fetch_add(1, Ordering::SeqCst)).expect("the year 10000 is far")
}

/// A tenant of that name.
pub fn tenant(name: &str) -> TenantId {
    name.parse().expect("a valid tenant id")
}

/// A user, agent or bot of that name.
pub fn participant(name: &str) -> ParticipantId {
    name.parse().expect("a valid participant id")
}

/// Metadata of that JSON text.
pub fn metadata(json: &str) -> Metadata {
    Metadata::parse(json).expect("valid metadata")
}

/// A caller in the tenant `default` whose id is the name of its role.
pub fn caller(role: Role) -> Caller {
    Caller::new(tenant("default"), participant(role.as_str()), role)
}

/// A guard who tells nobody that a test listens to.
pub fn a_guard() -> Guard {
    Guard::new(Arc::new(FakeAuditLog::new()))
}

/// A key of the service `service` for a command, both of which are told apart by their names.
pub fn a_key(key: &str, command: &str) -> Idempotency {
    Idempotency::new(&key.parse().expect("a valid key"), &caller(Role::Service), "test", "", &command)
        .expect("a text is JSON")
}

/// A session of the user `user` in the tenant `default`.
pub fn a_session() -> NewSession {
    NewSession {
        tenant_id: tenant("default"),
        id: ids().session_id(),
        user_id: participant("user"),
        agent_id: None,
        metadata: Metadata::default(),
        previous_session_id: None,
        created_at: next_moment(),
        idempotency: None,
    }
}

/// A public text of the session's user.
pub fn a_message(session: &Session) -> NewMessage {
    NewMessage {
        tenant_id: session.tenant_id.clone(),
        session_id: session.id,
        id: ids().message_id(),
        sender: Sender { sender_type: SenderType::User, id: session.user_id.clone() },
        content: "hello".to_owned(),
        message_type: MessageType::Text,
        metadata: Metadata::default(),
        reply_to: None,
        visibility: Visibility::Public,
        created_at: next_moment(),
        confined_to: None,
        idempotency: None,
        audit: None,
    }
}

/// A deletion, whatever state the message is in, that the audit does not record.
pub fn a_removal() -> Removal {
    Removal { precondition: Precondition::None, at: next_moment(), audit: None }
}

/// That the supervisor `supervisor` deleted a message of the session.
pub fn an_entry(session: &Session) -> AuditEntry {
    let thing = Thing::Message { id: ids().message_id(), session: session.id };
    AuditEntry {
        id: ids().audit_id(),
        tenant_id: session.tenant_id.clone(),
        created_at: next_moment(),
        actor_id: participant("supervisor"),
        actor_role: Role::Supervisor,
        action: Action::DeleteMessage.as_str().into(),
        thing_kind: thing.kind().into(),
        thing_id: thing.id(),
        session_id: thing.session(),
    }
}

/// A reaction to the message.
pub fn an_extension(tenant: &TenantId, message: &Message) -> NewExtension {
    NewExtension {
        tenant_id: tenant.clone(),
        message_id: message.id,
        id: ids().extension_id(),
        extension_type: "reaction".parse().expect("a valid type"),
        data: metadata(r#"{"emoji":"👍"}"#),
        created_at: next_moment(),
    }
}

/// That a message was written in the session, which thereby came to the `rev`.
pub fn an_event(tenant: &TenantId, session: SessionId, rev: i64) -> SessionChanged {
    let kind = ChangeKind::Message;
    SessionChanged { tenant_id: tenant.clone(), session_id: session, rev: Rev::new(rev), kind }
}

/// What a store makes of a new extension.
#[must_use]
pub fn extension_of(new: &NewExtension) -> Extension {
    Extension {
        id: new.id,
        message_id: new.message_id,
        extension_type: new.extension_type.clone(),
        data: new.data.clone(),
        created_at: new.created_at,
    }
}
