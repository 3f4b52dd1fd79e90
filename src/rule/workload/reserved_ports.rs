//! `reserved-ports`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{
    ContainerList, GroupKind, POD_TEMPLATES, PodFacts, PodTemplate, is_injected, pod_template, service_ports,
};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Applications leave the proxy its ports.
    ///
    /// # What it does
    /// Refuses the ports of Istio's proxy (15000, 15001, 15002, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090) as
    /// `containerPort` of other containers in Pods with a sidecar, and as target of Services in namespaces that are
    /// injected. Services that select gateways pass, and those in the namespaces of gateways: what they reach is the proxy.
    ///
    /// # Why
    /// Containers of a Pod share its ports. An application that listens on one of these does not start, or the proxy does
    /// not; traffic to it reaches the proxy.
    /// <https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio>
    ///
    /// # Known limits
    /// Ports that an application opens and does not list are not seen, nor which Pods a Service selects: one that selects
    /// by the label `istio` is taken for a gateway's. Where the labels of the namespace are not known, and decide, it is
    /// advice. Pods of an ambient mesh, where ztunnel takes 15001,
    /// 15006, 15008 and 15053, are not judged.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct ReservedPorts {}
}

const RESERVED: [i64; 11] = [15000, 15001, 15002, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090];
/// The proxy answers there by UDP too, and on no other.
const DNS: i64 = 15053;

const SERVICE: GroupKind = GroupKind { group: "", kind: "Service" };

impl Rule for ReservedPorts {
    const METADATA: Metadata = Metadata {
        name: "reserved-ports",
        severity: Severity::Medium,
        kinds: &GroupKind::all_of::<{ 1 + POD_TEMPLATES.len() }>(&[&[SERVICE], &POD_TEMPLATES]),
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, namespace_labels } = input;
        let injected = |facts| is_injected(&request.namespace, namespace_labels, facts);
        if SERVICE.is(&request.kind.group, &request.kind.kind) {
            let gateways = mesh.has_gateways(&request.namespace);
            if !gateways && !selects_gateway(object)? {
                // What becomes of Pods that say nothing of their own.
                let injected = injected(PodFacts::default());
                targets(object)?.into_iter().for_each(|finding| findings.violation_if(injected, finding));
            }
        } else if let Some(template) = pod_template(&request.kind.group, &request.kind.kind, object)? {
            let injected = injected(PodFacts::of(&template)?);
            listed(&template)?.into_iter().for_each(|finding| findings.violation_if(injected, finding));
        }
        Ok(())
    }
}

fn is_reserved(number: i64, transport: &str) -> bool {
    RESERVED.contains(&number) && (transport == "TCP" || (transport == "UDP" && number == DNS))
}

/// Whether a Service selects Pods that are proxies and nothing else, by the labels of Istio's charts and of istiod.
fn selects_gateway(object: Node<'_>) -> Result<bool, WrongType> {
    let Some(selector) = object.map_at(&["spec", "selector"])? else { return Ok(false) };
    Ok(selector.text("istio")?.is_some() || selector.text("gateway.networking.k8s.io/gateway-name")?.is_some())
}

/// Ports of the proxy that a Service leads to: by number, since a name is the Pod's.
fn targets(object: Node<'_>) -> Result<Vec<Finding>, WrongType> {
    let mut found = Vec::new();
    for port in service_ports(object)? {
        let target = port.node.get("targetPort").filter(|target| !target.is_null());
        let (number, at) = match target {
            Some(name) if name.as_str().is_some() => continue,
            Some(target) => (port.node.integer("targetPort")?, target),
            None => (port.number, port.node.get("port").unwrap_or(port.node)),
        };
        if let Some(number) = number.filter(|number| is_reserved(*number, port.transport)) {
            let message = format!("the Service's {} leads to {number}, a port of the proxy", port.subject());
            found.push(finding(at, port.subject(), number, message));
        }
    }
    Ok(found)
}

/// Ports of the proxy that other containers of a Pod list.
fn listed(template: &PodTemplate<'_>) -> Result<Vec<Finding>, WrongType> {
    let mut found = Vec::new();
    for container in template.listed_containers()? {
        if container.is_istio() || container.list == ContainerList::Ephemeral {
            continue;
        }
        for port in container.node.maps("ports")? {
            let Some(number) = port.integer("containerPort")? else { continue };
            if is_reserved(number, port.text("protocol")?.unwrap_or("TCP")) {
                let at = port.get("containerPort").unwrap_or(port);
                let message = format!("the {} takes {number}, a port of the proxy", container.subject());
                found.push(finding(at, format!("{}: port {number}", container.subject()), number, message));
            }
        }
    }
    Ok(found)
}

fn finding(at: Node<'_>, subject: String, number: i64, message: String) -> Finding {
    Finding {
        path: at.pointer(),
        subject,
        value: number.into(),
        message,
        wanted: "a port that the proxy does not use".to_owned(),
        remedy: "have the application listen on another port".to_owned(),
        ..Finding::default()
    }
}
