//! The same for deletions.

use super::super::model::{Deletion, Gone, Message, Moment, Read};
use super::super::violations;
use super::{Right, Violation, content, read, right, stored, went_back};

const DELETED: Gone = Gone::Deleted { rev: 4 };

fn tombstone(message: &Message) -> Message {
    Message { rev: 4, content: String::new(), deleted: true, digest: 7, ..message.clone() }
}

fn deletion(message: &Message, when: (Moment, Moment), gone: Gone) -> Deletion {
    Deletion { message: message.clone(), began: when.0, ended: when.1, gone }
}

/// What is found where the second of two messages was deleted at the moments 21 to 24, and this is what was told and what
/// there is, with these reads.
fn found(
    gone: Gone,
    there: impl FnOnce(&Message) -> Message,
    reads: impl FnOnce([Message; 2]) -> Vec<Read>,
) -> Vec<Violation> {
    let Right { one, two, posts, reads: mut all } = right();
    all.extend(reads([one.clone(), two.clone()]));
    let mut stored = stored(&[one, there(&two)]);
    stored.get_mut("s").unwrap().rev = 4;
    violations(&posts, &[deletion(&two, (21, 24), gone)], &all, &stored)
}

#[test]
fn nothing_is_found_where_a_deleted_message_stays_deleted() {
    let reads = |[one, two]: [Message; 2]| {
        let before = read((22, 23), &[one.clone(), two]);
        let beside = Read { rev: Some(3), ..read((22, 23), std::slice::from_ref(&one)) };
        vec![before, beside, Read { rev: Some(4), ..read((25, 26), &[one]) }]
    };
    assert_eq!(found(DELETED, tombstone, reads), []);
}

#[test]
fn an_unknown_deletion_may_be_either() {
    assert_eq!(found(Gone::Nothing, tombstone, |_| vec![]), []);
    assert_eq!(found(Gone::Nothing, Message::clone, |_| vec![]), []);
}

#[test]
fn a_deleted_message_that_is_there_is_found() {
    assert_eq!(found(DELETED, Message::clone, |_| vec![]), [Violation::CameBack { content: content("two") }]);
}

#[test]
fn a_deletion_that_was_refused_and_made_is_found() {
    let violation = Violation::RefusedButGone { content: content("two") };
    assert_eq!(found(Gone::Refused, tombstone, |_| vec![]), [violation]);
    assert_eq!(found(Gone::Refused, Message::clone, |_| vec![]), []);
}

#[test]
fn a_tombstone_that_nobody_asked_for_is_found() {
    let Right { one, two, posts, .. } = right();
    let mut stored = stored(&[one, tombstone(&two)]);
    stored.get_mut("s").unwrap().rev = 4;
    let found = violations(&posts, &[], &[], &stored);
    assert!(found.contains(&Violation::DeletedByNobody { id: two.id }), "{found:?}");
}

#[test]
fn a_tombstone_other_than_the_answer_said_is_found() {
    let other = |message: &Message| Message { rev: 3, ..tombstone(message) };
    assert_eq!(found(DELETED, other, |_| vec![]), [Violation::Changed { content: content("two") }]);
    let moved = |message: &Message| Message { seq: 1, ..tombstone(message) };
    assert_eq!(found(DELETED, moved, |_| vec![]), [Violation::Changed { content: content("two") }]);
}

#[test]
fn a_lost_tombstone_is_found() {
    let Right { one, two, posts, .. } = right();
    let found = violations(&posts, &[deletion(&two, (21, 24), DELETED)], &[], &stored(&[one]));
    assert_eq!(found, [Violation::Lost { content: content("two") }]);
}

#[test]
fn a_read_that_shows_what_was_deleted_before_is_found() {
    let reads = |all: [Message; 2]| vec![Read { rev: Some(4), ..read((25, 26), &all) }];
    assert_eq!(found(DELETED, tombstone, reads), [went_back("a deleted message is there again")]);
}

#[test]
fn a_rev_from_before_a_deletion_is_found() {
    let reads = |[one, _]: [Message; 2]| vec![Read { rev: Some(3), ..read((25, 26), &[one]) }];
    assert_eq!(found(DELETED, tombstone, reads), [went_back("its rev is older than an acknowledged deletion")]);
}

#[test]
fn a_message_that_a_read_has_passed_over_stays_gone() {
    let Right { one, two, mut posts, .. } = right();
    let three = super::message("unknown", 3);
    posts[3].told = super::Told::Stored(three.clone());
    let reads =
        [read((22, 23), &[one.clone(), three.clone()]), read((25, 26), &[one.clone(), two.clone(), three.clone()])];
    let deletions = [deletion(&two, (20, 24), Gone::Nothing)];
    let found = violations(&posts, &deletions, &reads, &stored(&[one, two, three]));
    assert_eq!(found, [went_back("a deleted message is there again"), Violation::CameBack { content: content("two") }]);
}

#[test]
fn a_page_may_lack_what_is_deleted_and_nothing_else() {
    let Right { one, two, posts, .. } = right();
    let deletions = [deletion(&one, (20, 24), DELETED)];
    let lacks = |read: Read| {
        let mut stored = stored(&[tombstone(&one), two.clone()]);
        stored.get_mut("s").unwrap().rev = 4;
        violations(&posts, &deletions, &[read], &stored)
    };
    assert_eq!(lacks(read((22, 23), std::slice::from_ref(&two))), []);
    assert_eq!(lacks(read((13, 14), std::slice::from_ref(&two))), [Violation::Gap { session: content("s"), after: 2 }]);
    let empty = lacks(Read { rev: None, ..read((22, 23), &[]) });
    assert_eq!(empty, [went_back("an acknowledged message is missing")]);
}
