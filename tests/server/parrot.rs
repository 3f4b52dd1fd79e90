//! A judge of our own behind the same door, in this process.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use vigla::review::{Endpoint, Reply};
use vigla::server::dev::DevTls;
use vigla::server::{Health, Judge, Limits, Server, Stop, StopTrigger};

use crate::common::Door;

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

/// A server in this process.
pub(crate) struct InProcess {
    pub(crate) door: Door,
    pub(crate) health: Health,
    pub(crate) stop: StopTrigger,
    pub(crate) running: JoinHandle<()>,
    /// Says that the judge has begun to think.
    pub(crate) thinking: Receiver<()>,
    /// Lets it come to an end.
    pub(crate) go_on: Sender<()>,
}

pub(crate) async fn start() -> InProcess {
    start_with(Limits::default()).await
}

pub(crate) async fn start_with(limits: Limits) -> InProcess {
    let dev = DevTls::make([127, 0, 0, 1].into()).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), dev.config()).await.unwrap().limited_to(limits);
    let door = Door::new(server.address(), dev.ca_path());
    let health = Health::default();
    let (trigger, stop) = Stop::by_hand();
    let ((thinking, begun), (go_on, wait)) = (channel(), channel());
    let parrot = Arc::new(Parrot { thinking, go_on: Mutex::new(wait) });
    let running = tokio::spawn(server.run(parrot, health.clone(), stop, Duration::ZERO));
    InProcess { door, health, stop: trigger, running, thinking: begun, go_on }
}
