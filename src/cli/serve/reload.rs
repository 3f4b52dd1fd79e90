//! What changes while the server runs: policies, Settings, the certificate, what is known of namespaces.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::namespaces::Namespaces;
use super::origin::Renewal;
use crate::cli::sources::{self, Sources};
use crate::cli::{Failure, files};
use crate::policy::{self, Notice, PolicySet};
use crate::server::tls::{CallerFile, Identity};
use crate::server::{Health, Webhook};
use crate::store::{self, Watched};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Reload;

/// The files of policies and Settings, and what was read of them.
pub(super) struct PolicyFiles {
    sources: Sources,
    read: Watched<Result<policy::Sources, Failure>>,
    own_namespace: Option<String>,
}

impl PolicyFiles {
    /// What they hold now; also the files, where there are any that can be read again.
    pub(super) fn open(sources: &Sources) -> Result<(PolicySet, Option<Self>), Failure> {
        let read = sources.read()?;
        let set = load(&read)?;
        let passing: Vec<_> = sources.paths().filter(|path| files::is_stdin(path) || !store::lasts(path)).collect();
        if !passing.is_empty() {
            tracing::warn!(
                ?passing,
                "neither file nor folder, to be read but once: policies and Settings stay as they are"
            );
        }
        let named = sources.paths().next().is_some();
        let own_namespace = read.own_namespace.clone();
        let files = Self { sources: sources.clone(), read: Watched::new(Ok(read)), own_namespace };
        Ok((set, (named && passing.is_empty()).then_some(files)))
    }

    /// Takes up what has changed, as a whole or not at all.
    fn look(&mut self, webhook: &Webhook, health: &Health, metrics: &Metrics) {
        let mut now = self.sources.read();
        if let Ok(now) = &mut now {
            // A Pod's namespace never changes: not even a file of it that cannot be read for a moment takes it away.
            now.own_namespace.clone_from(&self.own_namespace);
        }
        let Some(read) = self.read.settle(now) else { return };
        let was = webhook.set();
        let loaded = read.as_ref().map_err(Failure::clone).and_then(load);
        metrics.reloaded(Reload::Policies, loaded.is_ok());
        match loaded {
            Ok(set) => {
                webhook.replace(set);
                health.note("policies", None);
                let set = webhook.set();
                tracing::info!(
                    set = set.hash(),
                    was = was.hash(),
                    policies = set.policies().len(),
                    "took up new policies"
                );
            }
            Err(Failure { message, .. }) => {
                let errors = message.replace("\nerror: ", "\n");
                let set = was.hash();
                health.note("policies", Some(refusal(set, &errors)));
                tracing::error!(set, errors = &*errors, "refused new policies; the set in force stays");
            }
        }
    }
}

/// What `/readyz` says of errors; the log has them all.
fn refusal(set: &str, errors: &str) -> String {
    let first = errors.lines().next().unwrap_or_default();
    let more = match errors.lines().count() {
        0 | 1 => String::new(),
        lines => format!(" (and {} more, in the log)", lines - 1),
    };
    format!("refused new ones, and set {set} stays in force: {first}{more}")
}

/// Loads what was read. What somebody should know goes to the log.
fn load(read: &policy::Sources) -> Result<PolicySet, Failure> {
    let (set, notices) = PolicySet::load(read, sources::today()).map_err(Failure::bad_input)?;
    for Notice(notice) in notices {
        tracing::warn!("{notice}");
    }
    Ok(set)
}

/// All that is looked after while the server runs.
pub(super) struct Upkeep {
    pub(super) policies: Option<PolicyFiles>,
    pub(super) webhook: Arc<Webhook>,
    /// None: the certificate stays.
    pub(super) renewal: Option<Renewal>,
    pub(super) identity: Arc<Identity>,
    /// None: anybody may call.
    pub(super) clients: Option<CallerFile>,
    /// None: there is no cluster to be asked.
    pub(super) namespaces: Option<Namespaces>,
    pub(super) health: Health,
    pub(super) metrics: Arc<Metrics>,
}

impl Upkeep {
    /// Says whether the server is ready, now and from now on, and takes up what changes.
    pub(super) fn begin(mut self) -> Result<(), Failure> {
        self.report(Timestamp::now());
        let looking = move || self.look();
        store::keep_looking(looking).map_err(|error| Failure::fault(format!("cannot start a thread: {error}")))
    }

    /// A panic, which would be a fault of ours, must not be the end of looking: certificates expire.
    fn look(&mut self) {
        let Self { policies, webhook, health, metrics, .. } = self;
        let policies = catch_unwind(AssertUnwindSafe(|| {
            policies.iter_mut().for_each(|files| files.look(webhook, health, metrics))
        }));
        if policies.is_err() {
            self.health.note("policies", Some("a fault of Vigla's own; its log has the place".to_owned()));
        }
        self.report(Timestamp::now());
    }

    fn report(&mut self, now: Timestamp) {
        if let Some(renewal) = &mut self.renewal {
            renewal.look(now, &self.health, &self.metrics);
        }
        if let Some(clients) = &mut self.clients {
            clients.look(&self.health, &self.metrics);
        }
        self.metrics.certificate_expires(self.identity.not_after());
        let today = sources::today();
        self.metrics
            .expired_exceptions(self.webhook.set().policies().iter().map(|it| it.expired_exceptions(today)).sum());
        let Self { namespaces, health, metrics, .. } = self;
        let unsynced = namespaces.as_ref().and_then(|namespaces| namespaces.look(Instant::now(), health, metrics));
        match (self.identity.validity().objection(now), unsynced) {
            (None, None) if self.health.ready() => tracing::info!("ready"),
            (None, Some(why)) if self.health.not_ready(why) => tracing::info!("not ready: {why}"),
            (Some(why), _) if self.health.not_ready(why.clone()) => tracing::error!("not ready: {why}"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::Profile;
    use crate::server::Phase;
    use crate::server::dev::DevTls;

    #[test]
    fn ready_is_who_has_a_valid_certificate() {
        let dev = DevTls::make([127, 0, 0, 1].into()).expect("a certificate");
        let set = PolicySet::built_in(Profile::Required).expect("the built-in policies");
        let mut upkeep = Upkeep {
            policies: None,
            webhook: Arc::new(Webhook::new(set, Arc::default())),
            renewal: None,
            identity: dev.identity(),
            clients: None,
            namespaces: None,
            health: Health::default(),
            metrics: Arc::default(),
        };
        let end = dev.identity().not_after();
        upkeep.report(end);
        assert_eq!(upkeep.health.phase(), Phase::Ready);
        upkeep.report(end + Duration::from_secs(1));
        let why = format!("the certificate has expired; it was valid until {end}");
        assert_eq!(upkeep.health.phase(), Phase::NotReady(why.into()));
        upkeep.report(end);
        assert_eq!(upkeep.health.phase(), Phase::Ready, "the clock was wrong");
    }

    #[test]
    fn the_detail_has_the_first_error_and_counts_the_others() {
        assert_eq!(refusal("1f", "a.yaml:1:2: bad"), "refused new ones, and set 1f stays in force: a.yaml:1:2: bad");
        assert!(refusal("1f", "a: bad\nb: bad\nc: bad").ends_with(": a: bad (and 2 more, in the log)"));
    }
}
