//! A certificate that is kept in a Secret while it is served with.

use std::sync::Arc;

use tokio::sync::watch;

use super::Identity;
use crate::cluster::tls_secret::Kept;
use crate::server::Health;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Reload;

/// Takes up what whoever looks after the Secret hands over.
pub struct Managed {
    kept: watch::Receiver<Kept>,
    identity: Arc<Identity>,
}

impl Managed {
    /// Waits for the first certificate, for as long as it takes; `None`: nobody looks after it any more.
    pub async fn start(mut kept: watch::Receiver<Kept>) -> Option<Self> {
        let first = kept.wait_for(|kept| kept.certificate.is_some()).await.ok()?.certificate.clone()?;
        kept.mark_changed();
        Some(Self { kept, identity: Arc::new(Identity::new(first)) })
    }

    /// The certificate in use.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity)
    }

    /// Looks whether there is a new certificate, and what is to be said.
    pub fn look(&mut self, health: &Health, metrics: &Metrics) {
        // An error means that nobody looks after it any more, which is the end of the process.
        if !self.kept.has_changed().unwrap_or(false) {
            return;
        }
        let Kept { certificate, trouble } = self.kept.borrow_and_update().clone();
        if let Some(new) = certificate.filter(|new| !self.identity.is(new)) {
            let not_after = new.validity.not_after;
            self.identity.replace(new);
            metrics.reloaded(Reload::Certificate, true);
            tracing::info!(%not_after, "took up a new certificate");
        }
        let note = trouble.map(|why| {
            format!(
                "cannot be looked after, and the one in use stays, valid until {}: {why}",
                self.identity.not_after()
            )
        });
        health.note("certificate", note);
    }
}
