//! `virtualservice-fault-injection`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{EnvoyPatch, GroupKind, Route, VirtualService, envoy_patches};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Faults are not injected in production.
    ///
    /// # What it does
    /// Refuses routes of a VirtualService that delay or abort requests. It advises against faults that meet no request,
    /// and against an EnvoyFilter that adds Envoy's fault filter.
    ///
    /// # Why
    /// A fault is a test that fails requests on purpose. Left behind, or applied to the wrong cluster, it is an outage
    /// that looks like one of the application:
    /// <https://istio.io/latest/docs/tasks/traffic-management/fault-injection/>.
    ///
    /// # Known limits
    /// An abort with status 421 is accepted: it tells clients that reuse a connection for another host to open one of
    /// their own (<https://istio.io/latest/docs/ops/common-problems/network-issues/>). Faults for test users alone (a
    /// match on a header) count like any other.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct VirtualserviceFaultInjection {}
}

impl Rule for VirtualserviceFaultInjection {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-fault-injection",
        severity: Severity::High,
        kinds: &[
            GroupKind { group: "networking.istio.io", kind: "VirtualService" },
            GroupKind { group: "networking.istio.io", kind: "EnvoyFilter" },
        ],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        if input.request.kind.kind == "EnvoyFilter" {
            for patch in envoy_patches(input.object)? {
                if patch.operation != "REMOVE" && is_fault(&patch)? {
                    findings.advise([filter(&patch)]);
                }
            }
            return Ok(());
        }
        for route in VirtualService::of(input.object)?.routes {
            let Some(fault) = route.node.map("fault")? else { continue };
            for sort in ["delay", "abort"] {
                if let Some(node) = fault.map(sort)? {
                    judge(&route, sort, node, findings)?;
                }
            }
        }
        Ok(())
    }
}

fn judge(route: &Route<'_>, sort: &str, node: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    if sort == "abort" && node.integer("httpStatus")? == Some(421) {
        return Ok(());
    }
    let percent = percent(node)?;
    let finding = Finding {
        path: node.pointer(),
        subject: format!("{} {sort}", route.subject()),
        value: percent.into(),
        wanted: "no fault".to_owned(),
        remedy: format!("remove fault.{sort}"),
        limit: Some(0.0),
        ..Finding::default()
    };
    if percent > 0.0 {
        let does = if sort == "delay" { "delays" } else { "aborts" };
        let message = format!("the {} {does} {percent} percent of its requests on purpose", route.subject());
        findings.violation(Finding { message, ..finding });
    } else {
        let message =
            format!("the {} has a {sort} that meets no request: its percentage is 0 or absent", route.subject());
        findings.advise([Finding { message, ..finding }]);
    }
    Ok(())
}

/// The percent of requests that a fault meets: `percentage`, else the deprecated `percent`. Absent is none, as
/// <https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Abort> says.
fn percent(fault: Node<'_>) -> Result<f64, WrongType> {
    let Some(percentage) = fault.map("percentage")? else {
        return Ok(fault.integer("percent")?.map_or(0.0, |percent| percent as f64));
    };
    let Some(value) = percentage.get("value").filter(|value| !value.is_null()) else { return Ok(0.0) };
    Value::as_f64(&value.to_json()).ok_or_else(|| value.wrong_type("a number"))
}

/// Whether a patch is about Envoy's fault filter, by its name or, as it may have any, its type.
fn is_fault(patch: &EnvoyPatch<'_>) -> Result<bool, WrongType> {
    let types = patch.value.into_iter().flat_map(Node::descendants).filter(|node| node.key() == Some("@type"));
    let typed = types.filter_map(Node::as_str).any(|text| text.ends_with("filters.http.fault.v3.HTTPFault"));
    Ok(typed || patch.filter()? == Some("envoy.filters.http.fault"))
}

fn filter(patch: &EnvoyPatch<'_>) -> Finding {
    Finding {
        message: "this filter can delay and abort requests".to_owned(),
        wanted: "no fault filter".to_owned(),
        remedy: "remove the patch".to_owned(),
        ..Finding::of(patch.node, "envoy.filters.http.fault")
    }
}
