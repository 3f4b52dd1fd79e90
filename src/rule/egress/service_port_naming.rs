//! `service-port-naming`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, PodFacts, Protocol, ServicePort, is_in_mesh, own_label, service_ports};
use crate::object::{Edit, Node, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Ports of Services in the mesh say which protocol they speak.
    ///
    /// # What it does
    /// Refuses ports of a Service in a namespace of the mesh that say no protocol that Istio knows, neither by
    /// `appProtocol` nor by a name such as `http` or `http-web`. Where `appProtocol` stands, the name does not count, even
    /// if it is empty. UDP says itself, and ports 25, 53, 3306 and 27017 are taken for TCP. Advises against SCTP, and
    /// against a port `tcp` on a Service that is an external name. Services of control planes, and those that istiod makes
    /// for Gateways, pass.
    ///
    /// With `appProtocols` and `action: Patch`, `appProtocol` is set on ports of those numbers that have none.
    ///
    /// # Why
    /// For such a port the proxy listens first and guesses: protocols in which the server speaks first time out, and
    /// where the guess fails there are no routes, no retries and no metrics of HTTP.
    /// <https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/>,
    /// <https://istio.io/latest/docs/reference/config/analysis/ist0118/>.
    ///
    /// # Known limits
    /// Where the labels of the namespace are not known it is advice. Two Services that take one port of the same Pods for
    /// different protocols are not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct ServicePortNaming {
        /// What a fix may take ports for, as a list of `{port: 8080, appProtocol: http}`.
        #[serde(default)]
        app_protocols: Vec<Known>,
    }
}

/// What a port of that number speaks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Known {
    port: u16,
    app_protocol: String,
}

const SERVICE: GroupKind = GroupKind { group: "", kind: "Service" };

impl Rule for ServicePortNaming {
    const METADATA: Metadata = Metadata {
        name: "service-port-naming",
        severity: Severity::Medium,
        kinds: &[SERVICE],
        mends: &[SERVICE],
        codes: &["AllowedServicePortName", "IST0118", "IST0150", "KIA0601", "KIA0602", "KIA0701"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, namespace_labels } = input;
        let in_mesh = is_in_mesh(&request.namespace, namespace_labels, PodFacts::default());
        let own = mesh.has_control_plane(&request.namespace);
        if in_mesh == Some(false) || own || is_istios(object)? {
            return Ok(());
        }
        let external = object.map("spec")?.map_or(Ok(None), |spec| spec.text("type"))? == Some("ExternalName");
        for port in service_ports(object)? {
            let advice = match (external, port.selected()) {
                (true, Some(Protocol::Tcp)) => {
                    advice(&port, "takes all TCP traffic of that port: the name is external")
                }
                (false, None) if port.transport == "SCTP" => advice(&port, "carries SCTP, which proxies do not"),
                (false, None) => {
                    findings.violation_if(in_mesh, self.unnamed(&port));
                    continue;
                }
                _ => continue,
            };
            findings.advise([if in_mesh.is_some() { advice } else { advice.unsure() }]);
        }
        Ok(())
    }
}

/// Whether it belongs to a control plane, or to a Gateway for which istiod made it.
fn is_istios(object: Node<'_>) -> Result<bool, WrongType> {
    Ok(own_label(object, "istio")?.is_some()
        || own_label(object, "release")? == Some("istio")
        || own_label(object, "gateway.istio.io/managed")?.is_some())
}

impl ServicePortNaming {
    fn unnamed(&self, port: &ServicePort<'_>) -> Finding {
        let message = match (port.app_protocol, port.name) {
            (Some(said), _) => format!("its appProtocol {} is none that Istio knows", quoted(said)),
            (None, Some(name)) => format!("its name {} says no protocol that Istio knows", quoted(name)),
            (None, None) => "it has neither name nor appProtocol".to_owned(),
        };
        let at = finding(port, "appProtocol");
        let known = self.app_protocols.iter().find(|known| Some(i64::from(known.port)) == port.number);
        let fix = known.filter(|_| port.app_protocol.is_none());
        let set = |known: &Known| Edit::Set { path: at.path.clone(), value: known.app_protocol.clone().into() };
        Finding {
            message: format!("the {} says no protocol: {message}", port.subject()),
            wanted: "appProtocol, or a name such as `http-web`".to_owned(),
            remedy: "say what it speaks: http, http2, grpc, https, tls, tcp, mongo, mysql or redis".to_owned(),
            fix: fix.map(set).into_iter().collect(),
            ..at
        }
    }
}

fn advice(port: &ServicePort<'_>, message: &str) -> Finding {
    Finding {
        message: format!("the {} {message}", port.subject()),
        wanted: "a protocol that the mesh routes".to_owned(),
        remedy: "name the protocol, or keep the Service out of the mesh".to_owned(),
        ..finding(port, "name")
    }
}

fn finding(port: &ServicePort<'_>, member: &str) -> Finding {
    let value = serde_json::json!([port.app_protocol, port.name]);
    Finding { value, ..Finding::below(port.node, &[member], port.subject()) }
}
