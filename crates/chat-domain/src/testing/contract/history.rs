//! What holds after any history of a session, whatever it consists of: made up at random, and made small where it fails.

use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::stage::{
    all_messages, any_session, counting, history, internal, seqs, session_now, together, two_nodes, update,
};
use crate::access::View;
use crate::clock::IdSource;
use crate::extension::{AddOutcome, DetachOutcome};
use crate::message::{
    AppendOutcome, Edit, EditOutcome, Message, MessageChange, MessageHistory, MessageRefusal, NewMessage,
    RemoveOutcome, RestoreOutcome,
};
use crate::metadata::MergePatch;
use crate::revision::Rev;
use crate::session::{MetadataChange, Session, SessionChange, SessionStatus, Tally, UpdateOutcome};
use crate::testing::builder::{
    a_detachment_of, a_key, a_message, a_removal, a_restoration, an_edit, an_extension, ids, metadata, participant,
};
use crate::testing::rig::{Store, StoreRig};

/// Runs the histories on a [`StoreRig`](crate::testing::rig::StoreRig): `history_contract!(sqlite, SqliteRig);`.
#[macro_export]
macro_rules! history_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as StoreRig,
            history,
            [one_after_the_other_each_change_takes_the_next_rev, at_once_each_change_takes_a_rev_of_its_own,]
        );
    };
}

/// How many histories the promises of this suite try on each adapter.
const CASES: u32 = 8;

/// One thing that happens to a session. Numbers choose among what is there.
#[derive(Debug, Clone)]
enum Command {
    Say { internal: bool, key: Option<u8>, command: bool },
    Remove { nth: usize },
    Restore { nth: usize },
    Edit { nth: usize, text: u8 },
    Describe { nth: usize, value: u8 },
    Extend { nth: usize },
    Curtail { nth: usize },
    Move { to: SessionStatus },
    Assign { agent: Option<u8> },
    Merge { key: u8, value: Option<u8> },
}

fn command() -> impl Strategy<Value = Command> {
    let key = proptest::option::weighted(0.3, 0..4_u8);
    let status = prop_oneof![
        10 => Just(SessionStatus::Waiting),
        10 => Just(SessionStatus::Active),
        10 => Just(SessionStatus::Transferred),
        1 => Just(SessionStatus::Ended),
    ];
    prop_oneof![
        8 => (any::<bool>(), key, any::<bool>())
            .prop_map(|(internal, key, command)| Command::Say { internal, key, command }),
        3 => any::<usize>().prop_map(|nth| Command::Remove { nth }),
        2 => any::<usize>().prop_map(|nth| Command::Restore { nth }),
        4 => (any::<usize>(), 0..3_u8).prop_map(|(nth, text)| Command::Edit { nth, text }),
        1 => (any::<usize>(), 0..2_u8).prop_map(|(nth, value)| Command::Describe { nth, value }),
        2 => any::<usize>().prop_map(|nth| Command::Extend { nth }),
        1 => any::<usize>().prop_map(|nth| Command::Curtail { nth }),
        3 => status.prop_map(|to| Command::Move { to }),
        2 => proptest::option::of(0..3_u8).prop_map(|agent| Command::Assign { agent }),
        2 => (0..3_u8, proptest::option::of(0..3_u8)).prop_map(|(key, value)| Command::Merge { key, value }),
    ]
}

/// In sequence: a change moves the session by exactly one `rev`, and what is no change moves nothing.
pub async fn one_after_the_other_each_change_takes_the_next_rev<R: StoreRig>(rig: &R) {
    in_sequence(rig, CASES).await;
}

/// At once, over two nodes: the `rev`s that the changes took are all different, and none is left out.
pub async fn at_once_each_change_takes_a_rev_of_its_own<R: StoreRig>(rig: &R) {
    at_once(rig, CASES).await;
}

/// So many histories, one command after the other.
pub async fn in_sequence<R: StoreRig>(rig: &R, cases: u32) {
    let store = rig.node().await;
    for_all(cases, vec(command(), 1..40), async |commands| {
        let session = any_session(&store).await;
        let mut before = session.clone();
        for command in commands {
            let taken = run(&store, &session, &command).await?;
            let now = session_now(&store, &session).await;
            if let Some(rev) = taken {
                prop_assert_eq!((now.rev, rev), (before.rev.next(), before.rev.next()));
            } else {
                prop_assert_eq!(&now, &before);
            }
            prop_assert!(now.updated_at >= before.updated_at);
            if before.state.status() == SessionStatus::Ended {
                prop_assert_eq!(now.state, before.state);
            }
            before = now;
        }
        let messages = all_messages(&store, &session).await;
        check_texts(&store, &before, &messages).await?;
        check(&before, &messages)
    })
    .await;
}

/// So many histories of several clients at once, on two nodes.
pub async fn at_once<R: StoreRig>(rig: &R, cases: u32) {
    let nodes = two_nodes(rig).await;
    for_all(cases, vec(vec(command(), 1..12), 2..6), async |clients| {
        let session = any_session(&nodes[0]).await;
        let tasks = clients.into_iter().enumerate().map(|(n, commands)| {
            let (store, session) = (nodes[n % 2].clone(), session.clone());
            async move {
                let mut taken = Vec::new();
                for command in commands {
                    taken.extend(run(&store, &session, &command).await?);
                }
                Ok::<_, TestCaseError>(taken)
            }
        });
        let mut revs = Vec::new();
        for taken in together(|task| rig.spawn(task), tasks).await {
            revs.extend(taken?);
        }
        let now = session_now(&nodes[1], &session).await;
        let distinct: BTreeSet<_> = revs.iter().copied().collect();
        prop_assert_eq!(distinct.len(), revs.len(), "two changes took one rev: {:?}", revs);
        prop_assert_eq!(distinct, (2..=now.rev.get()).map(Rev::new).collect());
        let messages = all_messages(&nodes[1], &session).await;
        check_texts(&nodes[0], &now, &messages).await?;
        check(&now, &messages)
    })
    .await;
}

/// Tries a claim on things made up at random; where it fails, looks for a smaller thing on which it fails, too.
pub(super) async fn for_all<S: Strategy>(
    cases: u32,
    things: S,
    claim: impl AsyncFn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: Debug,
{
    let mut runner = TestRunner::default();
    for _ in 0..cases {
        let mut tree = things.new_tree(&mut runner).expect("things can be made up");
        let Err(error) = claim(tree.current()).await else { continue };
        let (mut smallest, mut reason) = (tree.current(), error);
        let mut smaller = tree.simplify();
        while smaller {
            smaller = match claim(tree.current()).await {
                Ok(()) => tree.complicate(),
                Err(error) => {
                    (smallest, reason) = (tree.current(), error);
                    tree.simplify()
                }
            };
        }
        panic!("{reason}\nafter: {smallest:#?}");
    }
}

/// Makes one thing happen; the `rev` that it took, where it changed something.
async fn run(store: &Store, session: &Session, command: &Command) -> Result<Option<Rev>, TestCaseError> {
    match *command {
        Command::Say { internal, key, command } => say(store, session, internal, key, command).await,
        Command::Remove { nth } => remove(store, session, nth).await,
        Command::Restore { nth } => restore(store, session, nth).await,
        Command::Edit { nth, text } => {
            let content = Some(format!("text {text}"));
            edit(store, session, nth, MessageChange { content, metadata: None }).await
        }
        Command::Describe { nth, value } => {
            let metadata = Some(MetadataChange::Replace(metadata(&format!("{{\"v\":{value}}}"))));
            edit(store, session, nth, MessageChange { content: None, metadata }).await
        }
        Command::Extend { nth } => extend(store, session, nth).await,
        Command::Curtail { nth } => curtail(store, session, nth).await,
        Command::Move { to } => {
            change(store, session, SessionChange { status: Some(to), ..SessionChange::default() }).await
        }
        Command::Assign { agent } => {
            let agent = agent.map(|agent| participant(&format!("agent-{agent}")));
            change(store, session, SessionChange { agent_id: Some(agent), ..SessionChange::default() }).await
        }
        Command::Merge { key, value } => {
            let value = value.map_or_else(|| "null".to_owned(), |value| value.to_string());
            let patch = MergePatch::new(metadata(&format!("{{\"k{key}\":{value}}}")));
            let metadata = Some(MetadataChange::Merge(patch));
            change(store, session, SessionChange { metadata, ..SessionChange::default() }).await
        }
    }
}

async fn say(
    store: &Store,
    session: &Session,
    as_note: bool,
    key: Option<u8>,
    command: bool,
) -> Result<Option<Rev>, TestCaseError> {
    let new = if as_note { internal(session) } else { a_message(session) };
    // Each history has keys of its own.
    let key = key.map(|key| a_key(&format!("{}-{key}", session.id), &command.to_string()));
    let keyed = key.is_some();
    let mut outcomes = store.messages.append(vec![NewMessage { idempotency: key, ..new }]).await.map_err(failed)?;
    match outcomes.pop() {
        Some(AppendOutcome::Stored { message, .. }) => Ok(Some(message.rev)),
        Some(AppendOutcome::Replayed(_) | AppendOutcome::KeyReused) if keyed => Ok(None),
        Some(AppendOutcome::SessionEnded { .. }) => Ok(None),
        other => Err(TestCaseError::fail(format!("an append came to {other:?}"))),
    }
}

async fn nth(store: &Store, session: &Session, nth: usize) -> Option<Message> {
    let mut messages = all_messages(store, session).await;
    (!messages.is_empty()).then(|| messages.swap_remove(nth % messages.len()))
}

async fn remove(store: &Store, session: &Session, place: usize) -> Result<Option<Rev>, TestCaseError> {
    let Some(message) = nth(store, session, place).await else { return Ok(None) };
    let removal = a_removal();
    match store.messages.remove(&session.tenant_id, message.id, removal).await.map_err(failed)? {
        RemoveOutcome::Removed(message) => Ok(Some(message.rev)),
        RemoveOutcome::AlreadyRemoved(_) => Ok(None),
        other => Err(TestCaseError::fail(format!("a removal came to {other:?}"))),
    }
}

async fn restore(store: &Store, session: &Session, place: usize) -> Result<Option<Rev>, TestCaseError> {
    let Some(message) = nth(store, session, place).await else { return Ok(None) };
    match store.messages.restore(&session.tenant_id, message.id, a_restoration()).await.map_err(failed)? {
        RestoreOutcome::Restored(message) => Ok(Some(message.rev)),
        RestoreOutcome::Unchanged(_) => Ok(None),
        other => Err(TestCaseError::fail(format!("a restoration came to {other:?}"))),
    }
}

async fn edit(
    store: &Store,
    session: &Session,
    place: usize,
    change: MessageChange,
) -> Result<Option<Rev>, TestCaseError> {
    let Some(message) = nth(store, session, place).await else { return Ok(None) };
    let edit = Edit { change, ..an_edit("") };
    match store.messages.edit(&session.tenant_id, message.id, edit).await.map_err(failed)? {
        EditOutcome::Edited(message) => Ok(Some(message.rev)),
        EditOutcome::Unchanged(_) | EditOutcome::Refused(MessageRefusal::Deleted) => Ok(None),
        other => Err(TestCaseError::fail(format!("an edit came to {other:?}"))),
    }
}

async fn extend(store: &Store, session: &Session, place: usize) -> Result<Option<Rev>, TestCaseError> {
    let Some(message) = nth(store, session, place).await else { return Ok(None) };
    match store.extensions.add(an_extension(&session.tenant_id, &message)).await.map_err(failed)? {
        AddOutcome::Added { message, .. } => Ok(Some(message.rev)),
        AddOutcome::MessageDeleted => Ok(None),
        other => Err(TestCaseError::fail(format!("an addition came to {other:?}"))),
    }
}

async fn curtail(store: &Store, session: &Session, place: usize) -> Result<Option<Rev>, TestCaseError> {
    let Some(message) = nth(store, session, place).await else { return Ok(None) };
    let id = message.extensions.first().map_or_else(|| ids().extension_id(), |extension| extension.id);
    match store.extensions.remove(&session.tenant_id, message.id, a_detachment_of(id)).await.map_err(failed)? {
        DetachOutcome::Removed(message) => Ok(Some(message.rev)),
        DetachOutcome::NotThere(_) | DetachOutcome::MessageDeleted => Ok(None),
        other => Err(TestCaseError::fail(format!("a detachment came to {other:?}"))),
    }
}

async fn change(store: &Store, session: &Session, change: SessionChange) -> Result<Option<Rev>, TestCaseError> {
    match update(store, session, change).await {
        UpdateOutcome::Updated(session) => Ok(Some(session.rev)),
        UpdateOutcome::Unchanged(_) | UpdateOutcome::Refused(..) => Ok(None),
        other => Err(TestCaseError::fail(format!("an update came to {other:?}"))),
    }
}

pub(super) fn failed(error: impl std::error::Error) -> TestCaseError {
    TestCaseError::fail(format!("the store failed: {error}"))
}

/// What a session says of its messages is what one finds by looking at all of them.
fn check(session: &Session, messages: &[Message]) -> Result<(), TestCaseError> {
    let count = i64::try_from(messages.len()).map_err(failed)?;
    prop_assert_eq!(seqs(messages), counting(1, count));
    let revs: BTreeSet<_> = messages.iter().map(|message| message.rev).collect();
    prop_assert_eq!(revs.len(), messages.len(), "two messages have one rev");
    prop_assert!(revs.iter().all(|rev| *rev <= session.rev));
    for view in [View::Full, View::Public] {
        prop_assert_eq!(session.tally(view), recount(messages, view), "{:?}", view);
    }
    Ok(())
}

fn recount(messages: &[Message], view: View) -> Tally {
    let shown = || messages.iter().filter(|message| message.visibility.shown_in(view));
    let count = shown().filter(|message| message.deleted_at.is_none()).count();
    let last_at = shown().next_back().map(|message| message.created_at);
    Tally { count: i64::try_from(count).unwrap_or(i64::MAX), last_at }
}

/// What a message reads is the last that its history tells, and was put there when the message says that it was edited. Of a
/// tombstone nothing is told.
async fn check_texts(store: &Store, session: &Session, messages: &[Message]) -> Result<(), TestCaseError> {
    for message in messages {
        let MessageHistory { message: read, versions, more } = history(store, &session.tenant_id, message.id).await;
        prop_assert_eq!((&read, more), (message, false));
        let Some(last) = versions.last().filter(|_| !message.is_deleted()) else {
            prop_assert!(message.is_deleted() && versions.is_empty(), "{:?}", versions);
            continue;
        };
        prop_assert_eq!((&last.content, last.kept), (&message.content, None));
        prop_assert_eq!(message.edited_at, (versions.len() > 1).then_some(last.edited_at));
        for (earlier, later) in versions.iter().zip(&versions[1..]) {
            prop_assert_ne!(&earlier.content, &later.content);
        }
    }
    Ok(())
}
