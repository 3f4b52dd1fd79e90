//! Values of another type, anywhere in an object: nothing panics, and what is a violation elsewhere in it stays one.

use proptest::prelude::*;
use serde_json::{Value, json};
use vigla::engine::Effect;

use crate::objects::{Spelling, config_map, envoy_filter, telemetry};
use crate::{DEFAULT, created, verdict};

/// The paths of all values below one, without itself.
fn paths(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| {
        let own = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let mut all = vec![own.clone()];
        all.extend(paths(value).into_iter().map(|path| own.clone() + &path));
        all
    };
    match value {
        Value::Object(members) => members.iter().flat_map(|(key, value)| below(key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(at, value)| below(at.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

fn type_of(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof!["", "x", "NaN", "tracing", "\\PC{0,12}"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::hash_map("tracing|sampling|x|value", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn replaced(object: &Value, path: &str, value: Value) -> Value {
    let mut object = object.clone();
    *object.pointer_mut(path).expect("a path of the object") = value;
    object
}

fn two_shares() -> Value {
    telemetry(&json!([
        {"match": {"mode": "CLIENT"}, "providers": [{"name": "a"}], "randomSamplingPercentage": 100},
        {"match": {"mode": "SERVER"}, "disableSpanReporting": false, "randomSamplingPercentage": 100},
    ]))
}

fn two_patches() -> Value {
    let manager = json!({"name": "hcm", "typed_config": {
        "@type": "type.googleapis.com/envoy.HttpConnectionManager", "tracing": {"random_sampling": {"value": 100}}
    }});
    let route = json!({"tracing": {"random_sampling": {"numerator": 100, "denominator": "HUNDRED"}}});
    envoy_filter(&json!([
        {"applyTo": "NETWORK_FILTER", "patch": {"operation": "MERGE", "value": manager}},
        {"applyTo": "HTTP_ROUTE", "patch": {"operation": "MERGE", "value": route}},
    ]))
}

fn mesh_config() -> Value {
    json!({"defaultConfig": {
        "tracing": {"sampling": 100, "zipkin": {"address": "zipkin:9411"}},
        "runtimeValues": {"tracing.random_sampling": "100"},
    }})
}

/// A path below `/spec` and a value of another type than stands there, which is not `null`: that is unset.
fn misfit(object: Value) -> impl Strategy<Value = (String, Value)> {
    let below: Vec<String> = paths(&object).into_iter().filter(|path| path.starts_with("/spec")).collect();
    (proptest::sample::select(below), values()).prop_filter("another type", move |(path, value)| {
        !value.is_null() && object.pointer(path).is_some_and(|there| type_of(there) != type_of(value))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_telemetry_with_two_shares_is_denied_with_anything_in_the_place_of_one((path, value) in misfit(two_shares())) {
        let object = replaced(&two_shares(), &path, value);
        prop_assert_eq!(created(&DEFAULT, &object), Some(Effect::Deny), "{}", object);
    }

    #[test]
    fn a_filter_with_two_shares_is_denied_with_anything_in_the_place_of_one((path, value) in misfit(two_patches())) {
        let object = replaced(&two_patches(), &path, value);
        prop_assert_eq!(created(&DEFAULT, &object), Some(Effect::Deny), "{}", object);
    }

    #[test]
    fn mesh_config_with_two_shares_is_denied_with_anything_in_the_place_of_one(
        (path, value) in (proptest::sample::select(paths(&mesh_config())), values()),
    ) {
        let was = mesh_config().pointer(&path).expect("a path").clone();
        prop_assume!(!value.is_null() && type_of(&was) != type_of(&value));
        let mesh = replaced(&mesh_config(), &path, value).to_string();
        let found = verdict(&DEFAULT, &config_map(&mesh, Spelling::Json));
        // What says nothing of tracing any more, istiod refuses without us.
        prop_assert!(found == Some(Effect::Deny) || !mesh.contains("tracing"), "{}: {:?}", mesh, found);
    }

    #[test]
    fn anything_as_mesh_config_gets_an_answer(
        mesh in prop_oneof![values().prop_map(|value| json!({"defaultConfig": {"tracing": value}}).to_string()), "\\PC{0,40}"],
        data in values(),
    ) {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"},
            "data": {"mesh": mesh}
        });
        created(&DEFAULT, &object);
        let refused = created(&DEFAULT, &replaced(&object, "/data/mesh", data.clone()));
        let is_text = data.is_string() || data.is_null();
        prop_assert!(is_text || refused == Some(Effect::Deny), "{}", data);
        let refused = created(&DEFAULT, &replaced(&object, "/data", data.clone()));
        prop_assert!(data.is_object() || data.is_null() || refused == Some(Effect::Deny), "{}", data);
    }

    #[test]
    fn anything_as_a_patch_gets_an_answer(value in values(), apply_to in "HTTP_ROUTE|BOOTSTRAP|NETWORK_FILTER") {
        for place in [json!(value), json!({"tracing": value}), json!({"config": value}), json!({"routes": value})] {
            let patch = json!({"operation": "ADD", "value": place});
            created(&DEFAULT, &envoy_filter(&json!([{"applyTo": apply_to, "patch": patch}])));
        }
    }
}
