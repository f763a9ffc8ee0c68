//! What holds of the domain's values whatever they are made of. What holds of a store is in the contract suites.
#![cfg(test)]

use chat_domain::access::Role;
use chat_domain::idempotency::{Digest, Idempotency};
use chat_domain::metadata::{MergePatch, Metadata};
use chat_domain::participant::UnreadCount;
use chat_domain::session::{CursorDirection, SeenSession, SessionPage, UserSessions};
use chat_domain::session::{MetadataChange, Session, SessionChange, SessionCursor, SessionRefusal, SessionStatus};
use chat_domain::testing::builder::{a_session, caller, metadata, participant};
use chat_domain::timestamp::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn change() -> impl Strategy<Value = SessionChange> {
    let status = proptest::option::of(proptest::sample::select(SessionStatus::ALL.to_vec()));
    let agent = proptest::option::of(proptest::option::of("[ab]")).prop_map(|agent| agent.map(as_participant));
    let metadata = proptest::option::of((any::<bool>(), object())).prop_map(|metadata| metadata.map(as_change));
    (status, agent, metadata).prop_map(|(status, agent_id, metadata)| SessionChange { agent_id, status, metadata })
}

fn as_participant(name: Option<String>) -> Option<chat_domain::id::ParticipantId> {
    name.map(|name| participant(&name))
}

fn as_change((merge, object): (bool, Metadata)) -> MetadataChange {
    if merge { MetadataChange::Merge(MergePatch::new(object)) } else { MetadataChange::Replace(object) }
}

/// JSON objects some levels deep, with numbers that a float could not keep.
fn object() -> impl Strategy<Value = Metadata> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?".prop_map(|number| number),
        any::<String>().prop_map(|text| serde_json::to_string(&text.replace('\0', "")).expect("a string")),
    ];
    let value = leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            btree_map("[a-d]", inner, 0..4).prop_map(as_object),
        ]
    });
    btree_map("[a-d]", value, 0..4).prop_map(|entries| metadata(&as_object(entries)))
}

fn as_object(entries: std::collections::BTreeMap<String, String>) -> String {
    let entries: Vec<_> = entries.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", entries.join(","))
}

/// A JSON value, of which there are many texts.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    /// A text that has no other spelling.
    Plain(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Small objects of few different leaves, so that two of them are often alike, or nearly so.
fn json() -> impl Strategy<Value = Json> {
    let plain = ["0", "-0", "0.0", "-0.0", "1", "null", "12345678901234567890123", "12345678901234567890124"];
    let text = ["", "1", "null", "é\"", "}"];
    let leaf = prop_oneof![
        proptest::sample::select(plain.to_vec()).prop_map(|plain| Json::Plain(plain.to_owned())),
        proptest::sample::select(text.to_vec()).prop_map(|text| Json::Text(text.to_owned())),
    ];
    let value = leaf.prop_recursive(3, 6, 2, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(Json::List), btree_map("[aé]", inner, 0..3).prop_map(entries)]
    });
    btree_map("[aé]", value, 0..3).prop_map(entries)
}

fn entries(entries: std::collections::BTreeMap<String, Json>) -> Json {
    Json::Object(entries.into_iter().collect())
}

/// The plain way to write it.
fn plainly(json: &Json) -> String {
    let texts = |items: &[Json]| items.iter().map(plainly).collect::<Vec<_>>().join(",");
    match json {
        Json::Plain(text) => text.clone(),
        Json::Text(text) => serde_json::to_string(text).expect("a string"),
        Json::List(items) => format!("[{}]", texts(items)),
        Json::Object(entries) => as_object(entries.iter().map(|(key, value)| (key.clone(), plainly(value))).collect()),
    }
}

/// Another way: the last key first, all characters escaped, spaces between everything.
fn otherwise(json: &Json) -> String {
    let escaped = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat();
    match json {
        Json::Plain(text) => text.clone(),
        Json::Text(text) => format!("\"{}\"", escaped(text)),
        Json::List(items) => format!("[ {} ]", items.iter().map(otherwise).collect::<Vec<_>>().join(" , ")),
        Json::Object(entries) => {
            let entry = |(key, value): &(String, Json)| format!("\"{}\" : {}", escaped(key), otherwise(value));
            format!("{{ {} }}", entries.iter().rev().map(entry).collect::<Vec<_>>().join(" , "))
        }
    }
}

/// What a store keeps of a command with this metadata.
fn command(text: &str) -> Digest {
    let key = "key".parse().expect("a valid key");
    Idempotency::new(&key, &caller(Role::Service), "route", "", &metadata(text)).expect("metadata is JSON").command
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (-62_167_219_200_000_000..=253_402_300_799_999_999_i64)
        .prop_map(|micros| Timestamp::from_micros(micros).expect("between the years 0 and 9999"))
}

proptest! {
    /// However a session is pulled about: it never leaves its end, the end keeps its moment, each change counts one,
    /// and what is refused or no change moves nothing.
    #[test]
    fn no_walk_leads_out_of_the_end(steps in vec((change(), moment()), 1..30)) {
        let mut session = a_session().to_session();
        for (change, now) in steps {
            let next = match session.changed(&change, now) {
                Ok(Some(next)) => next,
                Ok(None) => continue,
                Err(refusal) => {
                    check_refusal(&session, &change, &refusal)?;
                    continue;
                }
            };
            prop_assert_eq!((next.rev, next.version), (session.rev.next(), session.version.next()));
            prop_assert_eq!(next.updated_at, session.updated_at.moved_on(now));
            prop_assert!(next.updated_at > session.updated_at);
            prop_assert_eq!(next.state.ended_at().is_some(), next.state.status() == SessionStatus::Ended);
            if session.state.status() == SessionStatus::Ended {
                prop_assert_eq!(next.state, session.state);
                prop_assert_eq!(&next.agent_id, &session.agent_id);
            }
            session = next;
        }
    }

    #[test]
    fn metadata_reads_back_to_the_last_digit(object in object()) {
        let text = serde_json::to_string(&object).expect("metadata is JSON");
        prop_assert_eq!(text.as_str(), object.as_str());
        prop_assert_eq!(&serde_json::from_str::<Metadata>(&text).expect("what was written reads back"), &object);
        prop_assert_eq!(&Metadata::from_stored(text).expect("what was written reads back"), &object);
    }

    #[test]
    fn a_merge_that_comes_twice_does_what_it_does_once(target in object(), patch in object()) {
        let patch = MergePatch::new(patch);
        let once = patch.apply(&target).expect("small objects");
        prop_assert_eq!(patch.apply(&once).expect("small objects"), once);
    }

    #[test]
    fn two_commands_share_a_digest_only_where_they_say_the_same(one in json(), other in json()) {
        prop_assert_eq!(command(&plainly(&one)) == command(&plainly(&other)), one == other);
    }

    #[test]
    fn a_command_has_one_digest_however_it_is_written(value in json()) {
        prop_assert_eq!(command(&otherwise(&value)), command(&plainly(&value)));
    }

    #[test]
    fn a_moment_reads_back(moment in moment()) {
        prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        prop_assert_eq!(Timestamp::from(time::OffsetDateTime::from(moment)), moment);
    }

    /// The keyset pages of a list are the list, cut: whatever its length and the limit.
    #[test]
    fn pages_put_together_are_the_list(moments in vec(0..5_i64, 0..20), limit in 1..8_u16) {
        let all = newest_first(moments);
        let (user_id, reader) = (participant("user"), caller(Role::Service).reader());
        let mut query = UserSessions { user_id, reader, status: None, limit, cursor: None };
        let mut seen = Vec::new();
        loop {
            let page = SessionPage::assemble(&query, after(&all, &query));
            prop_assert!(page.sessions.len() <= usize::from(limit));
            seen.extend(page.sessions);
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        prop_assert_eq!(seen, all);
    }
}

fn check_refusal(session: &Session, change: &SessionChange, refusal: &SessionRefusal) -> Result<(), TestCaseError> {
    let from = session.state.status();
    match refusal {
        SessionRefusal::InvalidTransition(transition) => {
            prop_assert_eq!((transition.from, Some(transition.to)), (from, change.status));
        }
        SessionRefusal::Ended => prop_assert_eq!(from, SessionStatus::Ended),
        SessionRefusal::Invalid(faults) => prop_assert!(false, "small objects are never too large: {}", faults),
    }
    Ok(())
}

fn newest_first(moments: Vec<i64>) -> Vec<SeenSession> {
    let at = |second| Timestamp::from_micros(second).expect("a moment of 1970");
    let mut sessions: Vec<_> =
        moments.into_iter().map(|moment| Session { created_at: at(moment), ..a_session().to_session() }).collect();
    sessions.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
    sessions.into_iter().map(|session| SeenSession { session, unread: UnreadCount::NONE }).collect()
}

/// What a store finds that walks from the cursor to older sessions.
fn after(all: &[SeenSession], query: &UserSessions) -> Vec<SeenSession> {
    let beyond = |SeenSession { session, .. }: &&SeenSession| {
        query.cursor.is_none_or(|SessionCursor { direction, created_at, id }| {
            direction == CursorDirection::Older && (session.created_at, session.id) < (created_at, id)
        })
    };
    all.iter().filter(beyond).take(usize::from(query.limit) + 1).cloned().collect()
}
