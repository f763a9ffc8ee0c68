//! Files that take their time.

use std::time::Duration;

use chat_http::ServerSettings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{House, MEDIA, PICTURE, PNG, form};

async fn begin(house: &House, session: &str, length: usize) -> TcpStream {
    let mut client = TcpStream::connect(house.server.address).await.unwrap();
    let head = format!(
        "POST {session}/attachments HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA}\r\nContent-Length: {length}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client
}

async fn answer(client: &mut TcpStream) -> String {
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_mins(1), client.read(&mut answer));
    let length = read.await.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn a_file_of_which_nothing_comes_any_more_is_given_up() {
    let house = House::with(|parts| {
        parts.settings = ServerSettings { body_stall_timeout: Duration::from_millis(200), ..parts.settings.clone() };
    })
    .await;
    let session = house.server.session_path().await;
    let whole = form(&[(PNG, PICTURE)]);
    for sent in [0, 30, whole.len() - 40, whole.len() - 1] {
        let mut client = begin(&house, &session, whole.len()).await;
        client.write_all(&whole[..sent]).await.unwrap();
        let late = answer(&mut client).await;
        assert!(late.starts_with("HTTP/1.1 408"), "after {sent} bytes: {late}");
        house.nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_file_that_comes_in_drops_for_ever_is_given_up() {
    let house = House::with(|parts| {
        parts.settings = ServerSettings { upload_timeout: Duration::from_millis(300), ..parts.settings.clone() };
    })
    .await;
    let session = house.server.session_path().await;
    let mut client = begin(&house, &session, 90_000).await;
    client.write_all(&form(&[(PNG, PICTURE)])[..100]).await.unwrap();
    let (mut read, mut write) = client.split();
    let dripping = async {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 12];
    tokio::select! {
        () = dripping => {}
        read = read.read_exact(&mut answer) => drop(read.unwrap()),
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
    house.nothing_is_left().await;
}

#[tokio::test]
async fn a_file_may_take_longer_than_stores_may() {
    let house = House::with(|parts| {
        parts.settings = ServerSettings { store_deadline: Duration::from_millis(50), ..parts.settings.clone() };
    })
    .await;
    let session = house.server.session_path().await;
    let whole = form(&[(PNG, PICTURE)]);
    let mut client = begin(&house, &session, whole.len()).await;
    for piece in whole.chunks(whole.len() / 4) {
        client.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let made = answer(&mut client).await;
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
}
