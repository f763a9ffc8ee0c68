//! The participant, the reader, and the count of what the reader has not read.

use serde::{Deserialize, Serialize};

use crate::access::View;
use crate::id::{ParticipantId, SessionId};
use crate::message::{Message, Sender, SenderType, Visibility};
use crate::named::named;
use crate::revision::{Rev, Seq};
use crate::timestamp::Timestamp;

named!(
    /// On which side of a session somebody reads.
    ParticipantRole {
        /// The visitor.
        User = "user",
        /// One who serves: an agent, a supervisor, an admin, or a service, which reads for itself like a bot.
        Agent = "agent",
    }
);
named!(
    /// What a receipt says.
    ReceiptKind {
        /// The messages were shown to somebody. What was read was delivered, too.
        Read = "read",
        /// The messages have reached the client.
        Delivered = "delivered",
    }
);

impl ParticipantRole {
    /// On which side such a participant writes.
    #[must_use]
    pub const fn sender_type(self) -> SenderType {
        match self {
            Self::User => SenderType::User,
            Self::Agent => SenderType::Agent,
        }
    }

    /// What such a participant sees of a session.
    #[must_use]
    pub const fn view(self) -> View {
        match self {
            Self::User => View::Public,
            Self::Agent => View::Full,
        }
    }
}

/// Somebody who reads sessions: the participant that a caller is in each of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reader {
    /// On which side.
    pub role: ParticipantRole,
    /// Who.
    pub id: ParticipantId,
}

impl Reader {
    /// Whether the reader itself sent what has this sender.
    #[must_use]
    pub fn is(&self, sender: &Sender) -> bool {
        sender.sender_type == self.role.sender_type() && sender.id == self.id
    }

    /// **The** rule of what is unread: what the reader sees, is not deleted, was sent by somebody else and not by the
    /// platform, and lies above what was read. Stores say the same in their own words, and are held against this.
    #[must_use]
    pub fn has_unread(&self, message: &Message, read: Seq) -> bool {
        message.seq > read
            && !message.is_deleted()
            && message.visibility.shown_in(self.role.view())
            && message.sender.sender_type != SenderType::System
            && !self.is(&message.sender)
    }
}

/// How many messages a reader has not read: exact below [`MOST`](Self::MOST), which stands for that many and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnreadCount(u8);

impl UnreadCount {
    /// The highest count.
    pub const MOST: u8 = 100;
    /// Nothing is unread.
    pub const NONE: Self = Self(0);

    /// So many messages, or [`MOST`](Self::MOST) where they are more.
    #[must_use]
    pub fn of(messages: usize) -> Self {
        Self(u8::try_from(messages).unwrap_or(Self::MOST).min(Self::MOST))
    }

    /// A count as a store found it; `None` where it is none.
    #[must_use]
    pub fn from_stored(count: i64) -> Option<Self> {
        usize::try_from(count).ok().map(Self::of)
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// How far somebody has come in a session. There is one for everybody who has sent a receipt there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Where.
    pub session_id: SessionId,
    /// On which side.
    pub role: ParticipantRole,
    /// Who.
    pub id: ParticipantId,
    /// The last message that was read; 0 for none.
    pub read_seq: Seq,
    /// The last message that was delivered; never below `read_seq`.
    pub delivered_seq: Seq,
    /// Who is told: a user learns of those only who serve its session or have spoken in it.
    pub visibility: Visibility,
    /// The session's `rev` at the last receipt that moved something.
    pub rev: Rev,
    /// When that was.
    pub updated_at: Timestamp,
}

impl Participant {
    /// Somebody of whom nothing has come yet: as if it had been so since the session began.
    #[must_use]
    pub fn silent(session_id: SessionId, reader: &Reader, began: Timestamp) -> Self {
        let Reader { role, id } = reader.clone();
        let nothing = Seq::new(0);
        let (visibility, rev, updated_at) = (Visibility::Internal, Rev::FIRST, began);
        Self { session_id, role, id, read_seq: nothing, delivered_seq: nothing, visibility, rev, updated_at }
    }

    /// The participant after a receipt for messages up to the `seq`, as the session's next change; `None` where it moves
    /// nothing. `seen_by_user` says whether the user knows of the participant from now on; once it does, it stays so.
    #[must_use]
    pub fn after(&self, kind: ReceiptKind, seq: Seq, seen_by_user: bool, rev: Rev, at: Timestamp) -> Option<Self> {
        let read_seq = match kind {
            ReceiptKind::Read => self.read_seq.max(seq),
            ReceiptKind::Delivered => self.read_seq,
        };
        let delivered_seq = self.delivered_seq.max(seq);
        if (read_seq, delivered_seq) == (self.read_seq, self.delivered_seq) {
            return None;
        }
        let visibility = if seen_by_user { Visibility::Public } else { self.visibility };
        let updated_at = self.updated_at.max(at);
        Some(Self { read_seq, delivered_seq, visibility, rev, updated_at, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::NewMessage;
    use crate::testing::builder::{a_message, a_session, next_moment, participant};

    fn reader(role: ParticipantRole, id: &str) -> Reader {
        Reader { role, id: participant(id) }
    }

    fn sent(sender_type: SenderType, id: &str, visibility: Visibility) -> Message {
        let session = a_session().to_session();
        let sender = Sender { sender_type, id: participant(id) };
        NewMessage { sender, visibility, ..a_message(&session) }.to_message(Seq::new(5), Rev::new(6))
    }

    #[test]
    fn unread_is_what_others_said_above_what_was_read() {
        let (ann, bob) = (reader(ParticipantRole::User, "ann"), reader(ParticipantRole::Agent, "bob"));
        let (public, internal) = (Visibility::Public, Visibility::Internal);
        for (message, for_ann, for_bob) in [
            (sent(SenderType::User, "ann", public), false, true),
            (sent(SenderType::Agent, "bob", public), true, false),
            // A namesake on the other side is somebody else.
            (sent(SenderType::User, "bob", public), true, true),
            (sent(SenderType::Agent, "cleo", internal), false, true),
            (sent(SenderType::System, "system", public), false, false),
        ] {
            assert_eq!(ann.has_unread(&message, Seq::new(4)), for_ann, "{message:?}");
            assert_eq!(bob.has_unread(&message, Seq::new(4)), for_bob, "{message:?}");
            assert!(!ann.has_unread(&message, Seq::new(5)) && !bob.has_unread(&message, Seq::new(5)));
            let deleted = Message { deleted_at: Some(next_moment()), ..message };
            assert!(!ann.has_unread(&deleted, Seq::new(0)) && !bob.has_unread(&deleted, Seq::new(0)));
        }
    }

    #[test]
    fn a_hundred_stands_for_more() {
        for (messages, count) in [(0, 0), (99, 99), (100, 100), (101, 100), (255, 100), (1_000_000, 100)] {
            assert_eq!(UnreadCount::of(messages).get(), count);
        }
        assert_eq!(UnreadCount::from_stored(-1), None);
        assert_eq!(UnreadCount::from_stored(7), Some(UnreadCount::of(7)));
    }

    #[test]
    fn a_receipt_never_moves_back_and_what_was_read_was_delivered() {
        let session = a_session().to_session();
        let ann = reader(ParticipantRole::User, "ann");
        let silent = Participant::silent(session.id, &ann, session.created_at);
        let mark = |participant: &Participant, kind, seq| {
            participant.after(kind, Seq::new(seq), false, participant.rev.next(), next_moment())
        };
        assert_eq!(mark(&silent, ReceiptKind::Read, 0), None);
        let read = mark(&silent, ReceiptKind::Read, 5).unwrap();
        assert_eq!((read.read_seq.get(), read.delivered_seq.get(), read.rev.get()), (5, 5, 2));
        assert_eq!(mark(&read, ReceiptKind::Delivered, 5), None);
        assert_eq!(mark(&read, ReceiptKind::Read, 4), None);
        let delivered = mark(&read, ReceiptKind::Delivered, 7).unwrap();
        assert_eq!((delivered.read_seq.get(), delivered.delivered_seq.get()), (5, 7));
        let read = mark(&delivered, ReceiptKind::Read, 6).unwrap();
        assert_eq!((read.read_seq.get(), read.delivered_seq.get()), (6, 7));
    }

    #[test]
    fn whom_the_user_knows_it_goes_on_knowing() {
        let session = a_session().to_session();
        let silent = Participant::silent(session.id, &reader(ParticipantRole::Agent, "bob"), session.created_at);
        let known = silent.after(ReceiptKind::Read, Seq::new(1), true, Rev::new(2), next_moment()).unwrap();
        assert_eq!(known.visibility, Visibility::Public);
        let later = known.after(ReceiptKind::Read, Seq::new(2), false, Rev::new(3), next_moment()).unwrap();
        assert_eq!(later.visibility, Visibility::Public);
    }
}
