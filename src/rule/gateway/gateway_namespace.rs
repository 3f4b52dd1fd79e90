//! `gateway-namespace`.

mod workload;

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, Mesh, POD_TEMPLATES, is_internal_gateway, pod_template};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Gateways stand in namespaces of their own.
    ///
    /// # What it does
    /// Refuses Gateways outside the gateway namespaces (`istio-ingress` and others); gateway workloads, and Services of
    /// type LoadBalancer for them, in a namespace of the control plane; and labels of Istio's gateways on Pods that are
    /// none. It advises on gateways that an IstioOperator puts beside the control plane.
    ///
    /// # Why
    /// A gateway takes requests from outside, and reads the keys of its namespace. Beside the control plane that is the
    /// mesh's own root key. An Istio Gateway selects workloads of every namespace, so whoever may write one anywhere
    /// opens ports on the public ingress. Istio recommends a namespace of its own:
    /// <https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway>.
    ///
    /// # Known limits
    /// What is a gateway is told by the injector's template, the labels of Istio's charts, and the image. Waypoints and
    /// east-west gateways of Gateway API stay where they are. Which workloads a Gateway selects is not looked up.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct GatewayNamespace {
        /// Accepts Gateways everywhere but in a namespace of the control plane.
        #[serde(default)]
        allow_in_application_namespaces: bool,
    }
}

const OWN_KINDS: [GroupKind; 4] = [
    GroupKind { group: "networking.istio.io", kind: "Gateway" },
    GroupKind { group: "gateway.networking.k8s.io", kind: "Gateway" },
    GroupKind { group: "install.istio.io", kind: "IstioOperator" },
    GroupKind { group: "", kind: "Service" },
];

impl Rule for GatewayNamespace {
    const METADATA: Metadata = Metadata {
        name: "gateway-namespace",
        severity: Severity::High,
        kinds: &GroupKind::all_of::<{ OWN_KINDS.len() + POD_TEMPLATES.len() }>(&[&OWN_KINDS, &POD_TEMPLATES]),
        codes: &["AsmIngressgatewayLabel"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let (group, kind, namespace) = (&*request.kind.group, &*request.kind.kind, &*request.namespace);
        match kind {
            "Gateway" => {
                let internal = group != "networking.istio.io" && is_internal_gateway(object)?;
                if !internal && !self.may_stand_in(namespace, mesh) {
                    findings.violation(misplaced("a Gateway", namespace, mesh));
                }
            }
            "IstioOperator" => findings.advise(workload::installed(object, mesh)?),
            "Service" if group.is_empty() => {
                if mesh.has_control_plane(namespace) && workload::is_public_service(object)? {
                    findings.violation(misplaced("a Service for a gateway", namespace, mesh));
                }
            }
            _ => {
                if let Some(template) = pod_template(group, kind, object)? {
                    let is_gateway = workload::is_gateway(&template)?;
                    if is_gateway && mesh.has_control_plane(namespace) {
                        findings.violation(misplaced("a gateway", namespace, mesh));
                    }
                    if let Some(forged) = workload::forged_label(&template)? {
                        findings.violation(forged);
                    }
                }
            }
        }
        Ok(())
    }
}

impl GatewayNamespace {
    fn may_stand_in(&self, namespace: &str, mesh: &Mesh) -> bool {
        mesh.has_gateways(namespace) || (self.allow_in_application_namespaces && !mesh.has_control_plane(namespace))
    }
}

fn misplaced(what: &str, namespace: &str, mesh: &Mesh) -> Finding {
    let allowed = mesh.gateway_namespaces.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    Finding {
        path: PointerBuf::from_tokens(["metadata", "namespace"]),
        subject: "namespace".to_owned(),
        value: namespace.into(),
        message: format!("{what} in namespace `{namespace}`"),
        wanted: format!("namespace {allowed}"),
        remedy: "move it to a namespace for gateways".to_owned(),
        ..Finding::default()
    }
}
