//! Where callers are let through: the rule book is asked here, and only here.
//!
//! A service keeps its ports [`Guarded`]. It gets at one with a [`Permit`], which only [`Guard::ask`] makes, or takes a
//! look that comes out [`Sealed`], which only [`Guard::open`] opens. So a use case that forgets to ask does not compile.

use std::sync::Arc;

use super::caller::Caller;
use super::rules::{Action, Decision, Relation, decide, is_kept};
use crate::audit::{AuditEntry, AuditLog, Deed, Outcome, Thing};
use crate::id::AuditId;
use crate::timestamp::Timestamp;

/// Why a caller may not do what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It may see the thing, but not do this to it.
    Forbidden,
    /// It may not learn that the thing exists.
    Hidden,
}

/// That the rule book allows a caller an action.
#[derive(Debug)]
#[must_use]
pub(crate) struct Permit<'a> {
    caller: &'a Caller,
    action: Action,
    relation: Relation,
}

impl Permit<'_> {
    /// Whose it is.
    pub(crate) const fn caller(&self) -> &Caller {
        self.caller
    }

    /// Whether the audit keeps the action.
    pub(crate) const fn is_kept(&self) -> bool {
        is_kept(self.caller.role(), self.action, self.relation)
    }

    /// What the audit keeps of the action, where it keeps it.
    pub(crate) fn entry(&self, id: impl FnOnce() -> AuditId, at: Timestamp, thing: &Thing) -> Option<AuditEntry> {
        self.is_kept().then(|| AuditEntry {
            id: id(),
            tenant_id: self.caller.tenant().clone(),
            created_at: at,
            actor_id: self.caller.id().clone(),
            actor_role: self.caller.role(),
            action: self.action.as_str().into(),
            thing_kind: thing.kind().into(),
            thing_id: thing.id(),
            session_id: thing.session(),
        })
    }
}

/// Asks the rule book, and tells the audit log of what was forbidden and of what was done. A clone is as good.
///
/// What is hidden is not told: neither caller nor log can tell it from what is not there.
#[derive(Clone)]
pub struct Guard(Arc<dyn AuditLog>);

impl Guard {
    /// A guard who tells this log.
    #[must_use]
    pub fn new(log: Arc<dyn AuditLog>) -> Self {
        Self(log)
    }

    /// Asks whether the caller may do this to the thing.
    ///
    /// # Errors
    /// Where it may not.
    pub(crate) fn ask<'a>(
        &self,
        caller: &'a Caller,
        action: Action,
        relation: Relation,
        thing: impl FnOnce() -> Thing,
    ) -> Result<Permit<'a>, Denied> {
        match decide(caller.role(), action, relation) {
            Decision::Allow => Ok(Permit { caller, action, relation }),
            Decision::Hide => Err(Denied::Hidden),
            Decision::Forbid => {
                self.0.tell(&Deed { caller, action, thing: &thing(), outcome: Outcome::Denied });
                Err(Denied::Forbidden)
            }
        }
    }

    /// Opens what was found, for a caller who may do this to it.
    ///
    /// # Errors
    /// Where it may not.
    pub(crate) fn open<'a, T>(
        &self,
        found: Sealed<T>,
        caller: &'a Caller,
        action: Action,
        relation: Relation,
        thing: impl FnOnce() -> Thing,
    ) -> Result<(T, Permit<'a>), Denied> {
        self.ask(caller, action, relation, thing).map(|permit| (found.0, permit))
    }

    /// Tells that what was permitted has been done.
    pub(crate) fn done(&self, permit: &Permit<'_>, thing: &Thing) {
        let Permit { caller, action, .. } = *permit;
        self.0.tell(&Deed { caller, action, thing, outcome: Outcome::Done });
    }
}

/// A port that is reached with a permit.
pub(crate) struct Guarded<P: ?Sized>(Arc<P>);

impl<P: ?Sized> Guarded<P> {
    pub(crate) const fn new(port: Arc<P>) -> Self {
        Self(port)
    }

    /// The port, for somebody who may.
    pub(crate) fn with(&self, _: &Permit<'_>) -> &P {
        &self.0
    }

    /// Looks for something, in order to judge by what is found whether the caller may see it.
    pub(crate) async fn look<'a, T, E, F>(&'a self, find: impl FnOnce(&'a P) -> F) -> Result<Option<Sealed<T>>, E>
    where
        F: Future<Output = Result<Option<T>, E>>,
    {
        Ok(find(&self.0).await?.map(Sealed))
    }
}

/// Something that was found, for the rule book's eyes only.
pub(crate) struct Sealed<T>(T);

impl<T> Sealed<T> {
    /// What the thing's relation to a caller is worked out from. It must not get any further.
    pub(crate) const fn to_judge(&self) -> &T {
        &self.0
    }
}
