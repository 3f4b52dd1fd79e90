//! Who is connected: it may get full, but nobody shuts the others out by being there.

use std::time::Duration;

use hyper::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use vigla::server::Limits;

use crate::common::{Door, Http, soon};
use crate::frames::{Frames, GOAWAY};
use crate::parrot::start_with;

/// An HTTP/1 connection that has been answered.
async fn greeted(door: &Door) -> TlsStream<TcpStream> {
    let mut stream = door.raw(&["http/1.1"]).await;
    greet(&mut stream).await;
    stream
}

async fn greet(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        assert_ne!(soon(stream.read_buf(&mut answer)).await.unwrap(), 0, "closed");
    }
}

async fn is_closed(stream: &mut TlsStream<TcpStream>) -> bool {
    soon(stream.read_u8()).await.is_err()
}

fn only(connections: usize) -> Limits {
    Limits { connections, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_longest_idle_makes_room() {
    let server = start_with(only(3)).await;
    let door = server.door.clone();
    let busy = tokio::spawn(async move { door.post(Http::One, "/validate?timeout=30s", "think").await });
    let thinking = tokio::task::spawn_blocking(move || server.thinking.recv());
    soon(thinking).await.unwrap().unwrap();
    let mut first = greeted(&server.door).await;
    let mut second = greeted(&server.door).await;

    let mut third = greeted(&server.door).await;
    assert!(is_closed(&mut first).await, "idle for longest");
    greet(&mut second).await;
    greet(&mut third).await;
    server.go_on.send(()).unwrap();
    assert_eq!(soon(busy).await.unwrap().status, StatusCode::OK, "it had a request under way");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_handshakes_make_room() {
    let server = start_with(only(2)).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(TcpStream::connect(server.door.address).await.unwrap());
    }
    // Those that wait to be accepted come first, and each has its moment.
    greeted(&server.door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_http2_connections_make_room() {
    let server = start_with(only(1)).await;
    let mut idle = Frames::open(&server.door).await;
    idle.settle().await;
    greeted(&server.door).await;
    while idle.next().await.is_some() {}
}

/// HTTP/2 peers that answer every ping would stay for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_http2_connection_is_closed() {
    let server = start_with(Limits { idle: Duration::from_millis(200), ..Limits::default() }).await;
    let door = server.door.clone();
    let busy = tokio::spawn(async move { door.post(Http::Two, "/validate?timeout=30s", "think").await });
    let thinking = tokio::task::spawn_blocking(move || server.thinking.recv());
    soon(thinking).await.unwrap().unwrap();

    let mut frames = Frames::open(&server.door).await;
    frames.settle().await;
    let mut goodbye = None;
    while let Some(frame) = frames.next().await {
        goodbye = goodbye.or((frame.kind == GOAWAY).then_some(frame.payload));
    }
    assert!(goodbye.is_some_and(|payload| payload[4..8] == [0; 4]), "no error, as the client is told");
    server.go_on.send(()).unwrap();
    assert_eq!(soon(busy).await.unwrap().body, "Validate thought ", "it had a request under way");
}
