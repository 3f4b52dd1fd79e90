//! The judge behind the door: the running policies, and a log line for every decision.

use std::mem;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use jiff::Timestamp;

use super::Judge;
use crate::engine::{Decision, Effect};
use crate::mesh::Snapshot;
use crate::policy::PolicySet;
use crate::review::{Endpoint, Record, Reply, respond, respond_to_fault};
use crate::rule::Request;

/// Judges by a set of policies.
#[derive(Debug)]
pub struct Webhook {
    /// Locked for no longer than it takes to copy or to change the pointer.
    set: RwLock<Arc<PolicySet>>,
    /// Nothing is known of the cluster yet.
    snapshot: Snapshot,
}

impl Webhook {
    /// A webhook with these policies in force.
    #[must_use]
    pub fn new(set: PolicySet) -> Self {
        Self { set: RwLock::new(Arc::new(set)), snapshot: Snapshot::default() }
    }

    /// The set in force.
    #[must_use]
    pub fn set(&self) -> Arc<PolicySet> {
        // Nobody panics with the lock in hand; were it so, the pointer would be whole all the same.
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another set into force, for what is judged from now on.
    pub fn replace(&self, set: PolicySet) {
        let old = mem::replace(&mut *self.set.write().unwrap_or_else(PoisonError::into_inner), Arc::new(set));
        // Not before the lock is open again.
        drop(old);
    }
}

impl Judge for Webhook {
    fn judge(&self, endpoint: Endpoint, body: &[u8], now: Timestamp) -> Reply {
        let (set, started) = (self.set(), Instant::now());
        respond(&set, &self.snapshot, endpoint, body, now, &mut |record| log(record, set.hash(), started))
    }

    fn panicked(&self, endpoint: Endpoint, body: &[u8], _: Timestamp) -> Reply {
        let (set, started) = (self.set(), Instant::now());
        respond_to_fault(&set, endpoint, body, &mut |record| log(record, set.hash(), started))
    }
}

/// How a call ended, as the log says it.
#[derive(Debug)]
enum Verdict {
    Allowed,
    Warned,
    Denied,
    Mended,
    Unreadable,
}

impl Verdict {
    fn of(record: &Record<'_>) -> Self {
        let Record { endpoint, decision, fault, .. } = record;
        match endpoint {
            _ if fault.is_some() => Self::Unreadable,
            Endpoint::Mutate if decision.patch.is_some() => Self::Mended,
            Endpoint::Validate if !decision.is_allowed() => Self::Denied,
            Endpoint::Validate if warns(decision) => Self::Warned,
            Endpoint::Validate | Endpoint::Mutate => Self::Allowed,
        }
    }
}

/// Whether the answer carries a warning: what was there before the request is said in one, too.
fn warns(decision: &Decision<'_>) -> bool {
    decision.sent.iter().any(|judged| matches!(judged.effect, Effect::Warn | Effect::Old))
}

/// One line a decision, at a level by its verdict: who asked for what, what came of it and by which set,
/// never the object.
fn log(record: &Record<'_>, set: &str, started: Instant) {
    let verdict = Verdict::of(record);
    let Record { endpoint, request, decision, .. } = record;
    /// tracing fixes the level of an event where it is written; fields are looked at only where the level is logged.
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                uid = record.uid,
                kind = request.map(|request| &*request.kind.kind),
                group = request.map(|request| &*request.kind.group),
                namespace = request.map(|request| &*request.namespace),
                name = request.map(Request::display_name).as_deref(),
                operation = request.map(|request| request.operation.as_str()),
                subresource = request.map(|request| &*request.subresource),
                user = request.and_then(|request| request.user.as_ref()).map(|user| &*user.name),
                dry_run = request.map(|request| request.dry_run),
                findings = decision.summary(),
                fault = record.fault,
                set,
                micros = started.elapsed().as_micros(),
                "{endpoint:?} {verdict:?}"
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
