//! What the documentation of the rules says is denied or allowed, at the door of a real API server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vigla::rule::{Entry, Operation, RULES};

use crate::common::cli::Run;
use crate::common::rules::{objects, subject};
use crate::turn::Cluster;
use crate::webhook::Webhook;

/// Where the mesh itself stands here: other tests make `istio-system`, and nobody can end a namespace here.
const MESH: &str = "mesh-of-examples";

/// What can be created, and needs neither labels of namespaces nor Settings.
fn alone(entry: &Entry, example: &str) -> Vec<Value> {
    let objects = objects(&example.replace("istio-system", MESH));
    let own = |object: &Value| entry.metadata.kinds.iter().any(|own| object["kind"] == own.kind);
    let is_alone = entry.metadata.operations.contains(&Operation::Create) && objects.iter().all(own);
    if is_alone { objects } else { Vec::new() }
}

/// With the selector that a Deployment must have, and its documentation leaves out.
fn complete(mut object: Value) -> Value {
    if object["kind"] == "Deployment" && object["spec"]["selector"].is_null() {
        object["spec"]["template"]["metadata"]["labels"]["example"] = "yes".into();
        object["spec"]["selector"] = json!({"matchLabels": {"example": "yes"}});
    }
    object
}

/// Whether the API server knows the kind, and takes the object where no policy minds.
fn is_taken(run: &Run) -> bool {
    let refusals = ["no matches for kind", "is invalid: ", "error validating data", "AlreadyExists"];
    !refusals.iter().any(|refusal| run.err.contains(refusal))
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn what_the_documentation_says_of_every_subject_is_so() {
    let cluster = Cluster::take();
    let all =
        |example: fn(&Entry) -> &'static str| RULES.iter().map(move |entry| (entry, alone(entry, example(entry))));
    let objects = all(|entry| entry.denied).chain(all(|entry| entry.allowed)).flat_map(|(_, objects)| objects);
    let namespace = |object: Value| object["metadata"]["namespace"].as_str().map(str::to_owned);
    let namespaces: BTreeSet<String> = objects.filter_map(namespace).collect();
    let namespace = |name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let namespaces: Vec<Value> = namespaces.into_iter().map(namespace).collect();
    cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": namespaces}).to_string()).succeeds();
    let policies: BTreeMap<&str, Value> =
        RULES.iter().map(|entry| (entry.metadata.name, json!({"action": "Deny"}))).collect();
    let mesh = json!({"controlPlaneNamespaces": [MESH]});
    let settings = format!("profile: restricted\npolicies: {}", json!(policies));
    let _webhook = Webhook::guard_mesh(&cluster, &mesh.to_string(), &settings);

    for (examples, denies) in [(all(|entry| entry.denied), true), (all(|entry| entry.allowed), false)] {
        let mut seen = BTreeSet::new();
        for (entry, objects) in examples {
            let name = entry.metadata.name;
            for object in objects.into_iter().map(complete) {
                let create = ["create", "--dry-run=server", "-f", "-"];
                let run = cluster.kubectl_as("admin", &create, &object.to_string());
                // Other policies may mind it as well: then it is refused, but not by this one.
                let denied = run.err.contains(&format!("{name}: /"));
                if is_taken(&run) {
                    assert_eq!(denied, denies, "{name}: {object}: {}{}", run.out, run.err);
                    seen.insert(subject(name));
                }
            }
        }
        let all: BTreeSet<String> = RULES.iter().map(|entry| subject(entry.metadata.name)).collect();
        assert_eq!(seen, all, "the subjects of which the API server saw an example that is denied: {denies}");
    }
}
