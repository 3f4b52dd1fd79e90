//! `gateway-port-protocol`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, IstioPort, Protocol, ServerTls, servers};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// The ports of a Gateway have protocols that Istio knows, and names of their own.
    ///
    /// # What it does
    /// Refuses servers of an Istio Gateway without a port, with a protocol that Istio does not take there, or with the
    /// port name of another server. It advises against HTTP on port 443, HTTPS on port 80, and `targetPort`, which
    /// Istio ignores. HTTPS on port 80 passes where it is the mesh's own mTLS, as at an egress gateway.
    ///
    /// # Why
    /// A server with an unknown protocol is not served, and of two with one port name one is lost. Plain HTTP on the
    /// port that clients take for HTTPS fails for each of them, or sends what was to be encrypted in the clear:
    /// <https://istio.io/latest/docs/reference/config/networking/gateway/#Port>.
    ///
    /// # Known limits
    /// Whether the gateway's Service has the port is not looked up.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct GatewayPortProtocol {}
}

impl Rule for GatewayPortProtocol {
    const METADATA: Metadata = Metadata {
        name: "gateway-port-protocol",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "Gateway" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let mut names = BTreeSet::new();
        for server in servers(input.object)? {
            let of = server.subject();
            let Some(port) = server.port else {
                findings.violation(Finding {
                    message: "a server without a port".to_owned(),
                    wanted: "a port with number, name and protocol".to_owned(),
                    remedy: "add the port".to_owned(),
                    ..Finding::below(server.node, &["port"], of)
                });
                continue;
            };
            if let Some(name) = port.name.filter(|name| !name.is_empty() && !names.insert(*name)) {
                findings.violation(Finding {
                    value: name.into(),
                    message: format!("another server of this Gateway has the port name `{name}` already"),
                    wanted: "a name of its own for every port".to_owned(),
                    remedy: "give the port another name".to_owned(),
                    ..finding(&port, "name", &of)
                });
            }
            judge_protocol(&port, server.tls, &of, findings);
            if port.node.get("targetPort").is_some_and(|node| !node.is_null()) {
                findings.advise([Finding {
                    message: "Istio ignores the targetPort of a Gateway".to_owned(),
                    wanted: "the port that the gateway's Service has as its targetPort, under number".to_owned(),
                    remedy: "remove targetPort".to_owned(),
                    ..finding(&port, "targetPort", &of)
                }]);
            }
        }
        Ok(())
    }
}

fn judge_protocol(port: &IstioPort<'_>, tls: Option<ServerTls<'_>>, of: &str, findings: &mut Findings) {
    // Sidecars are told the port, and take it for nothing.
    let of_mesh = tls.is_some_and(|tls| tls.mode == "ISTIO_MUTUAL");
    let at = finding(port, "protocol", of);
    match (port.parsed(), port.number) {
        // A proxy serves UDP nowhere, though Istio knows the word.
        (None | Some(Protocol::Udp), _) => findings.violation(Finding {
            message: match port.protocol {
                Some(protocol) => format!("`{protocol}` is no protocol of a Gateway's port"),
                None => "a port without a protocol".to_owned(),
            },
            wanted: "HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, HTTP_PROXY, MONGO, MYSQL, REDIS, TCP or TLS".to_owned(),
            remedy: "name the protocol that clients speak".to_owned(),
            ..at
        }),
        (Some(protocol), Some(443)) if protocol.is_http() => findings.advise([Finding {
            message: "port 443 without TLS: clients take it for HTTPS".to_owned(),
            wanted: "HTTPS".to_owned(),
            remedy: "make the protocol HTTPS and add tls, or take another port".to_owned(),
            ..at
        }]),
        (Some(Protocol::Https), Some(80)) if !of_mesh => findings.advise([Finding {
            message: "port 80 with TLS: clients take it for plain HTTP".to_owned(),
            wanted: "HTTP on port 80, HTTPS on another".to_owned(),
            remedy: "take port 443 for HTTPS".to_owned(),
            ..at
        }]),
        _ => {}
    }
}

/// A finding on a member of a port, with what stands there.
fn finding(port: &IstioPort<'_>, member: &str, of: &str) -> Finding {
    Finding::below(port.node, &[member], format!("{of} {member}"))
}
