//! `destinationrule-tls-disabled`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::mesh::{ClientTls, Form, Mesh, ServiceHost, TrafficPolicy, service_host, traffic_policies};
use crate::object::Edit;
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// No `DestinationRule` turns mTLS off for Services of the mesh.
    ///
    /// # What it does
    /// Refuses TLS settings with mode `DISABLE`, or without a mode, which is the same, for hosts that are Services of the
    /// cluster: in the traffic policy of the rule, of its subsets, and of the ports of both. For other hosts it advises
    /// against them, and for Services against `SIMPLE` and `MUTUAL`, which end at a sidecar that asks for mTLS. The API
    /// server (`kubernetes.default`) has no proxy and is left out.
    ///
    /// # Why
    /// Clients send plain text then, whatever the server could do: nobody knows who calls, and where the server asks
    /// for mTLS every request fails. Without any TLS settings Istio uses mTLS wherever the other side can:
    /// <https://istio.io/latest/docs/ops/configuration/traffic-management/tls-configuration/#auto-mtls>. The modes:
    /// <https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings-TLSmode>.
    ///
    /// # Known limits
    /// Whether a Service's Pods have a proxy is not seen; without TLS settings Istio finds out by itself. Whether
    /// `reviews.shop` is a Service or a domain cannot be told: it gets advice.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct DestinationruleTlsDisabled {
        /// Plain text to hosts outside the cluster is a violation too.
        #[serde(default)]
        external: bool,
    }
}

const KINDS: &[GroupKind] = &[GroupKind { group: "networking.istio.io", kind: "DestinationRule" }];

impl Rule for DestinationruleTlsDisabled {
    const METADATA: Metadata = Metadata {
        name: "destinationrule-tls-disabled",
        severity: Severity::High,
        kinds: KINDS,
        mends: KINDS,
        codes: &["DestinationRuleTLSEnabled", "enforce-tls-hosts-host-subnets"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let host = object.map("spec")?.map_or(Ok(None), |spec| spec.text("host"))?.unwrap_or_default();
        let place = service_host(host, &request.namespace, &mesh.cluster_domain);
        // The API server has no proxy: clients speak their own TLS through plain connections.
        if matches!(place, ServiceHost::Service { name: "kubernetes", namespace: "default", .. }) {
            return Ok(());
        }
        for policy in traffic_policies(object)? {
            let Some(tls) = policy.tls()? else { continue };
            let finding = |message, wanted: &str, remedy: &str| Finding {
                path: tls.node.pointer(),
                // A rule that is turned to another host turns mTLS off for that one.
                subject: format!("{host} {}", policy.subject()),
                value: tls.mode.into(),
                message,
                wanted: wanted.to_owned(),
                remedy: remedy.to_owned(),
                ..Finding::default()
            };
            match (tls.mode, is_in_cluster(place)) {
                ("DISABLE", Some(true)) => findings.violation(Finding {
                    fix: vec![Edit::Set { path: tls.node.pointer(), value: json!({"mode": "ISTIO_MUTUAL"}) }],
                    ..finding(
                        format!("{} sends plain text to `{host}` in the mesh", what(&policy, &tls)),
                        "no TLS settings, or ISTIO_MUTUAL",
                        "take tls away, so that Istio uses mTLS where it can, or set its mode to ISTIO_MUTUAL",
                    )
                }),
                ("DISABLE", other) => {
                    let finding = finding(
                        format!("{} sends plain text to `{host}`", what(&policy, &tls)),
                        "TLS",
                        "set the mode to SIMPLE, with the names that the server's certificate has",
                    );
                    let denies = self.external && other == Some(false);
                    if denies { findings.violation(finding) } else { findings.advise([finding]) }
                }
                ("SIMPLE" | "MUTUAL", Some(true)) if !runs_control_plane(place, mesh) => findings.advise([finding(
                    format!("a sidecar of `{host}` that asks for mTLS refuses {} TLS", tls.mode),
                    "ISTIO_MUTUAL, or no TLS settings",
                    "take tls away, unless the server has no proxy and speaks TLS itself",
                )]),
                _ => {}
            }
        }
        Ok(())
    }
}

fn what(policy: &TrafficPolicy<'_>, tls: &ClientTls<'_>) -> String {
    let how = if tls.node.get("mode").is_some() { "" } else { ", which names no mode," };
    format!("{}{how}", policy.subject())
}

/// Whether a host is a Service, as far as it can be told.
fn is_in_cluster(place: ServiceHost<'_>) -> Option<bool> {
    match place {
        ServiceHost::Service { form: Form::Partial, .. } => None,
        ServiceHost::Service { .. } | ServiceHost::Every => Some(true),
        ServiceHost::Other => Some(false),
    }
}

/// Whether it is a Service beside istiod, which has no proxy and speaks TLS itself.
fn runs_control_plane(place: ServiceHost<'_>, mesh: &Mesh) -> bool {
    let ServiceHost::Service { namespace, .. } = place else { return false };
    mesh.has_control_plane(namespace)
}
