//! The rules of deletions, and what a history looks like without them.
//!
//! A deletion leaves a tombstone in the place of its message, and lists pass over it. So that the rules of messages need
//! not know of that, tombstones are taken for the messages that they were, and put back where a read may have passed over
//! them.

use std::collections::HashMap;

use super::check::{PAGE, Violation};
use super::model::{Deletion, Gone, Message, Moment, Read, Stored};

/// What is wrong with the deletions; and the reads and the store as they would be if nothing had been deleted.
pub(super) fn undeleted(
    deletions: &[Deletion],
    reads: &[Read],
    stored: &HashMap<String, Stored>,
) -> (Vec<Violation>, Vec<Read>, HashMap<String, Stored>) {
    let mut found = Vec::new();
    let (mut all_reads, mut all_stored) = (Vec::with_capacity(reads.len()), HashMap::new());
    let mut sessions: Vec<_> = stored.iter().collect();
    sessions.sort_by_key(|(name, _)| *name);
    for (name, stored) in sessions {
        let deletions: Vec<_> = deletions.iter().filter(|deletion| deletion.message.session == *name).collect();
        let reads: Vec<_> = reads.iter().filter(|read| read.session == *name).collect();
        found.extend(check_reads(&deletions, &reads));
        let messages = stored.messages.iter().map(|message| {
            let deletion = deletions.iter().find(|deletion| deletion.message.id == message.id);
            let (wrong, message) = match deletion {
                Some(deletion) => settled(deletion, message, stored.rev, gone_since(deletion, &reads)),
                None => (message.deleted.then(|| Violation::DeletedByNobody { id: message.id.clone() }), message),
            };
            found.extend(wrong);
            message.clone()
        });
        let messages = messages.collect();
        all_stored.insert(name.clone(), Stored { rev: stored.rev, messages });
        all_reads.extend(reads.into_iter().map(|read| filled(read, &deletions)));
    }
    (found, all_reads, all_stored)
}

/// What is wrong with what is there in the end of a message that somebody wanted to delete; and the message as it was.
fn settled<'m>(
    deletion: &'m Deletion,
    there: &'m Message,
    session_rev: i64,
    gone_since: Option<Moment>,
) -> (Option<Violation>, &'m Message) {
    let was = &deletion.message;
    let content = || was.content.clone();
    if !there.deleted {
        return match gone_since {
            Some(_) => (Some(Violation::CameBack { content: content() }), was),
            None => (None, there),
        };
    }
    let right = there.seq == was.seq && there.content.is_empty() && (was.rev + 1..=session_rev).contains(&there.rev);
    let wrong = match deletion.gone {
        Gone::Refused => Some(Violation::RefusedButGone { content: content() }),
        Gone::Deleted { rev } if rev != there.rev => Some(Violation::Changed { content: content() }),
        _ if !right => Some(Violation::Changed { content: content() }),
        Gone::Deleted { .. } | Gone::Nothing => None,
    };
    (wrong, was)
}

/// From when on it is known to be gone: an answer said so, or a read has passed over it.
fn gone_since(deletion: &Deletion, reads: &[&Read]) -> Option<Moment> {
    let told = matches!(deletion.gone, Gone::Deleted { .. }).then_some(deletion.ended);
    let seq = deletion.message.seq;
    let passed = |read: &&&Read| {
        let around = |(first, last): (&(i64, u64), &(i64, u64))| first.0 < seq && seq < last.0;
        read.page.first().zip(read.page.last()).is_some_and(around) && !shows(read, seq)
    };
    told.into_iter().chain(reads.iter().filter(passed).map(|read| read.ended)).min()
}

fn shows(read: &Read, seq: i64) -> bool {
    read.page.binary_search_by_key(&seq, |(seq, _)| *seq).is_ok()
}

/// What is gone stays gone, on whatever node, and the revision of the session tells of it.
fn check_reads(deletions: &[&Deletion], reads: &[&Read]) -> Vec<Violation> {
    let mut found = Vec::new();
    for deletion in deletions {
        let Some(since) = gone_since(deletion, reads) else { continue };
        for read in reads.iter().filter(|read| read.began > since) {
            let behind = match deletion.gone {
                Gone::Deleted { rev } if deletion.ended < read.began => read.rev.is_some_and(|read| read < rev),
                _ => false,
            };
            let why = match () {
                () if shows(read, deletion.message.seq) => "a deleted message is there again",
                () if behind => "its rev is older than an acknowledged deletion",
                () => continue,
            };
            found.push(Violation::WentBack { session: read.session.clone(), node: read.node, why });
        }
    }
    found
}

/// The read with those messages that it may have passed over because they were being deleted, or were.
fn filled(read: &Read, deletions: &[&Deletion]) -> Read {
    let begun = |deletion: &&&Deletion| deletion.gone != Gone::Refused && deletion.began < read.ended;
    let passed: HashMap<i64, u64> =
        deletions.iter().filter(begun).map(|deletion| (deletion.message.seq, deletion.message.digest)).collect();
    let shown: HashMap<i64, u64> = read.page.iter().copied().collect();
    let known = |seq: &i64| Some((*seq, *shown.get(seq).or_else(|| passed.get(seq))?));
    let (first, last) = read.page.first().zip(read.page.last()).map_or((1, 0), |(first, last)| (first.0, last.0));
    // A page that is not full begins with the first message that there is.
    let first =
        if read.page.len() < PAGE { (1..first).rev().take_while(|seq| passed.contains_key(seq)).last() } else { None }
            .unwrap_or(first);
    let mut page: Vec<_> = (first..=last).filter_map(|seq| known(&seq)).collect();
    page.extend((last + 1..).map_while(|seq| known(&seq)));
    let page = page.split_off(page.len().saturating_sub(PAGE));
    Read { page, ..read.clone() }
}
