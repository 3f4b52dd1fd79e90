//! What the server's readiness and its details say of the labels of namespaces.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch::Receiver;

use crate::cluster::access::Cluster;
use crate::cluster::namespaces::{Freshness, watch};
use crate::server::{Health, Webhook};
use crate::telemetry::Metrics;

/// How long readiness waits for the labels. After that it is better to judge without them than not to judge.
const PATIENCE: Duration = Duration::from_secs(30);

/// The labels of a cluster's namespaces, on their way to a webhook.
pub(super) struct Namespaces {
    freshness: Receiver<Freshness>,
    begun: Instant,
}

impl Namespaces {
    /// From now on `webhook` knows what is known.
    pub(super) fn watch(cluster: Cluster, webhook: Arc<Webhook>) -> Self {
        let freshness = watch(cluster, move |snapshot| webhook.inform(snapshot));
        Self { freshness, begun: Instant::now() }
    }

    /// Says what there is to mend, and how old it is. Returns why the server is not ready yet; a watch that is lost later does not make it
    /// unready: so would be every replica at once.
    pub(super) fn look(&self, now: Instant, health: &Health, metrics: &Metrics) -> Option<&'static str> {
        let freshness = self.freshness.borrow();
        if let Some(as_of) = freshness.as_of(Timestamp::now()) {
            metrics.snapshot_as_of(as_of);
        }
        health.note("namespaces", freshness.complaint());
        let waits = !freshness.is_done() && now.duration_since(self.begun) < PATIENCE;
        waits.then_some("waiting for the labels of namespaces, for half a minute at most")
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch::channel;

    use super::*;

    #[test]
    fn readiness_waits_for_the_first_sync_and_not_for_ever() {
        let (sender, freshness) = channel(Freshness::Pending(None));
        let (begun, health) = (Instant::now(), Health::default());
        let namespaces = Namespaces { freshness, begun };
        let metrics = Metrics::default();
        let look = |seconds| namespaces.look(begun + Duration::from_secs(seconds), &health, &metrics).is_none();
        assert_eq!([look(0), look(29), look(30)], [false, false, true]);
        sender.send_replace(Freshness::Pending(Some("forbidden".to_owned())));
        assert_eq!([look(0), look(29), look(30)], [false, false, true]);
        assert_eq!(health.details(), "namespaces: labels unknown: forbidden\n");
        sender.send_replace(Freshness::Current);
        assert_eq!((look(1), health.details().as_str()), (true, ""));
    }

    #[test]
    fn a_watch_lost_later_shows_and_leaves_the_server_ready() {
        let since = "2026-11-21T12:00:00Z".parse().expect("an instant");
        let (_sender, freshness) = channel(Freshness::Lost { since, why: "gone".to_owned() });
        let (health, metrics) = (Health::default(), Metrics::default());
        assert_eq!(Namespaces { freshness, begun: Instant::now() }.look(Instant::now(), &health, &metrics), None);
        assert_eq!(health.details(), "namespaces: labels as they were at 2026-11-21T12:00:00Z: gone\n");
    }
}
