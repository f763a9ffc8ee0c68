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
use crate::attachment::{FileName, NewAttachment};
use crate::audit::{AuditEntry, Thing};
use crate::clock::{Clock, IdSource};
use crate::event::{ChangeKind, SessionChanged};
use crate::extension::{Detachment, Extension, NewExtension, Reaction, Which};
use crate::id::{ExtensionId, ParticipantId, SessionId, TenantId};
use crate::idempotency::{Digest, Idempotency};
use crate::message::{
    Edit, Message, MessageChange, MessageType, NewMessage, Removal, Restoration, Sender, SenderType, Visibility,
};
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
        enclosures: Vec::new(),
        confined_to: None,
        idempotency: None,
        audit: None,
    }
}

/// A picture that the session's user uploads to it.
pub fn an_attachment(session: &Session) -> NewAttachment {
    NewAttachment {
        tenant_id: session.tenant_id.clone(),
        id: ids().attachment_id(),
        session_id: session.id,
        uploaded_by: session.user_id.clone(),
        uploader_role: Role::User,
        filename: FileName::of(Some("cat.png")),
        content_type: "image/png".to_owned(),
        size: 1_000,
        sha256: Digest::new([7; 32]),
        created_at: next_moment(),
    }
}

/// A deletion, whatever state the message is in, that the audit does not record.
pub fn a_removal() -> Removal {
    Removal { precondition: Precondition::None, at: next_moment(), audit: None }
}

/// An edit by `editor` that gives a message this text, whatever state it is in, and that the audit does not record.
pub fn an_edit(content: &str) -> Edit {
    Edit {
        change: MessageChange { content: Some(content.to_owned()), metadata: None },
        precondition: Precondition::None,
        by: participant("editor"),
        at: next_moment(),
        extension_id: ids().extension_id(),
        audit: None,
    }
}

/// A restoration, whatever state the message is in, that the audit does not record.
pub fn a_restoration() -> Restoration {
    Restoration { precondition: Precondition::None, at: next_moment(), idempotency: None, audit: None }
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

/// Something of a client's own on the message, made by the session's user.
pub fn an_extension(tenant: &TenantId, message: &Message) -> NewExtension {
    NewExtension {
        tenant_id: tenant.clone(),
        message_id: message.id,
        id: ids().extension_id(),
        extension_type: "note".parse().expect("a valid type"),
        data: metadata(r#"{"a":1}"#),
        maker: Sender { sender_type: SenderType::User, id: participant("user") },
        unique_key: None,
        created_at: next_moment(),
        precondition: Precondition::None,
        idempotency: None,
    }
}

/// The user's emoji on the message.
pub fn a_reaction(tenant: &TenantId, message: &Message, user: &str, emoji: &str) -> NewExtension {
    let maker = Sender { sender_type: SenderType::User, id: participant(user) };
    let reaction = Reaction { emoji: emoji.parse().expect("an emoji"), actor: maker.clone() };
    NewExtension {
        extension_type: "reaction".parse().expect("a valid type"),
        data: metadata(&format!(r#"{{"emoji":"{emoji}","actor_type":"user","actor_id":"{user}"}}"#)),
        unique_key: Some(reaction.unique_key()),
        maker,
        ..an_extension(tenant, message)
    }
}

/// That an extension is taken off, whatever state its message is in, without a record in the audit.
pub fn a_detachment(which: Which) -> Detachment {
    Detachment { which, precondition: Precondition::None, at: next_moment(), audit: None }
}

/// The same, of the extension with this id.
pub fn a_detachment_of(id: ExtensionId) -> Detachment {
    a_detachment(Which::Id(id))
}

/// That a message was written in the session, which thereby came to the `rev`.
pub fn an_event(tenant: &TenantId, session: SessionId, rev: i64) -> SessionChanged {
    let kind = ChangeKind::Message;
    SessionChanged { tenant_id: tenant.clone(), session_id: session, rev: Rev::new(rev), kind }
}

/// What a store makes of a new extension.
#[must_use]
pub fn extension_of(new: &NewExtension) -> Extension {
    new.to_extension()
}
