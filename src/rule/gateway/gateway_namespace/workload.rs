//! What of a workload, a Service or an installation makes a gateway.

use crate::mesh::{Mesh, PodTemplate};
use crate::object::{Node, WrongType};
use crate::rule::Finding;

/// Labels `istio` of the gateways in Istio's charts.
const CHART: [&str; 3] = ["ingressgateway", "egressgateway", "eastwestgateway"];
/// The label with which istiod marks what it makes of a Gateway.
const MANAGED: &str = "gateway.istio.io/managed";
/// Its values for waypoints and for east-west gateways.
///
/// <https://github.com/istio/istio/blob/master/pkg/config/constants/constants.go>
const INTERNAL: [&str; 2] = ["istio.io-mesh-controller", "istio.io-eastwest-controller"];

/// Whether what runs is a gateway that takes requests from outside the mesh, or lets them out.
pub(super) fn is_gateway(template: &PodTemplate<'_>) -> Result<bool, WrongType> {
    if template.label(MANAGED)?.is_some_and(|controller| INTERNAL.contains(&controller)) {
        return Ok(false);
    }
    Ok(template.is_gateway()? || is_router(template)?)
}

/// Whether its only container is a proxy of its own: `proxy router`.
fn is_router(template: &PodTemplate<'_>) -> Result<bool, WrongType> {
    let containers = template.listed_containers()?;
    let [only] = containers.as_slice() else { return Ok(false) };
    let routes = only.node.texts("args")?.iter().any(|(_, argument)| *argument == "router");
    Ok(routes && only.image()?.is_some_and(|image| image.repository.ends_with("proxyv2")))
}

/// A label of Istio's gateways on Pods that run something else: they get the requests of every Gateway that selects it.
pub(super) fn forged_label(template: &PodTemplate<'_>) -> Result<Option<Finding>, WrongType> {
    let Some(label) = template.label("istio")?.filter(|label| CHART.contains(label)) else { return Ok(None) };
    if template.uses_gateway_template()? {
        return Ok(None);
    }
    for container in template.listed_containers()? {
        let image = container.image()?;
        if image.is_some_and(|image| image.repository == "auto" || image.repository.contains("proxyv2")) {
            return Ok(None);
        }
    }
    Ok(Some(Finding {
        path: template.label_path("istio"),
        subject: "label istio".to_owned(),
        value: label.into(),
        message: format!(
            "Pods with the label istio: {label} get requests of gateways, and these run no proxy of Istio's"
        ),
        wanted: "another value, or none".to_owned(),
        remedy: "remove the label istio".to_owned(),
        ..Finding::default()
    }))
}

/// Whether a Service opens a gateway to the world.
pub(super) fn is_public_service(object: Node<'_>) -> Result<bool, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(false) };
    let label = spec.map("selector")?.map_or(Ok(None), |selector| selector.text("istio"))?;
    Ok(spec.text("type")? == Some("LoadBalancer") && label.is_some_and(|label| CHART.contains(&label)))
}

/// The gateways that an IstioOperator puts beside the control plane, which is where they stand unless it says another
/// place.
///
/// <https://istio.io/latest/docs/reference/config/istio.operator.v1alpha1/#GatewaySpec>
pub(super) fn installed(object: Node<'_>, mesh: &Mesh) -> Result<Vec<Finding>, WrongType> {
    let Some(components) = object.map_at(&["spec", "components"])? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for list in ["ingressGateways", "egressGateways"] {
        for gateway in components.maps(list)? {
            let namespace = gateway.text("namespace")?.filter(|namespace| !namespace.is_empty());
            let name = gateway.text("name")?.unwrap_or_default();
            let beside = namespace.is_none_or(|namespace| mesh.has_control_plane(namespace));
            if beside && gateway.boolean("enabled")? != Some(false) {
                found.push(Finding {
                    path: gateway.pointer(),
                    subject: format!("{list} {name}"),
                    value: namespace.into(),
                    message: format!("gateway `{name}` is installed beside the control plane"),
                    wanted: "a namespace for gateways".to_owned(),
                    remedy: "set the gateway's namespace, or install it with the gateway chart".to_owned(),
                    ..Finding::default()
                });
            }
        }
    }
    Ok(found)
}
