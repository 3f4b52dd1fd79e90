//! What an UPDATE found already there: old findings are told from new ones.

use std::borrow::Borrow;

use crate::rule::{Finding, Findings};

/// Takes out of `found` what `before` holds as well, and returns it.
///
/// Both are multisets of (subject, value). Equal values are struck out first; then, per subject, what is left with a
/// number is paired by its distance from its limit, the furthest first, and one no further than its partner is old.
pub(super) fn strike_out(found: &mut Findings, before: &Findings) -> Findings {
    Findings {
        violations: common(&mut found.violations, &before.violations),
        advice: common(&mut found.advice, &before.advice),
        overflow: false,
    }
}

fn common(found: &mut Vec<Finding>, before: &[Finding]) -> Vec<Finding> {
    let mut before: Vec<&Finding> = before.iter().collect();
    let is_same = |finding: &mut Finding| {
        let same = before.iter().position(|old| old.subject == finding.subject && old.value == finding.value);
        same.map(|at| before.swap_remove(at)).is_some()
    };
    let mut old: Vec<Finding> = found.extract_if(.., is_same).collect();
    by_distance(found);
    by_distance(&mut before);
    let mut partners = before;
    let is_no_further = |finding: &mut Finding| {
        let Some(distance) = finding.distance() else { return false };
        let partner = partners.iter().position(|old| old.subject == finding.subject && old.distance().is_some());
        let partner = partner.map(|at| partners.remove(at));
        partner.and_then(|old| old.distance()).is_some_and(|before| distance <= before)
    };
    old.extend(found.extract_if(.., is_no_further));
    old
}

/// The furthest from its limit first; what has no distance last, in the order in which it came.
fn by_distance<F: Borrow<Finding>>(findings: &mut [F]) {
    let key = |finding: &F| finding.borrow().distance().unwrap_or(f64::NEG_INFINITY);
    findings.sort_by(|one, other| key(other).total_cmp(&key(one)));
}
