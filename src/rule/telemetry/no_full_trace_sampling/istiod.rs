//! istiod's environment: the share where no other is set.
//!
//! <https://istio.io/latest/docs/reference/commands/pilot-discovery/#envvars>

use super::judge::{Judge, Share};
use crate::mesh::{Place, PodTemplate, Variable, variable};
use crate::object::{Node, Value, WrongType};

/// The variable that istiod reads.
pub(super) const VARIABLE: &str = "PILOT_TRACE_SAMPLING";

/// What istiod does with a share that is none.
pub(super) const DEFAULT: &str = "istiod takes 1";

/// Judges the environment of istiod among the containers of a template.
pub(super) fn check(judge: &mut Judge<'_>, template: &PodTemplate<'_>) -> Result<(), WrongType> {
    for container in template.containers()? {
        if container.text("name")? == Some("discovery") {
            check_container(judge, container)?;
        }
    }
    Ok(())
}

/// Judges the environment of one container, and says whether it sets the share.
pub(super) fn check_container(judge: &mut Judge<'_>, container: Node<'_>) -> Result<bool, WrongType> {
    match variable(container, VARIABLE)? {
        // An empty one is no number, and the default counts.
        Some(Variable::Value(Some(node))) if node.as_str() == Some("") => return Ok(false),
        Some(Variable::Value(Some(node))) => check_value(judge, node, node.into()),
        Some(Variable::Elsewhere(node)) => {
            let message = format!("{VARIABLE} comes from elsewhere, and what share of requests it traces is not seen");
            judge.advise(node, VARIABLE, message, "write the percentage as its value");
        }
        Some(Variable::Value(None)) | None => return Ok(false),
    }
    Ok(true)
}

/// Judges the value of the variable, which stands at that place.
pub(super) fn check_value(judge: &mut Judge<'_>, node: Node<'_>, place: Place) {
    let percent = percent(node);
    check_share(judge, percent, share(node, place, percent.unwrap_or_default()).mended_as_text());
}

/// Judges a share that counts where no other is set, and that may be none.
pub(super) fn check_share(judge: &mut Judge<'_>, percent: Option<f64>, share: Share) {
    match percent {
        Some(percent) if percent.is_nan() || (0.0..=100.0).contains(&percent) => judge.share(share),
        _ => judge.passed_over(&share, DEFAULT),
    }
}

/// The share that a value of the variable sets.
pub(super) fn share(node: Node<'_>, place: Place, percent: f64) -> Share {
    Share::at(node, place, VARIABLE, VARIABLE, percent)
}

/// The value of the variable, as Go reads numbers in strings; a chart makes a string of a number.
///
/// Nobody writes Go's hexadecimal floats but to hide one: such a one is NaN, and refused.
pub(super) fn percent(node: Node<'_>) -> Option<f64> {
    match node.value() {
        Value::Number(number) => number.as_f64(),
        Value::Text(text) if text.to_ascii_lowercase().contains("0x") => Some(f64::NAN),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}
