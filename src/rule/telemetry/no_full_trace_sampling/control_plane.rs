//! `ServiceMeshControlPlane`: a share in hundredths of a percent, or, in its first version, Helm's percentage.
//!
//! <https://docs.openshift.com/container-platform/latest/service_mesh/v2x/ossm-observability.html>

use super::installation;
use super::judge::{Judge, Share};
use crate::mesh::protobuf::double;
use crate::object::{Node, WrongType};

/// So much is one percent: 10000 is every request.
const UNIT: f64 = 100.0;

pub(super) fn check(judge: &mut Judge<'_>, object: Node<'_>) -> Result<(), WrongType> {
    if let Some(tracing) = object.map_at(&["spec", "tracing"])?
        && let Some(node) = tracing.get("sampling").filter(|node| !node.is_null())
    {
        let percent = double(node)? / UNIT;
        let share = Share::at(node, node.into(), "tracing", "sampling", percent).in_unit(UNIT).mended_in_place();
        judge.share(share.remedy("write 100 for one request in a hundred, 10 for one in a thousand"));
    }
    if let Some(node) = object.map_at(&["spec", "istio", "pilot"])?.and_then(|pilot| pilot.get("traceSampling")) {
        installation::check_trace_sampling(judge, node, node.into());
    }
    Ok(())
}
