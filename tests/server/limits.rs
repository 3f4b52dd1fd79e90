//! Bodies that are too large, too slow, or never end.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame};
use hyper::http::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::common::{Answer, Http, REVIEW, REVIEW_UID, Vigla, send, soon};
use crate::frames::{Frames, SETTINGS};

const BOTH: [Http; 2] = [Http::One, Http::Two];
const LIMIT: usize = 8 * 1024 * 1024;

/// A review of exactly this many bytes.
fn review_of(size: usize) -> Bytes {
    let head = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"{REVIEW_UID}","kind":{{"group":"","version":"v1","kind":"ConfigMap"}},"resource":{{"group":"","version":"v1","resource":"configmaps"}},"name":"large","namespace":"shop","operation":"CREATE","object":{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"large"}},"data":{{"text":""#
    );
    let tail = r#""}}}}"#;
    let filling = "x".repeat(size - head.len() - tail.len());
    Bytes::from(format!("{head}{filling}{tail}"))
}

/// A body whose length is not announced: pieces of 64 KiB, then its end, or silence.
struct Pieces {
    left: usize,
    ends: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return if self.ends { Poll::Ready(None) } else { Poll::Pending };
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 64 * 1024])))))
    }
}

/// Posts such a body.
async fn post(vigla: &Vigla, http: Http, path: &str, body: Pieces) -> Answer {
    let request = vigla.door.request(Method::POST, path).header("content-type", "application/json");
    send(&vigla.door.client(http), request.body(body).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn accepts_a_body_up_to_the_limit() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        let answer = vigla.door.post(http, "/validate", review_of(LIMIT)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.body.contains(REVIEW_UID));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_a_larger_body_by_its_announced_length() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        let answer = vigla.door.post(http, "/validate", review_of(LIMIT + 1)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.body, "the body is too large; expected at most 8388608 bytes\n");
    }
    // Far too large: told before a single byte of it is sent.
    let mut stream = vigla.door.raw(&["http/1.1"]).await;
    let head = "POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 99999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_a_larger_body_that_announces_no_length() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        let body = Pieces { left: LIMIT / (64 * 1024) + 1, ends: true };
        let answer = post(&vigla, http, "/validate", body).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{http:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_a_body_that_never_ends() {
    let mut vigla = Vigla::start(&[]);
    for http in BOTH {
        let request = vigla.door.request(Method::POST, "/validate").header("content-type", "application/json");
        let request = request.body(Pieces { left: usize::MAX, ends: false }).unwrap();
        // Still sending, a client may see the refusal or the closed connection first.
        if let Ok(response) = soon(vigla.door.client(http).request(request)).await {
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{http:?}");
        }
    }
    assert!(vigla.is_alive());
    assert_eq!(vigla.door.get(Http::One, "/readyz").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_a_body_no_longer_than_its_caller() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        let begun = Instant::now();
        let answer = post(&vigla, http, "/validate?timeout=300ms", Pieces { left: 1, ends: false }).await;
        assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT, "{http:?}");
        assert!(answer.body.contains("in time"), "{}", answer.body);
        assert!(begun.elapsed() >= Duration::from_millis(300));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hangs_up_on_a_slow_body() {
    let vigla = Vigla::start(&[]);
    let mut stream = vigla.door.raw(&["http/1.1"]).await;
    let head = "POST /validate?timeout=100ms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_a_body_with_wrong_framing() {
    let vigla = Vigla::start(&[]);
    let mut stream = vigla.door.raw(&["http/1.1"]).await;
    let request = "POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                   transfer-encoding: chunked\r\n\r\nnot a chunk\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(vigla.door.get(Http::One, "/readyz").await.status, StatusCode::OK);
}

/// Begins a body of the largest size, up to its first byte, and leaves it at that.
async fn begin_a_large_body(vigla: &Vigla) -> TlsStream<TcpStream> {
    let mut stream = vigla.door.raw(&["http/1.1"]).await;
    let head = format!(
        "POST /validate?timeout=30s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {LIMIT}\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert_ne!(soon(stream.read_buf(&mut answer)).await.unwrap(), 0, "closed");
    }
    stream.write_all(b"{").await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_wait_for_room_and_small_ones_do_not() {
    let mut vigla = Vigla::start(&[]);
    let mut begun = Vec::new();
    for _ in 0..8 {
        begun.push(begin_a_large_body(&vigla).await);
    }
    // That the server has read the last of those bytes cannot be seen from here; until then there is room.
    let refused = async {
        loop {
            let answer = vigla.door.post(Http::One, "/validate?timeout=300ms", review_of(LIMIT)).await;
            if answer.status != StatusCode::OK {
                return answer;
            }
        }
    };
    let answer = soon(refused).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.starts_with("too many large bodies at once"), "{}", answer.body);
    for http in BOTH {
        assert_eq!(vigla.door.post(http, "/validate", REVIEW).await.status, StatusCode::OK);
    }
    let unannounced = Pieces { left: 1, ends: true };
    assert_eq!(post(&vigla, Http::One, "/validate", unannounced).await.status, StatusCode::BAD_REQUEST, "read, small");

    drop(begun);
    let answer = vigla.door.post(Http::One, "/validate?timeout=30s", review_of(LIMIT)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    vigla.wait_for_log(" 503");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http2_connection_holds_few_bodies() {
    let vigla = Vigla::start(&[]);
    let mut frames = Frames::open(&vigla.door).await;
    let settings = loop {
        let frame = frames.next().await.unwrap();
        if frame.kind == SETTINGS {
            break frame.payload;
        }
    };
    let max_concurrent_streams = [0, 3];
    let setting = settings.chunks(6).find(|setting| setting.starts_with(&max_concurrent_streams));
    assert_eq!(setting.unwrap()[2..], 64_u32.to_be_bytes());
}
