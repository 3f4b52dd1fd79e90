//! The labels of a cluster's namespaces, watched.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{Config, DefaultBackoff, Error, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch::{self, Receiver, Sender};

use super::access::{Cluster, reason};
use crate::mesh::{Labels, Snapshot};

/// How long one watch lasts before the API server is asked for the next one. A peer that is gone without a word is
/// noticed soon after: kube waits for five seconds more.
const WATCH_SECONDS: u32 = 60;

/// Most changes that are taken up at once.
const BATCH: usize = 1024;

/// Most reasons that the log tells of one loss, each once.
const REASONS: usize = 8;

/// How fresh is what is known of namespaces' labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing yet; why, where that is known.
    Pending(Option<String>),
    /// All of them, as they are.
    Current,
    /// All of them, as they were.
    Lost {
        /// When it was noticed, to the second.
        since: Timestamp,
        /// Why, and what to do.
        why: String,
    },
}

impl Freshness {
    /// Whether all namespaces were seen once.
    #[must_use]
    pub fn is_done(&self) -> bool {
        !matches!(self, Self::Pending(_))
    }

    /// When what is known was true at last: now, as long as the watch stands; never, before all was seen once.
    #[must_use]
    pub fn as_of(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Pending(_) => None,
            Self::Current => Some(now),
            Self::Lost { since, .. } => Some(*since),
        }
    }

    /// What somebody should mend.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        match self {
            Self::Pending(None) | Self::Current => None,
            Self::Pending(Some(why)) => Some(format!("labels unknown: {why}")),
            Self::Lost { since, why } => Some(format!("labels as they were at {since}: {why}")),
        }
    }

    /// The same after a failure.
    fn failed(&self, why: String, now: Timestamp) -> Self {
        match *self {
            Self::Pending(_) => Self::Pending(Some(why)),
            Self::Current => Self::Lost { since: Timestamp::from_second(now.as_second()).unwrap_or(now), why },
            Self::Lost { since, .. } => Self::Lost { since, why },
        }
    }
}

/// Watches the namespaces for as long as the process lives, on the tokio runtime that this is called on. `publish` gets
/// what is known at every change, the first time when all is.
///
/// After a failure everything is listed again: so it shows that the API server answers again, also where nothing has
/// changed meanwhile, and nothing that was missed stays missing.
pub fn watch(cluster: Cluster, publish: impl Fn(Snapshot) + Send + Sync + 'static) -> Receiver<Freshness> {
    let (freshness, receiver) = watch::channel(Freshness::Pending(None));
    tokio::spawn(async move {
        let namespaces: Api<PartialObjectMeta<Namespace>> = Api::all(cluster.client);
        let mut backoff = DefaultBackoff::default();
        let mut told = BTreeSet::new();
        loop {
            // Labels that nobody keeps up to date, and nobody says so, would be worse than a fault.
            let following =
                AssertUnwindSafe(follow(namespaces.clone(), &cluster.place, &freshness, &publish)).catch_unwind();
            let why = following.await.unwrap_or_else(|_| "a fault of Vigla's own; its log has the place".to_owned());
            if *freshness.borrow() == Freshness::Current {
                told.clear();
            }
            freshness.send_modify(|now| *now = now.failed(why.clone(), Timestamp::now()));
            if told.len() < REASONS && told.insert(why) {
                tracing::warn!("namespaces: {}", freshness.borrow().complaint().unwrap_or_default());
            }
            // It never ends.
            tokio::time::sleep(backoff.next().unwrap_or(Duration::from_secs(30))).await;
        }
    });
    receiver
}

/// The labels of all namespaces, or of `only` one, as they are now.
///
/// # Errors
/// Where the API server does not tell them.
pub async fn labels(client: Client, only: Option<&str>) -> kube::Result<Snapshot> {
    let namespaces: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    let mut known = Known::default();
    let mut params = ListParams::default().limit(500);
    if let Some(only) = only {
        known.apply(Event::InitApply(namespaces.get(only).await?));
        return Ok(known.snapshot());
    }
    loop {
        let page = namespaces.list(&params).await?;
        for namespace in page.items {
            known.apply(Event::InitApply(namespace));
        }
        match page.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(known.snapshot()),
        }
    }
}

/// Lists and then watches, up to a failure: returns why, and what to do.
async fn follow(
    namespaces: Api<PartialObjectMeta<Namespace>>,
    place: &str,
    freshness: &Sender<Freshness>,
    publish: &(impl Fn(Snapshot) + Sync),
) -> String {
    let mut known = Known::default();
    let mut batches = pin!(watcher(namespaces, Config::default().timeout(WATCH_SECONDS)).ready_chunks(BATCH));
    while let Some(batch) = batches.next().await {
        let mut news = false;
        let taken = batch.into_iter().try_for_each(|event| event.map(|event| news |= known.apply(event)));
        if known.whole && news {
            publish(known.snapshot());
        }
        if let Err(error) = taken {
            return explain(&error, place);
        }
        if known.whole {
            succeed(freshness, known.labels.len());
        }
    }
    "the watch ended".to_owned()
}

fn succeed(freshness: &Sender<Freshness>, namespaces: usize) {
    if freshness.send_if_modified(|now| std::mem::replace(now, Freshness::Current) != Freshness::Current) {
        tracing::info!(namespaces, "the labels of namespaces are known");
    }
}

fn explain(error: &Error, place: &str) -> String {
    match error {
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status))
        | Error::WatchError(status)
            if status.is_forbidden() =>
        {
            format!("{}; grant it `list` and `watch` on `namespaces` by a ClusterRole", status.message)
        }
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) | Error::WatchFailed(error) => {
            format!("the API server {place}: {}; see that it runs and is reached from here", reason(error))
        }
        error => error.to_string(),
    }
}

/// The labels so far.
#[derive(Default)]
struct Known {
    labels: HashMap<String, Arc<Labels>>,
    /// Whether the first list is complete.
    whole: bool,
}

impl Known {
    /// Takes up an event. Returns whether it changes what is known; most changes of namespaces do not.
    fn apply(&mut self, event: Event<PartialObjectMeta<Namespace>>) -> bool {
        match event {
            Event::Init => {
                *self = Self::default();
                false
            }
            Event::InitDone => {
                self.whole = true;
                true
            }
            Event::InitApply(mut namespace) | Event::Apply(mut namespace) => {
                let labels = namespace.metadata.labels.take().unwrap_or_default();
                let news = self.labels.get(namespace.name_any().as_str()).is_none_or(|known| **known != labels);
                if news {
                    self.labels.insert(namespace.name_any(), Arc::new(labels));
                }
                news
            }
            Event::Delete(namespace) => self.labels.remove(&namespace.name_any()).is_some(),
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { namespaces: self.labels.clone(), others_have_none: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(name: &str, env: &str) -> PartialObjectMeta<Namespace> {
        let metadata = serde_json::json!({"metadata": {"name": name, "labels": {"env": env}, "uid": "1"}});
        serde_json::from_value(metadata).expect("metadata")
    }

    fn listed(names: &[&str]) -> Known {
        let mut known = Known::default();
        assert!(!known.apply(Event::Init));
        for name in names {
            known.apply(Event::InitApply(namespace(name, "dev")));
        }
        assert!(!known.whole, "the list goes on");
        assert!(known.apply(Event::InitDone));
        known
    }

    fn env<'k>(known: &'k Known, name: &str) -> Option<&'k str> {
        known.labels.get(name).map(|labels| labels["env"].as_str())
    }

    #[test]
    fn events_change_what_is_known() {
        let mut known = listed(&["shop", "till"]);
        let before = known.snapshot();
        assert!(known.apply(Event::Apply(namespace("shop", "production"))));
        assert!(known.apply(Event::Apply(namespace("new", "dev"))));
        assert!(known.apply(Event::Delete(namespace("till", "dev"))));
        assert_eq!(
            [env(&known, "shop"), env(&known, "new"), env(&known, "till")],
            [Some("production"), Some("dev"), None]
        );
        assert_eq!(before.labels("shop").expect("known")["env"], "dev", "what was handed out stays as it was");
        assert!(before.labels("till").is_some() && before.labels("new").is_none());
    }

    #[test]
    fn what_changes_no_label_is_no_news() {
        let mut known = listed(&["shop"]);
        assert!(!known.apply(Event::Apply(namespace("shop", "dev"))));
        assert!(!known.apply(Event::Delete(namespace("till", "dev"))));
    }

    #[test]
    fn a_new_list_forgets_what_is_gone() {
        let mut known = listed(&["shop", "till"]);
        known.apply(Event::Init);
        known.apply(Event::InitApply(namespace("shop", "dev")));
        known.apply(Event::InitDone);
        assert_eq!(known.labels.len(), 1);
    }

    #[test]
    fn a_loss_is_dated_from_its_beginning() {
        let noon: Timestamp = "2026-11-21T12:00:00.7Z".parse().expect("an instant");
        let later = noon + Duration::from_secs(60);
        let unknown = Freshness::Pending(None).failed("refused".to_owned(), noon);
        assert_eq!((unknown.is_done(), unknown.as_of(later)), (false, None));
        assert_eq!(unknown.complaint().as_deref(), Some("labels unknown: refused"));

        assert_eq!(Freshness::Current.as_of(later), Some(later));
        let lost = Freshness::Current.failed("refused".to_owned(), noon).failed("forbidden".to_owned(), later);
        assert!(lost.is_done());
        assert_eq!(lost.as_of(later).map(|since| since.as_second()), Some(noon.as_second()));
        let complaint = "labels as they were at 2026-11-21T12:00:00Z: forbidden";
        assert_eq!(lost.complaint().as_deref(), Some(complaint));
    }

    #[test]
    fn what_may_not_be_read_is_said_with_what_to_do() {
        let status = serde_json::json!({"code": 403, "reason": "Forbidden", "message": "namespaces is forbidden: …"});
        let status = serde_json::from_value(status).expect("a status");
        assert_eq!(
            explain(&Error::InitialListFailed(kube::Error::Api(status)), "https://10.0.0.1"),
            "namespaces is forbidden: …; grant it `list` and `watch` on `namespaces` by a ClusterRole"
        );
    }
}
