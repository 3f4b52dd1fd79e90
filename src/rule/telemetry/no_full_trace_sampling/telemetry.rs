//! `Telemetry`: the share that counts before all others.
//!
//! Later entries override earlier ones, but `match.mode` parts them, so each one is judged.
//! <https://istio.io/latest/docs/reference/config/telemetry/#Tracing>

use super::judge::{Judge, Share};
use crate::mesh::protobuf::double;
use crate::object::{Node, WrongType};

pub(super) fn check(judge: &mut Judge<'_>, object: Node<'_>) -> Result<(), WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(()) };
    for tracing in spec.list("tracing")? {
        tracing.expect_map()?;
        let Some(node) = tracing.get("randomSamplingPercentage").filter(|node| !node.is_null()) else { continue };
        let percent = double(node)?;
        let share = Share::at(node, node.into(), "tracing", "randomSamplingPercentage", percent).mended_in_place();
        let reports = tracing.get("disableSpanReporting").and_then(Node::as_bool) != Some(true);
        if reports { judge.share(share) } else { judge.idle_share(share, "spans are not reported here") }
    }
    Ok(())
}
