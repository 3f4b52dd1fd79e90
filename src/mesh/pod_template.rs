//! Pod templates: where each kind keeps the labels, annotations and containers of the Pods that come of it.

use json_patch::jsonptr::PointerBuf;

use super::GroupKind;
use crate::object::{Node, WrongType};

/// Pods, and what keeps them running: a Pod carries its own template.
pub const WORKLOADS: [GroupKind; 8] = [
    GroupKind { group: "", kind: "Pod" },
    GroupKind { group: "", kind: "ReplicationController" },
    GroupKind { group: "apps", kind: "DaemonSet" },
    GroupKind { group: "apps", kind: "Deployment" },
    GroupKind { group: "apps", kind: "ReplicaSet" },
    GroupKind { group: "apps", kind: "StatefulSet" },
    GroupKind { group: "apps.openshift.io", kind: "DeploymentConfig" },
    GroupKind { group: "argoproj.io", kind: "Rollout" },
];

/// What runs Pods that come to an end.
pub const JOBS: [GroupKind; 2] =
    [GroupKind { group: "batch", kind: "CronJob" }, GroupKind { group: "batch", kind: "Job" }];

/// Both: what makes Pods of a template that its owner wrote.
pub const WORKLOADS_AND_JOBS: [GroupKind; WORKLOADS.len() + JOBS.len()] = GroupKind::all_of(&[&WORKLOADS, &JOBS]);

/// What holds a template for somebody else: Knative gives its Deployments labels of its own.
const STORED: [GroupKind; 4] = [
    GroupKind { group: "", kind: "PodTemplate" },
    GroupKind { group: "serving.knative.dev", kind: "Configuration" },
    GroupKind { group: "serving.knative.dev", kind: "Revision" },
    GroupKind { group: "serving.knative.dev", kind: "Service" },
];

/// Every kind with a pod template: metadata and containers.
pub const POD_TEMPLATES: [GroupKind; 14] = GroupKind::all_of(&[&WORKLOADS_AND_JOBS, &STORED]);

/// Kinds with labels and annotations alone for what runs: machines of a WorkloadGroup, and what istiod makes of a
/// Gateway (<https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/#automated-deployment>).
pub const POD_METADATA: [GroupKind; 2] = [
    GroupKind { group: "gateway.networking.k8s.io", kind: "Gateway" },
    GroupKind { group: "networking.istio.io", kind: "WorkloadGroup" },
];

/// The kubelet's own Pods as the API server shows them: nobody runs them.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// What an object says of the Pods that come of it.
///
/// Metadata of the object itself says nothing of them, where it is no Pod.
#[derive(Clone, Copy, Debug)]
pub struct PodTemplate<'t> {
    place: Place,
    /// What holds labels and annotations.
    pub metadata: Option<Node<'t>>,
    /// The spec of a Pod; none in [`POD_METADATA`].
    pub spec: Option<Node<'t>>,
}

/// Where a kind keeps its template.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The way to the template.
    path: &'static [&'static str],
    /// Its member that holds labels and annotations.
    metadata: &'static str,
    /// Its member that is a Pod's spec.
    spec: Option<&'static str>,
}

impl Place {
    fn of(group: &str, kind: &str) -> Option<Self> {
        let template = |path| Some(Self { path, metadata: "metadata", spec: Some("spec") });
        match (group, kind) {
            ("", "Pod") | ("serving.knative.dev", "Revision") => template(&[]),
            ("", "PodTemplate") => template(&["template"]),
            ("batch", "CronJob") => template(&["spec", "jobTemplate", "spec", "template"]),
            ("gateway.networking.k8s.io", "Gateway") => {
                Some(Self { path: &["spec"], metadata: "infrastructure", spec: None })
            }
            ("networking.istio.io", "WorkloadGroup") => {
                Some(Self { path: &["spec"], metadata: "metadata", spec: None })
            }
            _ if carries_pod_template(group, kind) => template(&["spec", "template"]),
            _ => None,
        }
    }
}

/// Whether objects of this kind have a pod template.
pub(super) fn carries_pod_template(group: &str, kind: &str) -> bool {
    POD_TEMPLATES.iter().any(|carrier| carrier.is(group, kind))
}

/// The pod template of an object of this kind.
///
/// None where the kind has none, where the template is absent or `null`, where a Rollout takes that of another object
/// (`workloadRef`), and for mirror Pods, which only show what a kubelet runs by itself.
///
/// # Errors
/// Where the template, or something on the way to it, has another type than the API gives it.
pub fn pod_template<'t>(group: &str, kind: &str, object: Node<'t>) -> Result<Option<PodTemplate<'t>>, WrongType> {
    let Some(place) = Place::of(group, kind) else { return Ok(None) };
    if kind == "Rollout" && object.map_at(&["spec", "workloadRef"])?.is_some() {
        return Ok(None);
    }
    let Some(node) = object.map_at(place.path)? else { return Ok(None) };
    let spec = place.spec.map_or(Ok(None), |spec| node.map(spec))?;
    let template = PodTemplate { place, metadata: node.map(place.metadata)?, spec };
    let mirror = kind == "Pod" && template.annotation(MIRROR)?.is_some();
    Ok((!mirror).then_some(template))
}

impl<'t> PodTemplate<'t> {
    /// The value of a label.
    ///
    /// # Errors
    /// Where it is no string, or labels are no map.
    pub fn label(&self, key: &str) -> Result<Option<&'t str>, WrongType> {
        self.text("labels", key)
    }

    /// The value of an annotation.
    ///
    /// # Errors
    /// Where it is no string, or annotations are no map.
    pub fn annotation(&self, key: &str) -> Result<Option<&'t str>, WrongType> {
        self.text("annotations", key)
    }

    fn text(&self, of: &str, key: &str) -> Result<Option<&'t str>, WrongType> {
        let metadata = self.metadata.map_or(Ok(None), |metadata| metadata.map(of))?;
        metadata.map_or(Ok(None), |map| map.text(key))
    }

    /// Where a label stands, or would.
    #[must_use]
    pub fn label_path(&self, key: &str) -> PointerBuf {
        self.path("labels", key)
    }

    /// Where an annotation stands, or would.
    #[must_use]
    pub fn annotation_path(&self, key: &str) -> PointerBuf {
        self.path("annotations", key)
    }

    fn path(&self, of: &str, key: &str) -> PointerBuf {
        PointerBuf::from_tokens(self.place.path.iter().copied().chain([self.place.metadata, of, key]))
    }

    /// All containers, those that start first and those for debugging included.
    ///
    /// # Errors
    /// Where a list is none, or holds something other than maps.
    pub fn containers(&self) -> Result<impl Iterator<Item = Node<'t>>, WrongType> {
        Ok(self.listed_containers()?.into_iter().map(|container| container.node))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    /// What is found of an object: its label `app`, where that stands, and its containers.
    fn found(group: &str, kind: &str, object: &Value) -> Result<Option<(String, String, Vec<String>)>, String> {
        let text = object.to_string();
        let tree = read_json(&text).unwrap();
        let look = || {
            let Some(template) = pod_template(group, kind, tree.root())? else { return Ok(None) };
            let label = template.label("app")?.unwrap_or_default().to_owned();
            let names = template.containers()?.map(|node| Ok(node.text("name")?.unwrap_or_default().to_owned()));
            let names = names.collect::<Result<_, WrongType>>()?;
            Ok(Some((label, template.label_path("app").to_string(), names)))
        };
        look().map_err(|error: WrongType| error.to_string())
    }

    fn template() -> Value {
        json!({
            "metadata": {"labels": {"app": "cart"}},
            "spec": {
                "ephemeralContainers": [{"name": "debug"}],
                "containers": [{"name": "cart"}, {"name": "log"}],
                "initContainers": [{"name": "init"}],
            },
        })
    }

    #[test]
    fn every_kind_has_its_template() {
        for GroupKind { group, kind } in POD_TEMPLATES {
            let (object, path) = match kind {
                "Pod" | "Revision" => (template(), "/metadata/labels/app"),
                "PodTemplate" => (json!({"template": template()}), "/template/metadata/labels/app"),
                "CronJob" => (
                    json!({"spec": {"jobTemplate": {"spec": {"template": template()}}}}),
                    "/spec/jobTemplate/spec/template/metadata/labels/app",
                ),
                _ => (json!({"spec": {"template": template()}}), "/spec/template/metadata/labels/app"),
            };
            let names = ["cart", "log", "init", "debug"].map(str::to_owned).to_vec();
            assert_eq!(found(group, kind, &object), Ok(Some(("cart".into(), path.into(), names))), "{kind}");
        }
        assert!(found("", "ConfigMap", &template()).unwrap().is_none());
        assert!(found("example.com", "Pod", &template()).unwrap().is_none());
    }

    #[test]
    fn labels_alone_are_found_where_there_is_no_pod() {
        let [gateway, group] = POD_METADATA;
        let labels = json!({"labels": {"app": "cart"}});
        for (kind, member) in [(gateway, "infrastructure"), (group, "metadata")] {
            let object =
                json!({"metadata": {"labels": {"app": "own"}}, "spec": {member: labels, "template": template()}});
            let path = format!("/spec/{member}/labels/app");
            assert_eq!(found(kind.group, kind.kind, &object), Ok(Some(("cart".into(), path, vec![]))));
        }
    }

    #[test]
    fn there_may_be_no_template() {
        for (group, kind, object) in [
            ("", "ReplicationController", json!({"spec": {"template": null}})),
            ("", "ReplicationController", json!({"spec": {}})),
            ("", "PodTemplate", json!({"template": null})),
            ("apps.openshift.io", "DeploymentConfig", json!({"spec": {"template": null}})),
            ("batch", "CronJob", json!({"spec": {"jobTemplate": {}}})),
            (
                "argoproj.io",
                "Rollout",
                json!({"spec": {"workloadRef": {"kind": "Deployment"}, "template": template()}}),
            ),
            ("", "Pod", json!({"metadata": {"annotations": {MIRROR: "x"}}, "spec": template()["spec"]})),
        ] {
            assert_eq!(found(group, kind, &object), Ok(None), "{object}");
        }
        // An empty one is one, a `null` reference none, and a template makes no mirror of its Pods.
        for object in [json!({"spec": {"template": {}}}), json!({"spec": {"template": {}, "workloadRef": null}})] {
            assert!(found("argoproj.io", "Rollout", &object).unwrap().is_some());
        }
        let mirror = json!({"spec": {"template": {"metadata": {"annotations": {MIRROR: "x"}}}}});
        assert!(found("apps", "Deployment", &mirror).unwrap().is_some());
    }

    #[test]
    fn rejects_other_types_on_the_way() {
        for (at, expected) in [
            ("/spec", "a map"),
            ("/spec/template", "a map"),
            ("/spec/template/metadata", "a map"),
            ("/spec/template/metadata/labels", "a map"),
            ("/spec/template/metadata/labels/app", "a string"),
            ("/spec/template/spec", "a map"),
            ("/spec/template/spec/containers", "a list"),
            ("/spec/template/spec/containers/1", "a map"),
            ("/spec/template/spec/initContainers", "a list"),
            ("/spec/template/spec/ephemeralContainers/0", "a map"),
        ] {
            let mut object = json!({"spec": {"template": template()}});
            *object.pointer_mut(at).unwrap() = json!(7);
            let error = format!("`{at}` is a number, expected {expected}");
            assert_eq!(found("apps", "Deployment", &object), Err(error));
        }
        let rollout = json!({"spec": {"workloadRef": "x", "template": template()}});
        assert!(found("argoproj.io", "Rollout", &rollout).is_err());
        let pod = json!({"metadata": {"annotations": {MIRROR: true}}});
        assert!(found("", "Pod", &pod).is_err());
    }
}
