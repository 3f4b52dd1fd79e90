//! What the entries of a Telemetry have in common.

use crate::object::{Node, WrongType};

/// For which side's requests an entry under `tracing`, `metrics` or `accessLogging` is: `CLIENT`, `SERVER`, or Istio's
/// default, `CLIENT_AND_SERVER`.
///
/// # Errors
/// Where it has another type than the API gives it.
pub fn telemetry_mode(entry: Node<'_>) -> Result<&str, WrongType> {
    let found = entry.map("match")?.map_or(Ok(None), |of| of.text("mode"))?;
    Ok(found.filter(|mode| !mode.is_empty()).unwrap_or("CLIENT_AND_SERVER"))
}
