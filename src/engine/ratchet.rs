//! What an UPDATE found already there: old findings are told from new ones.

use std::collections::HashMap;

use serde_json::Value;

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
    let mut known = Multiset::of(before);
    let mut old: Vec<Finding> = found.extract_if(.., |finding| known.take(finding)).collect();
    let mut partners = known.distances();
    // The furthest from its limit first; what has no distance last, in the order in which it came.
    let key = |finding: &Finding| finding.distance().unwrap_or(f64::NEG_INFINITY);
    found.sort_by(|one, other| key(other).total_cmp(&key(one)));
    let is_no_further = |finding: &mut Finding| {
        let Some(distance) = finding.distance() else { return false };
        let furthest = partners.get_mut(&*finding.subject).and_then(Vec::pop);
        furthest.is_some_and(|before| distance <= before)
    };
    old.extend(found.extract_if(.., is_no_further));
    old
}

/// Findings by subject and value: there may be a thousand on either side.
pub(super) struct Multiset<'f>(HashMap<&'f str, HashMap<&'f Value, Vec<&'f Finding>>>);

impl<'f> Multiset<'f> {
    pub(super) fn of(findings: &'f [Finding]) -> Self {
        let mut known: HashMap<_, HashMap<_, Vec<_>>> = HashMap::new();
        for finding in findings {
            known.entry(&*finding.subject).or_default().entry(&finding.value).or_default().push(finding);
        }
        Self(known)
    }

    /// Takes out one that equals `finding`, and says whether there was one.
    pub(super) fn take(&mut self, finding: &Finding) -> bool {
        let same = self.0.get_mut(&*finding.subject).and_then(|values| values.get_mut(&finding.value));
        same.and_then(Vec::pop).is_some()
    }

    /// How far the numbers are from their limits, by subject, the furthest last.
    fn distances(self) -> HashMap<&'f str, Vec<f64>> {
        let distances = |values: HashMap<_, Vec<&Finding>>| {
            let mut distances: Vec<f64> = values.into_values().flatten().filter_map(Finding::distance).collect();
            distances.sort_by(f64::total_cmp);
            distances
        };
        self.0.into_iter().map(|(subject, values)| (subject, distances(values))).collect()
    }
}
