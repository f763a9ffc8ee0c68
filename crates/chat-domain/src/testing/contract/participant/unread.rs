//! Counts of what is unread.

use super::super::stage::{any_session, append, create, remove, say, say_many, session_now, two_nodes};
use super::acts::{agent, from, moved, note, read, system, unread, user};
use crate::clock::IdSource;
use crate::message::NewMessage;
use crate::participant::{Reader, UnreadCount};
use crate::session::{NewSession, Session, SessionKey, UserSessions};
use crate::testing::builder::{a_session, ids, participant, tenant};
use crate::testing::rig::{Store, StoreRig};

async fn count(store: &Store, session: &Session, reader: &Reader) -> u8 {
    unread(store, session, reader).await.get()
}

async fn say_all(store: &Store, new: impl IntoIterator<Item = NewMessage>) {
    append(store, new.into_iter().collect()).await;
}

/// What is deleted, one's own or the platform's does not count, nor does a note for the user.
pub async fn unread_is_what_others_said_above_what_was_read<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (ann, bob, cleo) = (user("user"), agent("bob"), agent("cleo"));
    assert_eq!(count(&store, &session, &ann).await, 0);
    say(&store, from(&session, &ann)).await;
    say(&store, from(&session, &bob)).await;
    say(&store, note(&session, &bob)).await;
    say(&store, system(&session)).await;
    let deleted = say(&store, from(&session, &cleo)).await;
    let counts = async || {
        [count(&store, &session, &ann).await, count(&store, &session, &bob).await, count(&store, &session, &cleo).await]
    };
    assert_eq!(counts().await, [2, 2, 3]);
    remove(&store, &session.tenant_id, &deleted).await;
    assert_eq!(counts().await, [1, 1, 3]);
    // A namesake on the other side is somebody else.
    assert_eq!(count(&store, &session, &agent("user")).await, 3);
    assert_eq!(count(&store, &session, &user("bob")).await, 2);
    moved(&store, &session, read(&cleo, 1)).await;
    assert_eq!(counts().await, [1, 1, 2]);
    moved(&store, &session, read(&ann, 2)).await;
    assert_eq!(counts().await, [0, 1, 2]);
}

/// And a hundred stands for more.
pub async fn a_count_is_exact_below_a_hundred<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (ann, bob) = (user("user"), agent("bob"));
    say_many(&store, &session, 98).await;
    for expected in [98, 99, 100, 100, 100] {
        assert_eq!(count(&store, &session, &bob).await, expected);
        assert_eq!(count(&store, &session, &ann).await, 0);
        say_many(&store, &session, 1).await;
    }
    moved(&store, &session, read(&bob, 4)).await;
    assert_eq!(count(&store, &session, &bob).await, 99);
    say(&store, from(&session, &agent("cleo"))).await;
    assert_eq!(count(&store, &session, &bob).await, 100);
}

/// However much of it lies above what was read: one's own, the platform's, notes, deleted messages.
pub async fn what_does_not_count_hides_nothing<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (ann, bob) = (user("user"), agent("bob"));
    let many = (0..130).flat_map(|_| [from(&session, &ann), system(&session), note(&session, &bob)]);
    say_all(&store, many).await;
    for nth in 0..4 {
        let said = say(&store, from(&session, &bob)).await;
        if nth % 2 == 0 {
            remove(&store, &session.tenant_id, &said).await;
        }
    }
    assert_eq!(count(&store, &session, &ann).await, 2);
    assert_eq!(count(&store, &session, &bob).await, 100);
    moved(&store, &session, read(&bob, 150)).await;
    assert_eq!(count(&store, &session, &bob).await, 80);
}

/// Those of each side and of each visibility.
pub async fn many_senders_are_counted_together<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    let (ann, bob) = (user("user"), agent("bob"));
    say_all(&store, (0..110).map(|_| from(&session, &bob))).await;
    moved(&store, &session, read(&bob, 105)).await;
    let others = (0..30).map(|nth| agent(&format!("agent-{nth}")));
    let others: Vec<_> = others.chain([user("user"), user("bob")]).collect();
    say_all(&store, others.iter().map(|other| from(&session, other))).await;
    say_all(&store, others.iter().take(10).map(|other| note(&session, other))).await;
    say_all(&store, (0..110).map(|_| from(&session, &bob))).await;
    assert_eq!(count(&store, &session, &bob).await, 42);
    moved(&store, &session, read(&ann, 110)).await;
    assert_eq!(count(&store, &session, &ann).await, 100);
    moved(&store, &session, read(&bob, 139)).await;
    assert_eq!(count(&store, &session, &bob).await, 13);
}

/// Each session of the list, by its own place and for the reader who asks.
pub async fn a_list_shows_what_its_reader_has_not_read<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let (ann, bob) = (user("ann"), agent("bob"));
    let mut expected = Vec::new();
    for nth in [0_u8, 3, 120, 7] {
        let session = create(&store, NewSession { user_id: participant("ann"), ..a_session() }).await;
        say_all(&store, (0..nth).map(|_| from(&session, &ann))).await;
        say(&store, from(&session, &bob)).await;
        moved(&store, &session, read(&bob, 2)).await;
        expected.insert(0, [nth.saturating_sub(2).min(100), 1]);
    }
    let query = |reader: &Reader| {
        let (user_id, reader) = (participant("ann"), reader.clone());
        UserSessions { user_id, reader, status: None, limit: 100, cursor: None }
    };
    for (place, reader) in [&bob, &ann].into_iter().enumerate() {
        let page = store.sessions.list_of_user(&tenant("default"), &query(reader)).await.expect("the store works");
        let listed: Vec<_> = page.sessions.iter().map(|seen| seen.unread.get()).collect();
        let wanted: Vec<_> = expected.iter().map(|counts| counts[place]).collect();
        assert_eq!(listed, wanted, "{reader:?}");
    }
    // A list that was read before is read anew once somebody has read on.
    let newest = store.sessions.list_of_user(&tenant("default"), &query(&bob)).await.expect("the store works");
    moved(&store, &newest.sessions[0].session, read(&bob, 5)).await;
    let now = store.sessions.list_of_user(&tenant("default"), &query(&bob)).await.expect("the store works");
    assert_eq!((newest.sessions[0].unread.get(), now.sessions[0].unread.get()), (5, 2));
}

/// Whatever state was asked for.
pub async fn a_count_is_of_the_state_that_it_names<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 3).await;
    let now = session_now(&store, &session).await;
    let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
    for asked in [now.revision(), session.revision()] {
        let found = store.unread.unread(&agent("bob"), vec![(key.clone(), asked)]).await.expect("the store works");
        let found = found[0].expect("the session is there");
        assert_eq!((found.revision, found.count), (now.revision(), UnreadCount::of(3)));
    }
}

/// Nor in another tenant's.
pub async fn nothing_is_counted_where_there_is_no_session<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let session = any_session(&store).await;
    say_many(&store, &session, 3).await;
    for key in [
        SessionKey { tenant_id: tenant("other"), id: session.id },
        SessionKey { tenant_id: tenant("default"), id: ids().session_id() },
    ] {
        let asked = vec![(key, session.revision())];
        assert_eq!(store.unread.unread(&agent("bob"), asked).await.expect("the store works"), [None]);
    }
}

/// Each where it was asked for, one that is not there and one that is asked for twice among them.
pub async fn sessions_are_counted_together_in_the_order_of_the_question<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    assert_eq!(store.unread.unread(&agent("bob"), Vec::new()).await.expect("the store works"), []);
    let mut asked = Vec::new();
    for nth in [3, 0, 120, 7] {
        let session = any_session(&store).await;
        say_many(&store, &session, nth).await;
        asked.push((SessionKey { tenant_id: session.tenant_id.clone(), id: session.id }, session.revision()));
    }
    asked.insert(1, (SessionKey { tenant_id: tenant("default"), id: ids().session_id() }, asked[0].1));
    asked.push(asked[0].clone());
    // Once more, where some of them may be kept.
    for asked in [asked.clone(), asked[2..].to_vec(), asked] {
        let found = store.unread.unread(&agent("bob"), asked.clone()).await.expect("the store works");
        let counts: Vec<_> = found.iter().map(|found| found.map(|found| found.count.get())).collect();
        let expected = [Some(3), None, Some(0), Some(100), Some(7), Some(3)];
        assert_eq!(counts, expected[expected.len() - asked.len()..]);
    }
}

/// At once, whoever asks with the session's present state.
pub async fn what_one_node_has_read_another_counts_no_more<R: StoreRig>(rig: &R) {
    let [one, other] = two_nodes(rig).await;
    let session = any_session(&one).await;
    let bob = agent("bob");
    for round in 1..=12 {
        say_many(&one, &session, 2).await;
        assert_eq!(count(&other, &session, &bob).await, 2);
        moved(&one, &session, read(&bob, 2 * round)).await;
        assert_eq!(count(&other, &session, &bob).await, 0);
    }
}
