//! The API server's side: 48 requests at any time, each answered before the next one on its lane.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::http::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use crate::common::{Door, Http};

/// Requests under way at any time.
pub(crate) const LANES: usize = 48;
/// HTTP/2 connections that the lanes share: Go's client opens one per host.
const HTTP2_CONNECTIONS: usize = 1;

/// Load on one server, its connections open.
pub(crate) struct Load {
    lanes: Vec<Lane>,
}

/// What sends one request after the other.
enum Lane {
    One { stream: Box<TlsStream<TcpStream>>, request: Bytes, buffer: Vec<u8> },
    Two { sender: SendRequest<Full<Bytes>>, uri: String, body: Bytes },
}

impl Load {
    pub(crate) async fn open(door: &Door, http: Http, body: &str) -> Self {
        let lanes = match http {
            Http::One => open_http1(door, body).await,
            Http::Two => open_http2(door, body).await,
        };
        Self { lanes }
    }

    /// Sends this many requests on every lane, all lanes at once.
    pub(crate) async fn run(&mut self, count: usize) {
        let mut running = JoinSet::new();
        for mut lane in self.lanes.drain(..) {
            running.spawn(async move {
                for _ in 0..count {
                    lane.ask().await;
                }
                lane
            });
        }
        self.lanes = running.join_all().await;
    }

    /// One answer's body.
    pub(crate) async fn answer(&mut self) -> String {
        self.lanes[0].ask().await
    }
}

async fn open_http1(door: &Door, body: &str) -> Vec<Lane> {
    let head = format!(
        "POST /validate?timeout=10s HTTP/1.1\r\nHost: {}\r\nUser-Agent: kube-apiserver-admission\r\n\
         Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\
         Accept-Encoding: gzip\r\n\r\n",
        door.address,
        body.len()
    );
    let request = Bytes::from(head + body);
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        let stream = Box::new(door.raw(&["http/1.1"]).await);
        lanes.push(Lane::One { stream, request: request.clone(), buffer: Vec::new() });
    }
    lanes
}

async fn open_http2(door: &Door, body: &str) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for _ in 0..HTTP2_CONNECTIONS {
        let io = TokioIo::new(door.raw(&["h2"]).await);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        // It fails when its server is killed at the end.
        tokio::spawn(connection);
        for _ in 0..LANES / HTTP2_CONNECTIONS {
            lanes.push(Lane::Two {
                sender: sender.clone(),
                uri: format!("https://{}/validate?timeout=10s", door.address),
                body: Bytes::from(body.to_owned()),
            });
        }
    }
    lanes
}

impl Lane {
    async fn ask(&mut self) -> String {
        match self {
            Self::One { stream, request, buffer } => {
                stream.write_all(request).await.unwrap();
                buffer.clear();
                read_answer(stream, buffer).await
            }
            Self::Two { sender, uri, body } => {
                let request = Request::builder().method(Method::POST).uri(&*uri);
                let request = request.header("content-type", "application/json");
                let request = request.body(Full::new(body.clone())).unwrap();
                let response = sender.send_request(request).await.unwrap();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                String::from_utf8(body.to_vec()).unwrap()
            }
        }
    }
}

/// Reads one HTTP/1 answer with a `content-length`; its body.
async fn read_answer(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> String {
    loop {
        assert_ne!(stream.read_buf(buffer).await.unwrap(), 0, "hung up");
        let text = std::str::from_utf8(buffer).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.split_once("content-length: ").unwrap().1;
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if body.len() >= length {
            return body.to_owned();
        }
    }
}
