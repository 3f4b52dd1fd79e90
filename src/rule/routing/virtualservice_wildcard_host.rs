//! `virtualservice-wildcard-host`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, Host, VirtualService, Wildcard, parents};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A route names the hosts that it is for.
    ///
    /// # What it does
    /// Refuses a VirtualService with a wildcard among its hosts, and advises against HTTPRoutes and GRPCRoutes without
    /// hostnames that attach to a gateway.
    ///
    /// # Why
    /// A wildcard takes requests for hosts that the route's owner never heard of. Two routes for `*` on one gateway are
    /// merged in an order that nobody chose, and the catch-all of one hides the other:
    /// <https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services>.
    ///
    /// # Known limits
    /// Which hosts the gateway has, and so what a route without hostnames takes, is not looked up.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct VirtualserviceWildcardHost {
        /// Accepts `*.example.com`, of two labels at least.
        #[serde(default)]
        allow_domain_wildcards: bool,
    }
}

impl Rule for VirtualserviceWildcardHost {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-wildcard-host",
        severity: Severity::High,
        kinds: &[
            GroupKind { group: "networking.istio.io", kind: "VirtualService" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "HTTPRoute" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "GRPCRoute" },
        ],
        codes: &["restrict-virtual-service-wildcard"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, .. } = input;
        if request.kind.kind != "VirtualService" {
            return Ok(judge_route(object, findings)?);
        }
        for (node, host) in VirtualService::of(object)?.hosts {
            let accepted = match Host(host).wildcard() {
                // Istio takes a star elsewhere for a letter; nobody means that.
                None => !host.contains('*'),
                Some(Wildcard::Domain(labels)) => self.allow_domain_wildcards && labels >= 2,
                Some(Wildcard::Everything | Wildcard::Suffix) => false,
            };
            if !accepted {
                findings.violation(Finding {
                    message: format!("`{host}` takes requests for more hosts than the route is for"),
                    wanted: "hosts by name".to_owned(),
                    remedy: "list the hosts that the route serves".to_owned(),
                    ..Finding::of(node, format!("host {host}"))
                });
            }
        }
        Ok(())
    }
}

/// A route of Gateway API without hostnames takes those of its listener.
fn judge_route(object: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(()) };
    let at_gateway = parents(object)?.iter().any(|parent| parent.is_gateway());
    if spec.texts("hostnames")?.is_empty() && at_gateway {
        findings.advise([Finding {
            message: "a route without hostnames takes every host that its gateway has".to_owned(),
            wanted: "hostnames".to_owned(),
            remedy: "list the hosts that the route serves under spec.hostnames".to_owned(),
            ..Finding::below(spec, &["hostnames"], "hostnames")
        }]);
    }
    Ok(())
}
