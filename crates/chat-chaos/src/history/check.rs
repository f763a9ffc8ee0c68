//! The rules that a history must keep with what is stored.

use std::collections::HashMap;
use std::fmt;

use super::model::{Message, Moment, Post, Read, Stored, Told};

/// Messages that a read asks for.
pub(crate) const PAGE: usize = 20;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Acknowledged, and not there.
    Lost { content: String },
    /// Acknowledged, and there more than once.
    Doubled { content: String },
    /// Not what was acknowledged, or not what was sent.
    Changed { content: String },
    /// Refused, and there all the same.
    RefusedButThere { content: String },
    /// Of unknown outcome, and there more than once.
    UnknownTwice { content: String },
    /// There, and sent by nobody.
    Stranger { content: String },
    /// The places of a session's messages are not 1, 2, 3 …
    Gap { session: String, after: i64 },
    /// Sent after another was acknowledged, and stored before it; or the revisions do not rise with the places.
    WrongOrder { session: String, seq: i64 },
    /// Known to be deleted, and there all the same.
    CameBack { content: String },
    /// Its deletion was refused, and it is deleted all the same.
    RefusedButGone { content: String },
    /// Deleted, and nobody had asked for it.
    DeletedByNobody { id: String },
    /// A read that shows less than an answer before it did, or what is not there in the end.
    WentBack { session: String, node: usize, why: &'static str },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |content: &str| content.split(' ').next().unwrap_or_default().to_owned();
        match self {
            Self::Lost { content } => write!(f, "lost: message {} was acknowledged", short(content)),
            Self::Doubled { content } => write!(f, "doubled: message {} is there more than once", short(content)),
            Self::Changed { content } => write!(f, "changed: message {} is not as it was told", short(content)),
            Self::RefusedButThere { content } => write!(f, "there, though refused: message {}", short(content)),
            Self::UnknownTwice { content } => write!(f, "unknown, and there twice: message {}", short(content)),
            Self::Stranger { content } => write!(f, "sent by nobody: message {}", short(content)),
            Self::CameBack { content } => write!(f, "there, though deleted: message {}", short(content)),
            Self::RefusedButGone { content } => {
                write!(f, "deleted, though the deletion was refused: message {}", short(content))
            }
            Self::DeletedByNobody { id } => write!(f, "deleted by nobody: {id}"),
            Self::Gap { session, after } => write!(f, "a gap after seq {after} of session {session}"),
            Self::WrongOrder { session, seq } => write!(f, "out of order: seq {seq} of session {session}"),
            Self::WentBack { session, node, why } => {
                write!(f, "node {node} read session {session} as it was before: {why}")
            }
        }
    }
}

/// All violations. `stored` is what was read after the last post and read had ended; a session that is not in it is empty.
pub(crate) fn check(posts: &[Post], reads: &[Read], stored: &HashMap<String, Stored>) -> Vec<Violation> {
    let mut found = check_posts(posts, stored);
    let mut sessions: Vec<_> = stored.iter().collect();
    sessions.sort_by_key(|(name, _)| *name);
    for (name, stored) in sessions {
        let posts: Vec<_> = posts.iter().filter(|post| post.session == *name).collect();
        let reads: Vec<_> = reads.iter().filter(|read| read.session == *name).collect();
        found.extend(check_places(name, stored));
        found.extend(check_order(name, &posts));
        found.extend(check_pages(name, &reads, stored));
        found.extend(check_time(name, &posts, &reads));
    }
    found
}

/// Each message by itself: there as often as the clients were told, and as they were told.
fn check_posts(posts: &[Post], stored: &HashMap<String, Stored>) -> Vec<Violation> {
    let mut there: HashMap<(&str, &str), Vec<&Message>> = HashMap::new();
    for (session, stored) in stored {
        for message in &stored.messages {
            there.entry((session, &message.content)).or_default().push(message);
        }
    }
    let mut found = Vec::new();
    for post in posts {
        let content = || post.content.clone();
        let copies = there.remove(&(&*post.session, &*post.content)).unwrap_or_default();
        match (&post.told, &*copies) {
            (Told::Stored(told), _) if told.content != post.content => {
                found.push(Violation::Changed { content: content() });
            }
            (Told::Stored(_), []) => found.push(Violation::Lost { content: content() }),
            (Told::Stored(told), [copy]) if *copy != told => found.push(Violation::Changed { content: content() }),
            (Told::Stored(_), [_, _, ..]) => found.push(Violation::Doubled { content: content() }),
            (Told::Refused, [_, ..]) => found.push(Violation::RefusedButThere { content: content() }),
            (Told::Nothing, [_, _, ..]) => found.push(Violation::UnknownTwice { content: content() }),
            (Told::Stored(_), [_]) | (Told::Refused, []) | (Told::Nothing, [] | [_]) => {}
        }
    }
    let mut strangers: Vec<_> = there.into_keys().map(|(_, content)| content.to_owned()).collect();
    strangers.sort();
    found.extend(strangers.into_iter().map(|content| Violation::Stranger { content }));
    found
}

/// The places of one session: 1, 2, 3 …, with revisions that rise.
fn check_places(session: &str, stored: &Stored) -> Vec<Violation> {
    let mut found = Vec::new();
    let (mut seq, mut rev) = (0, 0);
    for message in &stored.messages {
        if message.seq <= seq || message.rev <= rev {
            found.push(Violation::WrongOrder { session: session.to_owned(), seq: message.seq });
        } else if message.seq > seq + 1 {
            found.push(Violation::Gap { session: session.to_owned(), after: seq });
        }
        (seq, rev) = (message.seq.max(seq), message.rev.max(rev));
    }
    if stored.rev < rev {
        found.push(Violation::WrongOrder { session: session.to_owned(), seq });
    }
    found
}

/// What was sent after another was acknowledged stands behind it.
fn check_order(session: &str, posts: &[&Post]) -> Vec<Violation> {
    let acknowledged = || {
        posts.iter().filter_map(|post| match &post.told {
            Told::Stored(message) => Some((*post, message)),
            Told::Refused | Told::Nothing => None,
        })
    };
    let highest = Rising::new(acknowledged().map(|(post, message)| (post.ended, message.seq)));
    let before = |(post, message): &(&Post, &Message)| highest.before(post.began) >= message.seq;
    let wrong = acknowledged().filter(before);
    wrong.map(|(_, message)| Violation::WrongOrder { session: session.to_owned(), seq: message.seq }).collect()
}

/// A read shows the newest messages without a gap, and nothing that is not there in the end.
fn check_pages(session: &str, reads: &[&Read], stored: &Stored) -> Vec<Violation> {
    let lasting: HashMap<i64, u64> = stored.messages.iter().map(|message| (message.seq, message.digest)).collect();
    let mut found = Vec::new();
    for read in reads {
        let newest = read.page.last().map_or(0, |(seq, _)| *seq);
        let length = usize::try_from(newest).unwrap_or(usize::MAX).min(PAGE);
        let consecutive = read.page.windows(2).all(|pair| matches!(pair, [(one, _), (next, _)] if *next == one + 1));
        if read.page.len() != length || !consecutive {
            found.push(Violation::Gap { session: session.to_owned(), after: newest });
        }
        if read.page.iter().any(|(seq, digest)| lasting.get(seq) != Some(digest)) {
            let why = "it shows what is not there in the end";
            found.push(Violation::WentBack { session: session.to_owned(), node: read.node, why });
        }
    }
    found
}

/// A read shows all that was acknowledged, and all that was read, before it began: on whatever node.
fn check_time(session: &str, posts: &[&Post], reads: &[&Read]) -> Vec<Violation> {
    let newest = |read: &Read| read.page.last().map_or(0, |(seq, _)| *seq);
    let acknowledged = posts.iter().filter_map(|post| match &post.told {
        Told::Stored(message) => Some((post.ended, message)),
        Told::Refused | Told::Nothing => None,
    });
    let (written, written_rev): (Vec<_>, Vec<_>) =
        acknowledged.map(|(ended, message)| ((ended, message.seq), (ended, message.rev))).unzip();
    let (written, written_rev) = (Rising::new(written), Rising::new(written_rev));
    let shown = Rising::new(reads.iter().map(|read| (read.ended, newest(read))));
    let shown_rev = Rising::new(reads.iter().filter_map(|read| Some((read.ended, read.rev?))));
    let mut found = Vec::new();
    for read in reads {
        let rev = read.rev.unwrap_or(i64::MAX);
        let (seq, began) = (newest(read), read.began);
        let faults = [
            (written.before(began) > seq, "an acknowledged message is missing"),
            (shown.before(began) > seq, "a message that was read before is missing"),
            (written_rev.before(began) > rev, "its rev is older than an acknowledged message"),
            (shown_rev.before(began) > rev, "its rev is older than one that was read before"),
        ];
        for (_, why) in faults.into_iter().filter(|(broken, _)| *broken) {
            found.push(Violation::WentBack { session: session.to_owned(), node: read.node, why });
        }
    }
    found
}

/// The highest value known at each moment.
struct Rising(Vec<(Moment, i64)>);

impl Rising {
    fn new(values: impl IntoIterator<Item = (Moment, i64)>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_unstable();
        let mut highest = 0;
        for (_, value) in &mut values {
            highest = highest.max(*value);
            *value = highest;
        }
        Self(values)
    }

    /// The highest that was known before this moment; 0 where there was none.
    fn before(&self, moment: Moment) -> i64 {
        let known = self.0.partition_point(|(then, _)| *then < moment);
        known.checked_sub(1).and_then(|last| self.0.get(last)).map_or(0, |(_, value)| *value)
    }
}
