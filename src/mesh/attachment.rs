//! Which workloads or objects an Istio resource attaches to.

use super::Mesh;
use crate::object::{Node, WrongType};

/// What an Istio resource attaches to.
#[derive(Clone, Debug)]
pub enum Attachment<'t> {
    /// Every workload that the resource's namespace reaches: no selector, or one without labels.
    Everything,
    /// Workloads by their labels.
    Workloads,
    /// The objects it names. Where `targetRefs` stand, a selector is ignored.
    Targets(Vec<TargetRef<'t>>),
}

/// One entry of `targetRefs`.
///
/// `group` is empty for core kinds, as in the API:
/// <https://istio.io/latest/docs/reference/config/type/workload-selector/#PolicyTargetReference>.
#[derive(Clone, Copy, Debug)]
pub struct TargetRef<'t> {
    /// The entry itself.
    pub node: Node<'t>,
    /// API group of the object.
    pub group: &'t str,
    /// Kind of the object.
    pub kind: &'t str,
    /// Name of the object.
    pub name: &'t str,
}

impl TargetRef<'_> {
    /// Whether the target is cluster-scoped: it counts from the root namespace alone.
    #[must_use]
    pub fn is_gateway_class(&self) -> bool {
        self.group == "gateway.networking.k8s.io" && self.kind == "GatewayClass"
    }

    /// Whether the target is one that counts in the resource's own namespace.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(
            (self.group, self.kind),
            ("gateway.networking.k8s.io", "Gateway")
                | ("" | "core", "Service")
                | ("networking.istio.io", "ServiceEntry")
        )
    }
}

/// What an object of this kind attaches to; `targetRefs` count before a selector, and those before `targetRef`.
///
/// A selector that is present and empty still selects every workload: istiod only warns. A Gateway without one acts on
/// every gateway of the mesh. Kinds that select nothing (VirtualService, ServiceEntry) attach to everything.
/// `GetTargetRefs` of <https://github.com/istio/istio/blob/master/pilot/pkg/model/policyattachment.go>
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn attachment<'t>(kind: &str, object: Node<'t>) -> Result<Attachment<'t>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Attachment::Everything) };
    let mut targets = spec.maps("targetRefs")?;
    if targets.is_empty() {
        targets.extend(spec.map("targetRef")?);
    }
    if !targets.is_empty() {
        return Ok(Attachment::Targets(targets.into_iter().map(target_ref).collect::<Result<_, _>>()?));
    }
    let labels = spec.map_at(match kind {
        "EnvoyFilter" | "Sidecar" => &["workloadSelector", "labels"],
        "DestinationRule" => &["workloadSelector", "matchLabels"],
        "Gateway" => &["selector"],
        _ => &["selector", "matchLabels"],
    })?;
    let selects = labels.is_some_and(|labels| labels.members().next().is_some());
    Ok(if selects { Attachment::Workloads } else { Attachment::Everything })
}

/// Whether an object of this kind and namespace acts on the whole mesh: it stands in the root namespace and attaches to
/// everything.
///
/// # Errors
/// As [`attachment`].
pub fn is_mesh_wide(kind: &str, namespace: &str, object: Node<'_>, mesh: &Mesh) -> Result<bool, WrongType> {
    Ok(namespace == mesh.root() && matches!(attachment(kind, object)?, Attachment::Everything))
}

fn target_ref(node: Node<'_>) -> Result<TargetRef<'_>, WrongType> {
    Ok(TargetRef {
        node,
        group: node.text("group")?.unwrap_or_default(),
        kind: node.text("kind")?.unwrap_or_default(),
        name: node.text("name")?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    /// The attachment in a word: `all`, `labels`, or the names of targets.
    fn of(kind: &str, spec: &Value) -> Result<String, String> {
        let text = json!({"spec": spec}).to_string();
        let tree = read_json(&text).unwrap();
        let found = attachment(kind, tree.root()).map_err(|error| error.to_string())?;
        Ok(match found {
            Attachment::Everything => "all".to_owned(),
            Attachment::Workloads => "labels".to_owned(),
            Attachment::Targets(targets) => targets.iter().map(|target| target.name).collect::<Vec<_>>().join(","),
        })
    }

    #[test]
    fn every_kind_has_its_own_selector() {
        let labels = json!({"app": "cart"});
        let flat = json!({"selector": labels});
        let policy = json!({"selector": {"matchLabels": labels}});
        let labelled = json!({"workloadSelector": {"labels": labels}});
        let matched = json!({"workloadSelector": {"matchLabels": labels}});
        for (kinds, spec) in [
            (&["Gateway"][..], &flat),
            (&["EnvoyFilter", "Sidecar"], &labelled),
            (&["DestinationRule"], &matched),
            (
                &[
                    "AuthorizationPolicy",
                    "PeerAuthentication",
                    "ProxyConfig",
                    "RequestAuthentication",
                    "Telemetry",
                    "TrafficExtension",
                    "WasmPlugin",
                ],
                &policy,
            ),
        ] {
            for kind in kinds {
                assert_eq!(of(kind, spec).as_deref(), Ok("labels"), "{kind}");
                for other in [&labelled, &matched].into_iter().filter(|other| *other != spec) {
                    assert_eq!(of(kind, other).as_deref(), Ok("all"), "{kind} {other}");
                }
                for empty in
                    [json!({}), json!(null), json!({"selector": null, "workloadSelector": null, "targetRefs": []})]
                {
                    assert_eq!(of(kind, &empty).as_deref(), Ok("all"), "{kind} {empty}");
                }
            }
        }
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        for (kind, spec) in [
            ("PeerAuthentication", json!({"selector": {}})),
            ("PeerAuthentication", json!({"selector": {"matchLabels": {}}})),
            ("PeerAuthentication", json!({"selector": {"matchLabels": null}})),
            ("Sidecar", json!({"workloadSelector": {"labels": {}}})),
            ("Gateway", json!({"selector": {}})),
        ] {
            assert_eq!(of(kind, &spec).as_deref(), Ok("all"), "{kind} {spec}");
        }
    }

    #[test]
    fn targets_come_first_and_the_old_field_last() {
        let selector = json!({"matchLabels": {"app": "cart"}});
        for (spec, expected) in [
            (json!({"selector": selector, "targetRefs": [{"name": "a"}, {"name": "b"}]}), "a,b"),
            (json!({"selector": selector, "targetRef": {"name": "a"}}), "a"),
            (json!({"targetRef": {"name": "a"}, "targetRefs": [{"name": "b"}]}), "b"),
            (json!({"targetRef": {"name": "a"}, "targetRefs": []}), "a"),
            (json!({"targetRef": null, "selector": selector}), "labels"),
        ] {
            assert_eq!(of("AuthorizationPolicy", &spec).as_deref(), Ok(expected), "{spec}");
        }
    }

    #[test]
    fn rejects_other_types() {
        for (kind, spec, path) in [
            ("Gateway", json!({"selector": "x"}), "/spec/selector"),
            ("Sidecar", json!({"workloadSelector": []}), "/spec/workloadSelector"),
            ("Telemetry", json!({"selector": {"matchLabels": 1}}), "/spec/selector/matchLabels"),
            ("Telemetry", json!({"targetRefs": {}}), "/spec/targetRefs"),
            ("Telemetry", json!({"targetRefs": [1]}), "/spec/targetRefs/0"),
            ("Telemetry", json!({"targetRef": {"kind": 1}}), "/spec/targetRef/kind"),
        ] {
            assert!(of(kind, &spec).unwrap_err().starts_with(&format!("`{path}` ")), "{spec}");
        }
    }

    #[test]
    fn the_root_namespace_reaches_the_whole_mesh() {
        let own = Mesh { root_namespace: Some("istio-config".to_owned()), ..Mesh::default() };
        let default = Mesh::default();
        let (all, some) = (json!({"spec": {}}), json!({"spec": {"selector": {"matchLabels": {"app": "cart"}}}}));
        for (mesh, namespace, object, expected) in [
            (&default, "istio-system", &all, true),
            (&default, "istio-system", &some, false),
            (&default, "shop", &all, false),
            (&own, "istio-config", &all, true),
            (&own, "istio-system", &all, false),
        ] {
            let text = object.to_string();
            let tree = read_json(&text).unwrap();
            assert_eq!(is_mesh_wide("Telemetry", namespace, tree.root(), mesh), Ok(expected), "{namespace} {object}");
        }
    }
}
