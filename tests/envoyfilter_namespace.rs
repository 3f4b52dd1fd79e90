//! `envoyfilter-namespace`, trap by trap.

#[path = "common/review.rs"]
mod review;

use review::{Answer, review as wrap, validate_json};
use serde_json::{Value, json};

fn filter(spec: Value) -> Value {
    json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {"name": "lua"}, "spec": spec})
}

fn selected() -> Value {
    filter(json!({"workloadSelector": {"labels": {"app": "cart"}}}))
}

fn create(namespace: &str, object: &Value) -> Answer {
    validate_json(&wrap("CREATE", namespace, object, &Value::Null))
}

/// Fields of the causes that this policy gives; others read the kind too.
fn denied(answer: &Answer) -> Vec<&str> {
    let causes = answer.status.iter().flat_map(|status| &status.details.causes);
    causes.filter(|cause| cause.reason == "envoyfilter-namespace").map(|cause| &*cause.field).collect()
}

#[test]
fn rejects_every_namespace_but_istio_config() {
    // istio-system is a violation too, kube-system is judged like any other, and names that only look alike are no match.
    for namespace in
        ["default", "shop", "istio-system", "kube-system", "istio-config2", "Istio-Config", "my-istio-config"]
    {
        let answer = create(namespace, &selected());
        assert_eq!(denied(&answer), ["/metadata/namespace"], "{namespace}");
        let message = answer.status.unwrap().message;
        assert!(message.contains(&format!("`{namespace}`")) && message.contains("`istio-config`"), "{message}");
        assert!(answer.warnings.is_empty(), "a misplaced filter needs no advice on its selector");
    }
}

#[test]
fn accepts_a_filter_with_labels_in_istio_config() {
    let answer = create("istio-config", &selected());
    assert!(answer.allowed && answer.warnings.is_empty(), "{answer:?}");
}

#[test]
fn takes_the_namespace_of_the_request_not_of_the_object() {
    for claimed in [json!(null), json!(""), json!("istio-config"), json!(7)] {
        let mut object = selected();
        object["metadata"]["namespace"] = claimed.clone();
        assert_eq!(denied(&create("shop", &object)), ["/metadata/namespace"], "{claimed}");
        assert!(create("istio-config", &object).allowed, "{claimed}");
    }
    // Without a namespace nothing is known: that is no reason to allow.
    let answer = create("", &selected());
    assert!(answer.status.unwrap().message.contains("cannot judge"), "no namespace");
}

#[test]
fn advises_where_a_filter_reaches_too_far_or_not_far_enough() {
    let everything = "applies to every proxy";
    let gateway = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"});
    let class = json!({"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"});
    let service = json!({"group": "", "kind": "Service", "name": "cart"});
    let entry = json!({"group": "networking.istio.io", "kind": "ServiceEntry", "name": "api"});
    let own = "acts only on objects in `istio-config`";
    let root = "counts only if `istio-config` is the mesh's root namespace";
    let rows = [
        (json!({}), vec![everything]),
        (json!(null), vec![everything]),
        (json!({"workloadSelector": {}}), vec![everything]),
        (json!({"workloadSelector": null}), vec![everything]),
        (json!({"workloadSelector": {"labels": {}}}), vec![everything]),
        (json!({"workloadSelector": {"labels": {"app": "cart"}}}), vec![]),
        (json!({"targetRefs": []}), vec![everything]),
        (json!({"targetRefs": [gateway]}), vec![own]),
        (json!({"targetRefs": [service, class, entry]}), vec![own, root, own]),
        // A class in another group is no GatewayClass.
        (json!({"targetRefs": [{"group": "example.com", "kind": "GatewayClass", "name": "x"}]}), vec![own]),
        // Targets win over a selector.
        (json!({"targetRefs": [class], "workloadSelector": {"labels": {"app": "cart"}}}), vec![root]),
    ];
    for (spec, expected) in rows {
        let answer = create("istio-config", &filter(spec.clone()));
        assert!(answer.allowed, "{spec}");
        assert_eq!(answer.warnings.len(), expected.len(), "{spec}: {:?}", answer.warnings);
        for (warning, expected) in answer.warnings.iter().zip(expected) {
            assert!(warning.contains(expected), "{spec}: {warning}");
        }
    }
}

#[test]
fn rejects_what_it_cannot_read() {
    for (spec, path) in [
        (json!("x"), "/spec"),
        (json!({"workloadSelector": []}), "/spec/workloadSelector"),
        (json!({"workloadSelector": {"labels": "app=cart"}}), "/spec/workloadSelector/labels"),
        (json!({"targetRefs": {}}), "/spec/targetRefs"),
        (json!({"targetRefs": [{"kind": "Service", "name": "a"}, "b"]}), "/spec/targetRefs/1"),
        (json!({"targetRefs": [{"kind": 1}]}), "/spec/targetRefs/0/kind"),
    ] {
        let answer = create("istio-config", &filter(spec.clone()));
        assert_eq!(denied(&answer), [path], "{spec}");
        assert!(answer.status.unwrap().message.contains("cannot judge"), "{spec}");
    }
}

#[test]
fn judges_create_and_update_alone() {
    let object = selected();
    assert!(!validate_json(&wrap("UPDATE", "shop", &object, &Value::Null)).allowed);
    assert!(validate_json(&wrap("DELETE", "shop", &Value::Null, &object)).allowed);
    assert!(validate_json(&wrap("CONNECT", "shop", &object, &Value::Null)).allowed);
    let mut status = wrap("UPDATE", "shop", &object, &object);
    status["request"]["subResource"] = json!("status");
    assert!(validate_json(&status).allowed, "a subresource that no policy asks for");
}

#[test]
fn lets_an_old_misplaced_filter_be_edited() {
    let mut edited = selected();
    edited["metadata"]["labels"] = json!({"team": "edge"});
    let answer = validate_json(&wrap("UPDATE", "shop", &edited, &selected()));
    assert!(answer.allowed);
    assert!(answer.warnings[0].contains("unchanged from the stored object"), "{:?}", answer.warnings);
}

#[test]
fn advises_on_the_place_of_its_kin() {
    for (kind, api_version) in [
        ("WasmPlugin", "extensions.istio.io/v1alpha1"),
        ("TrafficExtension", "extensions.istio.io/v1alpha1"),
        ("ProxyConfig", "networking.istio.io/v1beta1"),
    ] {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": {}});
        let answer = create("shop", &object);
        assert!(answer.allowed && answer.warnings.len() == 1, "{kind}: {:?}", answer.warnings);
        assert!(create("istio-config", &object).warnings.is_empty(), "{kind}");
    }
}

#[test]
fn judges_every_version_of_the_kind_and_no_other_group() {
    for version in ["v1alpha3", "v1beta1", "v1", "v2"] {
        let mut object = selected();
        object["apiVersion"] = json!(format!("networking.istio.io/{version}"));
        assert!(!create("shop", &object).allowed, "{version}");
    }
    for api_version in ["v1", "networking.example.com/v1alpha3", "extensions.istio.io/v1alpha1"] {
        let mut object = selected();
        object["apiVersion"] = json!(api_version);
        assert!(create("shop", &object).allowed, "{api_version}");
    }
}

#[test]
fn lets_a_misplaced_filter_go() {
    // A finalizer must be removable: what was there before the deletion is old.
    let mut object = selected();
    object["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
    let answer = validate_json(&wrap("UPDATE", "shop", &object, &object));
    assert!(answer.allowed);
    assert_eq!(answer.warnings.len(), 1);
    assert!(answer.warnings[0].contains("unchanged from the stored object"), "{:?}", answer.warnings);
    assert_eq!(answer.audit_annotations["findings"], "envoyfilter-namespace=old");
    // Nothing is old without an object before it.
    assert!(!validate_json(&wrap("UPDATE", "shop", &object, &Value::Null)).allowed);
    assert!(!validate_json(&wrap("CREATE", "shop", &object, &Value::Null)).allowed);
    // A null timestamp is none, and nothing is old without an object before it.
    object["metadata"]["deletionTimestamp"] = Value::Null;
    assert!(!validate_json(&wrap("UPDATE", "shop", &object, &Value::Null)).allowed);
    // What cannot be judged must go too.
    let mut broken = filter(json!("x"));
    broken["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
    assert!(validate_json(&wrap("UPDATE", "istio-config", &broken, &broken)).allowed);
}
