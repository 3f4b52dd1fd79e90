//! The containers of a Pod: where each is listed, and which are Istio's own.

use super::PodTemplate;
use crate::object::{Image, Node, WrongType};

/// Names of the containers that the injector adds.
///
/// A name alone proves nothing: anyone may give it. Where an exemption by name would open a hole, look at what else the
/// injector leaves behind.
/// <https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/files/injection-template.yaml>
const ISTIO: [&str; 3] = [PROXY, "istio-init", "istio-validation"];

/// The proxy's own.
const PROXY: &str = "istio-proxy";

/// Where Istio's releases are published: registries, or folders in them.
///
/// `hub` in <https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/values.yaml>
pub const REGISTRIES: [&str; 3] = ["docker.io/istio", "gcr.io/istio-release", "registry.istio.io"];

/// The subresource of a Pod by which a container is added to it while it runs, as `kubectl debug` does: an UPDATE, which
/// changes `ephemeralContainers` and nothing else.
///
/// <https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/>
pub const EPHEMERAL_CONTAINERS: &str = "ephemeralcontainers";

/// The list in which a container stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerList {
    /// `containers`.
    Main,
    /// `initContainers`.
    Init,
    /// `ephemeralContainers`, which can have neither resources nor probes.
    Ephemeral,
}

/// A container, with the list that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Container<'t> {
    /// The container.
    pub node: Node<'t>,
    /// Its name, empty where it has none.
    pub name: &'t str,
    /// Where it stands.
    pub list: ContainerList,
}

impl<'t> PodTemplate<'t> {
    /// All containers with the lists that they stand in.
    ///
    /// # Errors
    /// Where a list is none, a container no map or its name no string.
    pub fn listed_containers(&self) -> Result<Vec<Container<'t>>, WrongType> {
        let lists = [
            ("containers", ContainerList::Main),
            ("initContainers", ContainerList::Init),
            ("ephemeralContainers", ContainerList::Ephemeral),
        ];
        let mut found = Vec::new();
        for (spec, (key, list)) in self.spec.iter().flat_map(|spec| lists.map(|list| (spec, list))) {
            for node in spec.maps(key)? {
                found.push(Container { node, name: node.text("name")?.unwrap_or_default(), list });
            }
        }
        Ok(found)
    }

    /// The container for Istio's proxy, or one of its name. None that is added for debugging is it.
    ///
    /// # Errors
    /// As [`Self::listed_containers`].
    pub fn proxy(&self) -> Result<Option<Container<'t>>, WrongType> {
        Ok(self.listed_containers()?.into_iter().find(|container| container.is_istio() && container.name == PROXY))
    }
}

impl<'t> Container<'t> {
    /// Whether it has the name of a container that the injector adds, which are none for debugging.
    #[must_use]
    pub fn is_istio(&self) -> bool {
        self.list != ContainerList::Ephemeral && ISTIO.contains(&self.name)
    }

    /// What findings call it: `container cart`.
    #[must_use]
    pub fn subject(&self) -> String {
        let list = match self.list {
            ContainerList::Main => "container",
            ContainerList::Init => "init container",
            ContainerList::Ephemeral => "ephemeral container",
        };
        format!("{list} {}", self.name)
    }

    /// Whether it starts first and runs on beside the others: an init container that restarts always.
    ///
    /// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
    ///
    /// # Errors
    /// Where `restartPolicy` is no string.
    pub fn is_native_sidecar(&self) -> Result<bool, WrongType> {
        Ok(self.list == ContainerList::Init && self.node.text("restartPolicy")? == Some("Always"))
    }

    /// Its image, where it names one.
    ///
    /// # Errors
    /// Where `image` is no string.
    pub fn image(&self) -> Result<Option<Image<'t>>, WrongType> {
        Ok(self.node.text("image")?.map(Image::parse))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ContainerList::{Ephemeral, Init, Main};
    use super::*;
    use crate::mesh::pod_template;
    use crate::object::read_json;

    #[test]
    fn says_where_a_container_stands() {
        let text = json!({"spec": {
            "ephemeralContainers": [{"name": "debug"}, {"name": "istio-init"}],
            "containers": [{"name": "cart", "image": "reg:5000/cart"}, {"name": "istio-proxy"}, {}],
            "initContainers": [{"name": "istio-init"}, {"name": "logs", "restartPolicy": "Always"}],
        }})
        .to_string();
        let tree = read_json(&text).unwrap();
        let containers = pod_template("", "Pod", tree.root()).unwrap().unwrap().listed_containers().unwrap();
        let found: Vec<_> = containers
            .iter()
            .map(|container| {
                (container.list, container.name, container.is_istio(), container.is_native_sidecar().unwrap())
            })
            .collect();
        let expected = [
            (Main, "cart", false, false),
            (Main, "istio-proxy", true, false),
            (Main, "", false, false),
            (Init, "istio-init", true, false),
            (Init, "logs", false, true),
            (Ephemeral, "debug", false, false),
            (Ephemeral, "istio-init", false, false),
        ];
        assert_eq!(found, expected);
        assert_eq!(containers[0].image().unwrap(), Some(Image::parse("reg:5000/cart")));
        assert_eq!(containers[1].image(), Ok(None));
        let subjects: Vec<_> = containers.iter().map(Container::subject).collect();
        assert_eq!(subjects[0], "container cart");
        assert_eq!(subjects[4..6], ["init container logs", "ephemeral container debug"]);
    }

    #[test]
    fn rejects_other_types() {
        for spec in [
            json!({"containers": {}}),
            json!({"containers": ["x"]}),
            json!({"containers": [null]}),
            json!({"initContainers": [{"name": 1}]}),
        ] {
            let text = json!({"spec": spec}).to_string();
            let tree = read_json(&text).unwrap();
            assert!(pod_template("", "Pod", tree.root()).unwrap().unwrap().listed_containers().is_err(), "{spec}");
        }
    }
}
