//! The lines of the log on their way out.
//!
//! Whoever logs must not wait for whoever reads the log, and must not wake a thread for each line either: with a queue of
//! lines that costs more than the line itself. So lines are appended to one buffer, and a thread of its own takes all
//! that came and writes it at once, then lets some gather again. A lone line is written at once; under load there is one
//! write for the lines of some milliseconds. Lines that cannot be written are lost, and counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait to be written. What comes then is dropped, line by line.
const BACKLOG: usize = 4 * 1024 * 1024;
/// For so long lines gather after some were written.
const GATHERING: Duration = Duration::from_millis(5);
/// So long the last lines may take at the end, where whoever reads the log stalls.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// A buffer that has grown beyond this is given back.
const KEPT: usize = 256 * 1024;

/// The way to the log: each write is one line. A clone leads to the same log.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

/// Writes what waits when it is dropped.
pub(super) struct Writer(Arc<Shared>);

/// Counts the lines that were dropped, because nobody took them in time or they could not be written.
#[derive(Clone)]
pub(crate) struct DroppedLines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    stirred: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    /// Whether the thread must be woken for what comes.
    asleep: bool,
    closed: bool,
    /// Whether all was written after the log was closed.
    ended: bool,
}

/// Starts the thread that writes.
///
/// # Errors
/// Where the system gives no more threads.
pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<(Lines, Writer)> {
    let shared = Arc::new(Shared::default());
    let own = Arc::clone(&shared);
    std::thread::Builder::new().name("log".to_owned()).spawn(move || own.write_to(out))?;
    Ok((Lines(Arc::clone(&shared)), Writer(shared)))
}

impl Lines {
    pub(super) fn dropped(&self) -> DroppedLines {
        DroppedLines(Arc::clone(&self.0))
    }
}

impl DroppedLines {
    /// How many so far.
    pub(crate) fn count(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.text.len().saturating_add(line.len()) > BACKLOG {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.text.extend_from_slice(line);
        let asleep = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if asleep {
            self.stirred.notify_all();
        }
    }

    /// Writes whatever comes, until the log is closed and nothing is left.
    fn write_to(&self, mut out: impl Write) {
        let (mut text, mut torn) = (Vec::new(), false);
        while self.take(&mut text) {
            // What comes behind half a line would be lost with it, and spoil it further.
            if torn {
                torn = !write(&mut out, b"\n").is_empty();
            }
            let rest = if torn { text.as_slice() } else { write(&mut out, &text) };
            if !rest.is_empty() {
                let begun = text.len() - rest.len();
                torn |= text.get(..begun).and_then(<[u8]>::last).is_some_and(|byte| *byte != b'\n');
                self.dropped.fetch_add(lines(rest), Ordering::Relaxed);
            }
            text.clear();
            text.shrink_to(KEPT);
            let open = |waiting: &mut Waiting| !waiting.closed;
            _ = self.stirred.wait_timeout_while(self.lock(), GATHERING, open);
        }
        self.lock().ended = true;
        self.stirred.notify_all();
    }

    /// Takes what waits, and waits for something where there is nothing; `false` where nothing will come any more.
    fn take(&self, text: &mut Vec<u8>) -> bool {
        let mut waiting = self.lock();
        while waiting.text.is_empty() && !waiting.closed {
            waiting.asleep = true;
            waiting = self.stirred.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut waiting.text, text);
        !text.is_empty()
    }
}

/// Writes what can be written, and gives what cannot. A log that cannot be written is no reason to stop serving.
fn write<'t>(out: &mut impl Write, mut text: &'t [u8]) -> &'t [u8] {
    while !text.is_empty() {
        match out.write(text) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(written @ 1..) => text = text.get(written..).unwrap_or_default(),
            Ok(0) | Err(_) => break,
        }
    }
    // What it does not get rid of now stays with the writer for the next time.
    _ = out.flush();
    text
}

/// How many lines end in the text.
fn lines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.stirred.notify_all();
        let writing = |waiting: &mut Waiting| !waiting.ended;
        _ = self.0.stirred.wait_timeout_while(self.0.lock(), LAST_WORDS, writing);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::mpsc;
    use std::time::Instant;

    use super::super::json::tests::Written;
    use super::*;

    /// A reader that takes nothing until it is let on, and then all.
    struct Stalled {
        let_on: mpsc::Receiver<()>,
        taken: Written,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error says that nobody stalls it any more.
            _ = self.let_on.recv();
            self.taken.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_that_was_logged_is_there_when_the_log_has_ended_in_whole_lines() {
        let taken = Written::default();
        let (lines, writer) = start(taken.clone()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let mut lines = lines.clone();
                scope.spawn(move || {
                    for line in 0..1_000 {
                        lines.write_all(format!("{thread} {line}\n").as_bytes()).unwrap();
                    }
                });
            }
        });
        drop(writer);
        let text = taken.text();
        for thread in 0..4 {
            let own = text.lines().filter_map(|line| line.strip_prefix(&format!("{thread} ")));
            let numbers: Vec<u32> = own.map(|number| number.parse().unwrap()).collect();
            assert_eq!(numbers, (0..1_000).collect::<Vec<_>>());
        }
    }

    /// A disk that is full after so many bytes, until somebody makes room.
    struct Full {
        room: Arc<Mutex<usize>>,
        taken: Written,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut room = self.room.lock().unwrap();
            let fits = bytes.len().min(*room);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *room -= fits;
            self.taken.write(&bytes[..fits])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_those_that_come_when_there_is_room_are_whole() {
        let (room, taken) = (Arc::new(Mutex::new(12)), Written::default());
        let (mut lines, writer) = start(Full { room: Arc::clone(&room), taken: taken.clone() }).unwrap();
        // A line fits, and half of the next.
        for _ in 0..1_000 {
            lines.write_all(b"a line\n").unwrap();
        }
        until_counted(&lines, 999);
        *room.lock().unwrap() = usize::MAX;
        lines.write_all(b"another\n").unwrap();
        let dropped = lines.dropped();
        drop(writer);
        assert_eq!((dropped.count(), taken.text().as_str()), (999, "a line\na lin\nanother\n"));
    }

    /// Waits until so many lines have been dropped.
    fn until_counted(lines: &Lines, count: u64) {
        let patience = Instant::now() + Duration::from_mins(1);
        while lines.dropped().count() < count {
            assert!(Instant::now() < patience, "{} are counted", lines.dropped().count());
            std::thread::yield_now();
        }
    }

    /// A disk that takes so many bytes at a time or fails, as it is told, and takes everything in the end.
    struct Faltering {
        takes: VecDeque<usize>,
        taken: Written,
    }

    impl Write for Faltering {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.takes.pop_front().unwrap_or(usize::MAX) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                most => self.taken.write(&bytes[..bytes.len().min(most)]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_is_written_behind_half_a_line_that_cannot_be_ended() {
        let taken = Written::default();
        // Three bytes of a line and no more, and then there is no room for its end.
        let disk = Faltering { takes: [3, 0, 0].into(), taken: taken.clone() };
        let (mut lines, writer) = start(disk).unwrap();
        for (line, dropped) in [("torn\n", 1), ("lost\n", 2)] {
            lines.write_all(line.as_bytes()).unwrap();
            until_counted(&lines, dropped);
        }
        for line in ["whole\n", "another\n"] {
            lines.write_all(line.as_bytes()).unwrap();
        }
        let dropped = lines.dropped();
        drop(writer);
        assert_eq!((dropped.count(), taken.text().as_str()), (2, "tor\nwhole\nanother\n"));
    }

    #[test]
    fn a_lone_line_is_written_though_nothing_follows() {
        let taken = Written::default();
        let (mut lines, _writer) = start(taken.clone()).unwrap();
        for line in ["one\n", "two\n"] {
            lines.write_all(line.as_bytes()).unwrap();
            while !taken.text().ends_with(line) {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn who_logs_does_not_wait_for_a_reader_that_stalls_and_what_is_too_much_is_dropped_and_counted() {
        let (let_on, stall) = mpsc::channel();
        let taken = Written::default();
        let (mut lines, writer) = start(Stalled { let_on: stall, taken: taken.clone() }).unwrap();
        let line = [b"x".repeat(1_023).as_slice(), b"\n"].concat();
        let sent = 3 * BACKLOG / line.len();
        for _ in 0..sent {
            lines.write_all(&line).unwrap();
        }
        let dropped = usize::try_from(lines.dropped().count()).unwrap();
        // What the thread holds in its hands does not count as waiting.
        assert!(dropped >= sent / 3, "{dropped} of {sent}");
        drop(let_on);
        drop(writer);
        assert_eq!(taken.text().lines().count(), sent - dropped);
        assert!(taken.text().lines().all(|text| text.len() == 1_023));
    }
}
