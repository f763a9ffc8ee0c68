//! Another service of the platform that reuses this crate: it reads a session through the port and says in a few lines
//! what it was about. It brings an adapter of its own, over an archive of finished sessions in the crate's stable JSON
//! form; the chat service's stores would do as well, since the summary knows the port alone.
//!
//! `cargo run -p chat-domain --example summary`

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{Message, MessagePage, MessagePages, PageQuery, SenderType, Window};
use chat_domain::query::Order;
use chat_domain::session::{Session, SessionStatus};
use serde::Deserialize;

/// One archived session, as an export of the chat service would hold it.
const ARCHIVE: &str = r#"{
  "session": {
    "id": "0198c0de-0000-7000-8000-000000000001", "tenant_id": "acme", "user_id": "ann", "agent_id": "anna",
    "state": {"status": "ended", "at": "2026-01-01T09:07:00.000000Z"}, "metadata": {"page": "/invoices"},
    "created_at": "2026-01-01T09:00:00.000000Z", "updated_at": "2026-01-01T09:07:00.000000Z",
    "previous_session_id": null, "rev": 6, "version": 2,
    "all_messages": {"count": 4, "last_at": "2026-01-01T09:06:00.000000Z"},
    "public_messages": {"count": 3, "last_at": "2026-01-01T09:06:00.000000Z"}
  },
  "messages": [
    {"id": "0198c0de-0000-7000-8000-000000000011", "session_id": "0198c0de-0000-7000-8000-000000000001", "seq": 1,
     "rev": 2, "sender": {"sender_type": "user", "id": "ann"}, "content": "Why was I charged twice?",
     "message_type": "text", "metadata": {}, "reply_to": null, "visibility": "public",
     "created_at": "2026-01-01T09:00:10.000000Z", "edited_at": null, "deleted_at": null, "extensions": []},
    {"id": "0198c0de-0000-7000-8000-000000000012", "session_id": "0198c0de-0000-7000-8000-000000000001", "seq": 2,
     "rev": 3, "sender": {"sender_type": "agent", "id": "anna"}, "content": "third time this week",
     "message_type": "text", "metadata": {}, "reply_to": null, "visibility": "internal",
     "created_at": "2026-01-01T09:01:00.000000Z", "edited_at": null, "deleted_at": null, "extensions": []},
    {"id": "0198c0de-0000-7000-8000-000000000013", "session_id": "0198c0de-0000-7000-8000-000000000001", "seq": 3,
     "rev": 4, "sender": {"sender_type": "agent", "id": "anna"}, "content": "I have sent the second charge back.",
     "message_type": "text", "metadata": {}, "reply_to": "0198c0de-0000-7000-8000-000000000011",
     "visibility": "public", "created_at": "2026-01-01T09:05:00.000000Z", "edited_at": null, "deleted_at": null,
     "extensions": []},
    {"id": "0198c0de-0000-7000-8000-000000000014", "session_id": "0198c0de-0000-7000-8000-000000000001", "seq": 4,
     "rev": 5, "sender": {"sender_type": "user", "id": "ann"}, "content": "Thank you!",
     "message_type": "text", "metadata": {}, "reply_to": null, "visibility": "public",
     "created_at": "2026-01-01T09:06:00.000000Z", "edited_at": null, "deleted_at": null, "extensions": []}
  ]
}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let archive: Archive = serde_json::from_str(ARCHIVE)?;
    let (tenant, session) = (archive.session.tenant_id.clone(), archive.session.id);
    let summaries = SummaryService { pages: Arc::new(archive) };
    let summary = summaries.of(&tenant, session).await?.ok_or("no such session")?;
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("{summary}");
    }
    Ok(())
}

/// The use case: it knows the port, and not what lies behind it.
struct SummaryService {
    pages: Arc<dyn MessagePages>,
}

/// What there is to say of a session in a few lines.
struct Summary {
    session: Session,
    question: Option<String>,
    last_word: Option<String>,
    said: BTreeMap<SenderType, usize>,
}

impl SummaryService {
    /// Follows the pages of the session to its end, as a user would see it.
    async fn of(&self, tenant: &TenantId, session: SessionId) -> Result<Option<Summary>, RepositoryError> {
        let mut query = PageQuery {
            view: View::Public,
            include_deleted: false,
            order: Order::Asc,
            limit: 2,
            window: Window::Between { after: None, before: None },
        };
        let mut summary: Option<Summary> = None;
        loop {
            let Some(page) = self.pages.page(tenant, session, &query).await? else { return Ok(None) };
            let next = page.next(&query);
            summary.get_or_insert_with(|| Summary::new(page.session.clone())).read(&page.messages);
            let Some(window) = next else { return Ok(summary) };
            query.window = window;
        }
    }
}

impl Summary {
    const fn new(session: Session) -> Self {
        Self { session, question: None, last_word: None, said: BTreeMap::new() }
    }

    fn read(&mut self, messages: &[Message]) {
        for message in messages {
            *self.said.entry(message.sender.sender_type).or_default() += 1;
            if message.sender.sender_type == SenderType::User {
                self.question.get_or_insert_with(|| message.content.clone());
            }
            self.last_word = Some(message.content.clone());
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Session { user_id, created_at, state, .. } = &self.session;
        let minutes = state.ended_at().map(|ended_at| ended_at.seconds_since(*created_at) / 60);
        match (state.status(), minutes) {
            (SessionStatus::Ended, Some(minutes)) => writeln!(f, "{user_id} was helped in {minutes} minutes.")?,
            (status, _) => writeln!(f, "{user_id}'s session is {status}.")?,
        }
        for (side, count) in &self.said {
            writeln!(f, "  {side}: {count} message(s)")?;
        }
        writeln!(f, "  asked: {}", self.question.as_deref().unwrap_or("nothing"))?;
        write!(f, "  last word: {}", self.last_word.as_deref().unwrap_or("none"))
    }
}

/// The adapter: an archive that holds one session and never changes.
#[derive(Deserialize)]
struct Archive {
    session: Session,
    messages: Vec<Message>,
}

#[async_trait]
impl MessagePages for Archive {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        if self.session.tenant_id != *tenant || self.session.id != session {
            return Ok(None);
        }
        let (after, before, offset) = match query.window {
            Window::Offset(offset) => (None, None, usize::from(offset)),
            Window::Between { after, before } => (after, before, 0),
        };
        let mut found: Vec<_> = self.messages.iter().collect();
        if query.walk() == Order::Desc {
            found.reverse();
        }
        let found = found
            .into_iter()
            .filter(|message| message.visibility.shown_in(query.view))
            .filter(|message| query.include_deleted || !message.is_deleted())
            .filter(|message| after.is_none_or(|after| message.seq > after))
            .filter(|message| before.is_none_or(|before| message.seq < before))
            .skip(offset)
            .take(usize::from(query.limit) + 1);
        let found = found.cloned().map(Message::shown).collect();
        Ok(Some(Arc::new(MessagePage::assemble(self.session.clone(), query, found))))
    }
}
