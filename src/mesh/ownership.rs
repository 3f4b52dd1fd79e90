//! Objects that a controller makes from a template: they are judged where the template stands.

use super::EPHEMERAL_CONTAINERS;
use super::pod_template::carries_pod_template;
use crate::object::Node;

/// Whether an object of this kind carries a pod template, or is a Pod, and another such object controls it.
///
/// A Deployment older than a policy must be able to make its Pods after a node was drained. An owner of any other kind
/// exempts nothing. A forged owner does: a known limit, for pod rules alone. What is added to a Pod for debugging stands
/// in no template, and a person adds it: no owner exempts it.
#[must_use]
pub fn is_owned(group: &str, kind: &str, subresource: &str, object: Node<'_>) -> bool {
    let owners = || object.at(&["metadata", "ownerReferences"]).into_iter().flat_map(Node::items);
    subresource != EPHEMERAL_CONTAINERS
        && carries_pod_template(group, kind)
        && owners().any(|owner| is_controller(owner) && owns_templates(owner))
}

/// Whether a controller, of whatever kind, owns the object: it would undo a patch, or make new objects for ever.
#[must_use]
pub fn is_controlled(object: Node<'_>) -> bool {
    object.at(&["metadata", "ownerReferences"]).into_iter().flat_map(Node::items).any(is_controller)
}

fn is_controller(owner: Node<'_>) -> bool {
    owner.get("controller").and_then(Node::as_bool) == Some(true)
}

fn owns_templates(owner: Node<'_>) -> bool {
    let text = |key: &str| owner.get(key).and_then(Node::as_str).unwrap_or_default();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    carries_pod_template(group, text("kind"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    fn owned_by(kind: &str, api_version: &str, controller: bool) -> String {
        format!(
            r#"{{"metadata":{{"ownerReferences":[{{"kind":"{kind}","apiVersion":"{api_version}","controller":{controller}}}]}}}}"#
        )
    }

    #[test]
    fn an_object_is_judged_at_an_owner_that_carries_its_template() {
        for (kind, owner, version, controller, expected) in [
            ("Pod", "ReplicaSet", "apps/v1", true, true),
            ("Pod", "Job", "batch/v1", true, true),
            ("Pod", "Rollout", "argoproj.io/v1alpha1", true, true),
            ("Pod", "ReplicaSet", "apps/v1", false, false),
            ("Pod", "Workflow", "argoproj.io/v1alpha1", true, false),
            ("Pod", "ReplicaSet", "example.com/v1", true, false),
            ("Namespace", "Deployment", "apps/v1", true, false),
        ] {
            let json = owned_by(owner, version, controller);
            let tree = read_json(&json).unwrap();
            assert_eq!(is_owned("", kind, "", tree.root()), expected, "{kind} of {owner} {version} {controller}");
            assert!(!is_owned("", kind, EPHEMERAL_CONTAINERS, tree.root()));
            assert_eq!(is_controlled(tree.root()), controller);
        }
        assert!(!is_owned("", "Pod", "", read_json("{}").unwrap().root()));
    }
}
