//! Whether this process wants requests, and why not.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::watch;

/// Where the process stands. Only the first two alternate; the others follow each other and never go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Cannot judge yet, or no longer, for this reason.
    NotReady(Cow<'static, str>),
    /// Judges.
    Ready,
    /// Asked to stop: judges, but wants no new callers.
    Draining,
    /// Accepts no more connections.
    Closing,
}

/// The phase, shared by whoever sets it and whoever asks.
#[derive(Clone, Debug)]
pub struct Health(Arc<watch::Sender<Phase>>);

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::NotReady(Cow::Borrowed("starting")))))
    }
}

impl Health {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        self.0.borrow().clone()
    }

    /// Policies and certificate are in place. Says nothing once the process drains.
    pub fn ready(&self) {
        self.set(Phase::Ready);
    }

    /// Not able to judge, for this reason. Says nothing once the process drains.
    pub fn not_ready(&self, reason: impl Into<Cow<'static, str>>) {
        self.set(Phase::NotReady(reason.into()));
    }

    pub(super) fn drain(&self) {
        self.set(Phase::Draining);
    }

    pub(super) fn close(&self) {
        self.0.send_replace(Phase::Closing);
    }

    /// Whether callers should go elsewhere.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(*self.0.borrow(), Phase::Draining | Phase::Closing)
    }

    /// Completes when no more connections are accepted.
    pub(super) async fn closed(&self) {
        // An error means that the sender is gone, which cannot be: this is it.
        self.0.subscribe().wait_for(|phase| *phase == Phase::Closing).await.ok();
    }

    fn set(&self, next: Phase) {
        self.0.send_if_modified(|phase| {
            let open = !matches!(phase, Phase::Draining | Phase::Closing);
            if open {
                *phase = next;
            }
            open
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draining_process_does_not_become_ready_again() {
        let health = Health::default();
        assert_eq!(health.phase(), Phase::NotReady("starting".into()));
        health.ready();
        assert_eq!(health.phase(), Phase::Ready);
        health.drain();
        health.ready();
        health.not_ready("no policies");
        assert_eq!(health.phase(), Phase::Draining);
        health.close();
        assert_eq!(health.phase(), Phase::Closing);
    }
}
