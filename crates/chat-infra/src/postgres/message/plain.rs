//! Appending messages against which nothing speaks, as is so with nearly all: sessions are counted up and messages stored
//! in one go, with nothing judged one by one. A session that may not take one of its messages takes none of them, and where
//! a key has been used before no session does.

use std::collections::HashSet;

use chat_domain::id::{MessageId, ParticipantId, SessionId, TenantId};
use chat_domain::message::{NewMessage, Visibility};
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid};
use diesel::{IntoSql as _, Queryable};

use crate::postgres::statement::{Statement, each, place};
use crate::postgres::time::to_pg;

pub(in crate::postgres) const PLAIN: &str = include_str!("plain.sql");

/// A batch, session by session in the order of their keys, the messages of each in the order of the batch.
pub(super) struct Groups<'b> {
    messages: Vec<Placed<'b>>,
    groups: Vec<Group<'b>>,
}

/// A message, and where it stood in the batch.
#[derive(Clone, Copy)]
pub(super) struct Placed<'b> {
    /// From 0.
    pub(super) place: usize,
    pub(super) new: &'b NewMessage,
}

/// The messages of one session.
struct Group<'b> {
    first: &'b NewMessage,
    confined_to: Option<&'b ParticipantId>,
    stored: i32,
    stored_public: i32,
    last_at: PgTimestamp,
    last_public_at: Option<PgTimestamp>,
    latest: PgTimestamp,
    /// The place, from 1, of its last message among those of all groups.
    end: i32,
}

/// A session that took its messages.
#[derive(Debug, Clone, Copy, Queryable)]
pub(super) struct Taken {
    /// The place of its group, from 1.
    ord: i64,
    /// What the last of them was stored as.
    seq: i64,
    rev: i64,
    /// When the session had changed last before the first of them.
    found: PgTimestamp,
}

/// Where a message was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    /// Where it stood in the batch.
    pub(super) place: usize,
    pub(super) seq: i64,
    pub(super) rev: i64,
    /// When its session had changed last before, be it by a message beside it.
    pub(super) found: PgTimestamp,
}

impl<'b> Groups<'b> {
    /// The batch in groups; `None` where some of it has to be judged one by one: a key that stands twice, what the audit
    /// keeps, and messages to one session that are confined to different users.
    pub(super) fn of(batch: &'b [NewMessage]) -> Option<Self> {
        let mut keys = HashSet::new();
        let mut is_plain = |new: &'b NewMessage| {
            let key = new.idempotency.as_ref().map(|key| (&new.tenant_id, key.scope.as_bytes()));
            new.audit.is_none() && key.is_none_or(|key| keys.insert(key))
        };
        if !batch.iter().all(&mut is_plain) {
            return None;
        }
        let mut messages: Vec<_> = batch.iter().enumerate().map(|(place, new)| Placed { place, new }).collect();
        messages.sort_by(|one, other| session_of(one.new).cmp(&session_of(other.new)));
        let mut groups: Vec<Group<'b>> = Vec::with_capacity(messages.len());
        for (end, placed) in (1..).zip(&messages) {
            match groups.last_mut() {
                Some(group) if session_of(group.first) == session_of(placed.new) => group.add(placed.new, end)?,
                _ => groups.push(Group::new(placed.new, end)),
            }
        }
        Some(Self { messages, groups })
    }

    /// The statement that stores them.
    pub(super) fn statement(&self) -> Statement<(BigInt, BigInt, BigInt, Timestamptz), impl QueryFragment<Pg> + Send> {
        let groups = self.groups.as_slice();
        let messages = self.messages.as_slice();
        let keyed = || messages.iter().filter_map(|placed| Some((placed.new, placed.new.idempotency.as_ref()?)));
        let values = (
            (
                each(groups, |group| group.first.tenant_id.as_str()).into_sql::<Array<Text>>(),
                each(groups, |group| group.first.session_id.as_uuid()).into_sql::<Array<Uuid>>(),
                each(groups, |group| group.stored).into_sql::<Array<Integer>>(),
                each(groups, |group| group.stored_public).into_sql::<Array<Integer>>(),
                each(groups, |group| group.last_at).into_sql::<Array<Timestamptz>>(),
                each(groups, |group| group.last_public_at).into_sql::<Array<Nullable<Timestamptz>>>(),
                each(groups, |group| group.latest).into_sql::<Array<Timestamptz>>(),
                each(groups, |group| group.confined_to.map(ParticipantId::as_str)).into_sql::<Array<Nullable<Text>>>(),
            ),
            (
                keyed().map(|(new, _)| new.tenant_id.as_str()).collect::<Vec<_>>().into_sql::<Array<Text>>(),
                keyed().map(|(_, key)| key.scope.as_bytes().as_slice()).collect::<Vec<_>>().into_sql::<Array<Binary>>(),
            ),
            each(groups, |group| group.end).into_sql::<Array<Integer>>(),
            (
                each(messages, |placed| placed.new.id.as_uuid()).into_sql::<Array<Uuid>>(),
                each(messages, |placed| placed.new.sender.sender_type.as_str()).into_sql::<Array<Text>>(),
                each(messages, |placed| placed.new.sender.id.as_str()).into_sql::<Array<Text>>(),
                each(messages, |placed| placed.new.content.as_str()).into_sql::<Array<Text>>(),
                each(messages, |placed| placed.new.message_type.as_str()).into_sql::<Array<Text>>(),
                each(messages, |placed| placed.new.metadata.as_str()).into_sql::<Array<Text>>(),
                each(messages, |placed| placed.new.reply_to.map(MessageId::as_uuid))
                    .into_sql::<Array<Nullable<Uuid>>>(),
                each(messages, |placed| placed.new.visibility.as_str()).into_sql::<Array<Text>>(),
                each(messages, |placed| to_pg(placed.new.created_at)).into_sql::<Array<Timestamptz>>(),
            ),
            (
                each(messages, |placed| placed.new.idempotency.as_ref().map(|key| key.scope.as_bytes().as_slice()))
                    .into_sql::<Array<Nullable<Binary>>>(),
                each(messages, |placed| placed.new.idempotency.as_ref().map(|key| key.command.as_bytes().as_slice()))
                    .into_sql::<Array<Nullable<Binary>>>(),
            ),
        );
        Statement::new(PLAIN, values)
    }

    /// What was stored where, by what the sessions say; `None` where they speak of what was not asked.
    pub(super) fn stored(&self, taken: &[Taken]) -> Option<Vec<Stored>> {
        let mut stored = Vec::with_capacity(self.messages.len());
        for &Taken { ord, seq, rev, mut found } in taken {
            let group = self.groups.get(place(ord)?)?;
            let end = usize::try_from(group.end).ok()?;
            let begin = end.checked_sub(usize::try_from(group.stored).ok()?)?;
            let behind = (0..i64::from(group.stored)).rev();
            for (placed, behind) in self.messages.get(begin..end)?.iter().zip(behind) {
                stored.push(Stored { place: placed.place, seq: seq - behind, rev: rev - behind, found });
                found = moved_on(found, to_pg(placed.new.created_at));
            }
        }
        Some(stored)
    }

    /// The messages of the sessions that took none, those of each session in the order of the batch.
    pub(super) fn untaken(&self, taken: &[Taken]) -> Vec<Placed<'b>> {
        if taken.len() == self.groups.len() {
            return Vec::new();
        }
        let took: HashSet<i64> = taken.iter().map(|taken| taken.ord).collect();
        let groups = (1..).zip(&self.groups).filter(|(ord, _)| !took.contains(ord));
        let sessions: HashSet<_> = groups.map(|(_, group)| session_of(group.first)).collect();
        self.messages.iter().filter(|placed| sessions.contains(&session_of(placed.new))).copied().collect()
    }
}

impl<'b> Group<'b> {
    fn new(first: &'b NewMessage, end: i32) -> Self {
        let at = to_pg(first.created_at);
        let is_public = first.visibility == Visibility::Public;
        Self {
            first,
            confined_to: first.confined_to.as_ref(),
            stored: 1,
            stored_public: i32::from(is_public),
            last_at: at,
            last_public_at: is_public.then_some(at),
            latest: at,
            end,
        }
    }

    /// One message more; `None` where another user than with the others is the only one whose session it may be.
    fn add(&mut self, new: &'b NewMessage, end: i32) -> Option<()> {
        match (self.confined_to, new.confined_to.as_ref()) {
            (Some(one), Some(other)) if one != other => return None,
            (None, confined_to) => self.confined_to = confined_to,
            _ => {}
        }
        let at = to_pg(new.created_at);
        self.stored += 1;
        self.last_at = at;
        self.latest = moved_on(self.latest, at);
        if new.visibility == Visibility::Public {
            self.stored_public += 1;
            self.last_public_at = Some(at);
        }
        self.end = end;
        Some(())
    }
}

/// [`Timestamp::moved_on`](chat_domain::timestamp::Timestamp::moved_on), in the store's type.
fn moved_on(then: PgTimestamp, now: PgTimestamp) -> PgTimestamp {
    PgTimestamp(then.0.saturating_add(1).max(now.0))
}

fn session_of(new: &NewMessage) -> (&TenantId, SessionId) {
    (&new.tenant_id, new.session_id)
}

#[cfg(test)]
mod tests {
    use chat_domain::session::Session;
    use chat_domain::testing::builder::{a_key, a_message, a_session, an_entry, participant};

    use super::*;

    fn keyed(session: &Session, key: &str) -> NewMessage {
        NewMessage { idempotency: Some(a_key(key, "x")), ..a_message(session) }
    }

    fn confined(session: &Session, user: &str) -> NewMessage {
        NewMessage { confined_to: Some(participant(user)), ..a_message(session) }
    }

    #[test]
    fn messages_come_back_to_their_places_numbered_in_the_order_of_the_batch() {
        let [one, other] = [a_session().to_session(), a_session().to_session()];
        let batch = [a_message(&other), a_message(&one), a_message(&other), a_message(&one), a_message(&other)];
        let groups = Groups::of(&batch).unwrap();
        let others_ord = if one.id < other.id { 2 } else { 1 };
        let taken = |ord| Taken { ord, seq: 9, rev: 19, found: PgTimestamp(1) };
        let stored = groups.stored(&[taken(others_ord)]).unwrap();
        let sent = |place: usize| to_pg(batch[place].created_at);
        let wanted = [(0, 7, 17, PgTimestamp(1)), (2, 8, 18, sent(0)), (4, 9, 19, sent(2))];
        assert_eq!(stored, wanted.map(|(place, seq, rev, found)| Stored { place, seq, rev, found }));
        for ord in [0, 3, i64::MAX] {
            assert_eq!(groups.stored(&[taken(ord)]), None);
        }
        let untaken = groups.untaken(&[taken(others_ord)]);
        assert_eq!(untaken.iter().map(|placed| placed.place).collect::<Vec<_>>(), [1, 3]);
        assert!(groups.untaken(&[1, 2].map(taken)).is_empty());
    }

    #[test]
    fn what_may_speak_against_a_message_by_its_neighbours_is_judged() {
        let session = a_session().to_session();
        let kept = NewMessage { audit: Some(Box::new(an_entry(&session))), ..a_message(&session) };
        for judged in [
            vec![keyed(&session, "a"), keyed(&session, "a")],
            vec![confined(&session, "ann"), confined(&session, "ben")],
            vec![a_message(&session), kept],
        ] {
            assert!(Groups::of(&judged).is_none());
        }
        for plain in [
            vec![keyed(&session, "a"), keyed(&session, "b"), a_message(&session)],
            vec![a_message(&session), confined(&session, "ann"), confined(&session, "ann"), a_message(&session)],
        ] {
            assert!(Groups::of(&plain).is_some());
        }
    }
}
