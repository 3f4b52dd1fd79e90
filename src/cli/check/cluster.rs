//! `vigla check --cluster`: what exists, judged as if it were created now.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::Client;

use super::Check;
use crate::cli::report::Report;
use crate::cli::{Failure, namespaces, output};
use crate::cluster::access::{Cluster, reason};
use crate::cluster::namespaces::labels;
use crate::cluster::objects::{Listing, listings};
use crate::engine::{Phase, decide};
use crate::manifest::{self, Content};
use crate::mesh::Snapshot;
use crate::policy::PolicySet;

/// A cluster that is being judged. What was judged of it is not kept.
struct Run<'c, 'p> {
    check: &'c Check,
    set: &'p PolicySet,
    now: Timestamp,
    client: Client,
    snapshot: Snapshot,
    report: Report<'p>,
}

impl Check {
    /// Judges all objects of the kinds that policies read.
    pub(super) fn judge_cluster<'p>(&self, set: &'p PolicySet, now: Timestamp) -> Result<Report<'p>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::fault(format!("cannot start: {error}")))?;
        runtime.block_on(async {
            let Cluster { client, place } = self.access.to_check().await?;
            let (snapshot, report) = (Snapshot::default(), Report::default());
            Run { check: self, set, now, client, snapshot, report }.all(&place).await
        })
    }
}

impl<'p> Run<'_, 'p> {
    /// `place`: of the cluster.
    async fn all(mut self, place: &str) -> Result<Report<'p>, Failure> {
        let namespace = self.check.namespace.as_deref();
        let wanted = self.set.subscriptions().filter(|wanted| wanted.operation == self.check.operation);
        let kinds: BTreeSet<_> =
            wanted.filter(|wanted| wanted.subresource.is_empty()).map(|wanted| wanted.kind).collect();
        let listings = listings(&self.client, &kinds, namespace).await;
        let listings = listings.map_err(|error| Failure::bad_input(unanswered(place, &error)))?;
        let snapshot = match labels(self.client.clone(), namespace).await {
            Ok(snapshot) => snapshot,
            Err(kube::Error::Api(status)) if status.is_not_found() => return Err(Failure::bad_input(status.message)),
            Err(error) => {
                let reason = reason(&error);
                output::note(&format!("note: labels of namespaces are unknown (--namespace-labels): {reason}"));
                Snapshot::default()
            }
        };
        self.snapshot = namespaces::overrule(snapshot, &self.check.namespace_labels);
        let mut kinds = 0;
        for listing in listings {
            match self.list(&listing).await {
                Ok(()) => kinds += 1,
                Err(error) => self.report.unread(None, self.cannot_list(&listing, &error)),
            }
        }
        output::progress("");
        self.report.summary.kinds = Some(kinds);
        Ok(self.report)
    }

    async fn list(&mut self, listing: &Listing) -> kube::Result<()> {
        let mut next = None;
        loop {
            output::progress(&format!("judged {} objects, now {listing}", self.report.summary.documents));
            let page = listing.page(&self.client, next).await?;
            self.judge(&page.text, listing);
            next = page.next;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    fn judge(&mut self, text: &str, listing: &Listing) {
        let Self { set, now, snapshot, report, .. } = self;
        for content in manifest::read(text, &self.check.defaults()) {
            match content {
                Content::Item(item) => {
                    report.summary.documents += 1;
                    for judged in decide(set, &item.request, snapshot, *now, Phase::Mended).outcome() {
                        report.add(None, &item, judged);
                    }
                }
                Content::Ours | Content::Foreign { .. } => report.summary.skipped += 1,
                Content::Unreadable { message, .. } => report.unread(None, format!("among {listing}: {message}")),
            }
        }
    }

    fn cannot_list(&self, listing: &Listing, error: &kube::Error) -> String {
        let advice = match error {
            kube::Error::Api(status) if status.is_forbidden() && self.check.namespace.is_none() => {
                "; ask for the permission, or name a namespace of your own by -n"
            }
            kube::Error::Api(status) if status.is_forbidden() => "; ask for the permission",
            _ => "",
        };
        format!("{listing} are not judged: {}{advice}", reason(error))
    }
}

/// Why nothing can be judged.
fn unanswered(place: &str, error: &kube::Error) -> String {
    let reason = reason(error);
    if let kube::Error::Api(_) = error {
        return format!("the API server at {place} does not say what it serves: {reason}");
    }
    format!(
        "no answer from the API server at {place}: {reason}; see that it runs and can be reached from here, or name \
         another by --context or --kubeconfig"
    )
}
