//! What an UPDATE found already there: old findings are told from new ones.

use serde_json::Value;

use crate::rule::{Finding, Findings};

/// Takes out of `found` what `before` holds as well, and returns it.
///
/// Both are multisets of (subject, value): two equal findings of which one is old leave one that is new.
pub(super) fn strike_out(found: &mut Findings, before: Findings) -> Findings {
    Findings {
        violations: common(&mut found.violations, before.violations),
        advice: common(&mut found.advice, before.advice),
    }
}

fn common(found: &mut Vec<Finding>, before: Vec<Finding>) -> Vec<Finding> {
    let mut before: Vec<(String, Value)> = before.into_iter().map(|finding| (finding.subject, finding.value)).collect();
    let is_old = |finding: &mut Finding| {
        let same = before.iter().position(|(subject, value)| *subject == finding.subject && *value == finding.value);
        same.map(|at| before.swap_remove(at)).is_some()
    };
    found.extract_if(.., is_old).collect()
}
