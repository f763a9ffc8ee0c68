//! The messages that this node stored lately, each as a step from one state of its session to the next.
//!
//! A kept page from which the present differs by these alone is moved on by them, without another question to the store: a
//! client that writes mostly reads next. It is so only where the page is of a state that one of these steps led to, and each
//! step after it found the session in just the state that the one before had left. What somebody else changed between, and
//! what the store has lost since, breaks the chain.

use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chat_domain::id::TenantId;
use chat_domain::message::{Changes, Message, Step};
use chat_domain::revision::Revision;
use chat_domain::session::{Session, SessionKey};
use chat_domain::timestamp::Timestamp;
use foldhash::fast::RandomState;

use super::near::message_weight;

/// So many sessions at the most are remembered; one that falls on the place of another pushes it out.
const SESSIONS: usize = 2_048;
/// So many steps of each: as many as a page is moved on by, and the one that led to the page.
const STEPS: usize = Changes::MOST + 1;
/// A message that takes more than so many bytes is not remembered, so that all together stay below 24 MiB.
const LARGEST: usize = 1_250;

/// The last steps of some sessions.
pub(super) struct OwnMessages {
    places: Box<[Mutex<Place>]>,
    hasher: RandomState,
}

#[derive(Default)]
struct Place {
    session: Option<SessionKey>,
    /// In the order in which they were told.
    steps: VecDeque<Step>,
}

impl OwnMessages {
    pub(super) fn new() -> Self {
        Self { places: (0..SESSIONS).map(|_| Mutex::default()).collect(), hasher: RandomState::default() }
    }

    /// Remembers a message that was stored, and found its session as it was at `found`. It is copied only where it is kept.
    pub(super) fn note(&self, tenant: &TenantId, message: &Message, found: Timestamp) {
        if message_weight(message) > LARGEST {
            return;
        }
        let Some(step) = Step::of(message, found) else { return };
        let session = SessionKey { tenant_id: tenant.clone(), id: message.session_id };
        if let Some(mut place) = self.place(&session) {
            place.note(session, step);
        }
    }

    /// What has changed since the session was so, where it has come to the present by steps that are remembered.
    pub(super) fn since(&self, then: &Session, present: Revision) -> Option<Changes> {
        let session = SessionKey { tenant_id: then.tenant_id.clone(), id: then.id };
        let place = self.place(&session).filter(|place| place.session.as_ref() == Some(&session))?;
        Changes::taken(then, place.between(then.revision(), present)?)
    }

    fn place(&self, session: &SessionKey) -> Option<MutexGuard<'_, Place>> {
        let number = usize::try_from(self.hasher.hash_one(session)).ok()? % self.places.len();
        self.places.get(number).map(|place| place.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    fn note(&mut self, session: SessionKey, step: Step) {
        if self.session.as_ref() != Some(&session) {
            *self = Self { session: Some(session), steps: VecDeque::with_capacity(STEPS + 1) };
        }
        self.steps.push_back(step);
        if self.steps.len() > STEPS {
            self.steps.pop_front();
        }
    }

    /// The steps from the one that led to `then` to the one that led to the present, looked for from the end: each state was
    /// left by one step, while two may come from one, of which the store has lost the first.
    fn between(&self, then: Revision, present: Revision) -> Option<Vec<&Step>> {
        let (mut at, mut steps) = (present, Vec::new());
        loop {
            let step = self.steps.iter().rev().find(|step| step.to() == at)?;
            steps.push(step);
            if at == then {
                steps.reverse();
                return Some(steps);
            }
            at = step.from();
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_domain::message::NewMessage;
    use chat_domain::revision::{Rev, Seq};
    use chat_domain::testing::builder::{a_message, a_session, next_moment};

    use super::*;

    /// A message that found the session in this state.
    fn step(session: &Session, from: Revision) -> Step {
        let message = a_message(session).to_message(Seq::new(from.rev.get()), from.rev.next());
        Step::of(&message, from.updated_at).unwrap()
    }

    /// So many messages, one after the other, from this state on.
    fn steps(session: &Session, from: Revision, count: usize) -> Vec<Step> {
        let mut at = from;
        let next = |_| {
            let step = step(session, at);
            at = step.to();
            step
        };
        (0..count).map(next).collect()
    }

    fn noted<'s>(session: &Session, steps: impl IntoIterator<Item = &'s Step>) -> OwnMessages {
        let own = OwnMessages::new();
        for step in steps {
            own.note(&session.tenant_id, step.message(), step.from().updated_at);
        }
        own
    }

    /// The session as it was in this state.
    fn at(session: &Session, Revision { rev, updated_at }: Revision) -> Session {
        Session { rev, updated_at, ..session.clone() }
    }

    fn a_state(session: &Session) -> Revision {
        Revision { rev: session.rev, updated_at: next_moment() }
    }

    #[test]
    fn what_was_stored_here_one_after_the_other_is_known_in_whatever_order_it_was_told() {
        let session = a_session().to_session();
        let all = steps(&session, session.revision(), 4);
        let own = noted(&session, [2, 0, 3, 1].map(|place: usize| &all[place]));
        let then = at(&session, all[0].to());
        for last in 0..all.len() {
            let known = own.since(&then, all[last].to());
            assert!(known.is_some());
            assert_eq!(known, Changes::taken(&then, &all[..=last]), "{last}");
        }
        let beyond = Revision { rev: all[3].to().rev.next(), updated_at: next_moment() };
        assert_eq!(own.since(&then, beyond), None);
        // Nobody here saw what led to the first state.
        assert_eq!(own.since(&session, all[0].to()), None);
    }

    #[test]
    fn a_change_that_somebody_else_made_is_not_passed_over() {
        let session = a_session().to_session();
        let all = steps(&session, session.revision(), 4);
        let own = noted(&session, [&all[0], &all[1], &all[3]]);
        let then = at(&session, all[0].to());
        assert!(own.since(&then, all[1].to()).is_some());
        assert_eq!(own.since(&then, all[2].to()), None);
        assert_eq!(own.since(&then, all[3].to()), None);
    }

    #[test]
    fn what_the_store_has_lost_is_no_way_to_what_came_after() {
        let session = a_session().to_session();
        let lost = steps(&session, session.revision(), 3);
        // The second and the third are lost, and others take their `rev`s: first somebody else's message, then one from here.
        let others = Revision { rev: lost[1].to().rev, updated_at: next_moment() };
        let after = steps(&session, others, 2);
        let own = noted(&session, lost.iter().chain(&after));
        assert_eq!(lost[2].to().rev, after[0].to().rev);
        for then in [lost[0].to(), lost[1].to(), lost[2].to()] {
            for present in [after[0].to(), after[1].to()] {
                assert_eq!(own.since(&at(&session, then), present), None);
            }
        }
        assert!(own.since(&at(&session, after[0].to()), after[1].to()).is_some());
    }

    #[test]
    fn of_two_messages_that_found_the_same_state_the_one_that_is_there_counts() {
        let session = a_session().to_session();
        let first = step(&session, a_state(&session));
        let [lost, kept] = [step(&session, first.to()), step(&session, first.to())];
        for told in [[&first, &lost, &kept], [&first, &kept, &lost]] {
            let own = noted(&session, told);
            let then = at(&session, first.to());
            assert_eq!(own.since(&then, kept.to()), Changes::taken(&then, [&first, &kept]));
            assert!(own.since(&then, kept.to()).is_some());
        }
    }

    #[test]
    fn the_last_few_of_a_session_are_remembered() {
        let session = a_session().to_session();
        let all = steps(&session, session.revision(), STEPS + 1);
        let own = noted(&session, &all);
        let last = all[STEPS].to();
        assert_eq!(own.since(&at(&session, all[0].to()), last), None);
        assert!(own.since(&at(&session, all[1].to()), last).is_some());
    }

    #[test]
    fn a_long_message_is_not_remembered() {
        let session = a_session().to_session();
        let long = NewMessage { content: "x".repeat(LARGEST), ..a_message(&session) };
        let long = long.to_message(Seq::FIRST, session.rev.next());
        let long = Step::of(&long, session.updated_at).unwrap();
        assert_eq!(noted(&session, [&long]).since(&at(&session, long.to()), long.to()), None);
        let short = step(&session, session.revision());
        assert!(noted(&session, [&short]).since(&at(&session, short.to()), short.to()).is_some());
    }

    #[test]
    fn another_session_is_not_taken_for_this_one() {
        let [one, other] = [a_session().to_session(), a_session().to_session()];
        let all = steps(&one, one.revision(), 2);
        let own = noted(&one, &all);
        let (then, present) = (all[0].to(), all[1].to());
        assert!(own.since(&at(&one, then), present).is_some());
        assert_eq!(own.since(&at(&other, then), present), None);
        let same_id = Session { tenant_id: "another".parse().unwrap(), ..one.clone() };
        assert_eq!(own.since(&at(&same_id, then), present), None);
    }

    #[test]
    fn a_time_is_compared_to_the_microsecond() {
        let session = a_session().to_session();
        let all = steps(&session, session.revision(), 2);
        let own = noted(&session, &all);
        let a_moment_later = |Revision { rev, updated_at }: Revision| -> Revision {
            Revision {
                rev: Rev::new(rev.get()),
                updated_at: Timestamp::from_micros(updated_at.as_micros() + 1).unwrap(),
            }
        };
        let (then, present) = (all[0].to(), all[1].to());
        assert_eq!(own.since(&at(&session, a_moment_later(then)), present), None);
        assert_eq!(own.since(&at(&session, then), a_moment_later(present)), None);
    }
}
