//! What `vigla manifests` prints, in force.

use serde_json::{Value, json};
use vigla::mesh::{EPHEMERAL_CONTAINERS, Mesh, is_owned, is_refresh, mesh_configs};
use vigla::object::read_json;

use crate::common::cli::filter;
use crate::turn::Cluster;
use crate::webhook::Webhook;

/// An object in a namespace, perhaps with an owner: (apiVersion, kind, whether it controls the object).
fn object(namespace: &str, api_version: &str, kind: &str, owner: Option<(&str, &str, bool)>) -> Value {
    let owner = owner.map(|(api_version, kind, controller)| {
        json!({"apiVersion": api_version, "kind": kind, "name": "o", "uid": "6f0e", "controller": controller})
    });
    let container = json!({"name": "main", "image": "example.com/main:1"});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}});
    let spec = match kind {
        "Pod" => template["spec"].clone(),
        "ReplicaSet" => json!({"selector": {"matchLabels": {"a": "b"}}, "template": template}),
        _ => Value::Null,
    };
    let mut object = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "probe", "namespace": namespace, "ownerReferences": owner.into_iter().collect::<Vec<_>>()},
    });
    if !spec.is_null() {
        object["spec"] = spec;
    }
    object
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_printed_configurations_deny_and_mend() {
    let cluster = Cluster::take();
    let _webhook = Webhook::guard(&cluster, "");
    let denied = cluster.apply(&filter("lua", "kube-system").to_string());
    assert!(denied.err.contains("admission webhook \"deny.mesh.vigla.dev\" denied the request"), "{}", denied.err);
    // The label by which namespaces are left out is the API server's to set.
    let forged = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "istio-system",
        "labels": {"istio-injection": "enabled", "kubernetes.io/metadata.name": "kube-system"},
    }});
    let denied = cluster.apply(&forged.to_string());
    assert!(denied.err.contains("admission webhook \"deny.core.vigla.dev\" denied the request"), "{}", denied.err);
    let create = ["create", "namespace", "istio-system", "--dry-run=server", "-o", "json"];
    let mended = cluster.kubectl(&create).succeeds().report();
    assert_eq!(mended["metadata"]["labels"]["istio-injection"], "disabled");
}

/// The configurations say in CEL what the engine says: nobody is asked about an object that is judged at its owner, so
/// that Pods come back while nobody answers. Nothing else passes.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn while_nobody_answers_what_an_owner_makes_passes_and_nothing_else_that_is_judged() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let running = [("bare", None), ("owned", Some(("apps/v1", "ReplicaSet", true)))].map(|(name, owner)| {
        let mut pod = object(&shop, "v1", "Pod", owner);
        pod["metadata"]["name"] = name.into();
        cluster.apply(&pod.to_string()).succeeds();
        (name, pod.to_string())
    });
    let webhook = Webhook::guard(&cluster, "");
    drop(webhook);
    for (name, pod) in running {
        assert!(!is_owned("", "Pod", EPHEMERAL_CONTAINERS, read_json(&pod).expect("JSON").root()));
        let run = cluster.kubectl(&["debug", name, "-n", &shop, "--image=tools:1", "--attach=false"]);
        assert!(run.err.contains("failed calling webhook \"deny."), "{pod}: {}", run.err);
        // Of its labels whoever makes it decides.
        let label = cluster.kubectl(&["label", "pod", name, "-n", &shop, "team=shop"]);
        assert_eq!(label.code == 0, name == "owned", "{pod}: {}", label.err);
    }
    let (pod, set) = (("v1", "Pod"), ("apps/v1", "ReplicaSet"));
    for ((api_version, kind), owner) in [
        (pod, None),
        (pod, Some(("apps/v1", "ReplicaSet", true))),
        (pod, Some(("apps/v1", "ReplicaSet", false))),
        (pod, Some(("batch/v1", "Job", true))),
        (pod, Some(("v1", "ReplicationController", true))),
        (pod, Some(("argoproj.io/v1alpha1", "Rollout", true))),
        (pod, Some(("argoproj.io/v1alpha1", "Workflow", true))),
        (pod, Some(("example.com/v1", "ReplicaSet", true))),
        (pod, Some(("v1", "ReplicaSet", true))),
        (pod, Some(("v1", "apps/ReplicaSet", true))),
        (set, None),
        (set, Some(("apps/v1", "Deployment", true))),
        (("v1", "Namespace"), Some(("apps/v1", "Deployment", true))),
        (("networking.istio.io/v1alpha3", "EnvoyFilter"), Some(("apps/v1", "Deployment", true))),
    ] {
        let mut object = object(&shop, api_version, kind, owner);
        if kind == "Namespace" {
            object["metadata"].as_object_mut().expect("metadata").remove("namespace");
        }
        let text = object.to_string();
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let owned = is_owned(group, kind, "", read_json(&text).expect("JSON").root());
        let run = cluster.kubectl_as("admin", &["create", "--dry-run=server", "-f", "-"], &text);
        assert_eq!(run.code == 0, owned, "{text}: {}", run.err);
        assert!(owned || run.err.contains("failed calling webhook \"deny."), "{text}: {}", run.err);
    }
    let text = object("kube-system", "v1", "Pod", None).to_string();
    cluster.kubectl_as("admin", &["create", "--dry-run=server", "-f", "-"], &text).succeeds();
}

/// Nobody is asked about a ConfigMap that is no mesh config, whatever else rules read.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn while_nobody_answers_config_maps_pass_that_are_no_mesh_config() {
    let cluster = Cluster::take();
    let (shop, control_plane) = (cluster.namespace(), "test-istiod".to_owned());
    cluster.kubectl(&["create", "namespace", &control_plane]).succeeds();
    let mesh = Mesh {
        control_plane_namespaces: vec![control_plane.clone()],
        shared_mesh_configs: vec!["shared".to_owned()],
        ..Mesh::default()
    };
    let webhook = Webhook::guard_mesh(
        &cluster,
        "{controlPlaneNamespaces: [istio-system, istio-probe, test-istiod], sharedMeshConfigs: [shared]}",
        "",
    );
    drop(webhook);
    for namespace in [&shop, &control_plane] {
        for name in ["istio", "istio-canary", "shared", "istiod", "istio.canary", "values", "kube-root-ca.crt"] {
            let object = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace},
                "data": {"mesh": "rootNamespace: istio-config"},
            });
            let text = object.to_string();
            let tree = read_json(&text).expect("JSON");
            let carried = mesh_configs(("", "ConfigMap"), (namespace, name), tree.root(), &mesh).expect("its types");
            let run = cluster.kubectl_as("admin", &["create", "--dry-run=server", "-f", "-"], &text);
            assert_eq!(run.code == 0, carried.is_empty(), "{text}: {}", run.err);
        }
    }
}

/// Argo CD's definition of an Application, as far as it matters here: its status is no subresource.
fn application_definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "applications.argoproj.io"},
        "spec": {
            "group": "argoproj.io",
            "scope": "Namespaced",
            "names": {"kind": "Application", "plural": "applications"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": schema}],
        },
    })
}

/// Teams delete their namespaces, whoever answers.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn while_nobody_answers_namespaces_are_deleted_in_which_no_mesh_lives() {
    let cluster = Cluster::take();
    let (shop, istiod) = (cluster.namespace(), cluster.namespace());
    let mesh = format!("{{controlPlaneNamespaces: [istio-system, istio-probe, {istiod}]}}");
    let webhook = Webhook::guard_mesh(&cluster, &mesh, "");
    let delete = |namespace: &str| cluster.kubectl(&["delete", "namespace", namespace, "--dry-run=server"]);
    let denied = delete(&istiod).err;
    assert!(denied.contains("denied the request: protect-mesh-baseline: "), "{denied}");
    drop(webhook);
    delete(&shop).succeeds();
    let refused = delete(&istiod).err;
    assert!(refused.contains("failed calling webhook \"deny.core.vigla.dev\""), "{refused}");
}

/// An API server takes labels of a Namespace by its subresources too. It asks about those, and about nothing else that
/// comes that way: a Namespace that is deleted loses its finalizers, whoever answers.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn labels_of_a_namespace_are_judged_whichever_way_they_come() {
    let cluster = Cluster::take();
    let istiod = cluster.namespace();
    cluster.kubectl(&["label", "namespace", &istiod, "istio-injection=disabled"]).succeeds();
    let mut stored = cluster.kubectl(&["get", "namespace", &istiod, "-o", "json"]).succeeds().report();
    stored["metadata"]["resourceVersion"] = Value::Null;
    let mut opened = stored.clone();
    opened["metadata"]["labels"]["istio-injection"] = "enabled".into();
    let put = |subresource: &str, object: &Value| {
        let path = format!("/api/v1/namespaces/{istiod}/{subresource}");
        cluster.kubectl_as("admin", &["replace", "--raw", &path, "-f", "-"], &object.to_string())
    };
    let mesh = format!("{{controlPlaneNamespaces: [istio-system, istio-probe, {istiod}]}}");
    let webhook = Webhook::guard_mesh(&cluster, &mesh, "");
    for subresource in ["status", "finalize"] {
        put(subresource, &stored).succeeds();
        let denied = put(subresource, &opened).err;
        assert!(denied.contains("denied the request: istio-system-injection-disabled: "), "{subresource}: {denied}");
    }
    drop(webhook);
    for subresource in ["status", "finalize"] {
        put(subresource, &stored).succeeds();
        let refused = put(subresource, &opened).err;
        assert!(refused.contains("failed calling webhook \"deny.core.vigla.dev\""), "{subresource}: {refused}");
    }
}

/// Argo CD writes the status of an Application into the object itself: what rules do not read passes unasked.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn applications_pass_unasked_where_their_spec_stays() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    cluster.apply(&application_definition().to_string()).succeeds();
    let values =
        |share: i32| json!({"source": {"chart": "istiod", "helm": {"valuesObject": {"traceSampling": share}}}});
    for (name, spec) in [("old", Some(values(100))), ("good", Some(values(1))), ("empty", None)] {
        let mut object = object(&shop, "argoproj.io/v1alpha1", "Application", None);
        object["metadata"]["name"] = name.into();
        object.as_object_mut().expect("a map").extend(spec.map(|spec| ("spec".to_owned(), spec)));
        cluster.apply_until_allowed(&object);
    }
    let webhook = Webhook::guard(&cluster, "");
    let patch = |name: &str, patch: &Value| {
        let arguments = ["patch", "application", name, "-n", &shop, "--type=merge", "--dry-run=server", "-p"];
        cluster.kubectl(&[&arguments[..], &[&patch.to_string()]].concat())
    };
    let (synced, full) = (json!({"status": {"sync": {"status": "Synced"}}}), json!({"spec": values(100)}));
    // Who is asked warns of what was there before.
    assert_eq!(patch("old", &synced).succeeds().err, "");
    let asked = patch("old", &json!({"spec": {"project": "mesh"}})).succeeds();
    assert!(asked.err.contains("Warning: ") && asked.err.contains("no-full-trace-sampling"), "{}", asked.err);
    let denied = patch("good", &full);
    assert!(denied.err.contains("denied the request: ") && denied.err.contains("no-full-trace"), "{}", denied.err);

    drop(webhook);
    let changes = [
        synced,
        full,
        json!({"operation": {"sync": {"revision": "main"}}}),
        json!({"operation": {"sync": {"source": {"helm": {"values": "traceSampling: 100"}}}}}),
        json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}, "finalizers": ["a.example/b"]}}),
        json!({"spec": {"source": {"helm": null}}, "status": {"sync": {"status": "Synced"}}}),
        json!({"spec": null, "status": {}}),
        json!({"spec": {}}),
    ];
    for name in ["old", "good", "empty"] {
        let stored = cluster.kubectl(&["get", "application", name, "-n", &shop, "-o", "json"]).succeeds().report();
        for change in &changes {
            let refreshed = is_refreshed(&stored, change);
            let run = patch(name, change);
            assert_eq!(run.code == 0, refreshed, "{name} {change}: {}", run.err);
            assert!(refreshed || run.err.contains("failed calling webhook \"deny."), "{name} {change}: {}", run.err);
        }
    }
    // The next test finds the cluster as it was.
    cluster.kubectl(&["delete", "customresourcedefinition", "applications.argoproj.io"]).succeeds();
}

/// What the engine says of an UPDATE by this merge patch.
fn is_refreshed(stored: &Value, change: &Value) -> bool {
    let mut object = stored.clone();
    json_patch::merge(&mut object, change);
    let [new, old] = [&object, stored].map(Value::to_string);
    let [new, old] = [&new, &old].map(|text| read_json(text).expect("JSON"));
    is_refresh(new.root(), old.root())
}
