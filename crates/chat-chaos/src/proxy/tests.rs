//! The proxy does what it is told.

use std::io::ErrorKind;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener};
use tokio::time::{Instant, timeout};

use super::{Flow, Proxy};

/// Long enough to say that nothing comes.
const SILENCE: Duration = Duration::from_millis(100);

/// A proxy in front of a server that answers each byte with ten.
struct Rig {
    proxy: Proxy,
    _directory: TempDir,
}

impl Rig {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        stream.write_all(&[byte; 10]).await.unwrap();
                    }
                });
            }
        });
        Self { proxy: Proxy::before(path).unwrap(), _directory: directory }
    }

    async fn client(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.proxy.port())).await.unwrap()
    }
}

async fn ask(client: &mut TcpStream) -> std::io::Result<()> {
    client.write_all(b"x").await?;
    client.read_exact(&mut [0; 10]).await.map(drop)
}

#[tokio::test]
async fn it_passes_what_comes() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    ask(&mut client).await.unwrap();
    ask(&mut client).await.unwrap();
}

#[tokio::test]
async fn it_delays() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    rig.proxy.set(Flow::Delay(Duration::from_millis(30)), Flow::Delay(Duration::from_millis(30)));
    let began = Instant::now();
    ask(&mut client).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn it_stalls_and_then_gives_what_it_held() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    rig.proxy.stall();
    let mut late = rig.client().await;
    assert!(timeout(SILENCE, ask(&mut client)).await.is_err());
    assert!(timeout(SILENCE, ask(&mut late)).await.is_err());
    rig.proxy.heal();
    client.read_exact(&mut [0; 10]).await.unwrap();
    late.read_exact(&mut [0; 10]).await.unwrap();
}

#[tokio::test]
async fn it_cuts_one_connection_after_so_many_bytes() {
    let rig = Rig::start();
    let (mut one, mut other) = (rig.client().await, rig.client().await);
    rig.proxy.cut_after(13);
    ask(&mut one).await.unwrap();
    one.write_all(b"x").await.unwrap();
    let mut rest = Vec::new();
    _ = one.read_to_end(&mut rest).await;
    assert_eq!((rest.len(), rig.proxy.cuts()), (3, 1));
    ask(&mut other).await.unwrap();
}

#[tokio::test]
async fn it_refuses_and_keeps_its_port() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    ask(&mut client).await.unwrap();
    rig.proxy.refuse();
    assert!(ask(&mut client).await.is_err());
    let mut refused = TcpStream::connect(("127.0.0.1", rig.proxy.port())).await;
    while refused.is_ok() {
        refused = TcpStream::connect(("127.0.0.1", rig.proxy.port())).await;
    }
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    rig.proxy.heal();
    let mut again = TcpStream::connect(("127.0.0.1", rig.proxy.port())).await;
    while again.is_err() {
        again = TcpStream::connect(("127.0.0.1", rig.proxy.port())).await;
    }
    ask(&mut again.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_gone_ends_the_connection() {
    let proxy = Proxy::before("/no/such/socket".into()).unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    assert!(ask(&mut client).await.is_err());
}
