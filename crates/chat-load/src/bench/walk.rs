//! From the first page of a long session to its last.

use std::time::{Duration, Instant};

use super::series::Series;
use crate::case::PAGE;
use crate::connection::Connection;
use crate::error::LoadError;
use crate::load::{self, millis};
use crate::request;
use crate::stored::{LONG_SESSION, Stored, TENANT};
use crate::target::Target;

/// One in so many pages counts as first, and as many as last.
const SHARE: usize = 20;

/// How long a page takes, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    /// The median of the first pages.
    pub(super) first: f64,
    /// The median of the last pages.
    pub(super) last: f64,
}

/// Follows `Link` from page to page until there is none, on one connection.
pub(super) fn to_the_end(target: &Target, stored: Stored) -> Result<Walk, LoadError> {
    let times = load::runtime()?.block_on(walk(target))?;
    let wanted = usize::try_from(stored.long).unwrap_or(usize::MAX).div_ceil(PAGE);
    if times.len() < wanted {
        return Err(LoadError::failed(format!("the session ended after {} of {wanted} pages", times.len())));
    }
    let share = times.len().div_ceil(SHARE);
    Ok(Walk { first: median(times.iter().take(share)), last: median(times.iter().rev().take(share)) })
}

fn median<'t>(times: impl Iterator<Item = &'t Duration>) -> f64 {
    times.map(|time| millis(*time)).collect::<Series>().median().unwrap_or_default()
}

async fn walk(target: &Target) -> Result<Vec<Duration>, LoadError> {
    let headers = [format!("X-Tenant-Id: {TENANT}")];
    let root = target.root();
    let mut connection = Connection::open(target).await?;
    let mut times = Vec::new();
    let mut next = Some(format!("{}/sessions/{LONG_SESSION}/messages?limit={PAGE}", target.base()));
    while let Some(path) = next {
        let page = request::get(&root, &path, &headers);
        let begin = Instant::now();
        let answer = connection.exchange(&page).await?;
        times.push(begin.elapsed());
        if answer.status != 200 {
            return Err(LoadError::failed(format!("a page was refused with {}", answer.status)));
        }
        next = answer.headers().iter().find(|(name, _)| name.eq_ignore_ascii_case("link")).and_then(next_in);
    }
    Ok(times)
}

/// The path that a `Link` header calls the next.
fn next_in((_, value): &(String, Vec<u8>)) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?;
    let link = value.split(',').find(|link| link.contains("rel=\"next\""))?;
    Some(link.trim().strip_prefix('<')?.split_once('>')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_beside_the_previous_one() {
        let link = |value: &str| ("link".to_owned(), value.as_bytes().to_vec());
        let both = link("</a?before=2&limit=50>; rel=\"prev\", </a?after=51&limit=50>; rel=\"next\"");
        assert_eq!(next_in(&both).as_deref(), Some("/a?after=51&limit=50"));
        assert_eq!(next_in(&link("</a?before=2>; rel=\"prev\"")), None);
    }
}
