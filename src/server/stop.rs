//! Who asks the server to stop: the kubelet by a signal, a test by hand.

use std::future::pending;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Receives requests to stop: the first drains, the second ends at once.
#[derive(Debug)]
pub struct Stop {
    requests: mpsc::UnboundedReceiver<()>,
    repeated: bool,
}

/// Asks the server at the other end to stop. Dropping it asks for nothing.
#[derive(Clone, Debug)]
pub struct StopTrigger(mpsc::UnboundedSender<()>);

impl Stop {
    /// A stop that is asked for by calling [`StopTrigger::stop`].
    pub fn by_hand() -> (StopTrigger, Self) {
        let (sender, requests) = mpsc::unbounded_channel();
        (StopTrigger(sender), Self { requests, repeated: false })
    }

    /// A stop that SIGTERM (the kubelet) and SIGINT (Ctrl-C) ask for.
    ///
    /// Must be called on a tokio runtime. From here on these signals no longer kill the process by themselves.
    pub fn on_signals() -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (trigger, stop) = Self::by_hand();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => trigger.stop(),
                    _ = interrupt.recv() => trigger.stop(),
                }
            }
        });
        Ok(stop)
    }

    /// Completes at the next request to stop; never, once nobody is left to ask.
    pub async fn asked(&mut self) {
        if self.repeated {
            return;
        }
        if self.requests.recv().await.is_none() {
            pending::<()>().await;
        }
    }

    /// The second request came: whoever waits from now on need not wait.
    pub(super) fn repeat(&mut self) {
        self.repeated = true;
    }
}

impl StopTrigger {
    /// Asks once. Nothing happens if the server is gone already.
    pub fn stop(&self) {
        self.0.send(()).ok();
    }
}
