//! A judge of our own behind the same door: what the server does when judging goes wrong.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Method, StatusCode};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use vigla::review::{Endpoint, Reply};
use vigla::server::dev::DevTls;
use vigla::server::{Health, Judge, Server, Stop, StopTrigger, tls};

use crate::common::{Door, Http, send, soon};
use crate::exposition::Exposition;

/// Says what it heard, panics when asked to, and thinks as long as it is told to.
struct Parrot {
    thinking: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Judge for Parrot {
    fn judge(&self, endpoint: Endpoint, body: &[u8], _: Timestamp) -> Reply {
        assert!(!body.starts_with(b"panic"), "as asked");
        if body.starts_with(b"think") {
            self.thinking.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
            return reply(endpoint, "thought", b"");
        }
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
    /// Says that the judge has begun to think.
    thinking: Receiver<()>,
    /// Lets it come to an end.
    go_on: Sender<()>,
}

async fn start() -> InProcess {
    let dev = DevTls::make([127, 0, 0, 1].into()).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), tls::config(dev.identity(), None).unwrap()).await.unwrap();
    let door = Door::new(server.address(), dev.ca_path());
    let health = Health::default();
    let (trigger, stop) = Stop::by_hand();
    let ((thinking, begun), (go_on, wait)) = (channel(), channel());
    let parrot = Arc::new(Parrot { thinking, go_on: Mutex::new(wait) });
    let running = tokio::spawn(server.run(parrot, Arc::default(), health.clone(), stop, Duration::ZERO));
    InProcess { door, health, stop: trigger, running, thinking: begun, go_on }
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
    let metrics = Exposition::of(&server.door).await;
    assert_eq!(metrics.value(r#"vigla_errors_total{kind="panic"}"#), 4.0);
    assert_eq!(metrics.value(r#"vigla_http_requests_total{endpoint="validate",code="5xx"}"#), 2.0);
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

/// A tree may have many times the size of its text: what is judged at once is bounded, whatever the number of cores.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn judges_the_largest_bodies_one_by_one() {
    let server = start().await;
    let largest = "think".repeat(8 * 1024 * 1024 / 5);
    let door = server.door.clone();
    let body = largest.clone();
    let first = tokio::spawn(async move { door.post(Http::One, "/validate?timeout=30s", body).await });
    let thinking = server.thinking;
    let thinking = tokio::task::spawn_blocking(move || thinking.recv().map(|()| thinking));
    let thinking = soon(thinking).await.unwrap().unwrap();

    let under_way = r#"vigla_http_requests_in_flight{endpoint="validate"}"#;
    assert_eq!(Exposition::of(&server.door).await.value(under_way), 1.0);

    let second = server.door.post(Http::One, "/validate?timeout=500ms", largest).await;
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(second.body.starts_with("too many large bodies at once"), "{}", second.body);
    let small = "x".repeat(64 * 1024);
    assert_eq!(server.door.post(Http::One, "/validate", small).await.status, StatusCode::OK);

    server.go_on.send(()).unwrap();
    assert_eq!(soon(first).await.unwrap().body, "Validate thought ");
    let metrics = Exposition::of(&server.door).await;
    assert_eq!(metrics.value(under_way), 0.0);
    assert_eq!(metrics.value(r#"vigla_errors_total{kind="crowded"}"#), 1.0);
    assert!(metrics.value(r#"vigla_http_request_duration_seconds_sum{endpoint="validate"}"#) >= 0.25);
    assert!(thinking.try_recv().is_err(), "the second one was never judged");
}
