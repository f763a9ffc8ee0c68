//! Lists of a user's sessions.

use std::sync::Arc;

use super::super::stage::{create, end, to_status, update};
use crate::id::SessionId;
use crate::participant::{ParticipantRole, Reader};
use crate::session::{NewSession, Session, SessionPage, SessionStatus, UserSessions};
use crate::testing::builder::{a_session, next_moment, participant, tenant};
use crate::testing::rig::{Store, StoreRig};

fn of_user(user: &str, limit: u16) -> UserSessions {
    let reader = Reader { role: ParticipantRole::User, id: participant(user) };
    UserSessions { user_id: participant(user), reader, status: None, limit, cursor: None }
}

async fn list(store: &Store, query: &UserSessions) -> Arc<SessionPage> {
    store.sessions.list_of_user(&tenant("default"), query).await.expect("the store works")
}

fn ids(page: &SessionPage) -> Vec<SessionId> {
    page.sessions.iter().map(|seen| seen.session.id).collect()
}

fn sessions_on(page: &SessionPage) -> Vec<Session> {
    page.sessions.iter().map(|seen| seen.session.clone()).collect()
}

/// So many sessions of a user, newest first, of which each three were made at the same moment, and stored in another
/// order than that of their ids.
async fn sessions_of(store: &Store, user: &str, count: usize) -> Vec<Session> {
    let mut new: Vec<_> = (0..count).map(|_| NewSession { user_id: participant(user), ..a_session() }).collect();
    for group in new.chunks_mut(3) {
        let created_at = next_moment();
        for session in group.iter_mut() {
            session.created_at = created_at;
        }
        group.rotate_left(1);
    }
    let mut sessions = Vec::new();
    for session in new {
        sessions.push(create(store, session).await);
    }
    sessions.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
    sessions
}

/// Newest first by creation; of those made at one moment the greater id first.
pub async fn a_list_is_newest_first_by_creation_then_id<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let expected = sessions_of(&store, "ann", 8).await;
    let page = list(&store, &of_user("ann", 100)).await;
    assert_eq!(sessions_on(&page), expected);
    assert_eq!((page.next, page.prev), (None, None));
}

/// Neither other users' sessions are listed nor those of the user's namesake in another tenant.
pub async fn a_list_shows_one_user_of_one_tenant<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let expected = sessions_of(&store, "ann", 3).await;
    sessions_of(&store, "bob", 3).await;
    sessions_of(&store, "Ann", 1).await;
    let namesake = NewSession { tenant_id: tenant("other"), user_id: participant("ann"), ..a_session() };
    let namesake = create(&store, namesake).await;
    assert_eq!(sessions_on(&*list(&store, &of_user("ann", 100)).await), expected);
    let other = store.sessions.list_of_user(&tenant("other"), &of_user("ann", 100)).await.expect("the store works");
    assert_eq!(sessions_on(&other), [namesake]);
}

/// Whoever was never seen has an empty list.
pub async fn an_unknown_user_has_no_sessions<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    sessions_of(&store, "ann", 1).await;
    assert_eq!(list(&store, &of_user("bob", 100)).await, Arc::default());
}

/// A status leaves only the sessions that are in it now.
pub async fn a_status_narrows_the_list<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let sessions = sessions_of(&store, "ann", 5).await;
    end(&store, &sessions[1]).await;
    update(&store, &sessions[2], to_status(SessionStatus::Waiting)).await;
    update(&store, &sessions[3], to_status(SessionStatus::Transferred)).await;
    for (status, places) in [
        (SessionStatus::Active, &[0, 4][..]),
        (SessionStatus::Ended, &[1]),
        (SessionStatus::Waiting, &[2]),
        (SessionStatus::Transferred, &[3]),
    ] {
        let query = UserSessions { status: Some(status), ..of_user("ann", 100) };
        let expected: Vec<_> = places.iter().map(|place| sessions[*place].id).collect();
        assert_eq!(ids(&*list(&store, &query).await), expected, "{status}");
    }
}

/// `next` leads to the oldest session and `prev` back to the newest, without a repeat, also between equal moments and
/// with a status.
pub async fn cursors_lead_through_the_whole_list_and_back<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let all = sessions_of(&store, "ann", 14).await;
    for session in all.iter().step_by(3) {
        end(&store, session).await;
    }
    for status in [None, Some(SessionStatus::Active), Some(SessionStatus::Ended)] {
        let expected = sessions_on(&*list(&store, &UserSessions { status, ..of_user("ann", 100) }).await);
        for limit in [1, 4, 14] {
            let query = UserSessions { status, ..of_user("ann", limit) };
            let forth = walk(&store, query.clone(), |page| page.next).await;
            let last = forth.last().map(|(query, _)| query.clone()).expect("there is always a page");
            assert_eq!(rows(&forth), expected, "forth, {status:?}, {limit}");
            let mut back = walk(&store, last, |page| page.prev).await;
            back.reverse();
            assert_eq!(rows(&back), expected, "back, {status:?}, {limit}");
        }
    }
}

async fn walk(
    store: &Store,
    mut query: UserSessions,
    link: impl Fn(&SessionPage) -> Option<crate::session::SessionCursor>,
) -> Vec<(UserSessions, Arc<SessionPage>)> {
    let mut pages = Vec::new();
    loop {
        let page = list(store, &query).await;
        let cursor = link(&page);
        pages.push((query.clone(), page));
        assert!(pages.len() < 100, "the cursors lead in a circle");
        if cursor.is_none() {
            return pages;
        }
        query.cursor = cursor;
    }
}

fn rows(pages: &[(UserSessions, Arc<SessionPage>)]) -> Vec<Session> {
    pages.iter().flat_map(|(_, page)| sessions_on(page)).collect()
}

/// Newer sessions do not shift what comes after a cursor.
pub async fn a_cursor_holds_its_place_while_sessions_are_made<R: StoreRig>(rig: &R) {
    let store = rig.node().await;
    let all = sessions_of(&store, "ann", 6).await;
    let first = list(&store, &of_user("ann", 3)).await;
    assert_eq!(sessions_on(&first), all[..3]);
    let newer = sessions_of(&store, "ann", 2).await;
    let second = list(&store, &UserSessions { cursor: first.next, ..of_user("ann", 3) }).await;
    assert_eq!(sessions_on(&second), all[3..]);
    let back = list(&store, &UserSessions { cursor: second.prev, ..of_user("ann", 4) }).await;
    assert_eq!(ids(&back), [newer[1].id, all[0].id, all[1].id, all[2].id]);
    assert!(back.prev.is_some() && back.next.is_some());
}
