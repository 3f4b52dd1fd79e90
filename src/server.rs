//! The door: HTTPS in front of a [`Judge`].
//!
//! The accept loop is our own. `axum::serve` polls its listener serially, so that one slow TLS handshake would block
//! everybody, and hyper-util's `auto` connection has no timeout while it guesses the version: here every connection has
//! a task of its own, and ALPN has chosen the version before HTTP begins.

mod body;
mod budget;
mod connection;
pub mod dev;
mod health;
mod listen;
mod refusal;
mod routes;
mod stop;
mod timeout;
pub mod tls;
mod webhook;

pub use health::{Health, Phase};
pub use listen::ListenError;
pub use stop::{Stop, StopTrigger};
pub use webhook::Webhook;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::review::{Endpoint, Reply};
use crate::telemetry::Metrics;
use connection::Connection;

/// Most connections held at once; the next one waits in the kernel's queue.
///
/// An API server keeps some dozens. The cap makes slow peers cheap: each costs one of these places for a bounded time.
pub const MAX_CONNECTIONS: usize = 1024;

/// Likewise at the port for probes and metrics, where it is another one: some probes, some scrapers.
const MAX_OPS_CONNECTIONS: usize = 64;

/// How long requests under way may take after the last connection was accepted.
///
/// With the usual drain delay of 5 s this ends inside the 30 s that the kubelet grants before it kills.
const LAST_REQUESTS: Duration = Duration::from_secs(20);

/// What answers reviews. All that the server knows of judging.
pub trait Judge: Send + Sync + 'static {
    /// Answers one review. Synchronous, and called inline: bounded by the body's size.
    fn judge(&self, endpoint: Endpoint, body: &[u8], now: Timestamp) -> Reply;

    /// Answers a review on which [`Judge::judge`] panicked.
    fn panicked(&self, endpoint: Endpoint, body: &[u8], now: Timestamp) -> Reply;
}

/// A bound listener with its certificate.
struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
}

impl Listener {
    async fn bind(address: SocketAddr, tls: Arc<rustls::ServerConfig>) -> Result<Self, ListenError> {
        let (tcp, address) = listen::bind(address).await?;
        Ok(Self { tcp, address, tls: TlsAcceptor::from(tls) })
    }
}

/// Bound listeners, not yet accepting.
pub struct Server {
    reviews: Listener,
    ops: Option<Listener>,
}

impl Server {
    /// Takes the address (port 0: a free port). Callers wait in the kernel's queue until [`Server::run`].
    pub async fn bind(address: SocketAddr, tls: Arc<rustls::ServerConfig>) -> Result<Self, ListenError> {
        Ok(Self { reviews: Listener::bind(address, tls).await?, ops: None })
    }

    /// Takes an address of its own for probes and metrics, which then are not answered at the first one any more.
    pub async fn bind_ops(self, address: SocketAddr, tls: Arc<rustls::ServerConfig>) -> Result<Self, ListenError> {
        Ok(Self { ops: Some(Listener::bind(address, tls).await?), ..self })
    }

    /// The address in use, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.reviews.address
    }

    /// The address for probes and metrics, where it is another one.
    pub fn ops_address(&self) -> Option<SocketAddr> {
        self.ops.as_ref().map(|ops| ops.address)
    }

    /// Serves until `stop` asks for the end, then drains.
    ///
    /// Unready first; `drain_delay` for the endpoints to catch up; then no new connections, the requests under way, the
    /// end. A second request to stop ends at once.
    pub async fn run(
        self,
        judge: Arc<dyn Judge>,
        metrics: Arc<Metrics>,
        health: Health,
        mut stop: Stop,
        drain_delay: Duration,
    ) {
        let connections = GracefulShutdown::new();
        tokio::select! {
            never = self.accept(judge, &metrics, &health, &connections) => match never {},
            () = drain(&health, &mut stop, drain_delay) => {}
        }
        // `self` went with the accept loop: the listeners are closed from here on.
        health.close();
        tracing::info!("closed: no new connections, only the requests under way");
        tokio::select! {
            () = connections.shutdown() => tracing::info!("stopped"),
            () = stop.asked() => tracing::warn!("stopped at once, as asked a second time"),
            () = tokio::time::sleep(LAST_REQUESTS) => tracing::warn!("stopped with requests still under way"),
        }
    }

    async fn accept(
        self,
        judge: Arc<dyn Judge>,
        metrics: &Arc<Metrics>,
        health: &Health,
        connections: &GracefulShutdown,
    ) -> Infallible {
        let desk = routes::Desk::new(judge, Arc::clone(metrics), health.clone());
        let accept = |listener: Listener, routes: Router, most: usize| {
            accept(listener, routes, most, metrics, health, connections)
        };
        match self.ops {
            None => accept(self.reviews, routes::all(desk), MAX_CONNECTIONS).await,
            Some(ops) => tokio::select! {
                never = accept(self.reviews, routes::reviews(Arc::clone(&desk)), MAX_CONNECTIONS) => never,
                never = accept(ops, routes::ops(desk), MAX_OPS_CONNECTIONS) => never,
            },
        }
    }
}

/// Accepts connections, `most` of them at once.
async fn accept(
    listener: Listener,
    routes: Router,
    most: usize,
    metrics: &Arc<Metrics>,
    health: &Health,
    connections: &GracefulShutdown,
) -> Infallible {
    let places = Arc::new(Semaphore::new(most));
    loop {
        // The semaphore is never closed: an error cannot happen, and would only mean no place to give back.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let (stream, peer) = listen::accept(&listener.tcp, metrics).await;
        let connection = Connection {
            peer,
            routes: routes.clone(),
            metrics: Arc::clone(metrics),
            health: health.clone(),
            watcher: connections.watcher(),
        };
        let tls = listener.tls.clone();
        tokio::spawn(async move {
            connection.serve(stream, tls).await;
            drop(place);
        });
    }
}

/// Waits for the first request to stop and for the delay after it; a second one cuts the delay short.
async fn drain(health: &Health, stop: &mut Stop, delay: Duration) {
    stop.asked().await;
    health.drain();
    tracing::info!(seconds = delay.as_secs_f64(), "asked to stop: unready, still answering");
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = stop.asked() => stop.repeat(),
    }
}
