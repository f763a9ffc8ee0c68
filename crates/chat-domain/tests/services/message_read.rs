//! Finding and listing messages.

use chat_domain::access::View;
use chat_domain::message::{MessageError, MockMessageRepository, PageDraft, PageQuery};
use chat_domain::participant::UnreadCount;
use chat_domain::query::DEFAULT_LIMIT;
use chat_domain::session::{MockSessionRepository, SessionError};
use chat_domain::testing::builder::a_session;

use crate::house::{House, as_agent, as_service, as_stranger, as_user, codes, silent_messages};

#[tokio::test]
async fn a_message_is_shown_to_those_who_see_its_session_and_its_kind() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let public = house.says(&as_user("ann"), session.id, "hello").await;
    let note = house.notes(session.id, "careful").await;
    for (caller, message) in
        [(as_user("ann"), &public), (as_agent("anna"), &public), (as_agent("anna"), &note), (as_service(), &note)]
    {
        assert_eq!(house.messages.find(&caller, message.id).await.unwrap(), *message);
    }
    for (caller, message) in
        [(as_user("ann"), &note), (as_user("bob"), &public), (as_user("bob"), &note), (as_stranger(), &public)]
    {
        let hidden = house.messages.find(&caller, message.id).await;
        assert!(matches!(hidden, Err(MessageError::NotFound)), "{caller:?}");
    }
}

#[tokio::test]
async fn a_list_holds_what_its_caller_sees() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let public = house.says(&as_user("ann"), session.id, "hello").await;
    let note = house.notes(session.id, "careful").await;
    let list = async |caller| house.messages.list(&caller, session.id, &PageDraft::default()).await;
    let (query, page) = list(as_user("ann")).await.unwrap();
    assert_eq!((query.view, query.limit), (View::Public, DEFAULT_LIMIT));
    assert_eq!((&page.messages[..], page.session.public_messages.count), (&[public.clone()][..], 1));
    assert_eq!(list(as_agent("anna")).await.unwrap().1.messages[..], [public, note]);
    for stranger in [as_user("bob"), as_stranger()] {
        let hidden = list(stranger).await;
        assert!(matches!(hidden, Err(MessageError::SessionNotFound)), "{hidden:?}");
    }
}

#[tokio::test]
async fn bad_parameters_are_named_at_once_and_the_store_is_not_asked() {
    let bad = || Some("?".to_owned());
    let draft =
        PageDraft { limit: bad(), offset: bad(), after: bad(), before: bad(), order: bad(), include_deleted: bad() };
    let messages = silent_messages(MockMessageRepository::new(), MockSessionRepository::new());
    let refused = messages.list(&as_service(), a_session().id, &draft).await;
    let Err(MessageError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let pointers: Vec<_> = codes(&faults).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/limit", "/offset", "/after", "/before", "/order", "/include_deleted"]);
}

#[tokio::test]
async fn a_session_comes_with_its_newest_messages_oldest_first() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let mut said = Vec::new();
    for content in ["one", "two", "three"] {
        said.push(house.says(&as_user("ann"), session.id, content).await);
    }
    let newest = async |caller, limit| house.sessions.with_newest(&caller, session.id, limit).await;
    let (query, page, unread) = newest(as_user("ann"), Some("2")).await.unwrap();
    assert_eq!(unread, UnreadCount::NONE);
    assert_eq!(query, PageQuery::newest(View::Public, 2));
    assert_eq!(page.messages[..], said[1..]);
    assert!(page.prev(&query).is_some() && page.next(&query).is_some());
    let (_, page, unread) = newest(as_agent("anna"), None).await.unwrap();
    assert_eq!((&page.messages[..], unread.get()), (&said[..], 3));
    assert_eq!(newest(as_user("ann"), Some("0")).await.unwrap().1.messages[..], []);
    let hidden = newest(as_user("bob"), None).await;
    assert!(matches!(hidden, Err(SessionError::NotFound)), "{hidden:?}");
    let refused = newest(as_user("ann"), Some("1001")).await;
    let Err(SessionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(codes(&faults), [("/message_limit", "out_of_range")]);
}
