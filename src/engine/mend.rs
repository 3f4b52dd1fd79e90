//! Fixes: whose edits count, which contradict each other, and whether what comes out passes.

use json_patch::Patch;

use super::context::Context;
use super::judge::Judging;
use crate::mesh::is_controlled;
use crate::object::{Edit, Node, conflict, overlay, patch};
use crate::policy::Action;
use crate::rule::{Finding, Operation};

/// An object mended.
pub(super) struct Mended<'p> {
    pub(super) patch: Patch,
    /// What all policies say of the mended object.
    pub(super) judgings: Vec<Judging<'p>>,
    /// The names of the policies whose edits were applied.
    pub(super) by: Vec<&'p str>,
}

/// The edits of one policy.
struct Fix<'p> {
    policy: &'p str,
    edits: Vec<Edit>,
}

/// Mends an object as far as policies with the action `Patch` can. One pass, no search: nothing where that does not
/// lead to an object that passes.
pub(super) fn mend<'p>(context: &Context<'p, '_>, judgings: &[Judging<'p>], object: Node<'_>) -> Option<Mended<'p>> {
    let request = context.request;
    let patchable = matches!(request.operation, Operation::Create | Operation::Update)
        && request.subresource.is_empty()
        && !is_controlled(object);
    if !patchable {
        return None;
    }
    let fixes: Vec<Fix<'p>> = judgings.iter().filter_map(|judging| fix(context, judging, object)).collect();
    let contradicts = |fix: &Fix<'p>| {
        let others = fixes.iter().filter(|other| other.policy != fix.policy);
        others.into_iter().any(|other| conflict(&fix.edits, &other.edits).is_some())
    };
    let agreed: Vec<&Fix<'p>> = fixes.iter().filter(|fix| !contradicts(fix)).collect();
    let edits: Vec<Edit> = agreed.iter().flat_map(|fix| fix.edits.iter().cloned()).collect();
    let patch = patch(object, &edits).ok().filter(|patch| !patch.0.is_empty())?;
    let tree = overlay(object, &edits).ok()?;
    let after: Vec<Judging<'p>> =
        judgings.iter().filter_map(|judging| context.judge(judging.policy, tree.root())).collect();
    let by: Vec<&str> = agreed.iter().map(|fix| fix.policy).collect();
    let passes =
        after.iter().all(|after| match judgings.iter().find(|before| before.policy.name == after.policy.name) {
            Some(_) if by.contains(&after.policy.name.as_str()) => after.is_clean(),
            Some(before) => no_worse(before, after),
            None => after.is_clean(),
        });
    passes.then_some(Mended { patch, judgings: after, by })
}

/// The edits of a policy, where alone they clear all its new violations.
fn fix<'p>(context: &Context<'p, '_>, judging: &Judging<'p>, object: Node<'_>) -> Option<Fix<'p>> {
    let may = judging.effect.action == Action::Patch && judging.surely && judging.exception.is_none();
    if !may || judging.error.is_some() {
        return None;
    }
    let edits: Vec<Edit> = judging.new.violations.iter().flat_map(|violation| violation.fix.iter().cloned()).collect();
    let alone = overlay(object, &edits).ok().filter(|_| !edits.is_empty())?;
    let clears = context.judge(judging.policy, alone.root()).is_none_or(|after| after.is_clean());
    clears.then_some(Fix { policy: &judging.policy.name, edits })
}

/// Whether a policy that mended nothing finds nothing that it had not found before.
fn no_worse(before: &Judging<'_>, after: &Judging<'_>) -> bool {
    let same = |one: &Finding, other: &Finding| one.subject == other.subject && one.value == other.value;
    let mut left: Vec<&Finding> = before.new.violations.iter().collect();
    let known = after.new.violations.iter().all(|found| {
        let at = left.iter().position(|other| same(found, other));
        at.map(|at| left.swap_remove(at)).is_some()
    });
    after.exception.is_some() || (known && (after.error.is_none() || after.error == before.error))
}
