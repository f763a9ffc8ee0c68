//! The checker finds each kind of violation, and nothing in a history that is right.

mod deletion;

use std::collections::HashMap;

use super::check::{PAGE, Violation, check};
use super::model::{Message, Moment, Post, Read, Stored, Told};

fn message(content: &str, seq: i64) -> Message {
    let digest = content.len() as u64 * 31 + u64::try_from(seq).unwrap();
    let (id, session) = (format!("id-{content}-{seq}"), "s".to_owned());
    Message { id, session, seq, rev: seq + 1, content: content.to_owned(), deleted: false, digest }
}

fn post(content: &str, when: (Moment, Moment), told: Told) -> Post {
    let (session, key) = ("s".to_owned(), content.to_owned());
    Post { session, key, content: content.to_owned(), began: when.0, ended: when.1, told }
}

fn read(when: (Moment, Moment), messages: &[Message]) -> Read {
    Read {
        session: "s".to_owned(),
        node: 1,
        began: when.0,
        ended: when.1,
        rev: Some(messages.last().map_or(1, |last| last.rev)),
        page: messages.iter().map(|message| (message.seq, message.digest)).collect(),
    }
}

fn stored(messages: &[Message]) -> HashMap<String, Stored> {
    let rev = messages.iter().map(|message| message.rev).max().unwrap_or(1);
    HashMap::from([("s".to_owned(), Stored { rev, messages: messages.to_vec() })])
}

/// Two messages, one after the other, with reads between them.
struct Right {
    one: Message,
    two: Message,
    posts: Vec<Post>,
    reads: Vec<Read>,
}

fn right() -> Right {
    let (one, two) = (message("one", 1), message("two", 2));
    let posts = vec![
        post("one", (1, 2), Told::Stored(one.clone())),
        post("two", (5, 8), Told::Stored(two.clone())),
        post("refused", (9, 10), Told::Refused),
        post("unknown", (11, 12), Told::Nothing),
    ];
    let reads = vec![
        read((0, 1), &[]),
        read((3, 4), std::slice::from_ref(&one)),
        read((6, 7), &[one.clone(), two.clone()]),
        read((13, 14), &[one.clone(), two.clone()]),
    ];
    Right { one, two, posts, reads }
}

fn content(text: &str) -> String {
    text.to_owned()
}

#[test]
fn nothing_is_found_in_a_history_that_is_right() {
    let Right { one, two, posts, reads } = right();
    assert_eq!(check(&posts, &reads, &stored(&[one.clone(), two.clone()])), []);
    let unknown = message("unknown", 3);
    assert_eq!(check(&posts, &reads, &stored(&[one, two, unknown])), []);
}

#[test]
fn nothing_is_found_in_a_long_session_that_is_read_by_pages() {
    let all: Vec<_> = (1..=50).map(|seq| message(&format!("m{seq}"), seq)).collect();
    let posts: Vec<_> = all
        .iter()
        .zip((0..).step_by(2))
        .map(|(message, began)| post(&message.content, (began, began + 1), Told::Stored(message.clone())))
        .collect();
    assert_eq!(check(&posts, &[read((1_000, 1_001), &all[50 - PAGE..])], &stored(&all)), []);
}

#[test]
fn a_lost_message_is_found() {
    let Right { one, posts, .. } = right();
    assert_eq!(check(&posts, &[], &stored(&[one])), [Violation::Lost { content: content("two") }]);
}

#[test]
fn a_lost_session_is_found() {
    let Right { posts, .. } = right();
    assert_eq!(check(&posts, &[], &HashMap::new()).len(), 2);
}

#[test]
fn a_doubled_message_is_found() {
    let Right { one, two, posts, .. } = right();
    let found = check(&posts, &[], &stored(&[one, two, message("two", 3)]));
    assert_eq!(found, [Violation::Doubled { content: content("two") }]);
}

#[test]
fn a_changed_message_is_found() {
    let Right { one, two, posts, .. } = right();
    let other = Message { digest: 0, ..two };
    assert_eq!(check(&posts, &[], &stored(&[one, other])), [Violation::Changed { content: content("two") }]);
}

#[test]
fn an_acknowledgement_of_something_else_is_found() {
    let one = message("one", 1);
    let posts = [post("other", (1, 2), Told::Stored(one.clone())), post("one", (1, 2), Told::Stored(one.clone()))];
    assert_eq!(check(&posts, &[], &stored(&[one])), [Violation::Changed { content: content("other") }]);
}

#[test]
fn a_refused_message_that_is_there_is_found() {
    let Right { one, two, posts, .. } = right();
    let found = check(&posts, &[], &stored(&[one, two, message("refused", 3)]));
    assert_eq!(found, [Violation::RefusedButThere { content: content("refused") }]);
}

#[test]
fn an_unknown_message_that_is_there_twice_is_found() {
    let Right { one, two, posts, .. } = right();
    let found = check(&posts, &[], &stored(&[one, two, message("unknown", 3), message("unknown", 4)]));
    assert_eq!(found, [Violation::UnknownTwice { content: content("unknown") }]);
}

#[test]
fn a_message_that_nobody_sent_is_found() {
    let Right { one, two, posts, .. } = right();
    let found = check(&posts, &[], &stored(&[one, two, message("ghost", 3)]));
    assert_eq!(found, [Violation::Stranger { content: content("ghost") }]);
}

#[test]
fn a_gap_is_found() {
    let (one, three) = (message("one", 1), message("three", 3));
    let posts = [post("one", (1, 2), Told::Stored(one.clone())), post("three", (3, 4), Told::Stored(three.clone()))];
    let found = check(&posts, &[], &stored(&[one, three]));
    assert_eq!(found, [Violation::Gap { session: content("s"), after: 1 }]);
}

#[test]
fn a_seq_that_is_given_twice_is_found() {
    let (one, two) = (message("one", 1), message("two", 1));
    let posts = [post("one", (1, 4), Told::Stored(one.clone())), post("two", (2, 3), Told::Stored(two.clone()))];
    let found = check(&posts, &[], &stored(&[one, two]));
    assert_eq!(found, [Violation::WrongOrder { session: content("s"), seq: 1 }]);
}

#[test]
fn a_rev_that_does_not_rise_is_found() {
    let Right { one, two, mut posts, .. } = right();
    let two = Message { rev: one.rev, ..two };
    posts[1].told = Told::Stored(two.clone());
    let found = check(&posts, &[], &stored(&[one, two]));
    assert_eq!(found, [Violation::WrongOrder { session: content("s"), seq: 2 }]);
}

#[test]
fn a_session_whose_rev_is_behind_its_messages_is_found() {
    let Right { one, two, posts, .. } = right();
    let mut stored = stored(&[one, two]);
    stored.get_mut("s").unwrap().rev = 2;
    assert_eq!(check(&posts, &[], &stored), [Violation::WrongOrder { session: content("s"), seq: 2 }]);
}

#[test]
fn an_order_other_than_that_of_the_answers_is_found() {
    let (late, early) = (message("late", 1), message("early", 2));
    let posts = [post("early", (1, 2), Told::Stored(early.clone())), post("late", (3, 4), Told::Stored(late.clone()))];
    let found = check(&posts, &[], &stored(&[late, early]));
    assert_eq!(found, [Violation::WrongOrder { session: content("s"), seq: 1 }]);
}

fn went_back(why: &'static str) -> Violation {
    Violation::WentBack { session: content("s"), node: 1, why }
}

#[test]
fn a_read_without_what_was_acknowledged_is_found() {
    let Right { one, two, posts, .. } = right();
    let stale = Read { rev: None, ..read((9, 10), std::slice::from_ref(&one)) };
    let found = check(&posts, &[stale], &stored(&[one, two]));
    assert_eq!(found, [went_back("an acknowledged message is missing")]);
}

#[test]
fn a_read_behind_another_read_is_found_whichever_nodes_answered() {
    let Right { one, two, posts, .. } = right();
    // The second message is not acknowledged yet: only the first read says that it is there.
    let first = Read { node: 0, ..read((5, 6), &[one.clone(), two.clone()]) };
    let second = Read { rev: None, ..read((7, 8), std::slice::from_ref(&one)) };
    let found = check(&posts, &[first, second], &stored(&[one, two]));
    assert_eq!(found, [went_back("a message that was read before is missing")]);
}

#[test]
fn a_rev_that_went_back_is_found() {
    let Right { one, two, posts, .. } = right();
    let all = [one, two];
    let found = check(&posts, &[Read { rev: Some(2), ..read((9, 10), &all) }], &stored(&all));
    assert_eq!(found, [went_back("its rev is older than an acknowledged message")]);
    let reads = [Read { rev: Some(9), ..read((9, 10), &all) }, Read { rev: Some(8), ..read((11, 12), &all) }];
    let found = check(&posts, &reads, &stored(&all));
    assert_eq!(found, [went_back("its rev is older than one that was read before")]);
}

#[test]
fn a_read_of_what_is_not_there_in_the_end_is_found() {
    let Right { one, two, posts, .. } = right();
    let passing = read((13, 14), &[one.clone(), two.clone(), message("unknown", 3)]);
    let found = check(&posts, &[passing], &stored(&[one, two]));
    assert_eq!(found, [went_back("it shows what is not there in the end")]);
}

#[test]
fn a_read_with_a_hole_is_found() {
    let Right { one, two, posts, .. } = right();
    let found = check(&posts, &[read((13, 14), std::slice::from_ref(&two))], &stored(&[one, two]));
    assert_eq!(found, [Violation::Gap { session: content("s"), after: 2 }]);
}

#[test]
fn what_overlaps_may_show_either() {
    let Right { one, two, posts, .. } = right();
    let reads = [read((6, 20), std::slice::from_ref(&one)), read((7, 19), &[one.clone(), two.clone()])];
    assert_eq!(check(&posts, &reads, &stored(&[one, two])), []);
}
