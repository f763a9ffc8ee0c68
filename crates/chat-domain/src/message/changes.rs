//! What became of a session since somebody read a page of it: mostly a message or two, where the page holds many.

use std::sync::Arc;

use super::list::{MessagePage, PageQuery, Window};
use super::model::Message;
use super::step::Step;
use crate::query::Order;
use crate::revision::{Rev, Revision, Seq};
use crate::session::{Session, SessionKey};

/// A question for what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Since {
    /// In which session.
    pub session: SessionKey,
    /// Since which of its states.
    pub revision: Revision,
}

/// What has changed in a session since one of its states, and the session itself, both as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The session.
    pub session: Session,
    /// The messages that changed, each as it is now, in the order of their `rev`.
    messages: Vec<Message>,
}

impl Changes {
    /// The most messages that changes may hold: with more, a page may as well be read anew.
    pub const MOST: usize = 8;

    /// So many rows a store takes: one more than are of use, and the one that was the last then.
    pub const ROWS: usize = Self::MOST + 2;

    /// Makes changes from what a store found at one moment: the session, and of its messages those at the `rev` of the
    /// question and above, whoever sees them and tombstones among them, in the order of `rev`, at most
    /// [`ROWS`](Self::ROWS).
    ///
    /// `None` where they are too many, and where it does not show that the session ever was in the state of the question: a
    /// store that lost its last commits gives a `rev` again, to another change. It shows where the message that took the
    /// `rev` is still as it was then, and took it at just that time.
    #[must_use]
    pub fn assemble(session: Session, since: Revision, mut found: Vec<Message>) -> Option<Self> {
        let was_new = since.rev == Rev::FIRST && since.updated_at == session.created_at;
        if !was_new {
            let last = found.first()?;
            let changed = Some(last.created_at).max(last.edited_at).max(last.deleted_at);
            if last.rev != since.rev || changed != Some(since.updated_at) {
                return None;
            }
            found.remove(0);
        }
        (found.len() <= Self::MOST && session.rev >= since.rev).then_some(Self { session, messages: found })
    }

    /// Makes changes from messages that somebody saw stored, without asking the store: the one that brought the session into
    /// the state `then`, and those that came after, of which each found the session as the one before had left it.
    ///
    /// `None` where they do not follow one another so, and where they are too many. That nothing came after them only the
    /// session's present [`Revision`] can tell.
    #[must_use]
    pub fn taken<'s>(then: &Session, steps: impl IntoIterator<Item = &'s Step>) -> Option<Self> {
        let (mut session, mut steps) = (then.clone(), steps.into_iter());
        steps.next().filter(|first| first.to() == then.revision())?;
        let mut messages = Vec::new();
        for step in steps {
            if step.from() != session.revision() || messages.len() == Self::MOST {
                return None;
            }
            session.count(step.message());
            messages.push(step.message().clone());
        }
        Some(Self { session, messages })
    }
}

impl Since {
    /// Whether it may be worth to ask, where the session has come so far: each change takes one `rev`.
    #[must_use]
    pub fn is_near(&self, present: Rev) -> bool {
        let changes = present.get().saturating_sub(self.revision.rev.get());
        usize::try_from(changes).is_ok_and(|changes| changes <= Changes::MOST)
    }
}

impl MessagePage {
    /// The page as the store would give it now, from how it was then and what has changed since; `None` where that cannot
    /// be told from these. The page must be of this question and of the state that the changes are since.
    #[must_use]
    pub fn moved_on(&self, query: &PageQuery, changes: &Changes) -> Option<Self> {
        let Window::Between { after, before } = query.window else { return None };
        let mut page = Self { session: changes.session.clone(), messages: Arc::clone(&self.messages), more: self.more };
        // Whether the first message beyond the page may have gone, and whether there is one for sure.
        let (mut may_end, mut goes_on) = (false, false);
        for message in &changes.messages {
            let in_window = after.is_none_or(|after| message.seq > after) && before.is_none_or(|b| message.seq < b);
            if !in_window || !message.visibility.shown_in(query.view) {
                continue;
            }
            let is_shown = query.include_deleted || !message.is_deleted();
            if self.reaches(message.seq, query.walk()) {
                page.put(message, is_shown, query.order);
            } else {
                goes_on |= is_shown;
                may_end |= !is_shown;
            }
        }
        let (count, limit) = (page.messages.len(), usize::from(query.limit));
        if count > limit {
            page.cut(limit, query);
        } else if self.more && (count < limit || (may_end && !goes_on)) {
            return None;
        }
        Some(page)
    }

    /// Whether the store's walk came by this place.
    fn reaches(&self, seq: Seq, walk: Order) -> bool {
        let seqs = || self.messages.iter().map(|message| message.seq);
        !self.more
            || match walk {
                Order::Asc => seqs().max().is_some_and(|last| seq <= last),
                Order::Desc => seqs().min().is_some_and(|last| seq >= last),
            }
    }

    /// Puts a message in its place, or takes it out.
    fn put(&mut self, message: &Message, is_shown: bool, order: Order) {
        let place = self.messages.binary_search_by(|other| match order {
            Order::Asc => other.seq.cmp(&message.seq),
            Order::Desc => message.seq.cmp(&other.seq),
        });
        let (place, is_there) = place.map_or_else(|place| (place, false), |place| (place, true));
        if is_there || is_shown {
            let shown = is_shown.then(|| message.clone());
            Arc::make_mut(&mut self.messages).splice(place..place + usize::from(is_there), shown).for_each(drop);
        }
    }

    /// Leaves out what the store's walk would not have come to.
    fn cut(&mut self, limit: usize, query: &PageQuery) {
        let messages = Arc::make_mut(&mut self.messages);
        if query.walk() == query.order {
            messages.truncate(limit);
        } else {
            messages.drain(..messages.len().saturating_sub(limit));
        }
        self.more = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::View;
    use crate::testing::builder::{a_message, a_session, next_moment};

    /// A session with so many messages, and these.
    fn history(messages: i64) -> (Session, Vec<Message>) {
        let mut session = a_session().to_session();
        let stored = (1..=messages).map(|seq| {
            let message = a_message(&session).to_message(Seq::new(seq), session.rev.next());
            (session.rev, session.updated_at) = (message.rev, message.created_at);
            message
        });
        let stored = stored.collect();
        (session, stored)
    }

    #[test]
    fn changes_are_what_came_after_a_state_that_the_session_was_in() {
        let (session, messages) = history(3);
        let then = Revision { rev: messages[0].rev, updated_at: messages[0].created_at };
        let changes = Changes::assemble(session.clone(), then, messages.clone()).unwrap();
        assert_eq!((&changes.session, &changes.messages[..]), (&session, &messages[1..]));
        let new = Revision { rev: Rev::FIRST, updated_at: session.created_at };
        assert_eq!(Changes::assemble(session, new, messages.clone()).unwrap().messages, messages);
    }

    #[test]
    fn a_state_that_the_session_was_not_in_tells_nothing() {
        let (session, messages) = history(3);
        let then = Revision { rev: messages[0].rev, updated_at: messages[0].created_at };
        let other_time = Revision { updated_at: next_moment(), ..then };
        assert_eq!(Changes::assemble(session.clone(), other_time, messages.clone()), None);
        // The message that took the `rev` has moved on since.
        assert_eq!(Changes::assemble(session.clone(), then, messages[1..].to_vec()), None);
        assert_eq!(Changes::assemble(session.clone(), then, Vec::new()), None);
        let other_new = Revision { rev: Rev::FIRST, updated_at: next_moment() };
        assert_eq!(Changes::assemble(session, other_new, messages), None);
    }

    #[test]
    fn too_many_changes_tell_nothing() {
        let most = i64::try_from(Changes::MOST).unwrap();
        for (count, told) in [(most, true), (most + 1, false)] {
            let (session, messages) = history(count);
            let since = Revision { rev: Rev::FIRST, updated_at: session.created_at };
            assert_eq!(Changes::assemble(session.clone(), since, messages).is_some(), told);
            let since =
                Since { session: SessionKey { tenant_id: session.tenant_id.clone(), id: session.id }, revision: since };
            assert_eq!(since.is_near(session.rev), told);
        }
    }

    #[test]
    fn a_full_first_page_moves_on_with_its_session_alone() {
        let (session, messages) = history(4);
        let window = Window::Between { after: None, before: None };
        let query = PageQuery { window, limit: 2, ..PageQuery::newest(View::Full, 2) };
        let (then, before) = history_until(&session, &messages, 3);
        let page = MessagePage::assemble(then.clone(), &query, before[..3].to_vec());
        let changes = Changes::assemble(session.clone(), then.revision(), messages[2..].to_vec()).unwrap();
        assert_eq!(
            page.moved_on(&query, &changes),
            Some(MessagePage::assemble(session, &query, messages[..3].to_vec()))
        );
        // Nothing is copied, and whoever has printed them knows them again.
        assert!(page.moved_on(&query, &changes).is_some_and(|moved| Arc::ptr_eq(&moved.messages, &page.messages)));
    }

    #[test]
    fn a_page_that_lost_more_than_it_knows_to_replace_is_read_anew() {
        let (mut session, mut messages) = history(4);
        let query = PageQuery::newest(View::Full, 2);
        let found = messages.iter().rev().take(3).cloned().collect();
        let page = MessagePage::assemble(session.clone(), &query, found);
        let then = session.revision();
        let at = next_moment();
        (session.rev, session.updated_at) = (session.rev.next(), at);
        messages[2] = Message { deleted_at: Some(at), rev: session.rev, ..messages[2].clone() }.shown();
        let changes = Changes::assemble(session, then, vec![messages[3].clone(), messages[2].clone()]).unwrap();
        assert_eq!(page.moved_on(&query, &changes), None);
    }

    /// The session as it was after so many of its messages.
    fn history_until(session: &Session, messages: &[Message], count: usize) -> (Session, Vec<Message>) {
        let last = &messages[count - 1];
        let then = Session { rev: last.rev, updated_at: last.created_at, ..session.clone() };
        (then, messages[..count].to_vec())
    }
}
