//! The end: unready first, then the requests under way, then exit code 0.

use std::time::{Duration, Instant};

use hyper::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::common::{Http, REVIEW, REVIEW_UID, Vigla, soon};

/// Sends a request's head and waits until the server asks for its body: from then on the request is under way.
async fn begin(vigla: &Vigla) -> TlsStream<TcpStream> {
    let mut stream = vigla.door.raw(&["http/1.1"]).await;
    let head = format!(
        "POST /validate?timeout=30s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        REVIEW.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert_ne!(soon(stream.read_buf(&mut answer)).await.unwrap(), 0, "closed");
    }
    assert!(answer.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn drains_on_sigterm() {
    let mut vigla = Vigla::start(&["--drain-delay", "2"]);
    let mut under_way = begin(&vigla).await;
    vigla.signal("TERM");

    vigla.wait_for_log("asked to stop");
    let answer = vigla.door.get(Http::One, "/readyz").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready: stopping\n"));
    assert_eq!(vigla.door.get(Http::Two, "/livez").await.status, StatusCode::OK, "alive all the same");
    let answer = vigla.door.post(Http::One, "/validate", REVIEW).await;
    assert_eq!(answer.status, StatusCode::OK, "still judges");
    assert_eq!(answer.header("connection"), "close", "but sends the caller elsewhere");

    vigla.wait_for_log("no new connections");
    assert!(TcpStream::connect(vigla.door.address).await.is_err());
    under_way.write_all(REVIEW.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(under_way.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(REVIEW_UID), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");

    assert_eq!(vigla.wait().code(), Some(0));
    assert!(!vigla.ca.exists(), "the CA's file is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_idle_connections_do_not_delay_the_end() {
    let mut vigla = Vigla::start(&[]);
    let silent = TcpStream::connect(vigla.door.address).await.unwrap();
    let mut idle = vigla.door.raw(&["http/1.1"]).await;
    let idle2 = vigla.door.raw(&["h2"]).await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_ne!(soon(idle.read_u8()).await.unwrap(), 0);
    let begun = Instant::now();
    vigla.signal("INT");
    assert_eq!(vigla.wait().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop((silent, idle, idle2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_cuts_the_drain_delay_short() {
    let mut vigla = Vigla::start(&["--drain-delay", "600"]);
    vigla.signal("TERM");
    vigla.wait_for_log("asked to stop");
    vigla.signal("TERM");
    assert_eq!(vigla.wait().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_requests_under_way() {
    let mut vigla = Vigla::start(&[]);
    let under_way = begin(&vigla).await;
    vigla.signal("TERM");
    vigla.wait_for_log("no new connections");
    assert!(vigla.is_alive(), "waits for the request");
    let begun = Instant::now();
    vigla.signal("INT");
    assert_eq!(vigla.wait().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(!vigla.ca.exists(), "the CA's file is gone");
    drop(under_way);
}
