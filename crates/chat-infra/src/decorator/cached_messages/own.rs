//! The messages that this node stored lately.
//!
//! A kept page from which the present differs by these alone is moved on by them, without another question to the store:
//! a client that writes mostly reads next.

use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chat_domain::id::TenantId;
use chat_domain::message::{Changes, Message};
use chat_domain::revision::Rev;
use chat_domain::session::{Session, SessionKey};
use foldhash::fast::RandomState;

use super::near::message_weight;

/// So many sessions at the most are remembered; one that falls on the place of another pushes it out.
const SESSIONS: usize = 2_048;
/// A message that takes more than so many bytes is not remembered, so that all together stay below 24 MiB.
const LARGEST: usize = 1_400;

/// The last messages of some sessions.
pub(super) struct OwnMessages {
    places: Box<[Mutex<Place>]>,
    hasher: RandomState,
}

#[derive(Default)]
struct Place {
    session: Option<SessionKey>,
    /// In the order of their `rev`, of which some may be missing.
    messages: VecDeque<Message>,
}

impl OwnMessages {
    pub(super) fn new() -> Self {
        Self { places: (0..SESSIONS).map(|_| Mutex::default()).collect(), hasher: RandomState::default() }
    }

    /// Remembers a message that was stored.
    pub(super) fn note(&self, tenant: &TenantId, message: &Message) {
        if message_weight(message) > LARGEST {
            return;
        }
        let session = SessionKey { tenant_id: tenant.clone(), id: message.session_id };
        if let Some(mut place) = self.place(&session) {
            place.note(session, message);
        }
    }

    /// What has changed since the session was so, where it has come to this `rev` by messages that are remembered.
    pub(super) fn since(&self, then: &Session, present: Rev) -> Option<Changes> {
        let session = SessionKey { tenant_id: then.tenant_id.clone(), id: then.id };
        let messages = self.place(&session)?.between(&session, then.rev, present);
        let changes = Changes::taken(then, messages)?;
        (changes.session.rev == present).then_some(changes)
    }

    fn place(&self, session: &SessionKey) -> Option<MutexGuard<'_, Place>> {
        let number = usize::try_from(self.hasher.hash_one(session)).ok()? % self.places.len();
        self.places.get(number).map(|place| place.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    fn note(&mut self, session: SessionKey, message: &Message) {
        if self.session.as_ref() != Some(&session) {
            *self = Self { session: Some(session), messages: VecDeque::with_capacity(Changes::MOST + 1) };
        }
        // Those who stored them come in any order.
        let place = self.messages.partition_point(|other| other.rev < message.rev);
        self.messages.insert(place, message.clone());
        if self.messages.len() > Changes::MOST {
            self.messages.pop_front();
        }
    }

    fn between(&self, session: &SessionKey, then: Rev, present: Rev) -> Vec<Message> {
        if self.session.as_ref() != Some(session) {
            return Vec::new();
        }
        let between = |message: &&Message| then < message.rev && message.rev <= present;
        self.messages.iter().filter(between).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use chat_domain::message::NewMessage;
    use chat_domain::revision::Seq;
    use chat_domain::testing::builder::{a_message, a_session};

    use super::*;

    /// The next messages of a session.
    fn messages(session: &Session, count: i64) -> Vec<Message> {
        let rev = |n: i64| Rev::new(session.rev.get() + n);
        (1..=count).map(|n| a_message(session).to_message(Seq::new(n), rev(n))).collect()
    }

    fn noted(session: &Session, messages: impl IntoIterator<Item = Message>) -> OwnMessages {
        let own = OwnMessages::new();
        for message in messages {
            own.note(&session.tenant_id, &message);
        }
        own
    }

    #[test]
    fn what_was_stored_here_one_after_the_other_is_known_in_whatever_order_it_was_told() {
        let session = a_session().to_session();
        let all = messages(&session, 3);
        let own = noted(&session, [1, 2, 0].map(|place| all[place].clone()));
        for count in 0..=all.len() {
            let present = Rev::new(session.rev.get() + i64::try_from(count).unwrap());
            assert_eq!(own.since(&session, present), Changes::taken(&session, all[..count].to_vec()), "{count}");
        }
        assert_eq!(own.since(&session, all[2].rev.next()), None);
    }

    #[test]
    fn a_change_that_somebody_else_made_is_not_passed_over() {
        let session = a_session().to_session();
        let all = messages(&session, 3);
        let own = noted(&session, [all[0].clone(), all[2].clone()]);
        assert!(own.since(&session, all[0].rev).is_some());
        assert_eq!(own.since(&session, all[1].rev), None);
        assert_eq!(own.since(&session, all[2].rev), None);
    }

    #[test]
    fn the_last_few_of_a_session_are_remembered() {
        let mut session = a_session().to_session();
        let most = i64::try_from(Changes::MOST).unwrap();
        let all = messages(&session, most + 1);
        let own = noted(&session, all.clone());
        assert_eq!(own.since(&session, all[1].rev), None);
        session.rev = all[0].rev;
        assert!(own.since(&session, all[all.len() - 1].rev).is_some());
    }

    #[test]
    fn a_long_message_is_not_remembered() {
        let session = a_session().to_session();
        let long = NewMessage { content: "x".repeat(LARGEST), ..a_message(&session) };
        let long = long.to_message(Seq::FIRST, session.rev.next());
        assert_eq!(noted(&session, [long.clone()]).since(&session, long.rev), None);
    }

    #[test]
    fn another_session_is_not_taken_for_this_one() {
        let [one, other] = [a_session().to_session(), a_session().to_session()];
        let own = noted(&one, messages(&one, 1));
        assert_eq!(own.since(&other, other.rev.next()), None);
        let same_id = Session { tenant_id: "another".parse().unwrap(), ..one.clone() };
        assert_eq!(own.since(&same_id, one.rev.next()), None);
    }
}
