//! `service-exposure`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mesh::{GroupKind, own_label};
use crate::object::Node;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// What the outside reaches are gateways, and no Services beside them.
    ///
    /// # What it does
    /// Refuses Services of type `LoadBalancer` or `NodePort` outside the namespaces of gateways and control planes, and
    /// `externalIPs` everywhere. Advises against `sessionAffinity: ClientIP`, which no proxy heeds. Services that istiod
    /// makes for a Gateway pass.
    ///
    /// # Why
    /// What comes in past a gateway comes in past its TLS, its authorization policies and its logs, in plain text where the
    /// workload still takes that. Whoever may set `externalIPs` can take traffic of others (CVE-2020-8554):
    /// <https://github.com/kubernetes/kubernetes/issues/97076>. On ingress:
    /// <https://istio.io/latest/docs/ops/best-practices/security/#configure-a-limit-on-downstream-connections>.
    ///
    /// # Known limits
    /// An `Ingress` is not judged. A Service with the label `gateway.networking.k8s.io/gateway-name` is taken for one that
    /// istiod made.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct ServiceExposure {
        /// Types of Services that are refused.
        #[serde(default = "both")]
        types: Vec<Exposed>,
    }
}

/// Types of Services that the outside reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
enum Exposed {
    LoadBalancer,
    NodePort,
}

fn both() -> Vec<Exposed> {
    vec![Exposed::LoadBalancer, Exposed::NodePort]
}

impl Rule for ServiceExposure {
    const METADATA: Metadata = Metadata {
        name: "service-exposure",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "", kind: "Service" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let Some(spec) = object.map("spec")? else { return Ok(()) };
        let kind = match spec.text("type")? {
            Some("LoadBalancer") => Some(Exposed::LoadBalancer),
            Some("NodePort") => Some(Exposed::NodePort),
            _ => None,
        };
        let refused = kind.is_some_and(|kind| self.types.contains(&kind));
        let namespace = &*request.namespace;
        let of_gateway = mesh.has_gateways(namespace)
            || mesh.has_control_plane(namespace)
            || own_label(object, "gateway.networking.k8s.io/gateway-name")?.is_some();
        if let Some(node) = spec.get("type").filter(|_| refused && !of_gateway) {
            findings.violation(exposed(node, namespace));
        }
        for (node, address) in spec.texts("externalIPs")? {
            findings.violation(Finding {
                message: format!("takes the traffic of every Pod and node to `{address}`"),
                wanted: "no externalIPs".to_owned(),
                remedy: "put a gateway in front, or have a load balancer hand out the address".to_owned(),
                ..Finding::of(node, format!("external IP {address}"))
            });
        }
        if let Some(node) = spec.get("sessionAffinity").filter(|node| node.as_str() == Some("ClientIP")) {
            findings.advise([Finding {
                message: "proxies do not heed sessionAffinity".to_owned(),
                wanted: "no sessionAffinity".to_owned(),
                remedy: "use consistentHash in the load balancer of a DestinationRule".to_owned(),
                ..Finding::of(node, "sessionAffinity")
            }]);
        }
        Ok(())
    }
}

fn exposed(node: Node<'_>, namespace: &str) -> Finding {
    let kind = node.as_str().unwrap_or_default();
    Finding {
        message: format!("a Service of type {kind} in `{namespace}` is reached from outside past the gateways"),
        wanted: "type ClusterIP".to_owned(),
        remedy: "bring it out by a Gateway and a route; gateways of your own belong in a namespace that Settings name \
                 under mesh.gatewayNamespaces"
            .to_owned(),
        ..Finding::of(node, "type")
    }
}
