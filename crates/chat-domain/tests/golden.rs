//! The stable form of what caches keep and other services read. A change of one of these texts is a change for all of
//! them: old values must still read, so new fields need a default.
#![cfg(test)]

use std::fmt::Debug;

use chat_domain::access::View;
use chat_domain::event::{ChangeKind, SessionChanged};
use chat_domain::extension::Extension;
use chat_domain::message::{Message, MessagePage, MessageType, PageQuery, Sender, SenderType, Visibility};
use chat_domain::metadata::Metadata;
use chat_domain::revision::{Rev, Seq, Version};
use chat_domain::session::{Session, SessionState, Tally};
use chat_domain::testing::builder::{metadata, participant, tenant};
use chat_domain::timestamp::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

const LIVE_SESSION: &str = r#"{"id":"0198c0de-0000-7000-8000-000000000001","tenant_id":"acme","user_id":"ann","agent_id":null,"state":{"status":"active"},"metadata":{},"created_at":"2026-01-01T00:00:00.000001Z","updated_at":"2026-01-01T00:00:00.000001Z","previous_session_id":null,"rev":1,"version":1,"all_messages":{"count":0,"last_at":null},"public_messages":{"count":0,"last_at":null}}"#;

const ENDED_SESSION: &str = r#"{"id":"0198c0de-0000-7000-8000-000000000002","tenant_id":"acme","user_id":"ann","agent_id":"anna","state":{"status":"ended","at":"2026-01-01T00:00:00.000009Z"},"metadata":{"n":-0.0,"big":123456789012345678901234567890},"created_at":"2026-01-01T00:00:00.000001Z","updated_at":"2026-01-01T00:00:00.000009Z","previous_session_id":"0198c0de-0000-7000-8000-000000000001","rev":7,"version":3,"all_messages":{"count":4,"last_at":"2026-01-01T00:00:00.000008Z"},"public_messages":{"count":3,"last_at":"2026-01-01T00:00:00.000007Z"}}"#;

const MESSAGE: &str = r#"{"id":"0198c0de-0000-7000-8000-000000000003","session_id":"0198c0de-0000-7000-8000-000000000001","seq":5,"rev":7,"sender":{"sender_type":"agent","id":"anna"},"content":"hällo \"you\"","message_type":"markdown","metadata":{"a":1.10},"reply_to":"0198c0de-0000-7000-8000-000000000004","visibility":"internal","created_at":"2026-01-01T00:00:00.000002Z","edited_at":"2026-01-01T00:00:00.000003Z","deleted_at":null,"extensions":[{"id":"0198c0de-0000-7000-8000-000000000005","message_id":"0198c0de-0000-7000-8000-000000000003","extension_type":"reaction","data":{"emoji":"👍"},"created_at":"2026-01-01T00:00:00.000004Z"}]}"#;

const TOMBSTONE: &str = r#"{"id":"0198c0de-0000-7000-8000-000000000004","session_id":"0198c0de-0000-7000-8000-000000000001","seq":1,"rev":8,"sender":{"sender_type":"user","id":"ann"},"content":"","message_type":"text","metadata":{},"reply_to":null,"visibility":"public","created_at":"2026-01-01T00:00:00.000002Z","edited_at":null,"deleted_at":"2026-01-01T00:00:00.000005Z","extensions":[]}"#;

const EXTENSION: &str = r#"{"id":"0198c0de-0000-7000-8000-000000000005","message_id":"0198c0de-0000-7000-8000-000000000003","extension_type":"reaction","data":{"emoji":"👍"},"created_at":"2026-01-01T00:00:00.000004Z"}"#;

const EVENT: &str =
    r#"{"tenant_id":"acme","session_id":"0198c0de-0000-7000-8000-000000000001","rev":7,"kind":"message"}"#;

/// The value is written as the text, and the text read as the value.
fn assert_stable<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, text: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), text);
    assert_eq!(serde_json::from_str::<T>(text).unwrap(), *value);
    assert_eq!(serde_json::from_slice::<T>(text.as_bytes()).unwrap(), *value, "as a cache reads it");
}

fn id<T: std::str::FromStr<Err: Debug>>(n: u8) -> T {
    format!("0198c0de-0000-7000-8000-{n:012}").parse().unwrap()
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000 + micros).unwrap()
}

fn live_session() -> Session {
    Session {
        id: id(1),
        tenant_id: tenant("acme"),
        user_id: participant("ann"),
        agent_id: None,
        state: SessionState::Active,
        metadata: Metadata::default(),
        created_at: at(1),
        updated_at: at(1),
        previous_session_id: None,
        rev: Rev::FIRST,
        version: Version::FIRST,
        all_messages: Tally::default(),
        public_messages: Tally::default(),
    }
}

fn ended_session() -> Session {
    Session {
        id: id(2),
        agent_id: Some(participant("anna")),
        state: SessionState::Ended { at: at(9) },
        metadata: metadata(r#"{"n":-0.0,"big":123456789012345678901234567890}"#),
        updated_at: at(9),
        previous_session_id: Some(id(1)),
        rev: Rev::new(7),
        version: Version::new(3),
        all_messages: Tally { count: 4, last_at: Some(at(8)) },
        public_messages: Tally { count: 3, last_at: Some(at(7)) },
        ..live_session()
    }
}

fn extension() -> Extension {
    Extension {
        id: id(5),
        message_id: id(3),
        extension_type: "reaction".parse().unwrap(),
        data: metadata(r#"{"emoji":"👍"}"#),
        created_at: at(4),
    }
}

fn message() -> Message {
    Message {
        id: id(3),
        session_id: id(1),
        seq: Seq::new(5),
        rev: Rev::new(7),
        sender: Sender { sender_type: SenderType::Agent, id: participant("anna") },
        content: "hällo \"you\"".to_owned(),
        message_type: MessageType::Markdown,
        metadata: metadata(r#"{"a":1.10}"#),
        reply_to: Some(id(4)),
        visibility: Visibility::Internal,
        created_at: at(2),
        edited_at: Some(at(3)),
        deleted_at: None,
        extensions: vec![extension()],
    }
}

fn tombstone() -> Message {
    Message {
        id: id(4),
        seq: Seq::FIRST,
        rev: Rev::new(8),
        sender: Sender { sender_type: SenderType::User, id: participant("ann") },
        message_type: MessageType::Text,
        reply_to: None,
        visibility: Visibility::Public,
        edited_at: None,
        deleted_at: Some(at(5)),
        ..message()
    }
    .shown()
}

#[test]
fn a_session_keeps_its_form() {
    assert_stable(&live_session(), LIVE_SESSION);
    assert_stable(&ended_session(), ENDED_SESSION);
}

#[test]
fn each_state_keeps_its_name() {
    for (state, text) in [
        (SessionState::Waiting, r#"{"status":"waiting"}"#),
        (SessionState::Active, r#"{"status":"active"}"#),
        (SessionState::Transferred, r#"{"status":"transferred"}"#),
        (SessionState::Ended { at: at(0) }, r#"{"status":"ended","at":"2026-01-01T00:00:00.000000Z"}"#),
    ] {
        assert_stable(&state, text);
    }
}

#[test]
fn a_message_keeps_its_form() {
    assert_stable(&message(), MESSAGE);
    assert_stable(&tombstone(), TOMBSTONE);
}

#[test]
fn a_name_is_the_same_in_serde_and_in_stores() {
    fn names<T: Serialize + Copy>(values: &[T]) -> Vec<String> {
        values.iter().map(|value| serde_json::to_string(value).unwrap()).collect()
    }
    assert_eq!(names(SenderType::ALL), [r#""user""#, r#""agent""#, r#""system""#]);
    assert_eq!(names(MessageType::ALL), [r#""text""#, r#""markdown""#, r#""image""#, r#""file""#, r#""event""#]);
    assert_eq!(names(Visibility::ALL), [r#""public""#, r#""internal""#]);
    for name in SenderType::ALL {
        assert_eq!(names(&[name])[0].trim_matches('"'), name.as_str());
    }
    for name in MessageType::ALL {
        assert_eq!(names(&[name])[0].trim_matches('"'), name.as_str());
    }
    for name in Visibility::ALL {
        assert_eq!(names(&[name])[0].trim_matches('"'), name.as_str());
    }
}

#[test]
fn an_extension_keeps_its_form() {
    assert_stable(&extension(), EXTENSION);
}

#[test]
fn an_event_keeps_its_form() {
    let event = |kind| SessionChanged { tenant_id: tenant("acme"), session_id: id(1), rev: Rev::new(7), kind };
    assert_stable(&event(ChangeKind::Message), EVENT);
    assert_stable(&event(ChangeKind::Session), &EVENT.replace("message", "session"));
}

#[test]
fn a_page_keeps_its_form() {
    let query = PageQuery::newest(View::Full, 1);
    let page = MessagePage::assemble(live_session(), &query, vec![message(), tombstone()]);
    assert_stable(&page, &format!(r#"{{"session":{LIVE_SESSION},"messages":[{MESSAGE}],"more":true}}"#));
}
