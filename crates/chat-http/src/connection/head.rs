//! How large a head may be.
//!
//! The server has a limit of its own, of 128 KiB and for half a head alone, and keeps a buffer as large as the largest head for
//! as long as the connection lives. Here a connection ends with the first head that is too large, so that its buffer goes:
//! the edge refuses one that has come whole, and one that goes on is not read on.

use actix_web::dev::RequestHead;

/// Bytes of a head, as [`size`] counts them: room for a token of the longest, and as much beside it.
pub(crate) const MAX: usize = 16 * 1024;

/// What has come of a head of which the end has not is too much above this: more than what stands between the names and
/// values of the largest that is served.
pub(super) const MAX_PIECES: usize = MAX + 1024;

/// The answer to a head that goes on; it is no request yet, so there is no document for it.
pub(super) const REFUSAL: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Bytes of the method, the target, and of the names and values of the headers, without what stands between them.
pub(crate) fn size(head: &RequestHead) -> usize {
    let target = head.uri.path().len() + head.uri.query().map_or(0, str::len);
    let fields = head.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    head.method.as_str().len() + target + fields.sum::<usize>()
}
