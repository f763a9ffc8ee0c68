//! What these suites do over and over: people who say and read something.

use super::super::stage::session_now;
use crate::message::{NewMessage, Sender, SenderType, Visibility};
use crate::participant::{MarkOutcome, Participant, ParticipantRole, Reader, Receipt, ReceiptKind, UnreadCount};
use crate::revision::Seq;
use crate::session::{Session, SessionKey};
use crate::testing::builder::{a_message, next_moment, participant};
use crate::testing::rig::Store;

/// The user of that name.
pub(super) fn user(name: &str) -> Reader {
    Reader { role: ParticipantRole::User, id: participant(name) }
}

/// The agent of that name.
pub(super) fn agent(name: &str) -> Reader {
    Reader { role: ParticipantRole::Agent, id: participant(name) }
}

/// What the reader says for all to see.
pub(super) fn from(session: &Session, reader: &Reader) -> NewMessage {
    let sender = Sender { sender_type: reader.role.sender_type(), id: reader.id.clone() };
    NewMessage { sender, ..a_message(session) }
}

/// What an agent notes for agents.
pub(super) fn note(session: &Session, reader: &Reader) -> NewMessage {
    NewMessage { visibility: Visibility::Internal, ..from(session, reader) }
}

/// What the platform says.
pub(super) fn system(session: &Session) -> NewMessage {
    let sender = Sender { sender_type: SenderType::System, id: participant("system") };
    NewMessage { sender, ..a_message(session) }
}

/// That somebody has read up to there.
pub(super) fn read(reader: &Reader, seq: i64) -> Receipt {
    let (reader, at) = (reader.clone(), next_moment());
    Receipt { reader, kind: ReceiptKind::Read, seq: Seq::new(seq), at, confined_to: None, idempotency: None }
}

/// That so much has reached somebody.
pub(super) fn delivered(reader: &Reader, seq: i64) -> Receipt {
    Receipt { kind: ReceiptKind::Delivered, ..read(reader, seq) }
}

/// Sends a receipt.
pub(super) async fn mark(store: &Store, session: &Session, receipt: Receipt) -> MarkOutcome {
    store.participants.mark(&session.tenant_id, session.id, receipt).await.expect("the store works")
}

/// Sends a receipt that moves something.
pub(super) async fn moved(store: &Store, session: &Session, receipt: Receipt) -> Participant {
    match mark(store, session, receipt).await {
        MarkOutcome::Moved(participant) => participant,
        other => panic!("a receipt moved nothing: {other:?}"),
    }
}

/// What the reader has not read by now.
pub(super) async fn unread(store: &Store, session: &Session, reader: &Reader) -> UnreadCount {
    let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
    let now = session_now(store, session).await;
    let unread = store.unread.unread(reader, vec![(key, now.revision())]).await.expect("the store works");
    unread[0].expect("the session is there").count
}
