//! One connection: the handshake, then HTTP/1.1 or HTTP/2 as ALPN chose.

use std::convert::Infallible;
use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncReadExt, join, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service;

use super::health::Health;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::ErrorKind;

/// A handshake takes milliseconds; who needs longer than this says nothing, or is slow on purpose.
const OPENING: Duration = Duration::from_secs(10);

/// Bounds a slow request head, and also an idle HTTP/1 connection: hyper knows one timer for both. The API server's pool
/// keeps idle connections for 90 s, and a shorter time here would close them under its hands.
const HEADER_READ: Duration = Duration::from_secs(100);

/// Largest read buffer of an HTTP/1 connection, and so the largest head. Bodies pass through it in pieces.
const HTTP1_BUFFER: usize = 64 * 1024;

/// HTTP/2 has no timer for idle peers: a ping after this time finds out whether the peer still lives.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);

/// Requests of one HTTP/2 connection at a time.
const STREAMS: u32 = 64;
/// What one HTTP/2 connection may send before anybody reads it: bodies that wait for room stay here.
const WINDOW: u32 = 256 * 1024;
/// Streams that a peer opens and resets before they were looked at (CVE-2023-44487): above this, the connection ends.
const PEER_RESETS: usize = 20;
/// Streams that we reset because of the peer's errors (RUSTSEC-2024-0003): above this, the connection ends.
const OWN_RESETS: usize = 1024;
const HTTP2_HEADERS: u32 = 16 * 1024;

/// What the task of one connection needs.
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) routes: Router,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Health,
    pub(super) watcher: Watcher,
}

impl Connection {
    /// Serves until either side has enough. Errors are the peer's business: they are logged for whoever looks closely.
    pub(super) async fn serve(self, stream: TcpStream, tls: TlsAcceptor) {
        let peer = self.peer;
        // Answers are one small write each: waiting for more (Nagle) would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let opened = tokio::select! {
            opened = timeout(OPENING, open(stream, tls)) => opened,
            // Whoever is not through by now brought no request that could be lost.
            () = self.health.closed() => return,
        };
        let (stream, preface) = match opened {
            Ok(Ok(opened)) => opened,
            failed => {
                self.metrics.error(ErrorKind::Handshake);
                return match failed {
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                    _ => tracing::debug!(%peer, "TLS handshake took too long"),
                };
            }
        };
        if let Err(error) = self.speak(stream, preface).await {
            tracing::debug!(%peer, %error, "connection failed");
        }
    }

    async fn speak(self, stream: TlsStream<TcpStream>, preface: Option<Preface>) -> hyper::Result<()> {
        let (routes, health) = (self.routes, self.health);
        let service = service_fn(move |request| answer(routes.clone(), health.clone(), request));
        match preface {
            Some(preface) => {
                let (reader, writer) = split(stream);
                let io = TokioIo::new(join(Cursor::new(preface).chain(reader), writer));
                self.watcher.watch(http2_builder().serve_connection(io, service)).await
            }
            None => {
                let io = TokioIo::new(stream);
                self.watcher.watch(http1_builder().serve_connection(io, service)).await
            }
        }
    }
}

/// The first bytes of every HTTP/2 connection, from the client.
type Preface = [u8; 24];

/// The handshake and, where ALPN chose HTTP/2, its preface. hyper would wait for those bytes without a limit, and take
/// no note of the server's end meanwhile: its pings begin only after them.
async fn open(stream: TcpStream, tls: TlsAcceptor) -> io::Result<(TlsStream<TcpStream>, Option<Preface>)> {
    let mut stream = tls.accept(stream).await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Ok((stream, None));
    }
    let mut preface = Preface::default();
    stream.read_exact(&mut preface).await?;
    Ok((stream, Some(preface)))
}

/// Answers one request. While the process stops, every HTTP/1 answer also asks the caller to hang up (hyper leaves the
/// header out of HTTP/2): endpoints that catch up keep new connections away, but a connection that the API server
/// holds already would stay busy up to its closing, and then take a request with it.
async fn answer(mut routes: Router, health: Health, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut response = routes.call(request).await?;
    if health.is_stopping() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_READ).max_buf_size(HTTP1_BUFFER);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWER)
        .max_concurrent_streams(STREAMS)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_pending_accept_reset_streams(PEER_RESETS)
        .max_local_error_reset_streams(OWN_RESETS)
        .max_header_list_size(HTTP2_HEADERS);
    builder
}
