//! A judge of our own behind the same door: what the server does when judging goes wrong.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Method, StatusCode};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use vigla::review::{Endpoint, Reply};
use vigla::server::dev::DevTls;
use vigla::server::{Health, Judge, Server, Stop, StopTrigger};

use crate::common::{Door, Http, send, soon};

/// Says what it heard, and panics when asked to.
struct Parrot;

impl Judge for Parrot {
    fn judge(&self, endpoint: Endpoint, body: &[u8], _: Timestamp) -> Reply {
        assert!(!body.starts_with(b"panic"), "as asked");
        reply(endpoint, "heard", body)
    }

    fn panicked(&self, endpoint: Endpoint, body: &[u8], _: Timestamp) -> Reply {
        assert!(body != b"panic twice", "as asked");
        reply(endpoint, "recovered from", body)
    }
}

fn reply(endpoint: Endpoint, what: &str, body: &[u8]) -> Reply {
    Reply::Review(format!("{endpoint:?} {what} {}", String::from_utf8_lossy(body)).into_bytes())
}

struct InProcess {
    door: Door,
    health: Health,
    stop: StopTrigger,
    running: JoinHandle<()>,
}

async fn start() -> InProcess {
    let dev = DevTls::make([127, 0, 0, 1].into()).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), dev.config()).await.unwrap();
    let door = Door::new(server.address(), dev.ca_path());
    let health = Health::default();
    let (trigger, stop) = Stop::by_hand();
    let running = tokio::spawn(server.run(Arc::new(Parrot), health.clone(), stop, Duration::ZERO));
    InProcess { door, health, stop: trigger, running }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_request() {
    let server = start().await;
    for http in [Http::One, Http::Two] {
        let client = server.door.client(http);
        let ask = async |body: &'static str| {
            let request = server.door.request(Method::POST, "/validate").header("content-type", "application/json");
            send(&client, request.body(Full::new(Bytes::from(body))).unwrap()).await
        };
        // One client, so one connection: that survives, too.
        let answer = ask("panic").await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "Validate recovered from panic"));
        let answer = ask("panic twice").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.body, "a fault in Vigla itself; see its log\n");
        let answer = ask("a review").await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "Validate heard a review"));
    }
    let answer = server.door.post(Http::One, "/mutate", "a review").await;
    assert_eq!(answer.body, "Mutate heard a review");
}

#[tokio::test(flavor = "multi_thread")]
async fn says_why_it_is_not_ready() {
    let server = start().await;
    let ready = async || {
        let answer = server.door.get(Http::One, "/readyz").await;
        (answer.status, answer.body)
    };
    assert_eq!(ready().await, (StatusCode::SERVICE_UNAVAILABLE, "not ready: starting\n".to_owned()));
    server.health.ready();
    assert_eq!(ready().await, (StatusCode::OK, "ok\n".to_owned()));
    server.health.not_ready("the certificate has expired");
    assert_eq!(ready().await, (StatusCode::SERVICE_UNAVAILABLE, "not ready: the certificate has expired\n".to_owned()));
    assert_eq!(server.door.get(Http::One, "/livez").await.status, StatusCode::OK);

    server.stop.stop();
    soon(server.running).await.unwrap();
}
