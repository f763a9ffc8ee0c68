//! Editing: what a message then reads, what it read before, and what moves.

use super::super::stage::{
    all_messages, any_session, edit, end, everything, history, page, remove, restore, say, session_now, texts_of,
    together, two_nodes,
};
use crate::access::Action;
use crate::audit::{AuditEntry, AuditQuery};
use crate::clock::IdSource as _;
use crate::extension::AddOutcome;
use crate::id::MessageId;
use crate::message::{AppendOutcome, Edit, EditOutcome, Message, MessageChange, MessageRefusal, NewMessage};
use crate::metadata::MergePatch;
use crate::precondition::{Expected, Precondition};
use crate::query::MAX_LIMIT;
use crate::revision::{Rev, Version};
use crate::session::{MetadataChange, Session};
use crate::testing::builder::{
    a_key, a_message, an_edit, an_entry, an_extension, ids, metadata, next_moment, participant, tenant,
};
use crate::testing::rig::{Store, StoreRig};

async fn try_edit(store: &Store, session: &Session, id: MessageId, edit: Edit) -> EditOutcome {
    store.messages.edit(&session.tenant_id, id, edit).await.expect("the store works")
}

/// An edit of the metadata alone.
fn other_metadata(change: MetadataChange) -> Edit {
    let change = MessageChange { content: None, metadata: Some(change) };
    Edit { change, ..an_edit("") }
}

fn merge(json: &str) -> Edit {
    other_metadata(MetadataChange::Merge(MergePatch::new(metadata(json))))
}

/// Text, metadata and the time of the edit are the new ones, wherever the message is shown; the rest stays.
pub async fn an_edited_message_reads_otherwise_and_is_the_same<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let first = say(&store, a_message(&session)).await;
    let new = NewMessage { metadata: metadata(r#"{"a":1}"#), reply_to: Some(first.id), ..a_message(&session) };
    let message = say(&store, new).await;
    let metadata = metadata(r#"{"n":-0.0,"ü":"👍🏽"}"#);
    let wanted = Edit {
        change: MessageChange {
            content: Some("other \"text\"\n👍🏽".to_owned()),
            metadata: Some(MetadataChange::Replace(metadata.clone())),
        },
        ..an_edit("")
    };
    let at = wanted.at;
    let expected = Message {
        content: "other \"text\"\n👍🏽".to_owned(),
        metadata,
        edited_at: Some(at),
        rev: Rev::new(4),
        ..message.clone()
    };
    let outcome = try_edit(&store, &session, message.id, wanted).await;
    assert_eq!(outcome, EditOutcome::Edited(expected.clone()));
    let found = store.messages.find(&session.tenant_id, message.id).await.expect("the store works");
    assert_eq!(found, Some(expected.clone()));
    assert_eq!(all_messages(&store, &session).await, [first, expected]);
}

/// An edit is one change of the session, and none of its own fields or counts.
pub async fn an_edit_moves_the_session_alone<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let before = session_now(&store, &session).await;
    let edited = edit(&store, &session.tenant_id, &message, "other").await;
    let updated_at = edited.edited_at.expect("an edited message says when");
    assert_eq!(session_now(&store, &session).await, Session { rev: edited.rev, updated_at, ..before.clone() });
    assert_eq!(edited.rev, before.rev.next());
}

/// An edit by a node whose clock is behind has that clock's time, and does not set the session back.
pub async fn updated_at_moves_on_whatever_a_clock_says<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let at = next_moment();
    let message = say(&store, a_message(&session)).await;
    try_edit(&store, &session, message.id, Edit { at, ..an_edit("other") }).await;
    assert_eq!(all_messages(&store, &session).await.remove(0).edited_at, Some(at));
    assert_eq!(session_now(&store, &session).await.updated_at, message.created_at.moved_on(at));
}

/// What is as wanted already is left alone, and nothing of it is kept twice.
pub async fn the_same_text_is_no_edit<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, NewMessage { metadata: metadata(r#"{"a":1}"#), ..a_message(&session) }).await;
    let before = session_now(&store, &session).await;
    let same = MetadataChange::Replace(message.metadata.clone());
    for same in [an_edit("hello"), Edit { change: MessageChange::default(), ..an_edit("") }, other_metadata(same)] {
        let outcome = try_edit(&store, &session, message.id, same).await;
        assert_eq!(outcome, EditOutcome::Unchanged(message.clone()));
    }
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(texts_of(&store, &session.tenant_id, message.id).await, ["hello"]);
}

/// Other metadata take the next `rev`, and neither the time of an edit nor a place in the history.
pub async fn other_metadata_are_a_change_and_no_edit<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, NewMessage { metadata: metadata(r#"{"a":1}"#), ..a_message(&session) }).await;
    let wanted = merge(r#"{"a":null,"b":1.10}"#);
    let at = wanted.at;
    let outcome = try_edit(&store, &session, message.id, wanted).await;
    let expected = Message { metadata: metadata(r#"{"b":1.10}"#), rev: message.rev.next(), ..message.clone() };
    assert_eq!(outcome, EditOutcome::Edited(expected.clone()));
    assert_eq!(all_messages(&store, &session).await, std::slice::from_ref(&expected));
    let now = session_now(&store, &session).await;
    assert_eq!((now.rev, now.updated_at), (expected.rev, at));
    assert_eq!(texts_of(&store, &session.tenant_id, message.id).await, ["hello"]);
}

/// What would grow beyond its limit is refused, and nothing moves.
pub async fn metadata_that_would_be_too_large_are_refused<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let half = |key: &str| format!("{{\"{key}\":\"{}\"}}", "x".repeat(9_000));
    let message = say(&store, NewMessage { metadata: metadata(&half("a")), ..a_message(&session) }).await;
    let before = session_now(&store, &session).await;
    let outcome = try_edit(&store, &session, message.id, merge(&half("b"))).await;
    assert!(matches!(outcome, EditOutcome::Refused(MessageRefusal::Invalid(_))), "{outcome:?}");
    assert_eq!(session_now(&store, &session).await, before);
    assert_eq!(all_messages(&store, &session).await, [message]);
}

/// The longest text there may be, of whatever it is made, comes back from the history when it was replaced.
pub async fn the_longest_text_is_kept<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let texts = ["\u{1}", "👍", "\""].map(|char| char.repeat(16_384));
    let message = say(&store, NewMessage { content: texts[0].clone(), ..a_message(&session) }).await;
    edit(&store, &session.tenant_id, &message, &texts[1]).await;
    edit(&store, &session.tenant_id, &message, &texts[2]).await;
    assert_eq!(texts_of(&store, &session.tenant_id, message.id).await, texts);
}

/// Where another state was expected nothing moves, also where the edit would change nothing.
pub async fn an_edit_asks_for_the_expected_rev<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let before = (session_now(&store, &session).await, all_messages(&store, &session).await);
    for wrong in [Expected::Rev(message.rev.next()), Expected::Version(Version::FIRST), Expected::Unknown] {
        for text in ["other", "hello"] {
            let wanted = Edit { precondition: Precondition::OneOf(vec![wrong]), ..an_edit(text) };
            let outcome = try_edit(&store, &session, message.id, wanted).await;
            assert_eq!(outcome, EditOutcome::PreconditionFailed, "{wrong:?}");
        }
    }
    assert_eq!((session_now(&store, &session).await, all_messages(&store, &session).await), before);
    let right = || Precondition::OneOf(vec![Expected::Unknown, Expected::Rev(message.rev)]);
    let outcome = try_edit(&store, &session, message.id, Edit { precondition: right(), ..an_edit("other") }).await;
    assert!(matches!(outcome, EditOutcome::Edited(_)), "{outcome:?}");
    let late = try_edit(&store, &session, message.id, Edit { precondition: right(), ..an_edit("later") }).await;
    assert_eq!(late, EditOutcome::PreconditionFailed);
}

/// A tombstone stays as it is; whoever expected it in another state hears of that first.
pub async fn a_tombstone_is_not_edited<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    remove(&store, &session.tenant_id, &message).await;
    let before = (session_now(&store, &session).await, all_messages(&store, &session).await);
    for wanted in [an_edit("other"), an_edit("hello"), an_edit(""), merge(r#"{"a":1}"#)] {
        let outcome = try_edit(&store, &session, message.id, wanted).await;
        assert_eq!(outcome, EditOutcome::Refused(MessageRefusal::Deleted));
    }
    let stale = Precondition::OneOf(vec![Expected::Rev(message.rev)]);
    let outcome = try_edit(&store, &session, message.id, Edit { precondition: stale, ..an_edit("other") }).await;
    assert_eq!(outcome, EditOutcome::PreconditionFailed);
    assert_eq!((session_now(&store, &session).await, all_messages(&store, &session).await), before);
}

/// What was never written cannot be edited.
pub async fn an_unknown_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let outcome = try_edit(&store, &session, ids().message_id(), an_edit("other")).await;
    assert_eq!(outcome, EditOutcome::Missing);
}

/// A message's id is worth nothing in another tenant.
pub async fn another_tenants_message_is_missing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let outcome = store.messages.edit(&tenant("other"), message.id, an_edit("other")).await;
    assert_eq!(outcome.expect("the store works"), EditOutcome::Missing);
    assert_eq!(all_messages(&store, &session).await, [message]);
}

/// An end does not fix what was said.
pub async fn an_ended_sessions_message_can_be_edited<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let ended = end(&store, &session).await;
    let edited = edit(&store, &session.tenant_id, &message, "other").await;
    assert_eq!(edited.rev, ended.rev.next());
    assert_eq!(session_now(&store, &session).await.state, ended.state);
}

/// A repeat of the request that wrote the message shows what it reads now.
pub async fn a_replay_shows_the_text_of_now<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let new = || NewMessage { idempotency: Some(a_key("k", "c")), ..a_message(&session) };
    let message = say(&store, new()).await;
    let edited = edit(&store, &session.tenant_id, &message, "other").await;
    let outcomes = store.messages.append(vec![new()]).await.expect("the store works");
    assert_eq!(outcomes, [AppendOutcome::Replayed(edited)]);
}

/// What hangs on a message stays on it, and its earlier texts take none of its places: neither are they shown among what
/// hangs on it, nor do they keep anything from hanging on it, however many they are.
pub async fn earlier_texts_are_not_among_what_hangs_on_a_message<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let mut message = say(&store, a_message(&session)).await;
    let added = store.extensions.add(an_extension(&session.tenant_id, &message)).await.expect("the store works");
    let AddOutcome::Added { extension, .. } = added else { panic!("not added: {added:?}") };
    for turn in 0..120 {
        message = edit(&store, &session.tenant_id, &message, &format!("text {turn}")).await;
    }
    assert_eq!(message.extensions, [extension]);
    assert_eq!(all_messages(&store, &session).await, std::slice::from_ref(&message));
    let added = store.extensions.add(an_extension(&session.tenant_id, &message)).await.expect("the store works");
    assert!(matches!(added, AddOutcome::Added { .. }), "{added:?}");
    assert_eq!(texts_of(&store, &session.tenant_id, message.id).await.len(), 121);
}

/// An entry of the audit is there where the message changed, and only there.
pub async fn an_entry_is_stored_where_the_message_changed<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let kept = |wanted: Edit| {
        let entry = AuditEntry { action: Action::EditMessage.as_str().into(), ..an_entry(&session) };
        (entry.clone(), Edit { audit: Some(entry), ..wanted })
    };
    let wrong = Precondition::OneOf(vec![Expected::Unknown]);
    for unchanged in [an_edit("hello"), Edit { precondition: wrong, ..an_edit("other") }] {
        try_edit(&store, &session, message.id, kept(unchanged).1).await;
    }
    let (text, metadata) = (kept(an_edit("other")), kept(merge(r#"{"a":1}"#)));
    try_edit(&store, &session, message.id, text.1).await;
    try_edit(&store, &session, message.id, metadata.1).await;
    remove(&store, &session.tenant_id, &message).await;
    try_edit(&store, &session, message.id, kept(an_edit("late")).1).await;
    let all = AuditQuery { actor: None, action: None, limit: MAX_LIMIT, cursor: None };
    let entries = store.audit.list(&session.tenant_id, &all).await.expect("the store works").entries;
    assert_eq!(entries, [metadata.0, text.0]);
}

/// Twenty-four who edit one message at once: each text is there, each change took a `rev` of its own, and what the message
/// reads is what the last one wrote.
pub async fn twenty_four_edits_at_once_lose_no_version<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    let editors = (0..24).map(|task| {
        let (store, tenant, message) = (nodes[task % 2].clone(), session.tenant_id.clone(), message.clone());
        async move { edit(&store, &tenant, &message, &format!("text {task}")).await }
    });
    let mut edited = together(|task| rig.spawn(task), editors).await;
    edited.sort_by_key(|message| message.rev);
    let revs: Vec<_> = edited.iter().map(|message| message.rev.get()).collect();
    assert_eq!(revs, (message.rev.get() + 1..=message.rev.get() + 24).collect::<Vec<_>>());
    let texts: Vec<_> = [&message].into_iter().chain(&edited).map(|message| message.content.clone()).collect();
    assert_eq!(texts_of(&nodes[1], &session.tenant_id, message.id).await, texts);
    let last = edited.pop().expect("there were some");
    assert_eq!(session_now(&nodes[1], &session).await.rev, last.rev);
    assert_eq!(all_messages(&nodes[1], &session).await, [last]);
}

/// Editors, a deletion and a restoration race: whatever was edited was edited before the one or after the other, and is in
/// the history; what was refused left nothing.
pub async fn edits_that_race_with_a_deletion_lose_nothing<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    let editors = (0..24).map(|task| {
        let (store, session, message) = (nodes[task % 2].clone(), session.clone(), message.clone());
        async move {
            if task == 8 {
                return Err(remove(&store, &session.tenant_id, &message).await.rev);
            }
            match try_edit(&store, &session, message.id, an_edit(&format!("text {task}"))).await {
                EditOutcome::Edited(message) => Ok(Some(message)),
                EditOutcome::Refused(MessageRefusal::Deleted) => Ok(None),
                other => panic!("neither edited nor refused: {other:?}"),
            }
        }
    });
    let outcomes = together(|task| rig.spawn(task), editors).await;
    let mut edited: Vec<Message> = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(found) => edited.extend(found),
            Err(rev) => assert_eq!(session_now(&nodes[1], &session).await.rev, rev, "nothing moves after a deletion"),
        }
    }
    edited.sort_by_key(|message| message.rev);
    assert_eq!(history(&nodes[1], &session.tenant_id, message.id).await.versions, []);
    let restored = restore(&nodes[0], &session.tenant_id, &message).await;
    let texts: Vec<_> = [&message].into_iter().chain(&edited).map(|message| message.content.clone()).collect();
    assert_eq!(texts_of(&nodes[1], &session.tenant_id, message.id).await, texts);
    assert_eq!(Some(&restored.content), texts.last());
    assert_eq!(restored.rev.get(), message.rev.get() + i64::try_from(edited.len()).expect("small") + 2);
}

/// Twelve who merge a key of their own into the metadata at once: each key is there.
pub async fn merges_at_once_lose_no_key<R: StoreRig>(rig: &R) {
    let nodes = two_nodes(rig).await;
    let session = any_session(&nodes[0]).await;
    let message = say(&nodes[0], a_message(&session)).await;
    let editors = (0..12).map(|task| {
        let (store, session) = (nodes[task % 2].clone(), session.clone());
        async move { try_edit(&store, &session, message.id, merge(&format!("{{\"k{task}\":{task}}}"))).await }
    });
    together(|task| rig.spawn(task), editors).await;
    let now = page(&nodes[1], &session.tenant_id, session.id, &everything()).await.messages[0].clone();
    assert_eq!(now.rev.get(), message.rev.get() + 12);
    for task in 0..12 {
        assert!(now.metadata.as_str().contains(&format!("\"k{task}\":{task}")), "{:?}", now.metadata);
    }
}

/// Each version was put there by somebody: the first by its sender, each later one by whoever edited.
pub async fn each_version_names_who_put_it_there<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let message = say(&store, a_message(&session)).await;
    let editors = ["ann", "Zoë \"O'Hara\"; --", "ann"].map(|by| Edit { by: participant(by), ..an_edit(by) });
    let mut expected = vec![("hello".to_owned(), message.sender.id.clone(), message.created_at)];
    for (turn, mut wanted) in editors.into_iter().enumerate() {
        let content = format!("text {turn}");
        wanted.change.content = Some(content.clone());
        expected.push((content, wanted.by.clone(), wanted.at));
        try_edit(&store, &session, message.id, wanted).await;
    }
    let found = history(&store, &session.tenant_id, message.id).await.versions.into_iter();
    let found: Vec<_> = found.map(|version| (version.content, version.edited_by, version.edited_at)).collect();
    assert_eq!(found, expected);
}
