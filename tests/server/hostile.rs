//! Clients that mean harm, or might as well: each costs a place, none costs the others their answers.

use std::fs;

use hyper::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, split};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use crate::common::{Http, REVIEW, Vigla, soon};

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_block_nobody() {
    let vigla = Vigla::start(&[]);
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(vigla.door.address).await.unwrap());
    }
    for http in [Http::One, Http::Two] {
        assert_eq!(vigla.door.post(http, "/validate", REVIEW).await.status, StatusCode::OK);
    }
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_hung_up_on() {
    let vigla = Vigla::start(&[]);
    for hello in [&b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"[..], b"\x00", b"\x16\x03\x01\xff\xff", &[0x16; 70_000]] {
        let mut stream = TcpStream::connect(vigla.door.address).await.unwrap();
        // The server may hang up before all of it is written.
        stream.write_all(hello).await.ok();
        stream.shutdown().await.ok();
        soon(stream.read_to_end(&mut Vec::new())).await.ok();
    }
    assert_eq!(vigla.door.post(Http::One, "/validate", REVIEW).await.status, StatusCode::OK);
}

/// How many connections this process may open, were it alone.
fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_are_served_at_once() {
    let vigla = Vigla::start(&[]);
    let mut opening = JoinSet::new();
    for _ in 0..descriptors().saturating_sub(300).min(1000) {
        let door = vigla.door.clone();
        opening.spawn(async move {
            let mut stream = door.raw(&["http/1.1"]).await;
            ask(&mut stream).await;
            stream
        });
    }
    let mut open = soon(opening.join_all()).await;
    // All of them are still open, and every one is answered again.
    for stream in &mut open {
        ask(stream).await;
    }
    assert_eq!(vigla.door.post(Http::Two, "/validate", REVIEW).await.status, StatusCode::OK);
}

/// Asks once on a connection that stays open.
async fn ask(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        assert_ne!(soon(stream.read_buf(&mut answer)).await.unwrap(), 0, "closed");
    }
}

const GOAWAY: u8 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test(flavor = "multi_thread")]
async fn rapid_resets_end_their_connection_only() {
    let mut vigla = Vigla::start(&[]);
    for _ in 0..5 {
        let (reader, mut writer) = split(vigla.door.raw(&["h2"]).await);
        let reading = tokio::spawn(goaway(reader));
        let mut frames = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        for stream in (1..20_000_u32).step_by(2) {
            frames.extend(open_and_reset(stream));
        }
        // The server ends the connection while we are still writing.
        writer.write_all(&frames).await.ok();
        assert_eq!(soon(reading).await.unwrap(), Some(ENHANCE_YOUR_CALM));
    }
    assert!(vigla.is_alive());
    assert_eq!(vigla.door.post(Http::Two, "/validate", REVIEW).await.status, StatusCode::OK);
}

/// `GET /` on this stream, taken back at once.
fn open_and_reset(stream: u32) -> Vec<u8> {
    // HPACK: `:method GET`, `:scheme https`, `:path /` from the static table, `:authority x` spelt out.
    let headers = [0x82, 0x87, 0x84, 0x01, 1, b'x'];
    let (end_of_headers_and_stream, cancel) = (0x5, 8);
    let mut frames = vec![0, 0, 6, 1, end_of_headers_and_stream];
    frames.extend(stream.to_be_bytes());
    frames.extend(headers);
    frames.extend([0, 0, 4, 3, 0]);
    frames.extend(stream.to_be_bytes());
    frames.extend([0, 0, 0, cancel]);
    frames
}

/// Reads frames until the server says why it goes away.
async fn goaway(mut reader: ReadHalf<TlsStream<TcpStream>>) -> Option<u32> {
    loop {
        let mut head = [0; 9];
        reader.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
        reader.read_exact(&mut payload).await.ok()?;
        if head[3] == GOAWAY {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
}
