//! Ids in the path.

use std::str::FromStr;

use chat_domain::extension::Emoji;
use chat_domain::fault::{Place, Rejection};
use chat_domain::id::{AttachmentId, ExtensionId, MessageId, ParticipantId, SessionId};

use super::{Part, Reading, percent};
use crate::problem::Problem;

/// `{session_id}`
pub(crate) struct SessionPath(pub(crate) SessionId);
/// `{attachment_id}`
pub(crate) struct AttachmentPath(pub(crate) AttachmentId);
/// `{message_id}`
pub(crate) struct MessagePath(pub(crate) MessageId);
/// `{extension_id}`
pub(crate) struct ExtensionPath(pub(crate) ExtensionId);
/// `{emoji}`
pub(crate) struct EmojiPath(pub(crate) Emoji);
/// `{user_id}`
pub(crate) struct UserPath(pub(crate) ParticipantId);

impl Part for SessionPath {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        Ok(id(from, "session_id", uuid).map(Self))
    }
}

impl Part for AttachmentPath {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        Ok(id(from, "attachment_id", uuid).map(Self))
    }
}

impl Part for MessagePath {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        Ok(id(from, "message_id", uuid).map(Self))
    }
}

impl Part for ExtensionPath {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        Ok(id(from, "extension_id", uuid).map(Self))
    }
}

impl Part for EmojiPath {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        Ok(id(from, "emoji", str::parse::<Emoji>).map(Self))
    }
}

impl Part for UserPath {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        Ok(id(from, "user_id", str::parse::<ParticipantId>).map(Self))
    }
}

fn id<T>(from: &mut Reading, name: &str, parse: impl FnOnce(&str) -> Result<T, Rejection>) -> Option<T> {
    let decoded = segment(from, name).and_then(percent::decode);
    let decoded = decoded.ok_or_else(|| Rejection::new("invalid_encoding", "must be percent-encoded UTF-8"));
    match decoded.and_then(|text| parse(&text)) {
        Ok(id) => Some(id),
        Err(rejection) => {
            from.faults.add(Place::Path, format!("/{name}"), rejection);
            None
        }
    }
}

/// The segment as the client sent it: the router decodes some escapes, and replaces what is not UTF-8.
fn segment<'a>(from: &'a Reading, name: &str) -> Option<&'a str> {
    if !from.request.uri().path().contains('%') {
        return from.request.match_info().get(name);
    }
    let pattern = from.request.match_pattern()?;
    let place = |part: &str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) == Some(name);
    let index = pattern.split('/').position(place)?;
    from.request.uri().path().split('/').nth(index)
}

/// Only the form with hyphens: one id has one spelling, letter case aside.
fn uuid<T: FromStr>(text: &str) -> Result<T, Rejection> {
    let id = if text.len() == 36 { text.parse().ok() } else { None };
    id.ok_or_else(|| Rejection::new("invalid_uuid", "must be a UUID, 36 characters with hyphens"))
}
