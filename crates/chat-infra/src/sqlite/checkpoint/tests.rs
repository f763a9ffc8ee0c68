//! The log of a real file, with readers and a writer in each other's way.

use std::path::Path;

use diesel::connection::SimpleConnection as _;

use super::*;
use crate::sqlite::connection::{open_mover, open_reader, open_writer};

const BUSY: Duration = Duration::from_secs(5);
const SHORT: Bounds = Bounds { long: 64, too_long: 256, patience: BUSY };

fn open(path: &Path, bounds: Bounds) -> (SqliteConnection, Log, JoinHandle<()>) {
    let file = Arc::new(ClaimedFile::claim(path).unwrap());
    let mut writer = open_writer(path, BUSY).unwrap();
    writer.batch_execute("CREATE TABLE things (it BLOB)").unwrap();
    let (log, thread) = Log::start(open_mover(path, ATTEMPT).unwrap(), file, bounds).unwrap();
    (writer, log, thread)
}

fn write(writer: &mut SqliteConnection, log: &mut Log, bytes: u32) {
    writer.batch_execute(&format!("INSERT INTO things VALUES (zeroblob({bytes}))")).unwrap();
    log.committed(writer);
}

fn count(reader: &mut SqliteConnection) -> i32 {
    sql::<Integer>("SELECT count(*) FROM things").get_result(reader).unwrap()
}

#[test]
fn a_log_that_has_become_long_begins_anew_while_the_writer_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let bounds = Bounds::serving(BUSY);
    let (mut writer, mut log, thread) = open(&directory.path().join("chat.db"), bounds);
    let mut longest = 0;
    loop {
        write(&mut writer, &mut log, 1 << 20);
        let all = frames(&mut writer).unwrap();
        if all < longest {
            break;
        }
        longest = all;
        assert!(longest < 2 * bounds.too_long);
    }
    assert!(longest >= bounds.long);
    drop(log);
    thread.join().unwrap();
}

#[test]
fn what_a_reader_is_still_reading_stays_in_the_log_and_stops_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let (mut writer, mut log, thread) = open(&path, Bounds { patience: Duration::ZERO, ..SHORT });
    write(&mut writer, &mut log, 1 << 16);
    let mut reader = open_reader(&path, BUSY).unwrap();
    reader.batch_execute("BEGIN").unwrap();
    assert_eq!(count(&mut reader), 1);
    for _ in 0..100 {
        write(&mut writer, &mut log, 1 << 16);
    }
    assert!(log.in_the_way_at > SHORT.too_long);
    assert_eq!(count(&mut reader), 1);
    reader.batch_execute("COMMIT").unwrap();
    assert_eq!(count(&mut reader), 101);
    drop(log);
    thread.join().unwrap();
}

#[test]
fn readers_that_overlap_do_not_keep_the_log_from_beginning_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    let (mut writer, mut log, thread) = open(&path, SHORT);
    let is_over = AtomicBool::new(false);
    let longest = std::thread::scope(|scope| {
        for late in 0..4 {
            let (mut reader, is_over) = (open_reader(&path, BUSY).unwrap(), &is_over);
            scope.spawn(move || {
                std::thread::park_timeout(Duration::from_millis(4 * late));
                while !is_over.load(Ordering::Relaxed) {
                    reader.batch_execute("BEGIN").unwrap();
                    count(&mut reader);
                    std::thread::park_timeout(Duration::from_millis(15));
                    reader.batch_execute("COMMIT").unwrap();
                }
            });
        }
        let lengths = (0..600).map(|_| {
            write(&mut writer, &mut log, 1 << 14);
            std::thread::park_timeout(Duration::from_millis(1));
            frames(&mut writer).unwrap()
        });
        let longest = lengths.max().unwrap();
        is_over.store(true, Ordering::Relaxed);
        longest
    });
    // It may pass the bound between two looks only.
    assert!(longest < 2 * SHORT.too_long, "{longest} frames");
    drop(log);
    thread.join().unwrap();
}

#[test]
fn a_log_that_is_too_long_has_the_writer_wait_for_the_round_under_way() {
    let directory = tempfile::tempdir().unwrap();
    let (mut writer, mut log, thread) = open(&directory.path().join("chat.db"), SHORT);
    let shared = Arc::clone(&log.shared);
    let round = shared.mover();
    let longest = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let lengths = (0..100).map(|_| {
                write(&mut writer, &mut log, 1 << 16);
                frames(&mut writer).unwrap()
            });
            lengths.max().unwrap()
        });
        while !shared.is_writers_turn.load(Ordering::Relaxed) && !writing.is_finished() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        drop(round);
        writing.join().unwrap()
    });
    assert!(longest < 3 * SHORT.too_long, "{longest} frames");
    drop(log);
    thread.join().unwrap();
}
