//! Which part of a file a client wants (RFC 9110, section 14).

use std::ops::Range;

use actix_web::http::header::{CONTENT_RANGE, HeaderValue};

use crate::etag::Tag;
use crate::extract::{Part as Piece, Reading, lines};
use crate::problem::{Kind, Problem};

/// What `Range` and `If-Range` say.
pub(crate) struct WantedRange {
    /// The one range that is asked for. More than one, and what cannot be read, is as if nothing were.
    range: Option<Wanted>,
    /// What the file must be for that.
    of: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// From the first of these to the last, or to the end.
    From(u64, Option<u64>),
    /// So many at the end.
    Last(u64),
}

/// The part of a file that is served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
}

impl Part {
    /// The bytes, of a file of this size.
    pub(super) fn bytes(&self, size: u64) -> Range<u64> {
        match self {
            Self::Whole => 0..size,
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Piece for WantedRange {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let headers = from.request.headers();
        let mut ranges = lines(headers, "range");
        let range = ranges.next().and_then(wanted).filter(|_| ranges.next().is_none());
        let of = lines(headers, "if-range").next().map(<[u8]>::to_vec);
        Ok(Some(Self { range, of }))
    }
}

impl WantedRange {
    /// The part of a file with this tag and size.
    ///
    /// # Errors
    /// A range that lies behind its end.
    pub(super) fn part(&self, tag: &Tag, size: u64) -> Result<Part, Problem> {
        // Strong: the tag to the letter. A time is none.
        let is_meant = self.of.as_ref().is_none_or(|of| of.trim_ascii() == tag.header().as_bytes());
        let Some(range) = self.range.filter(|_| is_meant) else { return Ok(Part::Whole) };
        let bytes = match range {
            Wanted::From(first, last) => first..last.map_or(size, |last| last.saturating_add(1).min(size)),
            Wanted::Last(count) => size.saturating_sub(count)..size,
        };
        if bytes.is_empty() {
            let problem = Problem::new(Kind::RangeNotSatisfiable, format!("The file has {size} bytes."));
            let all = HeaderValue::try_from(format!("bytes */{size}")).unwrap_or(HeaderValue::from_static("bytes */*"));
            return Err(problem.with_header(CONTENT_RANGE, all));
        }
        Ok(Part::Bytes(bytes))
    }
}

fn wanted(line: &[u8]) -> Option<Wanted> {
    let (unit, range) = str::from_utf8(line).ok()?.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    match (first, last) {
        ("", count) => number(count).map(Wanted::Last),
        (first, "") => Some(Wanted::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wanted::From(first, Some(last)))
        }
    }
}

/// Digits and nothing else. What is larger than any file is as good as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use chat_domain::idempotency::Digest;

    use super::*;

    fn part(range: &str, of: Option<&[u8]>) -> Result<Part, Kind> {
        let wanted = WantedRange { range: wanted(range.as_bytes()), of: of.map(<[u8]>::to_vec) };
        wanted.part(&Tag::of_content(Digest::new([0; 32])), 100).map_err(|problem| problem.kind())
    }

    #[test]
    fn one_range_that_lies_in_the_file_is_served() {
        for (range, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("bytes=90-", 90..100),
            ("bytes=90-1000", 90..100),
            ("bytes=90-99999999999999999999999", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("Bytes = 5-6", 5..7),
        ] {
            assert_eq!(part(range, None), Ok(Part::Bytes(bytes)), "{range}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_as_if_it_were_not_said() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=1-2,4-5",
            "bytes=+1-2",
            "bytes=1--2",
            "lines=1-2",
            "bytes=0x1-2",
            "bytes=1 -2",
        ] {
            assert_eq!(part(range, None), Ok(Part::Whole), "{range}");
        }
    }

    #[test]
    fn a_range_behind_the_end_cannot_be_served() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(part(range, None), Err(Kind::RangeNotSatisfiable), "{range}");
        }
    }

    #[test]
    fn a_range_of_another_file_is_the_whole_of_this_one() {
        let same = format!("\"{}\"", "0".repeat(64));
        assert_eq!(part("bytes=0-0", Some(same.as_bytes())), Ok(Part::Bytes(0..1)));
        let weak = format!("W/{same}");
        for other in [&b"\"other\""[..], weak.as_bytes(), b"Wed, 21 Oct 2015 07:28:00 GMT", b""] {
            assert_eq!(part("bytes=0-0", Some(other)), Ok(Part::Whole));
            assert_eq!(part("bytes=500-", Some(other)), Ok(Part::Whole));
        }
    }
}
