//! What carries proxy config beside mesh config, whose `defaultConfig` is one too.

use super::{Carrier, GroupKind, POD_METADATA, POD_TEMPLATES, Variable, pod_template, variable};
use crate::object::{Node, WrongType};

/// The annotation of a Pod that holds proxy config.
/// <https://istio.io/latest/docs/reference/config/annotations/#ProxyConfig>
const ANNOTATION: &str = "proxy.istio.io/config";

/// The variable from which the agent beside Envoy reads proxy config: the injector writes it, and hands may.
pub const PROXY_CONFIG: &str = "PROXY_CONFIG";

/// The container in which the proxy runs.
const PROXY: &str = "istio-proxy";

/// Kinds that carry proxy config, those of mesh config aside.
pub const PROXY_CONFIGS: [GroupKind; 17] = GroupKind::all_of(&[
    &POD_TEMPLATES,
    &POD_METADATA,
    &[GroupKind { group: "networking.istio.io", kind: "ProxyConfig" }],
]);

/// The proxy configs of an object of this kind, those in its mesh configs aside.
///
/// What another object holds (`valueFrom`) is not among them.
///
/// # Errors
/// Where something on the way to one has another type than the API gives it.
pub fn proxy_configs<'t>(group: &str, kind: &str, object: Node<'t>) -> Result<Vec<Carrier<'t>>, WrongType> {
    let mut found = Vec::new();
    if (group, kind) == ("networking.istio.io", "ProxyConfig") {
        found.extend(text(object.map_at(&["spec", "environmentVariables"])?, PROXY_CONFIG)?);
    }
    if (group, kind) == ("gateway.networking.k8s.io", "Gateway") {
        found.extend(text(gateway_annotations(object)?, ANNOTATION)?);
        return Ok(found);
    }
    let Some(template) = pod_template(group, kind, object)? else { return Ok(found) };
    let annotations = template.metadata.map_or(Ok(None), |metadata| metadata.map("annotations"))?;
    found.extend(text(annotations, ANNOTATION)?);
    for container in template.containers()? {
        if container.text("name")? == Some(PROXY)
            && let Some(Variable::Value(Some(node)) | Variable::Elsewhere(node)) = variable(container, PROXY_CONFIG)?
            && node.as_str().is_some()
        {
            found.push(Carrier::new(PROXY_CONFIG, node));
        }
    }
    Ok(found)
}

/// The annotations that istiod gives the Pods of a Gateway: those for its infrastructure, and only where there are none
/// the Gateway's own, as it did before there was such a field.
/// <https://github.com/istio/istio/blob/master/pilot/pkg/config/kube/gateway/deploymentcontroller.go>
fn gateway_annotations(object: Node<'_>) -> Result<Option<Node<'_>>, WrongType> {
    match object.map_at(&["spec", "infrastructure", "annotations"])? {
        Some(annotations) => Ok(Some(annotations)),
        None => object.map_at(&["metadata", "annotations"]),
    }
}

fn text<'t>(map: Option<Node<'t>>, name: &'static str) -> Result<Option<Carrier<'t>>, WrongType> {
    let Some(map) = map else { return Ok(None) };
    let text = map.text(name)?;
    Ok(map.get(name).filter(|_| text.is_some()).map(|node| Carrier::new(name, node)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    fn found(group: &str, kind: &str, json: &str) -> Result<Vec<String>, String> {
        let tree = read_json(json).unwrap();
        let carriers = proxy_configs(group, kind, tree.root()).map_err(|error| error.to_string())?;
        Ok(carriers.iter().map(|carrier| carrier.node().pointer().to_string()).collect())
    }

    #[test]
    fn templates_carry_it_in_an_annotation_and_in_the_environment_of_the_proxy() {
        let json = r#"{
            "metadata": {"annotations": {"proxy.istio.io/config": "inert"}},
            "spec": {"template": {
                "metadata": {"annotations": {"proxy.istio.io/config": "{}"}},
                "spec": {
                    "containers": [
                        {"name": "app", "env": [{"name": "PROXY_CONFIG", "value": "{}"}]},
                        {"name": "istio-proxy", "env": [{"name": "PROXY_CONFIG", "value": "{}"}]}],
                    "initContainers": [{"name": "istio-proxy", "env": [{"name": "PROXY_CONFIG", "value": "{}"}]}]}}}}"#;
        let expected = [
            "/spec/template/metadata/annotations/proxy.istio.io~1config",
            "/spec/template/spec/containers/1/env/0/value",
            "/spec/template/spec/initContainers/0/env/0/value",
        ];
        assert_eq!(found("apps", "Deployment", json), Ok(expected.map(str::to_owned).to_vec()));
        assert_eq!(found("", "Service", json), Ok(vec![]));
        assert!(found("", "Pod", r#"{"metadata": {"annotations": {"proxy.istio.io/config": 1}}}"#).is_err());
    }

    #[test]
    fn a_gateways_own_annotations_count_only_without_those_of_its_infrastructure() {
        let own = r#""metadata": {"annotations": {"proxy.istio.io/config": "{}"}}"#;
        for (spec, expected) in [
            ("{}", "/metadata/annotations/proxy.istio.io~1config"),
            (r#"{"infrastructure": {"labels": {}}}"#, "/metadata/annotations/proxy.istio.io~1config"),
            (r#"{"infrastructure": {"annotations": {}}}"#, ""),
            (
                r#"{"infrastructure": {"annotations": {"proxy.istio.io/config": "{}"}}}"#,
                "/spec/infrastructure/annotations/proxy.istio.io~1config",
            ),
        ] {
            let found = found("gateway.networking.k8s.io", "Gateway", &format!(r#"{{{own}, "spec": {spec}}}"#));
            assert_eq!(found.unwrap().concat(), expected, "{spec}");
        }
        let istios = found("networking.istio.io", "Gateway", &format!("{{{own}}}"));
        assert_eq!(istios, Ok(vec![]), "no Pod comes of Istio's own Gateway");
    }

    #[test]
    fn a_workload_group_and_a_proxy_config_carry_it() {
        let json = r#"{"spec": {"metadata": {"annotations": {"proxy.istio.io/config": "{}"}}}}"#;
        let path = "/spec/metadata/annotations/proxy.istio.io~1config";
        assert_eq!(found("networking.istio.io", "WorkloadGroup", json).unwrap(), [path]);
        let json = r#"{"spec": {"environmentVariables": {"PROXY_CONFIG": "{}"}}}"#;
        assert_eq!(
            found("networking.istio.io", "ProxyConfig", json).unwrap(),
            ["/spec/environmentVariables/PROXY_CONFIG"]
        );
    }
}
