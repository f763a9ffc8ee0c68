//! Writing messages.

use chat_domain::access::{Caller, Role};
use chat_domain::clock::Clock;
use chat_domain::error::RepositoryError;
use chat_domain::event::{ChangeKind, SessionChanged};
use chat_domain::message::{
    AppendOutcome, MessageDraft, MessageError, MockMessageRepository, Sender, SenderType, Visibility,
};
use chat_domain::precondition::Precondition;
use chat_domain::session::MockSessionRepository;
use chat_domain::testing::builder::{a_session, participant, tenant};

use crate::house::{
    House, as_agent, as_role, as_service, as_user, codes, json, key, message_draft, outage, silent_messages, text,
};

#[tokio::test]
async fn a_message_is_stored_and_then_told_of() {
    let house = House::new();
    let session = house.session_of("ann").await;
    house.clock.advance_seconds(5);
    let draft = MessageDraft { metadata: json(r#"{"n":-0.0}"#), ..message_draft("hello") };
    let written = house.messages.create(&as_user("ann"), session.id, draft, None).await.unwrap();
    let message = written.value;
    assert!(!written.replayed);
    assert_eq!(message.sender, Sender { sender_type: SenderType::User, id: participant("ann") });
    assert_eq!((message.content.as_str(), message.metadata.as_str()), ("hello", r#"{"n":-0.0}"#));
    assert_eq!((message.seq.get(), message.rev.get(), message.created_at), (1, 2, house.clock.now()));
    assert_eq!(house.messages.find(&as_user("ann"), message.id).await.unwrap(), message);
    let event = SessionChanged {
        tenant_id: tenant("default"),
        session_id: session.id,
        rev: message.rev,
        kind: ChangeKind::Message,
    };
    assert_eq!(house.bus.published()[1..], [event]);
}

#[tokio::test]
async fn a_bad_draft_is_refused_before_the_store_is_asked() {
    let messages = silent_messages(MockMessageRepository::new(), MockSessionRepository::new());
    let draft = MessageDraft { visibility: text("secret"), ..message_draft(" ") };
    let refused = messages.create(&as_user("ann"), a_session().id, draft, None).await;
    let Err(MessageError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(codes(&faults), [("/content", "blank"), ("/visibility", "invalid_value")]);
}

#[tokio::test]
async fn users_and_agents_write_as_themselves_alone() {
    let messages = silent_messages(MockMessageRepository::new(), MockSessionRepository::new());
    let as_sender = |sender_type: &str, id: &str| MessageDraft {
        sender_type: text(sender_type),
        sender_id: text(id),
        ..message_draft("hello")
    };
    for (caller, sender_type, id) in [
        (as_user("ann"), "user", "bob"),
        (as_user("ann"), "agent", "ann"),
        (as_user("ann"), "system", "ann"),
        (as_agent("anna"), "agent", "other"),
        (as_agent("anna"), "user", "anna"),
        (as_role(Role::Supervisor, "sue"), "agent", "anna"),
    ] {
        let refused = messages.create(&caller, a_session().id, as_sender(sender_type, id), None).await;
        assert!(matches!(refused, Err(MessageError::Forbidden)), "{caller:?} {sender_type} {id}");
    }
    let house = House::new();
    let session = house.session_of("ann").await;
    for caller in [as_role(Role::Admin, "root"), as_service()] {
        for (sender_type, id) in [("user", "ann"), ("agent", "anna"), ("system", "clock")] {
            let written = house.messages.create(&caller, session.id, as_sender(sender_type, id), None).await.unwrap();
            assert_eq!(
                (written.value.sender.sender_type.as_str(), written.value.sender.id.as_str()),
                (sender_type, id)
            );
        }
    }
}

#[tokio::test]
async fn notes_between_agents_are_not_for_users_to_write() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let note = || MessageDraft { visibility: text("internal"), ..message_draft("careful") };
    let refused = house.messages.create(&as_user("ann"), session.id, note(), None).await;
    assert!(matches!(refused, Err(MessageError::Forbidden)), "{refused:?}");
    let written = house.messages.create(&as_agent("anna"), session.id, note(), None).await.unwrap();
    assert_eq!(written.value.visibility, Visibility::Internal);
}

#[tokio::test]
async fn a_user_is_confined_to_its_own_sessions_by_the_append_itself() {
    for (caller, confined_to) in [(as_user("ann"), Some(participant("ann"))), (as_agent("anna"), None)] {
        let mut store = MockMessageRepository::new();
        store
            .expect_append()
            .once()
            .withf(move |batch| matches!(&batch[..], [new] if new.confined_to == confined_to))
            .returning(|_| Ok(vec![AppendOutcome::SessionMissing]));
        let messages = silent_messages(store, MockSessionRepository::new());
        let missing = messages.create(&caller, a_session().id, message_draft("hello"), None).await;
        assert!(matches!(missing, Err(MessageError::SessionNotFound)), "{missing:?}");
    }
    let house = House::new();
    let session = house.session_of("ann").await;
    for stranger in [as_user("bob"), as_agent("anna")] {
        let written = house.messages.create(&stranger, session.id, message_draft("hello"), None).await;
        assert_eq!(written.is_ok(), stranger.role() == Role::Agent, "{stranger:?}");
    }
}

#[tokio::test]
async fn a_reply_names_a_message_that_its_writer_sees_in_the_same_session() {
    let house = House::new();
    let (session, other) = (house.session_of("ann").await, house.session_of("ann").await);
    let public = house.says(&as_user("ann"), session.id, "hello").await;
    let note = house.notes(session.id, "careful").await;
    let elsewhere = house.says(&as_user("ann"), other.id, "hello").await;
    let reply = |to: String| MessageDraft { reply_to: text(&to), ..message_draft("yes") };
    for (caller, to) in [(as_user("ann"), &public), (as_agent("anna"), &public)] {
        let written = house.messages.create(&caller, session.id, reply(to.id.to_string()), None).await.unwrap();
        assert_eq!(written.value.reply_to, Some(to.id));
    }
    let told = house.told();
    let nothing = "0198c0de-0000-7000-8000-000000000000".to_owned();
    for (caller, to) in [
        (as_user("ann"), note.id.to_string()),
        (as_user("ann"), elsewhere.id.to_string()),
        (as_agent("anna"), elsewhere.id.to_string()),
        (as_agent("anna"), nothing),
    ] {
        let refused = house.messages.create(&caller, session.id, reply(to), None).await;
        let Err(MessageError::Invalid(faults)) = refused else { panic!("{refused:?}") };
        assert_eq!(codes(&faults), [("/reply_to", "reply_to_not_found")]);
    }
    assert_eq!(house.told(), told);
}

#[tokio::test]
async fn only_a_note_may_answer_a_note() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let note = house.notes(session.id, "careful").await;
    let reply = |visibility: &str| MessageDraft {
        reply_to: text(&note.id.to_string()),
        visibility: text(visibility),
        ..message_draft("yes")
    };
    let agent = as_agent("anna");
    let refused = house.messages.create(&agent, session.id, reply("public"), None).await;
    let Err(MessageError::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(codes(&faults), [("/reply_to", "reply_to_internal")]);
    let written = house.messages.create(&agent, session.id, reply("internal"), None).await.unwrap();
    assert_eq!(written.value.reply_to, Some(note.id));
}

#[tokio::test]
async fn a_reply_tells_nothing_of_a_session_that_its_writer_does_not_see() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let message = house.says(&as_user("ann"), session.id, "hello").await;
    let stranger = Caller::new(tenant("other"), participant("ann"), Role::User);
    for to in [message.id.to_string(), "0198c0de-0000-7000-8000-000000000000".to_owned()] {
        for caller in [&as_user("bob"), &stranger] {
            let draft = MessageDraft { reply_to: text(&to), ..message_draft("yes") };
            let refused = house.messages.create(caller, session.id, draft, None).await;
            assert!(matches!(refused, Err(MessageError::SessionNotFound)), "{caller:?}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn an_ended_session_takes_no_more_and_says_its_rev() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let ended = house.sessions.end(&as_user("ann"), session.id, Precondition::None, None).await.unwrap().value.session;
    let told = house.told();
    let refused = house.messages.create(&as_user("ann"), session.id, message_draft("wait"), None).await;
    assert!(matches!(refused, Err(MessageError::SessionEnded { rev }) if rev == ended.rev), "{refused:?}");
    assert_eq!(house.told(), told);
}

#[tokio::test]
async fn a_repeat_answers_with_the_first_message_and_tells_nobody() {
    let house = House::new();
    let session = house.session_of("ann").await;
    let say = async |content| {
        house.messages.create(&as_user("ann"), session.id, message_draft(content), Some(&key("k"))).await
    };
    let first = say("hello").await.unwrap();
    house.clock.advance_seconds(60);
    let again = say("hello").await.unwrap();
    assert_eq!((&again.value, again.replayed), (&first.value, true));
    let reused = say("other").await;
    assert!(matches!(reused, Err(MessageError::KeyReused)), "{reused:?}");
    assert_eq!(house.told(), 2);
    house.sessions.end(&as_user("ann"), session.id, Precondition::None, None).await.unwrap();
    assert_eq!(say("hello").await.unwrap().value, first.value);
}

#[tokio::test]
async fn a_key_belongs_to_its_caller_and_session() {
    let house = House::new();
    let (session, other) = (house.session_of("ann").await, house.session_of("ann").await);
    let mut ids = Vec::new();
    for (caller, session) in
        [(as_user("ann"), &session), (as_user("ann"), &other), (as_agent("ann"), &session), (as_agent("bob"), &session)]
    {
        let written =
            house.messages.create(&caller, session.id, message_draft("hello"), Some(&key("k"))).await.unwrap();
        assert!(!written.replayed && !ids.contains(&written.value.id), "{caller:?}");
        ids.push(written.value.id);
    }
}

#[tokio::test]
async fn a_failed_write_is_passed_on_and_nothing_is_told() {
    let unknown = || RepositoryError::outcome_unknown(std::io::Error::other("reset"));
    for (answer, expected) in [
        (Err(outage()), "store unavailable"),
        (Err(unknown()), "write outcome unknown"),
        (Ok(Vec::new()), "store rejected the statement"),
    ] {
        let mut store = MockMessageRepository::new();
        store.expect_append().once().return_once(move |_| answer);
        let messages = silent_messages(store, MockSessionRepository::new());
        let failed = messages.create(&as_user("ann"), a_session().id, message_draft("hello"), None).await;
        assert_eq!(failed.unwrap_err().to_string(), expected);
    }
}
