//! Fixes: whose edits count, which contradict each other, and whether what comes out passes.

use json_patch::Patch;

use super::context::Context;
use super::judge::{Applied, Judging};
use super::ratchet::Multiset;
use crate::mesh::is_controlled;
use crate::object::{Edit, Node, conflicting, overlay, patch};
use crate::policy::Action;

/// What becomes of fixes.
#[derive(Default)]
pub(super) struct Mending {
    pub(super) mended: Option<Mended>,
    /// Which policies' edits contradict another's, and were left out for that.
    pub(super) contradicting: Vec<usize>,
}

/// An object mended. Both lists are in the order of the policies that apply.
pub(super) struct Mended {
    pub(super) patch: Patch,
    /// What each policy says of the mended object.
    pub(super) judgings: Vec<Judging>,
    /// Whether the edits of the policy are part of the patch.
    pub(super) mends: Vec<bool>,
}

/// Mends an object as far as policies with the action `Patch` can. One pass, no search: nothing where that does not
/// lead to an object that passes.
pub(super) fn mend(context: &Context<'_, '_>, judgings: &[(Applied<'_>, Judging)], object: Node<'_>) -> Mending {
    let request = context.request;
    if !request.operation.is_patchable(&request.subresource) || is_controlled(object) {
        return Mending::default();
    }
    let fix = |(applied, judging): &(Applied<'_>, Judging)| fix(context, applied, judging, object).unwrap_or_default();
    let mut fixes: Vec<Vec<Edit>> = judgings.iter().map(fix).collect();
    let mut contradicting: Vec<usize> = conflicting(fixes.iter().map(Vec::as_slice)).into_iter().collect();
    contradicting.sort_unstable();
    for &at in &contradicting {
        fixes.get_mut(at).into_iter().for_each(Vec::clear);
    }
    Mending { mended: lay_on(context, judgings, object, &fixes), contradicting }
}

/// Lays on the edits of all policies together.
fn lay_on(
    context: &Context<'_, '_>,
    judgings: &[(Applied<'_>, Judging)],
    object: Node<'_>,
    fixes: &[Vec<Edit>],
) -> Option<Mended> {
    let patch = patch(object, fixes.iter().flatten()).ok().filter(|patch| !patch.0.is_empty())?;
    let tree = overlay(object, fixes.iter().flatten()).ok()?;
    let after: Vec<Judging> = judgings.iter().map(|(applied, _)| context.judge(applied, tree.root())).collect();
    let passes = judgings.iter().zip(&after).zip(fixes).all(|(((applied, before), after), fix)| {
        applied.exception.is_some() || if fix.is_empty() { no_worse(before, after) } else { after.is_clean() }
    });
    let mends = fixes.iter().map(|fix| !fix.is_empty()).collect();
    passes.then_some(Mended { patch, judgings: after, mends })
}

/// The edits of a policy, where alone they clear all its new violations.
fn fix(context: &Context<'_, '_>, applied: &Applied<'_>, judging: &Judging, object: Node<'_>) -> Option<Vec<Edit>> {
    let may = applied.effect.action == Action::Patch && applied.surely && applied.exception.is_none();
    if !may || judging.error.is_some() {
        return None;
    }
    let edits: Vec<Edit> = judging.new.violations.iter().flat_map(|violation| violation.fix.iter().cloned()).collect();
    let alone = overlay(object, &edits).ok().filter(|_| !edits.is_empty())?;
    context.judge(applied, alone.root()).is_clean().then_some(edits)
}

/// Whether a policy that mended nothing finds nothing that it had not found before.
fn no_worse(before: &Judging, after: &Judging) -> bool {
    let mut known = Multiset::of(&before.new.violations);
    let none_new = after.new.violations.iter().all(|found| known.take(found));
    none_new && (after.error.is_none() || after.error == before.error)
}
