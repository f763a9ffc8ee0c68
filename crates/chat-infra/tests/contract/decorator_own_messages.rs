//! Pages that a node moves on by the messages that it stored itself: never to anything that the store would not say, also
//! where the store has lost its last commits and gone on from there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use chat_domain::access::View;
use chat_domain::clock::IdSource as _;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, MessagePage, MessagePages, MessageRepository as _, NewMessage, PageQuery, Removal, Since, Window,
};
use chat_domain::participant::{
    MarkOutcome, ParticipantRepository as _, ParticipantRole, Reader, Receipt, ReceiptKind,
};
use chat_domain::query::Order;
use chat_domain::revision::{Revision, Seq};
use chat_domain::session::{
    MockRevisionSource, NewSession, News, RevisionSource, Session, SessionKey, SessionRepository as _,
};
use chat_domain::testing::builder::{a_message, a_removal, a_session, ids, next_moment, participant};
use chat_domain::testing::fake::FakeStore;
use chat_domain::timestamp::Timestamp;
use chat_infra::decorator::{CachedMessages, CachedMessagesConfig};
use futures_util::FutureExt as _;

use crate::decorator_doubles::{Gate, Slow, SlowPages, stored, stored_session, within};

/// Lets the pages of a node hear of what it stored.
pub(crate) fn tell(pages: &dyn MessagePages, session: &Session, outcome: &AppendOutcome) {
    if let AppendOutcome::Stored { message, found: Some(found) } = outcome {
        pages.stored(&session.tenant_id, message, *found);
    }
}

/// A time so far from those before that no clock that is behind comes to it in small steps.
fn later() -> Timestamp {
    static SECONDS: AtomicI64 = AtomicI64::new(1);
    next_moment().plus_seconds(SECONDS.fetch_add(1, Ordering::Relaxed))
}

/// What is done to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// The node stores a message.
    Own,
    /// Another node does.
    Other,
    /// This one, whose clock is behind: the session's time moves on by no more than it must.
    OwnBehind,
    /// Another node deletes the last message.
    Delete,
    /// Somebody has read the first message: a `rev`, and nothing that a page shows.
    Receipt,
}

const DEEDS: [Deed; 5] = [Deed::Own, Deed::Other, Deed::OwnBehind, Deed::Delete, Deed::Receipt];

/// A store that loses its last commits: what it was, and what takes its place.
struct Failover {
    before: FakeStore,
    after: FakeStore,
    is_over: AtomicBool,
}

impl Failover {
    fn now(&self) -> &FakeStore {
        if self.is_over.load(Ordering::SeqCst) { &self.after } else { &self.before }
    }
}

#[async_trait]
impl MessagePages for Failover {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        self.now().page(tenant, session, query).await
    }
}

#[async_trait]
impl RevisionSource for Failover {
    async fn revs(&self, sessions: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError> {
        self.now().revs(sessions).await
    }

    async fn news(&self, sessions: Vec<SessionKey>, since: Vec<Since>) -> Result<News, RepositoryError> {
        self.now().news(sessions, since).await
    }
}

/// A node over such a store.
struct Stage {
    store: Arc<Failover>,
    node: CachedMessages,
    session: Session,
}

impl Stage {
    async fn set() -> Self {
        let new: NewSession = a_session();
        let (before, after) = (FakeStore::new(), FakeStore::new());
        for store in [&before, &after] {
            store.create(new.clone()).await.unwrap();
        }
        let store = Arc::new(Failover { before, after, is_over: AtomicBool::new(false) });
        let node = CachedMessages::new(store.clone(), store.clone(), None, &CachedMessagesConfig::default());
        Self { store, node, session: new.to_session() }
    }

    /// What the standby has as well.
    async fn replicated(&self, deed: Deed) {
        let new = self.message(deed);
        self.store.after.append(vec![new.clone()]).await.unwrap();
        let outcomes = self.store.before.append(vec![new]).await.unwrap();
        tell(&self.node, &self.session, &outcomes[0]);
    }

    async fn act(&self, deed: Deed) {
        let store = self.store.now();
        if deed == Deed::Delete {
            let page = store.page(&self.session.tenant_id, self.session.id, &NEWEST).await.unwrap().unwrap();
            if let Some(last) = page.messages.last() {
                let removal = Removal { at: later(), ..a_removal() };
                store.remove(&self.session.tenant_id, last.id, removal).await.unwrap();
            }
            return;
        }
        if deed == Deed::Receipt {
            // Of somebody else each time, so that it moves something.
            let reader = Reader { role: ParticipantRole::Agent, id: participant(&ids().message_id().to_string()) };
            let (kind, seq, at) = (ReceiptKind::Read, Seq::FIRST, next_moment());
            let receipt = Receipt { reader, kind, seq, at, confined_to: None, idempotency: None };
            let marked = store.mark(&self.session.tenant_id, self.session.id, receipt).await.unwrap();
            assert!(matches!(marked, MarkOutcome::Moved(_)), "{marked:?}");
            return;
        }
        let outcomes = store.append(vec![self.message(deed)]).await.unwrap();
        if deed != Deed::Other {
            tell(&self.node, &self.session, &outcomes[0]);
        }
    }

    fn message(&self, deed: Deed) -> NewMessage {
        let new = a_message(&self.session);
        let created_at = if deed == Deed::OwnBehind { self.session.created_at } else { later() };
        NewMessage { created_at, content: format!("{deed:?} {}", new.id), ..new }
    }

    /// The node shows what the store says.
    async fn look(&self, context: &str) {
        for query in [NEWEST, FIRST] {
            let truth = self.store.now().page(&self.session.tenant_id, self.session.id, &query).await.unwrap();
            let shown = within(self.node.page(&self.session.tenant_id, self.session.id, &query)).await.unwrap();
            assert_eq!(shown, truth, "{context}");
        }
    }
}

const NEWEST: PageQuery = PageQuery::newest(View::Full, 4);
const FIRST: PageQuery = PageQuery {
    view: View::Public,
    include_deleted: true,
    order: Order::Asc,
    limit: 3,
    window: Window::Between { after: None, before: None },
};

/// All that may happen one after the other, so many deeds long.
fn courses(length: usize) -> Vec<Vec<Deed>> {
    (0..length).fold(vec![Vec::new()], |courses, _| {
        courses.iter().flat_map(|course| DEEDS.map(|deed| [&course[..], &[deed]].concat())).collect()
    })
}

#[tokio::test]
async fn what_a_store_has_lost_is_never_shown_behind_a_failover() {
    for lost in (0..=2).flat_map(courses) {
        for kept in (1..=3).flat_map(courses) {
            let stage = Stage::set().await;
            for deed in [Deed::Own, Deed::Own] {
                stage.replicated(deed).await;
                stage.look("both have it").await;
            }
            for deed in &lost {
                stage.act(*deed).await;
                stage.look("to be lost").await;
            }
            stage.store.is_over.store(true, Ordering::SeqCst);
            // Where the time moves on by no more than it must before and after, a `rev` may be given again at the same time:
            // whoever asks for just that state is shown the other.
            let is_same = lost.contains(&Deed::OwnBehind) && kept.contains(&Deed::OwnBehind);
            for (count, deed) in kept.iter().enumerate() {
                stage.act(*deed).await;
                // A node that nobody asks meanwhile must not be misled either.
                let moves_time = !matches!(deed, Deed::OwnBehind | Deed::Receipt);
                let is_asked = if is_same { moves_time } else { lost.len() == 1 };
                if is_asked || (!is_same && count + 1 == kept.len()) {
                    stage.look(&format!("{lost:?} was lost, then came {kept:?}")).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn whatever_happens_in_between_a_moved_page_is_the_one_that_is_read() {
    for course in (1..=5).flat_map(courses) {
        let stage = Stage::set().await;
        stage.act(Deed::Own).await;
        for (count, deed) in course.iter().enumerate() {
            stage.act(*deed).await;
            if count % 2 == 0 || course.len() < 4 {
                stage.look(&format!("{course:?}")).await;
            }
        }
        stage.look(&format!("{course:?}")).await;
    }
}

#[tokio::test]
async fn a_page_moves_on_by_what_its_node_stored_without_another_question() {
    let store = FakeStore::new();
    let session = stored_session(&store).await;
    let (mut revs, asked) = (MockRevisionSource::new(), store.clone());
    revs.expect_revs().returning(move |sessions| asked.revs(sessions).now_or_never().unwrap());
    // For the first message, since nobody here knows what led to the state before it, and for those of another node and the
    // one after it.
    let refused = |_, _| Err(RepositoryError::internal(std::io::Error::other("not now")));
    revs.expect_news().times(3).returning(refused);
    let inner = SlowPages::new(store.clone(), Gate::open(), Slow::Read);
    let node = CachedMessages::new(inner.clone(), Arc::new(revs), None, &CachedMessagesConfig::default());
    within(node.page(&session.tenant_id, session.id, &NEWEST)).await.unwrap();
    for own in [true, true, true, false, true, true] {
        let outcomes = store.append(vec![a_message(&session), a_message(&session)]).await.unwrap();
        for outcome in outcomes.iter().filter(|_| own) {
            tell(&node, &session, outcome);
        }
        let truth = store.page(&session.tenant_id, session.id, &NEWEST).await.unwrap();
        assert_eq!(within(node.page(&session.tenant_id, session.id, &NEWEST)).await.unwrap(), truth);
    }
    assert_eq!(inner.reads(), 4);
}

#[tokio::test]
async fn the_time_of_a_session_that_stands_still_tells_no_state_from_another() {
    let stage = Stage::set().await;
    let ahead = NewMessage { created_at: next_moment().plus_seconds(60), ..a_message(&stage.session) };
    for store in [&stage.store.before, &stage.store.after] {
        let outcomes = store.append(vec![ahead.clone()]).await.unwrap();
        assert_eq!(stored(&outcomes[0]).created_at, ahead.created_at);
        tell(&stage.node, &stage.session, &outcomes[0]);
    }
    // The second is lost, and another takes its `rev` at the time that still stands.
    for deed in [Deed::Own, Deed::Own] {
        stage.act(deed).await;
        stage.look("to be lost").await;
    }
    stage.store.is_over.store(true, Ordering::SeqCst);
    for deed in [Deed::Own, Deed::Other, Deed::Own, Deed::Own] {
        stage.act(deed).await;
    }
    stage.look("after a loss").await;
}
