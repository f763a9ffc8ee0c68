//! Entity tags: what state of a thing a representation shows, and what a client believes of it.
//!
//! A tag is made of the `rev` of the thing, the letter of the caller's view and, where a query shapes the
//! representation, of that: `"7-f-l100"`; for a session also of what the caller has not read of it, where there is
//! something: `"7-f-l100-u3"`. The edge adds the name of the encoding where an answer is compressed
//! (`"7-f-l100-gzip"`), since a strong tag stands for bytes; comparisons look past it.

use actix_web::http::header::HeaderValue;
use chat_domain::access::View;
use chat_domain::idempotency::Digest;
use chat_domain::message::{HistoryQuery, PageQuery, Window};
use chat_domain::participant::UnreadCount;
use chat_domain::precondition::{Expected, Precondition};
use chat_domain::query::Order;
use chat_domain::revision::{Rev, Version};

use crate::extract::{Part, Reading, lines};
use crate::problem::Problem;

/// The encodings that the edge may add to a tag.
const ENCODINGS: [&str; 3] = ["-gzip", "-deflate", "-zstd"];

/// A strong entity tag, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// For a thing by itself.
    pub(crate) fn new(rev: Rev, view: View) -> Self {
        Self(format!("{rev}-{}", view.letter()))
    }

    /// For a session, to a caller who has not read so much of it.
    pub(crate) fn of_session(rev: Rev, view: View, unread: UnreadCount) -> Self {
        Self::new(rev, view).with_unread(unread)
    }

    /// For a session with its newest messages, to a caller who has not read so much of it.
    pub(crate) fn with_newest(rev: Rev, query: &PageQuery, unread: UnreadCount) -> Self {
        Self::limited(rev, query).with_unread(unread)
    }

    fn limited(rev: Rev, query: &PageQuery) -> Self {
        Self(format!("{rev}-{}-l{}", query.view.letter(), query.limit))
    }

    /// Two callers with one view may have read a session up to different places.
    fn with_unread(self, unread: UnreadCount) -> Self {
        let Self(mut tag) = self;
        if unread != UnreadCount::NONE {
            push(&mut tag, 'u', i64::from(unread.get()));
        }
        Self(tag)
    }

    /// For a page of messages; `rev` is the session's.
    pub(crate) fn of_page(rev: Rev, query: &PageQuery) -> Self {
        let Self(mut tag) = Self::limited(rev, query);
        match query.window {
            Window::Offset(offset) => push(&mut tag, 'o', i64::from(offset)),
            Window::Between { after, before } => {
                for (letter, bound) in [('a', after), ('b', before)] {
                    if let Some(seq) = bound {
                        push(&mut tag, letter, seq.get());
                    }
                }
            }
        }
        if query.order == Order::Desc {
            tag.push_str("-desc");
        }
        if query.include_deleted {
            tag.push_str("-all");
        }
        Self(tag)
    }

    /// For a page of a message's history; `rev` is the message's.
    pub(crate) fn of_history(rev: Rev, view: View, query: &HistoryQuery) -> Self {
        Self(format!("{rev}-{}-l{}-a{}", view.letter(), query.limit, query.after))
    }

    /// For the bytes of a file.
    pub(crate) fn of_content(sha256: Digest) -> Self {
        Self(sha256.to_string())
    }

    /// With its quotes.
    pub(crate) fn header(&self) -> HeaderValue {
        quoted(&self.0)
    }
}

fn push(tag: &mut String, letter: char, number: i64) {
    tag.extend(["-", letter.encode_utf8(&mut [0; 4]), &number.to_string()]);
}

fn quoted(tag: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The same tag for a compressed answer; `None` where it is none of ours.
pub(crate) fn suffixed(tag: &HeaderValue, encoding: &str) -> Option<HeaderValue> {
    let tag = tag.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?;
    Some(quoted(&format!("{tag}-{encoding}")))
}

fn without_encoding(tag: &str) -> &str {
    ENCODINGS.iter().find_map(|encoding| tag.strip_suffix(encoding)).unwrap_or(tag)
}

/// One member of a list of tags.
#[derive(Debug, PartialEq, Eq)]
enum Member<'a> {
    Any,
    Strong(&'a str),
    Weak(&'a str),
}

/// The members of `If-Match` or `If-None-Match`. Empty ones are nothing (RFC 9110, section 5.6.1), and what cannot be read
/// matches nothing.
fn members(line: &[u8]) -> Vec<Member<'_>> {
    let mut members = Vec::new();
    let mut rest = line.trim_ascii();
    if rest == b"*" {
        return vec![Member::Any];
    }
    while !rest.is_empty() {
        let (member, after) = match tag(rest) {
            Some((member, after)) => (Some(member), after),
            None => (None, rest),
        };
        // Up to the comma nothing may stand but white space.
        let end = after.iter().position(|byte| *byte == b',').unwrap_or(after.len());
        let (left, next) = after.split_at(end);
        members.extend(member.filter(|_| left.trim_ascii().is_empty()));
        rest = next.strip_prefix(b",").unwrap_or_default().trim_ascii_start();
    }
    members
}

/// The tag that stands at the beginning of a text, and what follows it.
fn tag(text: &[u8]) -> Option<(Member<'_>, &[u8])> {
    let (weak, quoted) = match text.strip_prefix(b"W/") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let opened = quoted.strip_prefix(b"\"")?;
    let (tag, closed) = opened.split_at(opened.iter().position(|byte| *byte == b'"')?);
    let tag = str::from_utf8(tag).ok()?;
    Some((if weak { Member::Weak(tag) } else { Member::Strong(tag) }, closed.strip_prefix(b"\"")?))
}

/// What `If-Match` asks for.
pub(crate) struct IfMatch(pub(crate) Precondition);

impl Part for IfMatch {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let mut sent = false;
        let mut expected = Vec::new();
        for line in lines(from.request.headers(), "if-match") {
            sent = true;
            for member in members(line) {
                match member {
                    Member::Any => return Ok(Some(Self(Precondition::None))),
                    // A strong comparison: a weak tag matches nothing.
                    Member::Weak(_) => {}
                    Member::Strong(tag) => expected.push(expectation(tag)),
                }
            }
        }
        Ok(Some(Self(if sent { Precondition::OneOf(expected) } else { Precondition::None })))
    }
}

/// `7-f-l100` is a `rev`, and so is `7`; `v3` is a version.
fn expectation(tag: &str) -> Expected {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    if let Some(version) = tag.strip_prefix('v') {
        return number(version).map_or(Expected::Unknown, |version| Expected::Version(Version::new(version)));
    }
    let (rev, rest) = tag.split_once('-').unwrap_or((tag, "f"));
    let known_view = matches!(rest.split('-').next(), Some("f" | "p"));
    number(rev).filter(|_| known_view).map_or(Expected::Unknown, |rev| Expected::Rev(Rev::new(rev)))
}

/// What a client has already, by `If-None-Match`.
pub(crate) struct IfNoneMatch {
    any: bool,
    tags: Vec<String>,
}

impl IfNoneMatch {
    /// The tag for a 304, where the client has the representation: in the encoding in which it has it. Most clients say
    /// nothing, and cost no tag.
    pub(crate) fn matching(&self, tag: impl FnOnce() -> Tag) -> Option<HeaderValue> {
        if self.any {
            return Some(tag().header());
        }
        if self.tags.is_empty() {
            return None;
        }
        let Tag(tag) = tag();
        self.tags.iter().find(|known| without_encoding(known) == tag).map(|known| quoted(known))
    }
}

impl Part for IfNoneMatch {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let mut known = Self { any: false, tags: Vec::new() };
        for member in lines(from.request.headers(), "if-none-match").flat_map(members) {
            match member {
                Member::Any => known.any = true,
                // A weak comparison: proxies make strong tags weak.
                Member::Weak(tag) | Member::Strong(tag) => known.tags.push(tag.to_owned()),
            }
        }
        Ok(Some(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_what_is_broken_or_empty_is_skipped() {
        assert_eq!(members(b"\"a\", W/\"b\",\"c,d\""), [Member::Strong("a"), Member::Weak("b"), Member::Strong("c,d")]);
        assert_eq!(members(b" * "), [Member::Any]);
        for with_others in [
            &b"\"a\", b, \"c\""[..],
            b", \"a\",, ,\t\"c\" ,",
            b"\"a\",b\"x\",\"c\"",
            b"\"\xff\", \"a\", \"c\"",
            b"\"a\", \"b\" x, \"c\"",
        ] {
            assert_eq!(
                members(with_others),
                [Member::Strong("a"), Member::Strong("c")],
                "{}",
                with_others.escape_ascii()
            );
        }
        for broken in [&b""[..], b",", b"a", b"\"a", b"w/\"a\"", b"\"\xff\"", b"\"a\" b", b"\"a\"\"b\""] {
            assert_eq!(members(broken), []);
        }
    }

    #[test]
    fn a_tag_tells_its_rev_whatever_follows() {
        for tag in ["7", "7-f", "7-p", "7-f-u3", "7-f-l100", "7-f-l100-u3", "7-p-l5-a3-desc", "7-f-gzip"] {
            assert_eq!(expectation(tag), Expected::Rev(Rev::new(7)), "{tag}");
        }
        assert_eq!(expectation("v3"), Expected::Version(Version::new(3)));
        for tag in ["", "-f", "x", "7-", "7-x", "+7-f", "v", "v-1", "99999999999999999999-f"] {
            assert_eq!(expectation(tag), Expected::Unknown, "{tag}");
        }
    }

    #[test]
    fn a_compressed_tag_is_known_again_in_the_form_in_which_it_was_given() {
        let tag = Tag::new(Rev::new(7), View::Full);
        let compressed = suffixed(&tag.header(), "gzip").unwrap();
        assert_eq!(compressed, "\"7-f-gzip\"");
        let known = IfNoneMatch { any: false, tags: vec!["6-f".to_owned(), "7-f-gzip".to_owned()] };
        assert_eq!(known.matching(|| tag).unwrap(), "\"7-f-gzip\"");
        assert_eq!(known.matching(|| Tag::new(Rev::new(7), View::Public)), None);
    }
}
