//! The one decision function.

mod decision;
mod ratchet;

pub use decision::{Decision, Effect, Judged, Kind};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::object::Node;
use crate::policy::{Action, OnError, Policy, PolicySet};
use crate::rule::{CannotJudge, Findings, Operation, Request};

/// Judges one request.
///
/// Knows no network, file, clock or environment, and always returns: a denial is a value, and so is what could not be
/// judged.
#[must_use]
pub fn decide<'p>(set: &'p PolicySet, request: &Request<'_>, now: Timestamp) -> Decision<'p> {
    let kind = &request.kind;
    let today = day(now);
    let mut decision = Decision::default();
    for policy in set.matching(&kind.group, &kind.kind, request.operation, &request.subresource) {
        judge(set, policy, request, today, &mut decision);
    }
    decision
}

/// The decision on a request that could not be read: every policy that might have judged it answers by its `onError`.
///
/// Those of its kind, where the kind is known as (group, kind), else all of the set.
#[must_use]
pub fn cannot_read<'p>(set: &'p PolicySet, kind: Option<(&str, &str)>, message: &str, now: Timestamp) -> Decision<'p> {
    let today = day(now);
    let mut decision = Decision::default();
    let error = CannotJudge::request(message);
    match kind {
        Some((group, kind)) => set.for_kind(group, kind).for_each(|policy| decision.error(policy, today, &error)),
        None => set.policies().iter().for_each(|policy| decision.error(policy, today, &error)),
    }
    decision
}

/// Dates in policies are days in UTC.
fn day(now: Timestamp) -> Date {
    Offset::UTC.to_datetime(now).date()
}

fn judge<'p>(set: &PolicySet, policy: &'p Policy, request: &Request<'_>, today: Date, decision: &mut Decision<'p>) {
    let tree = match request.judged().tree() {
        Ok(Some(tree)) => tree,
        Ok(None) => {
            let missing = if request.operation == Operation::Delete { "oldObject" } else { "object" };
            let error = CannotJudge::request(format!("the request has no {missing}"));
            return decision.error(policy, today, &error);
        }
        Err(why) => return decision.error(policy, today, &CannotJudge::request(why)),
    };
    let (mut found, error) = check(set, policy, tree.root(), request);
    let terminating = request.operation == Operation::Update && request.is_terminating();
    let mut old = Findings::default();
    if terminating && found != Findings::default() {
        // An old object that cannot be read makes nothing old.
        if let Ok(Some(before)) = request.old_object.tree() {
            old = ratchet::strike_out(&mut found, check(set, policy, before.root(), request).0);
        }
    }
    decision.add(policy, today, found, old);
    match error {
        // A finalizer must be removable, even from what cannot be judged.
        Some(error) if terminating => decision.error_as(policy, policy.action(today), OnError::Warn, &error),
        Some(error) => decision.error(policy, today, &error),
        None => {}
    }
}

fn check(set: &PolicySet, policy: &Policy, object: Node<'_>, request: &Request<'_>) -> (Findings, Option<CannotJudge>) {
    let mut findings = Findings::default();
    let error = policy.check.check(object, request, set.mesh(), &mut findings).err();
    (findings, error)
}

impl<'p> Decision<'p> {
    fn error(&mut self, policy: &'p Policy, today: Date, error: &CannotJudge) {
        let action = policy.action(today);
        self.error_as(policy, action, action.into(), error);
    }

    fn error_as(&mut self, policy: &'p Policy, action: Action, on_error: OnError, error: &CannotJudge) {
        let effect = match on_error {
            OnError::Deny => Effect::Deny,
            OnError::Warn => Effect::Warn,
            OnError::Allow => Effect::Audit,
        };
        self.push(policy, action, Kind::Error, effect, error.finding());
    }

    fn add(&mut self, policy: &'p Policy, today: Date, found: Findings, old: Findings) {
        let action = policy.action(today);
        let effect = match action {
            Action::Deny => Effect::Deny,
            Action::Warn => Effect::Warn,
            Action::Audit => Effect::Audit,
        };
        let weaker = effect.max(Effect::Warn);
        let groups = [
            (Kind::Violation, effect, found.violations),
            (Kind::Violation, weaker.max(Effect::Old), old.violations),
            (Kind::Advice, weaker, found.advice),
            (Kind::Advice, Effect::Audit, old.advice),
        ];
        for (kind, effect, findings) in groups {
            for finding in findings {
                self.push(policy, action, kind, effect, finding);
            }
        }
    }
}
