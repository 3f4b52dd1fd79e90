//! Envoy's runtime value for the share, and the fractions in which Envoy writes shares.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/runtime>

use super::judge::{Judge, Share};
use crate::mesh::Place;
use crate::mesh::protobuf::{double, field};
use crate::object::{Node, Value, WrongType, read_yaml, split_documents};

/// The runtime value.
pub(super) const KEY: &str = "tracing.random_sampling";

const REMEDY: &str = "remove it: it overrides the share that Telemetry and mesh config set";

/// Judges a runtime value.
pub(super) fn check(judge: &mut Judge<'_>, node: Node<'_>, place: Place, subject: &str) -> Result<(), WrongType> {
    if let Some(percent) = value(node)? {
        judge.share(Share::at(node, place, subject, KEY, percent).remedy(REMEDY));
    }
    Ok(())
}

/// What a runtime value means in percent; none where Envoy passes over it.
///
/// To Envoy a plain number is a percentage without a fraction, 100 at most, whatever its documentation says of ten
/// thousandths. A string may hold a number, or a fraction as YAML.
fn value(node: Node<'_>) -> Result<Option<f64>, WrongType> {
    let whole = |number: f64| (number >= 0.0 && number.is_finite()).then_some(number.floor().min(100.0));
    match node.value() {
        Value::Map => fraction(node).map(Some),
        Value::Number(number) => Ok(number.as_f64().and_then(whole)),
        Value::Text(text) => Ok(match text.trim().parse() {
            Ok(number) => whole(number),
            Err(_) => in_text(text),
        }),
        Value::Null | Value::Bool(_) | Value::List => Ok(None),
    }
}

fn in_text(text: &str) -> Option<f64> {
    let tree = read_yaml(split_documents(text).into_iter().next()?).ok()?;
    if tree.root().is_map() { fraction(tree.root()).ok() } else { None }
}

/// What a `FractionalPercent` means in percent.
///
/// <https://www.envoyproxy.io/docs/envoy/latest/api-v3/type/v3/percent.proto>
pub(super) fn fraction(node: Node<'_>) -> Result<f64, WrongType> {
    node.expect_map()?;
    let numerator = field(node, "numerator").map_or(Ok(0.0), double)?;
    let denominator = match field(node, "denominator") {
        None => 100.0,
        Some(node) => match (node.as_str(), double(node).ok()) {
            (Some("HUNDRED"), _) | (None, Some(0.0)) => 100.0,
            (Some("TEN_THOUSAND"), _) | (None, Some(1.0)) => 10_000.0,
            (Some("MILLION"), _) | (None, Some(2.0)) => 1_000_000.0,
            _ => return Err(node.wrong_type("HUNDRED, TEN_THOUSAND or MILLION")),
        },
    };
    if numerator < 0.0 || numerator.is_nan() {
        return Err(node.wrong_type("a fraction of 0 or more"));
    }
    Ok((numerator / denominator * 100.0).min(100.0))
}
