//! Reading the head of an answer: the status, and where the body ends.

use crate::error::LoadError;

/// More header lines than any answer of the service has.
const MAX_HEADERS: usize = 64;

/// What must be known of an answer before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status code.
    pub(crate) status: u16,
    /// Bytes before the body.
    pub(crate) head_len: usize,
    /// Bytes of the body.
    pub(crate) body_len: usize,
}

impl Head {
    /// Reads the head; `None` where it is not all there yet.
    ///
    /// # Errors
    /// For anything but HTTP/1 with a `Content-Length`, or a status that has no body.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, LoadError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(bytes).map_err(|_| LoadError::Answer("it is no HTTP/1.1"))?;
        let (httparse::Status::Complete(head_len), Some(status)) = (parsed, response.code) else { return Ok(None) };
        let body_len = match length(response.headers)? {
            Some(length) => length,
            None if matches!(status, 204 | 304) => 0,
            None => return Err(LoadError::Answer("it has no Content-Length")),
        };
        Ok(Some(Self { status, head_len, body_len }))
    }
}

fn length(headers: &[httparse::Header<'_>]) -> Result<Option<usize>, LoadError> {
    let Some(header) = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length")) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse().ok());
    text.map(Some).ok_or(LoadError::Answer("its Content-Length is no number"))
}

/// A whole answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    head: &'a [u8],
    /// The body, as it came.
    pub(crate) body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Cuts the bytes of one answer where its head ends.
    pub(crate) fn new(head: Head, bytes: &'a [u8]) -> Option<Self> {
        let (before, body) = bytes.split_at_checked(head.head_len)?;
        Some(Self { status: head.status, head: before, body })
    }

    /// Names and values of the header lines, in their order.
    pub(crate) fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(self.head) {
            Ok(_) => response.headers.iter().map(|line| (line.name.to_owned(), line.value.to_vec())).collect(),
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_found_behind_the_head() {
        let bytes = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nETag: \"1\"\r\n\r\n{}";
        let head = Head::parse(bytes).unwrap().unwrap();
        assert_eq!((head.status, head.body_len), (201, 2));
        let answer = Answer::new(head, bytes).unwrap();
        assert_eq!(answer.body, b"{}");
        assert_eq!(answer.headers()[1], ("ETag".to_owned(), b"\"1\"".to_vec()));
    }

    #[test]
    fn half_a_head_is_not_an_answer_yet() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap(), None);
    }

    #[test]
    fn no_body_is_expected_where_there_is_none() {
        let head = Head::parse(b"HTTP/1.1 304 Not Modified\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.status, head.body_len), (304, 0));
    }

    #[test]
    fn what_has_no_known_end_is_refused() {
        for bytes in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
        ] {
            assert!(Head::parse(bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}
