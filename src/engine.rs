//! The one decision function.

mod context;
mod decision;
mod judge;
mod mend;
mod ratchet;
#[cfg(test)]
mod tests;

pub use decision::{Decision, Effect, Excepted, Judged, Kind};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::mesh::{Snapshot, is_owned};
use crate::policy::{Policy, PolicySet};
use crate::rule::{CannotJudge, Operation, Request};
use context::Context;
use judge::Judging;
use mend::Mending;

/// How far a decision goes: what nobody asks for is not worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// What is found on the object as it came: `sent` and `exceptions`, by which `/validate` answers.
    Sent,
    /// Then what mends it, and what is found on the mended object: `patch`, `mended` and `removed` too.
    Mended,
}

/// Judges one request as far as `phase` says; what is found does not depend on it.
///
/// Knows no network, file, clock or environment, and always returns: a denial is a value, and so is what could not be
/// judged.
#[must_use]
pub fn decide<'p>(
    set: &'p PolicySet,
    request: &Request<'_>,
    snapshot: &Snapshot,
    now: Timestamp,
    phase: Phase,
) -> Decision<'p> {
    let kind = &request.kind;
    let mut policies = set.matching(&kind.group, &kind.kind, request.operation, &request.subresource).peekable();
    if policies.peek().is_none() || set.excludes(&kind.group, &request.namespace) {
        return Decision::default();
    }
    let context = Context::new(set, request, snapshot, day(now));
    let tree = match request.judged().tree() {
        Ok(Some(tree)) => tree,
        Ok(None) => {
            let missing = if request.operation == Operation::Delete { "oldObject" } else { "object" };
            let error = CannotJudge::request(format!("the request has no {missing}"));
            return cannot_judge(&context, policies, &error);
        }
        Err(why) => return cannot_judge(&context, policies, &CannotJudge::request(why)),
    };
    if let Err(error) = tree.root().expect_map() {
        return cannot_judge(&context, policies, &CannotJudge::request(format!("the object is {}", error.found)));
    }
    if is_owned(&kind.group, &kind.kind, &request.subresource, tree.root()) || context.is_refresh(tree.root()) {
        return Decision::default();
    }
    let applied = policies.filter_map(|policy| context.applied(policy));
    let judge = |applied| {
        let judging = context.judge(&applied, tree.root());
        (applied, judging)
    };
    let judgings: Vec<_> = applied.map(judge).collect();
    let mending = match phase {
        Phase::Sent => Mending::default(),
        Phase::Mended => mend::mend(&context, &judgings, tree.root()),
    };
    Decision::new(judgings, mending)
}

/// The decision on an object that no policy can judge.
fn cannot_judge<'p>(
    context: &Context<'p, '_>,
    policies: impl Iterator<Item = &'p Policy>,
    error: &CannotJudge,
) -> Decision<'p> {
    let judging = || Judging { error: Some(error.clone()), ..Judging::default() };
    let judgings = policies.filter_map(|policy| Some((context.applied(policy)?, judging())));
    Decision::new(judgings.collect(), Mending::default())
}

/// The decision on a request that could not be read: every policy that might have judged it answers by its `onError`.
///
/// Those of its kind, where the kind is known as (group, kind) and perhaps what is done to what part of it, else all of
/// the set. Nothing else of the request is known, so the strictest of what a policy may lead to counts.
#[must_use]
pub fn cannot_read<'p>(
    set: &'p PolicySet,
    kind: Option<(&str, &str)>,
    done: Option<(Operation, &str)>,
    message: &str,
) -> Decision<'p> {
    let error = CannotJudge::request(message);
    let mut decision = Decision::default();
    let mut add = |policy: &'p Policy| decision.error(policy, policy.strictest(), &error);
    match (kind, done) {
        (Some((group, kind)), Some((operation, subresource))) => {
            set.matching(group, kind, operation, subresource).for_each(&mut add);
        }
        (Some((group, kind)), None) => set.for_kind(group, kind).for_each(&mut add),
        (None, _) => set.policies().iter().for_each(&mut add),
    }
    decision
}

/// Dates in policies are days in UTC.
fn day(now: Timestamp) -> Date {
    Offset::UTC.to_datetime(now).date()
}
