//! Those of one thread who wait for the same query.
//!
//! To wake a task of another thread costs a system call each time, to wake one of the own thread next to nothing. So the
//! answer wakes one of the group, and that one wakes the others: it runs where they do.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use chat_domain::error::RepositoryError;
use tracing::Span;

/// Questions that are asked together. Whoever asked holds its [`Place`].
pub(super) struct Group<Q, A>(Mutex<State<Q, A>>);

struct State<Q, A> {
    members: Vec<Member<Q>>,
    answers: Option<Result<Vec<Option<A>>, RepositoryError>>,
    /// Whether all have been woken.
    told: bool,
}

struct Member<Q> {
    /// There until it is asked, unless whoever asked hung up before.
    question: Option<(Q, Span)>,
    waker: Option<Waker>,
}

impl<Q, A> Group<Q, A> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { members: Vec::new(), answers: None, told: false })))
    }

    /// Adds a question. The span lasts until it is answered.
    pub(super) fn join(self: &Arc<Self>, question: Q, span: Span) -> Place<Q, A> {
        let mut state = self.state();
        state.members.push(Member { question: Some((question, span)), waker: None });
        Place { group: Arc::clone(self), index: state.members.len() - 1 }
    }

    /// The questions, each at its place; `None` for those who hung up.
    pub(super) fn take(&self) -> Vec<Option<(Q, Span)>> {
        self.state().members.iter_mut().map(|member| member.question.take()).collect()
    }

    /// Answers all, each at its place. To be [settled](Self::settle) after a while: whoever was woken may be a future that
    /// is kept and not run.
    pub(super) fn answer(&self, answers: Result<Vec<Option<A>>, RepositoryError>) {
        let mut state = self.state();
        state.answers = Some(answers);
        let one = state.members.iter_mut().find_map(|member| member.waker.take());
        drop(state);
        if let Some(one) = one {
            one.wake();
        }
    }

    /// Leaves nobody waiting: wakes all who were answered and not woken yet, and answers with this error where there was
    /// no answer.
    pub(super) fn settle(&self, missing: impl FnOnce() -> RepositoryError) {
        let mut state = self.state();
        if state.answers.is_none() {
            state.answers = Some(Err(missing()));
        }
        let others = state.untold();
        drop(state);
        others.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q, A> State<Q, A> {
    /// The others, where there are answers and they have not been woken.
    fn untold(&mut self) -> Vec<Waker> {
        if self.answers.is_none() || std::mem::replace(&mut self.told, true) {
            return Vec::new();
        }
        self.members.iter_mut().filter_map(|member| member.waker.take()).collect()
    }
}

/// One who waits: a future of the answer, `None` where the answer was another's to give and is missing.
pub(super) struct Place<Q, A> {
    group: Arc<Group<Q, A>>,
    index: usize,
}

impl<Q, A> Future for Place<Q, A> {
    type Output = Result<Option<A>, RepositoryError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.group.state();
        let answer = match &mut state.answers {
            Some(Ok(answers)) => Ok(answers.get_mut(self.index).and_then(Option::take)),
            Some(Err(error)) => Err(error.clone()),
            None => {
                if let Some(member) = state.members.get_mut(self.index) {
                    match &mut member.waker {
                        Some(waker) => waker.clone_from(context.waker()),
                        none => *none = Some(context.waker().clone()),
                    }
                }
                return Poll::Pending;
            }
        };
        let others = state.untold();
        drop(state);
        others.into_iter().for_each(Waker::wake);
        Poll::Ready(answer)
    }
}

impl<Q, A> Drop for Place<Q, A> {
    /// Whoever hangs up may be the one who was to wake the others.
    fn drop(&mut self) {
        let mut state = self.group.state();
        let own = state.members.get_mut(self.index).map(|member| (member.question.take(), member.waker.take()));
        let others = state.untold();
        drop(state);
        drop(own);
        others.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct One {
        place: Pin<Box<Place<u8, u8>>>,
        woken: Arc<Woken>,
    }

    impl One {
        fn poll(&mut self) -> Option<u8> {
            let waker = Waker::from(self.woken.clone());
            match self.place.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(answer) => answer.unwrap(),
                Poll::Pending => None,
            }
        }

        fn was_woken(&self) -> bool {
            self.woken.0.load(Ordering::SeqCst) > 0
        }
    }

    /// Three who wait, and were answered with 10, 11 and 12.
    fn answered() -> (Arc<Group<u8, u8>>, [One; 3]) {
        let group = Group::new();
        let mut ones = [0, 1, 2].map(|question| {
            let place = Box::pin(group.join(question, Span::none()));
            One { place, woken: Arc::default() }
        });
        assert!(ones.iter_mut().all(|one| one.poll().is_none()));
        let asked = group.take().into_iter().map(|asked| asked.map(|(question, _)| question));
        assert_eq!(asked.collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
        group.answer(Ok(vec![Some(10), Some(11), Some(12)]));
        (group, ones)
    }

    #[test]
    fn an_answer_wakes_one_who_wakes_the_others() {
        let (_group, mut ones) = answered();
        assert_eq!(ones.iter().filter(|one| one.was_woken()).count(), 1);
        let first = ones.iter_mut().find(|one| one.was_woken()).unwrap();
        assert!(first.poll().is_some());
        assert!(ones.iter().all(One::was_woken));
        let [_, second, third] = &mut ones;
        assert_eq!((second.poll(), third.poll()), (Some(11), Some(12)));
    }

    #[test]
    fn one_who_hangs_up_when_woken_wakes_the_others() {
        let (_group, ones) = answered();
        let [first, second, third] = ones;
        assert!(first.was_woken() && !second.was_woken());
        drop(first);
        assert!(second.was_woken() && third.was_woken());
    }

    #[test]
    fn one_who_is_woken_and_not_run_holds_up_the_others_only_until_they_are_settled() {
        let (group, [first, second, third]) = answered();
        assert!(first.was_woken() && !second.was_woken() && !third.was_woken());
        group.settle(|| unreachable!("all were answered"));
        assert!(second.was_woken() && third.was_woken());
    }

    #[test]
    fn nobody_asks_for_one_who_hung_up_before() {
        let group = Group::<u8, u8>::new();
        let (gone, stays) = (group.join(1, Span::none()), group.join(2, Span::none()));
        drop(gone);
        let asked = group.take().into_iter().map(|asked| asked.map(|(question, _)| question));
        assert_eq!(asked.collect::<Vec<_>>(), [None, Some(2)]);
        drop(stays);
    }
}
