//! Connections in a paused time, with clients that stall in every way.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

use super::behind::PROGRESS;
use super::watch::STOP_GRACE;
use super::*;

const HEAD: Duration = Duration::from_secs(10);
const KEEP: Duration = Duration::from_secs(75);
const WRITE: Duration = Duration::from_secs(20);

impl Cut for DuplexStream {
    fn cut(&self) {}
}

fn connected() -> (DuplexStream, Connection<DuplexStream>) {
    connected_until(std::future::pending())
}

fn connected_until(stop: impl Future<Output = ()> + 'static) -> (DuplexStream, Connection<DuplexStream>) {
    let (client, server) = duplex(64);
    let patience = Patience { head: HEAD, keep_alive: KEEP, write: WRITE };
    (client, Connection::new(server, patience, stop))
}

#[tokio::test(start_paused = true)]
async fn a_connection_lasts_while_each_head_comes_in_time() {
    let (mut client, mut connection) = connected();
    let mut piece = [0; 4];
    for _ in 0..4 {
        client.write_all(b"GET ").await.unwrap();
        assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
        let sent = tokio::spawn(async move {
            sleep(HEAD * 9 / 10).await;
            client.write_all(b"/ HT").await.unwrap();
            client
        });
        assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
        client = sent.await.unwrap();
        let serving = connection.watch().begin();
        sleep(KEEP * 9).await;
        drop(serving);
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_stalls_is_the_end() {
    let (mut client, mut connection) = connected();
    client.write_all(b"GET ").await.unwrap();
    let (begun, mut piece) = (Instant::now(), [0; 4]);
    assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
    assert_eq!(connection.read(&mut piece).await.unwrap(), 0);
    assert!(begun.elapsed() >= HEAD && begun.elapsed() < HEAD + Duration::from_secs(1));
}

/// Reads as the server does: all that there is for the moment, and then again. How much there was until the end.
async fn read_until_the_end(connection: &mut Connection<DuplexStream>) -> usize {
    let (mut read, mut piece) = (0, [0; 64]);
    loop {
        match connection.read(&mut piece).await.unwrap() {
            0 => return read,
            length => read += length,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_goes_on_is_told_so_and_is_the_end_before_it_is_overdue() {
    let (mut client, mut connection) = connected();
    let begun = Instant::now();
    let endless = tokio::spawn(async move {
        let mut answer = Vec::new();
        for _ in 0..head::MAX_PIECES / 64 + 4 {
            _ = client.write_all(&[b'x'; 64]).await;
            tokio::task::yield_now().await;
        }
        _ = client.read_to_end(&mut answer).await;
        answer
    });
    let read = read_until_the_end(&mut connection).await;
    assert!(read > head::MAX && read < 2 * head::MAX, "{read}");
    assert!(begun.elapsed() < HEAD);
    drop(connection);
    assert!(endless.await.unwrap().starts_with(b"HTTP/1.1 431 "));
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_a_request_is_served_or_after_the_last_answer_is_no_head() {
    let (mut client, mut connection) = connected();
    let watch = connection.watch();
    let (serving, mut piece) = (watch.begin(), [0; 64]);
    let mut passes = async |connection: &mut Connection<DuplexStream>| {
        for _ in 0..head::MAX_PIECES / 64 + 4 {
            // Nothing there for the moment, in between.
            assert!(tokio::time::timeout(Duration::ZERO, connection.read(&mut piece)).await.is_err());
            client.write_all(&[b'x'; 64]).await.unwrap();
            assert_eq!(connection.read(&mut piece).await.unwrap(), 64);
        }
    };
    passes(&mut connection).await;
    drop(serving);
    watch.end();
    passes(&mut connection).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_a_connection_while_a_request_is_served() {
    let (client, mut connection) = connected();
    let serving = connection.watch().begin();
    let mut piece = [0; 4];
    assert!(tokio::time::timeout(KEEP * 9, connection.read(&mut piece)).await.is_err());
    drop(serving);
    assert_eq!(connection.read(&mut piece).await.unwrap(), 0);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_is_broken_off() {
    let (client, mut connection) = connected();
    let begun = Instant::now();
    let refused = connection.write_all(&[0; 65]).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
    assert!(begun.elapsed() >= WRITE && begun.elapsed() < WRITE + Duration::from_secs(1));
    drop(client);
}

/// Sends so much to a client that takes a piece now and then.
async fn sent(bytes: usize, piece: usize, every: Duration) -> io::Result<()> {
    sent_in(bytes, bytes, piece, every).await
}

/// The same, where the server is given so many bytes at once.
async fn sent_in(chunk: usize, bytes: usize, piece: usize, every: Duration) -> io::Result<()> {
    let (mut client, server) = duplex(piece);
    let patience = Patience { head: HEAD, keep_alive: KEEP, write: WRITE };
    let mut connection = Connection::new(server, patience, std::future::pending());
    let serving = connection.watch().begin();
    let reader = tokio::spawn(async move {
        let (mut read, mut taken) = (0, vec![0; piece]);
        while read < bytes {
            sleep(every).await;
            read += client.read(&mut taken).await.unwrap();
        }
    });
    let mut sent = Ok(());
    for begin in (0..bytes).step_by(chunk) {
        sent = connection.write_all(&vec![0; chunk.min(bytes - begin)]).await;
        if sent.is_err() {
            break;
        }
    }
    reader.abort();
    drop(serving);
    sent
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_long_while_its_client_reads() {
    sent(10 * PROGRESS, PROGRESS, WRITE * 9 / 10).await.unwrap();
    sent(10 * PROGRESS, PROGRESS / 8, WRITE / 9).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_a_client_takes_a_little_now_and_then_is_broken_off() {
    let refused = sent(10 * PROGRESS, 1_000, WRITE / 10).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn whether_an_answer_is_given_in_pieces_makes_no_difference() {
    for chunk in [500, 4_000, PROGRESS / 2] {
        sent_in(chunk, 10 * PROGRESS, PROGRESS / 8, WRITE / 9).await.unwrap();
        let refused = sent_in(chunk, 10 * PROGRESS, 1_000, WRITE / 10).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "{chunk}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_has_its_time_for_each_answer_anew_and_while_the_server_takes_its_own_none_passes() {
    let (mut client, mut connection) = connected();
    let mut taken = [0; 128];
    for server_takes in [WRITE * 3, Duration::ZERO, KEEP] {
        let serving = connection.watch().begin();
        for _ in 0..3 {
            let reading = tokio::spawn(async move {
                sleep(WRITE / 4).await;
                client.read_exact(&mut taken).await.unwrap();
                client
            });
            connection.write_all(&[0; 128]).await.unwrap();
            client = reading.await.unwrap();
            sleep(server_takes).await;
        }
        drop(serving);
        connection.flush().await.unwrap();
        sleep(KEEP / 2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_not_listened_to_until_it_does() {
    let (mut client, mut connection) = connected();
    client.write_all(b"GET ").await.unwrap();
    let (mut piece, mut taken) = ([0; 4], [0; 65]);
    let blocked = tokio::time::timeout(WRITE / 4, connection.write_all(&[0; 65])).await;
    assert!(blocked.is_err());
    let unheard = tokio::time::timeout(HEAD / 4, connection.read(&mut piece)).await;
    assert!(unheard.is_err());
    client.read_exact(&mut taken[..64]).await.unwrap();
    connection.write_all(b"x").await.unwrap();
    assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_connection_on_which_nothing_is_asked() {
    let (client, mut connection) = connected_until(sleep(KEEP / 3));
    let begun = Instant::now();
    assert_eq!(connection.read(&mut [0; 4]).await.unwrap(), 0);
    assert!(begun.elapsed() >= KEEP / 3 && begun.elapsed() < KEEP / 3 + Duration::from_secs(1));
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_a_client_that_has_just_connected_time_to_ask() {
    let (mut client, mut connection) = connected_until(std::future::ready(()));
    let asking = tokio::spawn(async move {
        sleep(STOP_GRACE / 2).await;
        client.write_all(b"GET ").await.unwrap();
        sleep(HEAD / 2).await;
        client.write_all(b"/ HT").await.unwrap();
        client
    });
    let mut piece = [0; 4];
    for _ in 0..2 {
        assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
    }
    let serving = connection.watch().begin();
    assert!(tokio::time::timeout(KEEP, connection.read(&mut piece)).await.is_err());
    drop(serving);
    assert_eq!(connection.read(&mut piece).await.unwrap(), 0);
    drop(asking.await.unwrap());
}
