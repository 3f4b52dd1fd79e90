//! The judge behind the door: the running policies, what is known of the cluster, a log line for every decision, and the
//! count of them.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use jiff::Timestamp;

use super::Judge;
use crate::mesh::Snapshot;
use crate::policy::PolicySet;
use crate::review::{Endpoint, Record, Reply, respond, respond_to_fault};
use crate::rule::Request;
use crate::telemetry::metrics::ErrorKind;
use crate::telemetry::{Metrics, Verdict, effective};

/// The longest name of an object, in bytes. Users may be longer, and are known by their beginning.
const LONGEST: usize = 253;

/// A value that is replaced whole. Locked for no longer than it takes to copy or to change the pointer.
#[derive(Debug)]
struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    fn get(&self) -> Arc<T> {
        // Nobody panics with the lock in hand; were it so, the pointer would be whole all the same.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, value: T) {
        let old = mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::new(value));
        // Not before the lock is open again.
        drop(old);
    }
}

/// Judges by a set of policies.
#[derive(Debug)]
pub struct Webhook {
    set: Current<PolicySet>,
    snapshot: Current<Snapshot>,
    metrics: Arc<Metrics>,
}

impl Webhook {
    /// A webhook with these policies in force, which knows nothing of its cluster yet.
    #[must_use]
    pub fn new(set: PolicySet, metrics: Arc<Metrics>) -> Self {
        metrics.loaded(&set, Timestamp::now());
        Self { set: Current::new(set), snapshot: Current::new(Snapshot::default()), metrics }
    }

    /// The set in force.
    #[must_use]
    pub fn set(&self) -> Arc<PolicySet> {
        self.set.get()
    }

    /// Puts another set into force, for what is judged from now on.
    pub fn replace(&self, set: PolicySet) {
        self.metrics.loaded(&set, Timestamp::now());
        self.set.replace(set);
    }

    /// Says what is known of the cluster, for what is judged from now on.
    pub fn inform(&self, snapshot: Snapshot) {
        self.snapshot.replace(snapshot);
    }

    fn record(&self, record: &Record<'_>, set: &PolicySet, started: Instant) {
        let verdict = Verdict::of(record);
        self.metrics.decided(record, verdict);
        log(record, verdict, set.hash(), started);
    }
}

impl Judge for Webhook {
    fn judge(&self, endpoint: Endpoint, body: &[u8], now: Timestamp) -> Reply {
        let (set, started) = (self.set(), Instant::now());
        let reply = respond(&set, &self.snapshot.get(), endpoint, body, now, &mut |record| {
            if record.fault.is_some() {
                self.metrics.error(ErrorKind::UnreadableReview);
            }
            self.record(record, &set, started);
        });
        self.metrics.evaluated(endpoint, started.elapsed());
        reply
    }

    fn panicked(&self, endpoint: Endpoint, body: &[u8], _: Timestamp) -> Reply {
        let (set, started) = (self.set(), Instant::now());
        respond_to_fault(&set, endpoint, body, &mut |record| self.record(record, &set, started))
    }
}

/// One line a decision, at a level by its verdict: who asked for what, what came of it and by which set. Never the
/// object, and not what is wrong with a review either, which may quote it: the answer says that.
fn log(record: &Record<'_>, verdict: Verdict, set: &str, started: Instant) {
    let Record { endpoint, request, .. } = record;
    /// tracing fixes the level of an event where it is written; fields are looked at only where the level is logged.
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                endpoint = endpoint.as_str(),
                verdict = verdict.as_str(),
                policies = policies(record),
                uid = start(record.uid),
                kind = request.map(|request| start(&request.kind.kind)),
                group = request.map(|request| start(&request.kind.group)),
                namespace = request.map(|request| start(&request.namespace)),
                name = request.map(Request::display_name).as_deref().map(start),
                operation = request.map(|request| request.operation.as_str()),
                subresource = request.map(|request| start(&request.subresource)),
                user = request.and_then(|request| request.user.as_ref()).map(|user| start(&user.name)),
                dry_run = request.map(|request| request.dry_run),
                set,
                duration_us = started.elapsed().as_micros() as u64,
                "decision"
            )
        };
    }
    match verdict {
        Verdict::Unreadable => event!(error),
        Verdict::Denied => event!(warn),
        Verdict::Warned | Verdict::Mended => event!(info),
        Verdict::Allowed => event!(debug),
    }
}

/// The policies that had a part in the answer, each with what it led to: `a=deny,b=warn`.
fn policies(record: &Record<'_>) -> String {
    let said = effective(record).iter().map(|judged| format!("{}={}", judged.policy, judged.effect.as_str()));
    said.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",")
}

/// As much of a text as anything in Kubernetes is long, except for who wants to fill the log.
fn start(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text)
}
