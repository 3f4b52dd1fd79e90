//! Every way by which `kubectl` reaches the API server leads past the same judge.

use serde_json::{Value, json};

use crate::common::cli::{Run, filter};
use crate::turn::Cluster;
use crate::webhook::Webhook;

/// A Deployment whose template has these labels beside `app`.
fn deployment(namespace: &str, labels: Value) -> Value {
    let mut template = labels;
    template["app"] = "cart".into();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": "cart"}},
            "template": {
                "metadata": {"labels": template},
                "spec": {"containers": [{"name": "cart", "image": "registry.example.com/cart:1.4"}]},
            },
        },
    })
}

/// A Pod that nobody controls, with both labels.
fn pod(namespace: &str) -> Value {
    let deployment = deployment(namespace, json!({"version": "1.4"}));
    let mut pod = deployment["spec"]["template"].clone();
    (pod["apiVersion"], pod["kind"]) = ("v1".into(), "Pod".into());
    (pod["metadata"]["name"], pod["metadata"]["namespace"]) = ("cart".into(), namespace.into());
    pod
}

/// An object with a name that the API server makes up.
pub(crate) fn generated(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    metadata.remove("name");
    metadata.insert("generateName".to_owned(), "made-up-".into());
    object
}

#[track_caller]
fn assert_denied(run: &Run, policy: &str) {
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("denied the request: ") && run.err.contains(&format!("{policy}: /")), "{}", run.err);
}

/// Allowed, with the stored violation in a warning.
#[track_caller]
fn assert_warned(run: Run, policy: &str) {
    let err = run.succeeds().err;
    assert!(err.contains("Warning: ") && err.contains(policy), "{err}");
    assert!(err.contains("unchanged from the stored object"), "{err}");
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn whatever_creates_meets_the_verdict() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let _webhook = Webhook::guard(&cluster, "");
    let creations: [&[&str]; 5] = [
        &["apply", "-f", "-"],
        &["apply", "--server-side", "-f", "-"],
        &["apply", "--dry-run=server", "-f", "-"],
        &["create", "-f", "-"],
        &["create", "--dry-run=server", "-f", "-"],
    ];
    for (bad, policy) in [
        (filter("lua", &shop), "envoyfilter-namespace"),
        (filter("lua", "kube-system"), "envoyfilter-namespace"),
        (deployment(&shop, json!({})), "require-app-version-labels"),
    ] {
        for arguments in creations {
            assert_denied(&cluster.kubectl_as("admin", arguments, &bad.to_string()), policy);
        }
        let made_up = generated(bad).to_string();
        assert_denied(&cluster.kubectl_as("admin", &["create", "-f", "-"], &made_up), policy);
    }
    for namespace in [&shop, "kube-system"] {
        assert_eq!(cluster.kubectl(&["get", "envoyfilters,deployments", "-n", namespace, "-o", "name"]).out, "");
    }

    for good in [filter("fine", "istio-config"), deployment(&shop, json!({"version": "1.4"})), pod(&shop)] {
        for arguments in creations.iter().take(3).chain([&["replace", "-f", "-"][..]].iter()) {
            let run = cluster.kubectl_as("admin", arguments, &good.to_string()).succeeds();
            assert!(!run.err.contains("Warning: "), "{}", run.err);
        }
        cluster.kubectl_as("admin", &["create", "-f", "-"], &generated(good).to_string()).succeeds();
    }
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn whatever_changes_meets_the_verdict() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let _webhook = Webhook::guard(&cluster, "");
    let labels = "require-app-version-labels";
    cluster.apply(&deployment(&shop, json!({"version": "1.4"})).to_string()).succeeds();
    cluster.apply(&pod(&shop).to_string()).succeeds();

    let remove = r#"[{"op": "remove", "path": "/spec/template/metadata/labels/version"}]"#;
    let null = r#"{"spec": {"template": {"metadata": {"labels": {"version": null}}}}}"#;
    let bad = deployment(&shop, json!({})).to_string();
    for (arguments, stdin) in [
        (&["patch", "deployment", "cart", "--type=json", "-p", remove][..], ""),
        (&["patch", "deployment", "cart", "--type=merge", "-p", null], ""),
        (&["patch", "deployment", "cart", "--type=strategic", "-p", null], ""),
        (&["patch", "deployment", "cart", "--dry-run=server", "--type=merge", "-p", null], ""),
        (&["replace", "-f", "-"], &bad),
        (&["apply", "-f", "-"], &bad),
        (&["label", "pod", "cart", "version-"], ""),
        (&["label", "pod", "cart", "version=", "--overwrite"], ""),
    ] {
        let run = cluster.kubectl_as("admin", &[&["-n", &shop], arguments].concat(), stdin);
        assert_denied(&run, labels);
    }
    // Server-side apply takes away what the same manager set.
    let other = cluster.namespace();
    let apply = |labels: Value| {
        let deployment = deployment(&other, labels).to_string();
        cluster.kubectl_as("admin", &["apply", "--server-side", "-f", "-"], &deployment)
    };
    apply(json!({"version": "1.4"})).succeeds();
    assert_denied(&apply(json!({})), labels);
    for arguments in [
        &["scale", "deployment", "cart", "--replicas=3"][..],
        &["set", "image", "deployment/cart", "cart=registry.example.com/cart:1.5"],
        &["set", "env", "deployment/cart", "LEVEL=info"],
        &["rollout", "restart", "deployment/cart"],
        &["label", "deployment", "cart", "team=shop"],
        &["annotate", "deployment", "cart", "note=fine"],
        &["patch", "deployment", "cart", "--type=merge", "-p", r#"{"spec": {"paused": true}}"#],
        &["label", "pod", "cart", "team=shop"],
        &["debug", "pod/cart", "--image=registry.example.com/tools:1", "--container=look", "--attach=false"],
        &["delete", "deployment", "cart"],
        &["delete", "pod", "cart", "--force", "--grace-period=0"],
    ] {
        let run = cluster.kubectl(&[&["-n", &shop], arguments].concat()).succeeds();
        assert!(!run.err.contains("vigla") && !run.err.contains(labels), "{}", run.err);
    }
}

/// A container that is added to a Pod while it runs: by no template, whoever owns the Pod.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn whatever_is_added_for_debugging_meets_the_verdict() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let owner =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart", "uid": "6f0e", "controller": true}]);
    for (name, owner) in [("bare", json!([])), ("owned", owner)] {
        let mut pod = pod(&shop);
        (pod["metadata"]["name"], pod["metadata"]["ownerReferences"]) = (name.into(), owner);
        cluster.apply(&pod.to_string()).succeeds();
    }
    let _webhook = Webhook::guard(&cluster, "policies: {pod-security: {enabled: true}, image-tag: {enabled: true}}");
    for name in ["bare", "owned"] {
        let debug = |arguments: &[&str]| {
            let always = ["debug", name, "-n", &shop, "--image=registry.example.com/tools:1", "--attach=false"];
            cluster.kubectl(&[&always, arguments].concat())
        };
        // That the Pod's own container may become root is old.
        assert_warned(debug(&["--profile=restricted", "--container=look"]), "pod-security");
        assert_denied(&debug(&["--profile=sysadmin"]), "pod-security");
        assert_denied(&debug(&["--profile=restricted", "--image=registry.example.com/tools"]), "image-tag");

        let mut pod = cluster.kubectl(&["get", "pod", name, "-n", &shop, "-o", "json"]).succeeds().report();
        let mut proxy = pod["spec"]["ephemeralContainers"][0].clone();
        (proxy["name"], proxy["securityContext"]["runAsUser"]) = ("istio-init".into(), 1337.into());
        pod["spec"]["ephemeralContainers"].as_array_mut().expect("a list").push(proxy);
        let path = format!("/api/v1/namespaces/{shop}/pods/{name}/ephemeralcontainers");
        let run = cluster.kubectl_as("admin", &["replace", "--raw", &path, "-f", "-"], &pod.to_string());
        assert_denied(&run, "uid-1337-reserved");
    }
}

/// One by one, all at once, and by what makes less of it.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn whatever_deletes_meets_the_verdict() {
    let cluster = Cluster::take();
    let (shop, control_plane) = (cluster.namespace(), cluster.namespace());
    let _webhook =
        Webhook::guard_mesh(&cluster, &format!("{{controlPlaneNamespaces: [istio-probe, {control_plane}]}}"), "");
    let policy = "protect-mesh-baseline";
    let namespaced = |api_version: &str, kind: &str, namespace: &str, name: &str| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
    cluster.apply(&namespaced("security.istio.io/v1", "AuthorizationPolicy", &shop, "deny").to_string()).succeeds();
    let config_map = |name: &str| {
        let mut object = namespaced("v1", "ConfigMap", &control_plane, name);
        object["data"] = json!({"mesh": "rootNamespace: istio-config"});
        cluster.apply(&object.to_string()).succeeds();
    };
    config_map("other");
    let policies = format!("/apis/security.istio.io/v1/namespaces/{shop}/authorizationpolicies");
    let config_maps = format!("/api/v1/namespaces/{control_plane}/configmaps");
    let dry_run = r#"{"metadata": {"annotations": {"istio.io/dry-run": "true"}}}"#;
    for arguments in [
        &["delete", "authorizationpolicy", "deny", "-n", &shop][..],
        &["delete", "--raw", &policies],
        &["patch", "authorizationpolicy", "deny", "-n", &shop, "--type=merge", "-p", dry_run],
        &["delete", "namespace", &control_plane, "--wait=false"],
    ] {
        assert_denied(&cluster.kubectl(arguments), policy);
    }
    // A request for a collection names none of it.
    cluster.kubectl(&["delete", "--raw", &config_maps]).succeeds();
    config_map("istio");
    assert_denied(&cluster.kubectl(&["delete", "--raw", &config_maps]), policy);

    let controller = ["--as=system:serviceaccount:kube-system:namespace-controller", "--as-group=system:masters"];
    for collection in [&policies, &config_maps] {
        cluster.kubectl(&[&["delete", "--raw", collection], &controller[..]].concat()).succeeds();
    }
}

/// Every version of an object that the API server serves gets one verdict.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn no_version_of_a_kind_is_a_way_around() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let _webhook = Webhook::guard(&cluster, "");
    for version in ["v1", "v1alpha1"] {
        let mut telemetry = json!({
            "apiVersion": format!("telemetry.istio.io/{version}"),
            "kind": "Telemetry",
            "metadata": {"name": format!("in-{version}"), "namespace": shop},
            "spec": {"tracing": [{"randomSamplingPercentage": 100}]},
        });
        assert_denied(&cluster.apply(&telemetry.to_string()), "no-full-trace-sampling");
        telemetry["spec"]["tracing"][0]["randomSamplingPercentage"] = 0.1.into();
        assert_eq!(cluster.apply(&telemetry.to_string()).succeeds().err, "");
        let full = r#"[{"op": "replace", "path": "/spec/tracing/0/randomSamplingPercentage", "value": 100}]"#;
        for read_as in ["v1", "v1alpha1"] {
            let name = format!("telemetries.{read_as}.telemetry.istio.io/in-{version}");
            let patched = cluster.kubectl(&["patch", &name, "-n", &shop, "--type=json", "-p", full]);
            assert_denied(&patched, "no-full-trace-sampling");
        }
    }
    // Through text in text.
    let mut annotated = deployment(&shop, json!({"version": "1"}));
    annotated["spec"]["template"]["metadata"]["annotations"] =
        json!({"proxy.istio.io/config": "tracing: {sampling: 1e2}"});
    assert_denied(&cluster.apply(&annotated.to_string()), "no-full-trace-sampling");
}

/// What was there before Vigla can be edited and deleted, and does not get worse.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn an_old_offender_can_be_edited_and_deleted_but_not_made_worse() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let old = [filter("lua", &shop), deployment(&shop, json!({"version": ""}))];
    old.iter().for_each(|object| drop(cluster.apply(&object.to_string()).succeeds()));
    let _webhook = Webhook::guard(&cluster, "");
    let run = |arguments: &[&str]| cluster.kubectl(&[&["-n", &shop], arguments].concat());

    let elsewhere = r#"{"spec": {"workloadSelector": {"labels": {"app": "till"}}}}"#;
    for arguments in [
        &["annotate", "envoyfilter", "lua", "note=moves"][..],
        &["label", "envoyfilter", "lua", "team=shop"],
        &["patch", "envoyfilter", "lua", "--type=merge", "-p", elsewhere],
    ] {
        assert_warned(run(arguments), "envoyfilter-namespace");
    }
    for arguments in [
        &["annotate", "deployment", "cart", "note=old"][..],
        &["patch", "deployment", "cart", "--type=merge", "-p", r#"{"spec": {"replicas": 2}}"#],
        &["rollout", "restart", "deployment/cart"],
    ] {
        assert_warned(run(arguments), "require-app-version-labels");
    }
    run(&["scale", "deployment", "cart", "--replicas=3"]).succeeds();
    // One label more that is missing, and Pods that would be new all the same.
    let worse = r#"[{"op": "replace", "path": "/spec/template/metadata/labels", "value": {"app": "cart"}}]"#;
    assert_denied(&run(&["patch", "deployment", "cart", "--type=json", "-p", worse]), "require-app-version-labels");
    let image = "cart=registry.example.com/cart:2";
    assert_denied(&run(&["set", "image", "deployment/cart", image]), "require-app-version-labels");
    let good = deployment(&shop, json!({"version": "2"})).to_string();
    assert_eq!(cluster.apply(&good).succeeds().err, "");
    run(&["delete", "envoyfilter/lua", "deployment/cart"]).succeeds();
}

/// `istioctl install` makes the namespace without labels, and nobody may be in its way.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn a_control_planes_namespace_is_made_labelled_and_stays_so_to_its_end() {
    let cluster = Cluster::take();
    let admin = "policies: {protect-mesh-baseline: {match: {users: {excludeUsers: [admin]}}}}";
    let _webhook = Webhook::guard(&cluster, admin);
    let policy = "istio-system-injection-disabled";
    let bare = "{apiVersion: v1, kind: Namespace, metadata: {name: istio-system}}";
    let made = cluster.apply(bare).succeeds();
    assert!(made.err.contains("Warning: mended by Vigla: "), "{}", made.err);
    let read = || cluster.kubectl(&["get", "namespace", "istio-system", "-o", "json"]).succeeds().report();
    let stored = read();
    assert_eq!(stored["metadata"]["labels"]["istio-injection"], "disabled");

    // The manifest says nothing of the label: applied again, it leaves it alone and changes nothing.
    assert_eq!(cluster.apply(bare).succeeds().out, "namespace/istio-system unchanged\n");
    cluster.kubectl_as("admin", &["apply", "--server-side", "-f", "-"], bare).succeeds();
    assert_eq!(read()["metadata"]["labels"], stored["metadata"]["labels"]);

    let label = |arguments: &[&str]| {
        cluster.kubectl(&[&["label", "namespace", "istio-system", "--overwrite"], arguments].concat())
    };
    for arguments in [&["istio-injection-"], &["istio-injection=enabled"], &["istio-injection=Disabled"]] {
        assert_denied(&label(arguments), policy);
    }
    assert_denied(&label(&["istio.io/dataplane-mode=ambient"]), policy);
    label(&["topology.istio.io/network=one"]).succeeds();

    // There is no namespace controller here: this test empties it and takes the finalizer away.
    cluster.kubectl(&["delete", "namespace", "istio-system", "--wait=false"]).succeeds();
    cluster.kubectl(&["delete", "all,configmaps,secrets,envoyfilters", "--all", "-n", "istio-system"]).succeeds();
    let mut ending = read();
    assert_eq!(ending["status"]["phase"], "Terminating");
    ending["spec"]["finalizers"] = json!([]);
    let finalize = ["replace", "--raw", "/api/v1/namespaces/istio-system/finalize", "-f", "-"];
    cluster.kubectl_as("admin", &finalize, &ending.to_string()).succeeds();
    let gone = cluster.kubectl(&["get", "namespace", "istio-system"]);
    assert_eq!(gone.err, "Error from server (NotFound): namespaces \"istio-system\" not found\n");
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn a_patched_object_comes_back_patched_and_stays() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let _webhook = Webhook::guard(&cluster, "policies: {require-app-version-labels: {action: Patch}}");
    let mut bare = deployment(&shop, json!({}));
    bare["metadata"]["labels"] = json!({"version": "1.4"});
    let bare = bare.to_string();
    let made = cluster.apply(&bare).succeeds();
    assert!(made.err.contains("Warning: mended by Vigla: "), "{}", made.err);
    let read = || cluster.kubectl(&["get", "deployment", "cart", "-n", &shop, "-o", "json"]).succeeds().report();
    let stored = read();
    assert_eq!(stored["spec"]["template"]["metadata"]["labels"], json!({"app": "cart", "version": "1.4"}));
    assert_eq!(cluster.apply(&bare).succeeds().out, "deployment.apps/cart unchanged\n");
    assert_eq!(read()["metadata"]["generation"], stored["metadata"]["generation"]);

    // What a Deployment's controller makes is judged at the Deployment, and never patched.
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "controller": true,
                        "uid": stored["metadata"]["uid"]}]);
    let mut owned = deployment(&shop, json!({}));
    (owned["kind"], owned["metadata"]["ownerReferences"]) = ("ReplicaSet".into(), owner);
    let made = cluster.apply(&owned.to_string()).succeeds();
    assert_eq!(made.err, "");
    let read = cluster.kubectl(&["get", "replicaset", "cart", "-n", &shop, "-o", "json"]).succeeds().report();
    assert_eq!(read["spec"]["template"]["metadata"]["labels"], json!({"app": "cart"}));
}

/// What a person sees.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_terminal_says_what_is_wrong_and_what_to_do() {
    let cluster = Cluster::take();
    cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}").succeeds();
    let mut old = filter("old", "shop");
    cluster.apply(&old.to_string()).succeeds();
    let _webhook = Webhook::guard(&cluster, "");
    old["metadata"]["labels"] = json!({"team": "shop"});
    let both = json!({"apiVersion": "v1", "kind": "List",
                      "items": [filter("lua", "shop"), deployment("shop", json!({"version": "latest"}))]});
    let bare = "{apiVersion: v1, kind: Namespace, metadata: {name: istio-probe}}";
    let said = [
        cluster.apply(&both.to_string()),
        cluster.apply(&deployment("shop", json!({"app": ""})).to_string()),
        cluster.apply(&old.to_string()),
        cluster.kubectl_as("admin", &["apply", "--dry-run=server", "-f", "-"], bare),
    ];
    let said: Vec<String> = said.iter().map(|run| format!("{}{}exit code {}\n", run.out, run.err, run.code)).collect();
    insta::assert_snapshot!("terminal", said.join("\n"));
}
