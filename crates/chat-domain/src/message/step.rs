//! From one state of a session to the next, by a message.

use super::model::Message;
use crate::revision::{Rev, Revision};
use crate::timestamp::Timestamp;

/// A message as it was when it was stored, between the states that its session was in before and after.
///
/// Both are whole [`Revision`]s: a store that lost its last commits may give a `rev` again, but another step leads to it
/// then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    message: Message,
    from: Revision,
}

impl Step {
    /// The step of a message that was stored just now, and found a session that had changed last at this time.
    ///
    /// `None` where the time of the session did not move with the message, since a clock is behind: then the time does not
    /// tell the state that the message left from one that another change left.
    #[must_use]
    pub fn of(message: &Message, found: Timestamp) -> Option<Self> {
        let rev = Rev::new(message.rev.get().saturating_sub(1));
        let from = Revision { rev, updated_at: found };
        (found < message.created_at).then(|| Self { message: message.clone(), from })
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// The state in which it found its session.
    #[must_use]
    pub const fn from(&self) -> Revision {
        self.from
    }

    /// The state in which it left its session.
    #[must_use]
    pub const fn to(&self) -> Revision {
        Revision { rev: self.message.rev, updated_at: self.message.created_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Changes;
    use crate::session::Session;
    use crate::testing::builder::{a_message, a_session, next_moment};

    /// A session, and the steps that so many messages take, one after the other.
    fn walk(messages: usize) -> (Session, Vec<Step>) {
        let mut session = a_session().to_session();
        let mut steps = Vec::new();
        for _ in 0..messages {
            let message = a_message(&session).to_message(crate::revision::Seq::FIRST, session.rev.next());
            let step = Step::of(&message, session.updated_at).unwrap();
            session.count(&message);
            assert_eq!(step.to(), session.revision());
            steps.push(step);
        }
        (session, steps)
    }

    /// The session as it was in this state.
    fn at(session: &Session, state: Revision) -> Session {
        Session { updated_at: state.updated_at, rev: state.rev, ..session.clone() }
    }

    fn after(steps: &[Step], session: &Session) -> Session {
        steps.iter().fold(session.clone(), |mut session, step| {
            session.count(step.message());
            session
        })
    }

    #[test]
    fn steps_lead_from_the_state_that_the_first_left_to_that_which_the_last_left() {
        let (start, (end, steps)) = (a_session().to_session(), walk(4));
        let start = Session { id: end.id, ..start };
        for from in 0..4 {
            let then = at(&start, steps[from].to());
            let changes = Changes::taken(&then, &steps[from..]).unwrap();
            assert_eq!(changes.session.revision(), end.revision());
            assert_eq!(changes.session, after(&steps[from + 1..], &then));
        }
    }

    #[test]
    fn a_state_that_no_step_left_leads_nowhere() {
        let (end, steps) = walk(3);
        let first = steps[0].to();
        assert!(Changes::taken(&at(&end, first), &steps).is_some());
        // The same `rev`, which another history has given.
        assert_eq!(Changes::taken(&at(&end, Revision { updated_at: next_moment(), ..first }), &steps), None);
        assert_eq!(Changes::taken(&at(&end, steps[1].to()), &steps), None);
        assert_eq!(Changes::taken(&end, &[]), None);
    }

    #[test]
    fn a_change_between_two_steps_is_not_passed_over() {
        let (end, steps) = walk(4);
        let then = at(&end, steps[0].to());
        assert_eq!(Changes::taken(&then, [&steps[0], &steps[2], &steps[3]]), None);
        // The `rev` fits, the time does not: what the message found was another change.
        let late = Message { created_at: next_moment(), ..steps[1].message().clone() };
        let other = Step::of(&late, steps[1].to().updated_at).unwrap();
        assert_eq!((other.from().rev, other.to().rev), (steps[1].from().rev, steps[1].to().rev));
        assert_eq!(Changes::taken(&then, [&steps[0], &other]), None);
    }

    #[test]
    fn more_steps_than_a_page_follows_lead_nowhere() {
        for (count, led) in [(Changes::MOST, true), (Changes::MOST + 1, false)] {
            let (end, steps) = walk(count + 1);
            let then = at(&end, steps[0].to());
            assert_eq!(Changes::taken(&then, &steps).is_some(), led);
        }
    }

    #[test]
    fn a_message_that_leaves_the_time_of_its_session_alone_is_no_step() {
        let (session, steps) = walk(1);
        let [sent, later] = [steps[0].message().created_at, next_moment()];
        assert!(later > sent);
        assert_eq!(Step::of(steps[0].message(), sent), None);
        assert_eq!(Step::of(steps[0].message(), later), None);
        assert!(Step::of(steps[0].message(), session.created_at).is_some());
    }
}
