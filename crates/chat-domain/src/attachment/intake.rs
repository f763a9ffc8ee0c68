//! A file while it comes in: measured, digested and looked at, piece by piece.

use sha2::{Digest as _, Sha256};

use super::kind::sniffed;
use crate::idempotency::Digest;

/// So many bytes say what a file is.
const HEAD: usize = 8 * 1024;

/// What is known so far.
pub(super) struct Intake {
    most: u64,
    size: u64,
    sha256: Sha256,
    head: Vec<u8>,
    text: Text,
}

/// The file is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// What is known of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) size: u64,
    pub(super) sha256: Digest,
    pub(super) content_type: &'static str,
}

impl Intake {
    /// Of a file of at most so many bytes.
    pub(super) fn new(most: u64) -> Self {
        Self { most, size: 0, sha256: Sha256::new(), head: Vec::new(), text: Text::default() }
    }

    /// Looks at the next piece.
    ///
    /// # Errors
    /// Where the file would be too long with it.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), TooLarge> {
        let size = self.size.saturating_add(piece.len() as u64);
        if size > self.most {
            return Err(TooLarge);
        }
        self.size = size;
        self.sha256.update(piece);
        let wanted = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(piece.get(..wanted).unwrap_or_default());
        self.text.take(piece);
        Ok(())
    }

    /// The file has come to its end.
    pub(super) fn finish(self) -> Taken {
        let content_type = sniffed(&self.head, self.text.is_whole());
        Taken { size: self.size, sha256: Digest::new(self.sha256.finalize().into()), content_type }
    }
}

/// Whether all that came is text in UTF-8 that one can read, wherever the pieces were cut.
#[derive(Default)]
struct Text {
    /// The beginning of a character whose end has not come.
    begun: Vec<u8>,
    broken: bool,
}

impl Text {
    fn take(&mut self, piece: &[u8]) {
        if self.broken {
            return;
        }
        let mut rest = piece;
        while !self.begun.is_empty() && !self.broken {
            let Some((byte, after)) = rest.split_first() else { return };
            self.begun.push(*byte);
            rest = after;
            let begun = std::mem::take(&mut self.begun);
            self.look(&begun);
        }
        self.look(rest);
    }

    fn look(&mut self, bytes: &[u8]) {
        let begun = match str::from_utf8(bytes) {
            Ok(_) => &[][..],
            Err(error) if error.error_len().is_none() => bytes.get(error.valid_up_to()..).unwrap_or_default(),
            Err(_) => {
                self.broken = true;
                return;
            }
        };
        self.broken = bytes.iter().any(|byte| is_unreadable(*byte));
        self.begun = begun.to_vec();
    }

    fn is_whole(&self) -> bool {
        !self.broken && self.begun.is_empty()
    }
}

const fn is_unreadable(byte: u8) -> bool {
    byte == 0x7f || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pieces: &[&[u8]]) -> Taken {
        let mut intake = Intake::new(1_000_000);
        for piece in pieces {
            intake.take(piece).unwrap();
        }
        intake.finish()
    }

    #[test]
    fn a_digest_is_that_of_all_pieces() {
        let whole = taken(&[b"abc"]);
        assert_eq!(
            whole.sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "as FIPS 180-4 has it"
        );
        assert_eq!((whole.size, taken(&[b"a", b"", b"bc"])), (3, whole));
    }

    #[test]
    fn text_is_text_wherever_it_is_cut() {
        let text = "añ – 日本語 👍🏽\r\n\t.".as_bytes();
        for cut in 0..=text.len() {
            let (one, other) = text.split_at(cut);
            assert_eq!(taken(&[one, other]).content_type, "text/plain", "cut at {cut}");
        }
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(taken(&bytes).content_type, "text/plain");
    }

    #[test]
    fn what_nobody_can_read_is_no_text() {
        for bytes in [&b"a\0b"[..], b"a\xff", b"\xe6\x97", b"a\x1b[0m", "ü".as_bytes().split_at(1).0] {
            assert_eq!(taken(&[bytes]).content_type, "application/octet-stream", "{}", bytes.escape_ascii());
        }
        let late = vec![b'a'; 100_000];
        assert_eq!(taken(&[&late, b"\0"]).content_type, "application/octet-stream", "however late it comes");
    }

    #[test]
    fn a_byte_too_many_is_too_many() {
        let mut intake = Intake::new(4);
        assert_eq!(intake.take(b"1234"), Ok(()));
        assert_eq!(intake.take(b""), Ok(()));
        assert_eq!(intake.take(b"5"), Err(TooLarge));
    }
}
