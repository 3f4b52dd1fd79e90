//! Whether this process wants requests, and why not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The phase, and what is to be said beside it; shared by whoever sets it and whoever asks.
#[derive(Clone, Debug)]
pub struct Health {
    phase: Arc<watch::Sender<Phase>>,
    notes: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Default for Health {
    fn default() -> Self {
        let starting = Phase::NotReady(Cow::Borrowed("starting"));
        Self { phase: Arc::new(watch::Sender::new(starting)), notes: Arc::default() }
    }
}

impl Health {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Policies and certificate are in place. Says nothing once the process drains. Returns whether that is news.
    pub fn ready(&self) -> bool {
        self.set(Phase::Ready)
    }

    /// Not able to judge, for this reason. Says nothing once the process drains. Returns whether that is news.
    pub fn not_ready(&self, reason: impl Into<Cow<'static, str>>) -> bool {
        self.set(Phase::NotReady(reason.into()))
    }

    /// What somebody should mend although it keeps nobody from judging; `None`: nothing any more.
    pub fn note(&self, about: &'static str, what: Option<String>) {
        let mut notes = self.notes();
        match what {
            Some(what) => notes.insert(about, what),
            None => notes.remove(about),
        };
    }

    /// The notes, one line each.
    #[must_use]
    pub fn details(&self) -> String {
        self.notes().iter().map(|(about, what)| format!("{about}: {what}\n")).collect()
    }

    /// Nobody panics with the lock in hand; were it so, the notes would be whole all the same.
    fn notes(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn drain(&self) {
        self.set(Phase::Draining);
    }

    pub(super) fn close(&self) {
        self.phase.send_replace(Phase::Closing);
    }

    /// Whether callers should go elsewhere.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Draining | Phase::Closing)
    }

    /// Completes when no more connections are accepted.
    pub(super) async fn closed(&self) {
        // An error means that the sender is gone, which cannot be: this is it.
        self.phase.subscribe().wait_for(|phase| *phase == Phase::Closing).await.ok();
    }

    fn set(&self, next: Phase) -> bool {
        self.phase.send_if_modified(|phase| {
            let news = !matches!(phase, Phase::Draining | Phase::Closing) && *phase != next;
            if news {
                *phase = next;
            }
            news
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draining_process_does_not_become_ready_again() {
        let health = Health::default();
        assert_eq!(health.phase(), Phase::NotReady("starting".into()));
        assert!(health.ready() && !health.ready(), "news but once");
        assert_eq!(health.phase(), Phase::Ready);
        health.drain();
        assert!(!health.ready() && !health.not_ready("no policies"));
        assert_eq!(health.phase(), Phase::Draining);
        health.close();
        assert_eq!(health.phase(), Phase::Closing);
    }

    #[test]
    fn a_note_stays_until_it_is_taken_back() {
        let health = Health::default();
        health.note("policies", Some("refused".to_owned()));
        health.note("certificate", Some("expired".to_owned()));
        health.note("policies", Some("refused again".to_owned()));
        assert_eq!(health.details(), "certificate: expired\npolicies: refused again\n");
        health.note("certificate", None);
        health.note("policies", None);
        assert_eq!(health.details(), "");
    }
}
