//! `VirtualService`: headers by which a request is traced whatever the share, because it says that it is already.
//!
//! <https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers>

use super::judge::Judge;
use crate::object::{Node, WrongType};

/// Headers that Envoy takes for a decision to trace, in lower case.
const HEADERS: [&str; 5] = ["b3", "traceparent", "x-b3-sampled", "x-client-trace-id", "x-envoy-force-trace"];

pub(super) fn check(judge: &mut Judge<'_>, object: Node<'_>) -> Result<(), WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(()) };
    for http in spec.list("http")? {
        http.expect_map()?;
        check_headers(judge, http)?;
        for destination in http.list("route")? {
            destination.expect_map()?;
            check_headers(judge, destination)?;
        }
    }
    Ok(())
}

fn check_headers(judge: &mut Judge<'_>, of: Node<'_>) -> Result<(), WrongType> {
    let Some(request) = of.map_at(&["headers", "request"])? else { return Ok(()) };
    for change in ["set", "add"] {
        let headers = request.map(change)?.into_iter().flat_map(Node::members);
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            // A zero is the decision not to trace.
            if HEADERS.contains(&&*name) && value.as_str() != Some("0") {
                let message = format!("the header `{name}` may have requests traced whatever their share");
                judge.advise(value, &name, message, "leave the decision to the first proxy: do not set the header");
            }
        }
    }
    Ok(())
}
