//! Which workloads or objects an Istio resource attaches to.

use crate::object::{Node, WrongType};

/// What an Istio resource with `workloadSelector` and `targetRefs` attaches to.
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

/// Reads `spec.workloadSelector.labels` and `spec.targetRefs`, the fields of `EnvoyFilter` and `Sidecar`.
///
/// A selector that is present and empty still selects every workload: istiod only warns.
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn attachment(object: Node<'_>) -> Result<Attachment<'_>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Attachment::Everything) };
    let targets: Vec<_> = spec.list("targetRefs")?.map(target_ref).collect::<Result<_, _>>()?;
    if !targets.is_empty() {
        return Ok(Attachment::Targets(targets));
    }
    let labels = match spec.map("workloadSelector")? {
        Some(selector) => selector.map("labels")?,
        None => None,
    };
    let selects = labels.is_some_and(|labels| labels.members().next().is_some());
    Ok(if selects { Attachment::Workloads } else { Attachment::Everything })
}

fn target_ref(node: Node<'_>) -> Result<TargetRef<'_>, WrongType> {
    node.expect_map()?;
    Ok(TargetRef {
        node,
        group: node.text("group")?.unwrap_or_default(),
        kind: node.text("kind")?.unwrap_or_default(),
        name: node.text("name")?.unwrap_or_default(),
    })
}
