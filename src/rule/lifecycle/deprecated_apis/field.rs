//! Fields that are deprecated, or that Istio does not know any more.

use crate::mesh::{GatewayRef, GroupKind, IstioPort, RouteList, VirtualService, servers, traffic_policies};
use crate::object::{Node, WrongType};
use crate::rule::Findings;

const NETWORKING: &str = "networking.istio.io";

/// Kinds with such fields.
pub(super) const KINDS: [GroupKind; 6] = [
    GroupKind { group: NETWORKING, kind: "DestinationRule" },
    GroupKind { group: NETWORKING, kind: "Gateway" },
    GroupKind { group: NETWORKING, kind: "Sidecar" },
    GroupKind { group: NETWORKING, kind: "VirtualService" },
    GroupKind { group: "extensions.istio.io", kind: "WasmPlugin" },
    GroupKind { group: "telemetry.istio.io", kind: "Telemetry" },
];

/// A kind, the maps from a part of it to the field, the field, and what came in its place.
type Old = (&'static str, &'static [&'static str], &'static str, &'static str);

const FIELDS: [Old; 12] = [
    ("DestinationRule", &["loadBalancer", "consistentHash"], "minimumRingSize", "`ringHash.minimumRingSize`"),
    ("DestinationRule", &["loadBalancer"], "warmupDurationSecs", "`warmup.duration`"),
    ("Gateway", &["port"], "targetPort", "the port's `number`"),
    ("Sidecar", &["port"], "targetPort", "the port's `number`"),
    ("Telemetry", &[], "targetRef", "`targetRefs`"),
    ("VirtualService", &["corsPolicy"], "allowOrigin", "`allowOrigins`"),
    ("VirtualService", &["fault", "abort"], "percent", "`percentage.value`"),
    ("VirtualService", &["fault", "delay"], "percent", "`percentage.value`"),
    ("VirtualService", &[], "mirrorPercent", "`mirrorPercentage.value`"),
    ("VirtualService", &[], "mirror_percent", "`mirrorPercentage.value`"),
    ("VirtualService", &[], "websocketUpgrade", "nothing"),
    ("WasmPlugin", &[], "targetRef", "`targetRefs`"),
];

pub(super) fn judge(kind: &str, object: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    for (part, subject) in parts(kind, object)? {
        for (_, path, name, successor) in FIELDS.into_iter().filter(|(own, ..)| *own == kind) {
            let found = part.map_at(path)?.and_then(|map| map.get(name)).filter(|node| !node.is_null());
            if let Some(node) = found {
                let name = [path, &[name]].concat().join(".");
                let mut finding = super::finding(&name, format!("{subject}: `{name}` is deprecated"), successor);
                finding.subject = format!("{subject} {name}");
                finding.path = node.pointer();
                finding.value = node.to_json();
                // It means all that it ever meant, and is advice for other policies too.
                if name == "targetRef" { findings.advise([finding]) } else { findings.violation(finding) }
            }
        }
    }
    if kind == "VirtualService" { gateways(object, findings) } else { Ok(()) }
}

/// The parts of an object in which such fields stand, with what findings call them.
fn parts<'t>(kind: &str, object: Node<'t>) -> Result<Vec<(Node<'t>, String)>, WrongType> {
    let spec = object.map("spec")?;
    Ok(match kind {
        "DestinationRule" => {
            traffic_policies(object)?.into_iter().map(|policy| (policy.node, policy.subject())).collect()
        }
        "Gateway" => servers(object)?.into_iter().map(|server| (server.node, server.subject())).collect(),
        "Sidecar" => {
            let mut listeners = Vec::new();
            for direction in ["ingress", "egress"] {
                for node in spec.map_or(Ok(Vec::new()), |spec| spec.maps(direction))? {
                    let port = node.map("port")?.map(IstioPort::of).transpose()?;
                    let port = port.map_or_else(|| "port".to_owned(), |port| port.subject());
                    listeners.push((node, format!("{direction} {port}")));
                }
            }
            listeners
        }
        "VirtualService" => {
            let routes = VirtualService::of(object)?.routes.into_iter();
            routes.filter(|route| route.list == RouteList::Http).map(|route| (route.node, route.subject())).collect()
        }
        "Telemetry" | "WasmPlugin" => spec.map(|spec| (spec, "spec".to_owned())).into_iter().collect(),
        _ => Vec::new(),
    })
}

/// Gateways that are named by a host, of the whole VirtualService and of single matches.
fn gateways(object: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    let service = VirtualService::of(object)?;
    let mut named = service.gateways;
    for route in &service.routes {
        for of in route.node.maps("match")? {
            named.extend(of.texts("gateways")?);
        }
    }
    for (node, text) in named {
        if let GatewayRef::Named { namespace, name, legacy: true } = GatewayRef::parse(text, "") {
            let message = format!("gateway `{text}` is written as a host, which is deprecated");
            let mut finding = super::finding("gateway", message, &format!("`{namespace}/{name}`"));
            finding.path = node.pointer();
            finding.value = text.into();
            findings.violation(finding);
        }
    }
    Ok(())
}
