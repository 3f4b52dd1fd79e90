//! What may change a Pod's network: Istio's program that does, and nothing in its place.

use crate::mesh::{Container, ContainerList};
use crate::object::WrongType;

/// What a container may be made to run beside, or instead of, the program that its arguments name.
const OTHERS: [&str; 6] = ["command", "envFrom", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];

/// Variables by which libraries of `iptables` are found, which it loads as they are: `xtables_init` of
/// <https://git.netfilter.org/iptables/tree/libxtables/xtables.c>.
const LIBRARIES: [&str; 3] = ["IP6TABLES_LIB_DIR", "IPTABLES_LIB_DIR", "XTABLES_LIBDIR"];

/// Where every container has its token.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Whether a container is the injector's `istio-init`: root, with the capabilities `NET_ADMIN` and `NET_RAW`, and bound
/// to do one thing with them.
///
/// Anyone may write its name, its image and the injector's annotation into a Pod. So what it runs is asked for too: from
/// a registry of Istio's the program that redirects traffic, without a command, hook or probe of somebody's own, without
/// files from outside the image, and without variables by which other programs or libraries are found.
///
/// `injected` says whether the Pod has that annotation.
pub(super) fn is_istio_init(
    injected: bool,
    container: &Container<'_>,
    registries: &[String],
) -> Result<bool, WrongType> {
    let Container { node, name, list } = *container;
    if name != "istio-init" || list != ContainerList::Init || !injected {
        return Ok(false);
    }
    let Some(image) = container.image()? else { return Ok(false) };
    let published = image.is_from(registries) && image.repository.rsplit('/').next() == Some("proxyv2");
    let redirects = node.texts("args")?.first().is_some_and(|(_, program)| *program == "istio-iptables");
    if !published || !redirects || OTHERS.iter().any(|other| node.get(other).is_some_and(|other| !other.is_null())) {
        return Ok(false);
    }
    for mount in node.maps("volumeMounts")? {
        if mount.text("mountPath")? != Some(TOKEN) {
            return Ok(false);
        }
    }
    for variable in node.maps("env")? {
        let finds_others = |name: &str| name == "PATH" || name.starts_with("LD_") || LIBRARIES.contains(&name);
        if variable.text("name")?.is_none_or(finds_others) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mesh::{PodFacts, REGISTRIES, pod_template};
    use crate::object::read_json;

    fn passes(pod: &Value) -> bool {
        let text = pod.to_string();
        let tree = read_json(&text).unwrap();
        let template = pod_template("", "Pod", tree.root()).unwrap().unwrap();
        let injected = PodFacts::of(&template).unwrap().injected;
        let registries = REGISTRIES.map(str::to_owned);
        let containers = template.listed_containers().unwrap();
        containers.iter().any(|container| is_istio_init(injected, container, &registries).unwrap())
    }

    fn pod() -> Value {
        json!({
            "metadata": {"annotations": {"sidecar.istio.io/status": "{}"}},
            "spec": {"initContainers": [{
                "name": "istio-init",
                "image": "docker.io/istio/proxyv2:1.29.0",
                "args": ["istio-iptables", "-p", "15001"],
                "env": [{"name": "ISTIO_META_X", "value": "y"}],
                "volumeMounts": [{"name": "kube-api-access", "mountPath": TOKEN}],
            }]},
        })
    }

    #[test]
    fn every_single_thing_is_asked_for() {
        assert!(passes(&pod()));
        let init = "/spec/initContainers/0";
        for (path, value) in [
            ("/metadata/annotations", json!({})),
            (&*format!("{init}/name"), json!("istio-proxy")),
            (&*format!("{init}/image"), json!("docker.io/evil/proxyv2:1.29.0")),
            (&*format!("{init}/image"), json!("docker.io/istio/pilot:1.29.0")),
            (&*format!("{init}/args"), json!(["proxy", "istio-iptables"])),
            (&*format!("{init}/args"), json!([])),
            (&*format!("{init}/env/0/name"), json!("LD_PRELOAD")),
            (&*format!("{init}/env/0/name"), json!("PATH")),
            (&*format!("{init}/env/0/name"), json!("XTABLES_LIBDIR")),
            (&*format!("{init}/volumeMounts/0/mountPath"), json!("/usr/sbin")),
        ] {
            let mut pod = pod();
            *pod.pointer_mut(path).unwrap() = value.clone();
            assert!(!passes(&pod), "{path}: {value}");
        }
        for other in OTHERS {
            let mut pod = pod();
            pod["spec"]["initContainers"][0][other] = json!(["sh"]);
            assert!(!passes(&pod), "{other}");
        }
        let mut moved = pod();
        moved["spec"]["containers"] = moved["spec"]["initContainers"].take();
        assert!(!passes(&moved));
    }
}
