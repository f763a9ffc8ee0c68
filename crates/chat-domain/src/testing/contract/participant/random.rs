//! After any history of a session, each count is what one finds by looking at every message.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::history::{failed, for_all};
use super::super::stage::{all_messages, any_session, session_now};
use super::acts::{agent, delivered, from, note, read, system, user};
use crate::message::{Message, NewMessage, SenderType, Visibility};
use crate::participant::{MarkOutcome, Reader, UnreadCount};
use crate::query::MAX_LIMIT;
use crate::revision::Seq;
use crate::session::{Session, SessionKey, UserSessions};
use crate::testing::builder::{a_removal, a_restoration};
use crate::testing::rig::{Store, StoreRig};

/// How many histories are tried on each adapter.
const CASES: u32 = 6;

/// One thing that happens. Numbers choose among those who take part and among the messages that are there.
#[derive(Debug, Clone)]
enum Command {
    /// So many messages of one sender; notes where an agent sends them.
    Say {
        who: usize,
        notes: bool,
        times: usize,
    },
    Remove {
        nth: usize,
    },
    Restore {
        nth: usize,
    },
    Mark {
        who: usize,
        seq: i64,
        read: bool,
    },
}

fn command() -> impl Strategy<Value = Command> {
    let times = prop_oneof![8 => 1..4_usize, 2 => 30..130_usize];
    prop_oneof![
        5 => (any::<usize>(), any::<bool>(), times).prop_map(|(who, notes, times)| Command::Say { who, notes, times }),
        3 => any::<usize>().prop_map(|nth| Command::Remove { nth }),
        2 => any::<usize>().prop_map(|nth| Command::Restore { nth }),
        4 => (any::<usize>(), 0..300_i64, any::<bool>()).prop_map(|(who, seq, read)| Command::Mark { who, seq, read }),
    ]
}

/// Those who read: both sides, namesakes on them, and somebody who never says anything.
fn readers() -> [Reader; 6] {
    [user("user"), agent("bob"), agent("cleo"), agent("user"), user("bob"), agent("silent")]
}

/// For everybody, on both sides, in the count alone and in the list, whoever said, noted, deleted, restored and read what.
pub async fn counts_are_what_one_finds_by_looking_at_every_message<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    for_all(CASES, vec(command(), 1..24), async |commands| {
        let session = any_session(&store).await;
        for (place, command) in commands.into_iter().enumerate() {
            run(&store, &session, &command).await?;
            if place % 6 == 5 {
                check(&store, &session).await?;
            }
        }
        check(&store, &session).await
    })
    .await;
}

async fn run(store: &Store, session: &Session, command: &Command) -> Result<(), TestCaseError> {
    match *command {
        Command::Say { who, notes, times } => {
            // No more than what one page shows: all of them are looked at.
            let room = usize::from(MAX_LIMIT) - all_messages(store, session).await.len();
            let new = (0..times.min(room)).map(|_| spoken(session, who, notes)).collect();
            store.messages.append(new).await.map(drop).map_err(failed)
        }
        Command::Remove { nth } => match chosen(store, session, nth, false).await {
            Some(message) => {
                let removed = store.messages.remove(&session.tenant_id, message.id, a_removal()).await;
                removed.map(drop).map_err(failed)
            }
            None => Ok(()),
        },
        Command::Restore { nth } => match chosen(store, session, nth, true).await {
            Some(message) => {
                let restored = store.messages.restore(&session.tenant_id, message.id, a_restoration()).await;
                restored.map(drop).map_err(failed)
            }
            None => Ok(()),
        },
        Command::Mark { who, seq, read } => mark(store, session, who, (seq, read)).await,
    }
}

/// A message of the platform, of one of the readers, or a note of one.
fn spoken(session: &Session, who: usize, notes: bool) -> NewMessage {
    let readers = readers();
    match readers.get(who % (readers.len() + 1)) {
        None if notes => NewMessage { visibility: Visibility::Internal, ..system(session) },
        None => system(session),
        Some(reader) if notes && reader.role.sender_type() == SenderType::Agent => note(session, reader),
        Some(reader) => from(session, reader),
    }
}

async fn chosen(store: &Store, session: &Session, nth: usize, deleted: bool) -> Option<Message> {
    let mut messages = all_messages(store, session).await;
    messages.retain(|message| message.is_deleted() == deleted);
    (!messages.is_empty()).then(|| messages.swap_remove(nth % messages.len()))
}

async fn mark(store: &Store, session: &Session, who: usize, (seq, is_read): (i64, bool)) -> Result<(), TestCaseError> {
    let readers = readers();
    let reader = &readers[who % readers.len()];
    let receipt = if is_read { read(reader, seq) } else { delivered(reader, seq) };
    match store.participants.mark(&session.tenant_id, session.id, receipt).await.map_err(failed)? {
        MarkOutcome::Moved(_) | MarkOutcome::Unmoved(_) => Ok(()),
        other => Err(TestCaseError::fail(format!("a receipt came to {other:?}"))),
    }
}

async fn check(store: &Store, session: &Session) -> Result<(), TestCaseError> {
    let (tenant, now) = (&session.tenant_id, session_now(store, session).await);
    let messages = all_messages(store, session).await;
    let participants = store.participants.list(tenant, session.id).await.map_err(failed)?;
    let key = SessionKey { tenant_id: tenant.clone(), id: session.id };
    for reader in readers() {
        let own = participants.iter().find(|it| it.role == reader.role && it.id == reader.id);
        let place = own.map_or(Seq::new(0), |own| own.read_seq);
        let expected = UnreadCount::of(messages.iter().filter(|message| reader.has_unread(message, place)).count());
        let counted = store.unread.unread(&reader, vec![(key.clone(), now.revision())]).await.map_err(failed)?;
        prop_assert_eq!(
            counted[0].map(|found| (found.revision, found.count)),
            Some((now.revision(), expected)),
            "{:?}",
            reader
        );
        let query = UserSessions {
            user_id: session.user_id.clone(),
            reader: reader.clone(),
            status: None,
            limit: 1,
            cursor: None,
        };
        let page = store.sessions.list_of_user(tenant, &query).await.map_err(failed)?;
        let newest = page.sessions.first().map(|seen| (&seen.session, seen.unread));
        prop_assert_eq!(newest, Some((&now, expected)), "{:?}", reader);
    }
    Ok(())
}
