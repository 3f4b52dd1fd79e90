//! `require-app-version-labels` on generated workloads: against a plainer reading, hostile types, patches, and forms that
//! mean the same.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

#[path = "common/review.rs"]
mod review;

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::collection::btree_map;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use review::{Answer, read, review as wrap, wire};
use serde_json::{Value, json};
use vigla::engine::{Effect, Phase, decide};
use vigla::manifest::{self, Content, Defaults};
use vigla::mesh::Snapshot;
use vigla::policy::{PolicySet, Sources, Text};
use vigla::review::{Endpoint, Reply, respond};
use vigla::rule::Operation;

/// Kinds, their API versions, and where their template stands.
const KINDS: [(&str, [&str; 2], &str); 6] = [
    ("Deployment", ["apps/v1", "apps/v1beta2"], "/spec/template"),
    ("StatefulSet", ["apps/v1", "apps/v1beta1"], "/spec/template"),
    ("ReplicationController", ["v1", "v2"], "/spec/template"),
    ("Rollout", ["argoproj.io/v1alpha1", "argoproj.io/v1"], "/spec/template"),
    ("CronJob", ["batch/v1", "batch/v1beta1"], "/spec/jobTemplate/spec/template"),
    ("Pod", ["v1", "v2"], ""),
];

const NAMES: [&str; 3] = ["app", "app.kubernetes.io/name", "service.istio.io/canonical-name"];
const VERSIONS: [&str; 3] = ["version", "app.kubernetes.io/version", "service.istio.io/canonical-revision"];

/// A policy of this action, Jobs included, in place of the built-in one.
fn load(action: &str) -> PolicySet {
    let text = format!(
        "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {{name: labels}}\n\
         spec: {{rule: require-app-version-labels, action: {action}, params: {{jobs: true}}}}\n---\n\
         apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n\
         policies: {{require-app-version-labels: {{enabled: false}}}}\n"
    );
    let sources = Sources { policies: vec![vec![Text::new("labels.yaml".to_owned(), text)]], ..Sources::default() };
    PolicySet::load(&sources, Date::MIN).expect("a policy").0
}

static DENY: LazyLock<PolicySet> = LazyLock::new(|| load("Deny"));
static PATCH: LazyLock<PolicySet> = LazyLock::new(|| load("Patch"));

fn labels() -> impl Strategy<Value = Value> {
    let keys: Vec<&str> = NAMES.into_iter().chain(VERSIONS).chain(["k8s-app", "team", "istio"]).collect();
    btree_map(select(keys), select(&["", "cart", "v1", "a b", "ingressgateway", "latest"][..]), 0..5)
        .prop_map(|labels| json!(labels))
}

fn annotations() -> impl Strategy<Value = Value> {
    let pairs = [
        ("sidecar.istio.io/inject", "false"),
        ("sidecar.istio.io/inject", "False"),
        ("sidecar.istio.io/status", "{}"),
        ("inject.istio.io/templates", "custom, gateway"),
        ("app", "cart"),
    ];
    of(select(pairs.to_vec())).prop_map(|pair| pair.map_or(Value::Null, |(key, value)| json!({key: value})))
}

fn selector() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"matchLabels": {"team": "a"}}),
        json!({"matchLabels": {"app": "cart"}}),
        json!({"matchExpressions": [{"key": "version", "operator": "Exists"}]}),
        json!({"app": "shop"}),
    ])
}

/// A workload with the place of its template.
fn workload() -> impl Strategy<Value = (Value, &'static str, &'static str)> {
    let name = select(&["cart", "cart-v2", "cart-canary", "a-v1.2"][..]);
    (select(&KINDS[..]), name, labels(), labels(), annotations(), any::<bool>(), selector()).prop_map(
        |((kind, [api_version, other], place), name, own, labels, annotations, host_network, selector)| {
            let containers = json!([{"name": "cart", "image": "cart:1.2"}]);
            let template = json!({
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"hostNetwork": host_network && own["team"].is_string(), "containers": containers},
            });
            let spec = match kind {
                "Pod" => template["spec"].clone(),
                "CronJob" => json!({"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}),
                _ => json!({"selector": selector, "template": template}),
            };
            let mut metadata = if kind == "Pod" { template["metadata"].clone() } else { json!({"labels": own}) };
            metadata["name"] = json!(name);
            metadata["namespace"] = json!("shop");
            let object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
            (object, place, other)
        },
    )
}

fn answer(set: &PolicySet, endpoint: Endpoint, object: &Value, reviewed: &Value) -> Answer {
    // The kind is that of the whole object, whatever became of the one that is sent.
    let mut review = wrap("CREATE", "shop", reviewed, &Value::Null);
    review["request"]["object"] = object.clone();
    let body = wire(&review);
    match respond(set, &Snapshot::default(), endpoint, body.as_bytes(), Timestamp::UNIX_EPOCH, &mut |_| {}) {
        Reply::Review(body) => read(&body),
        Reply::BadRequest(reason) => panic!("400: {reason}"),
    }
}

/// The rule once more, in the plainest way: may these Pods run?
fn may_run(object: &Value, place: &str) -> bool {
    let mut steps = String::new();
    let absent = place.split('/').skip(1).any(|step| {
        steps = format!("{steps}/{step}");
        object.pointer(&steps).is_none_or(Value::is_null)
    });
    let template = object.pointer(place).unwrap_or(&Value::Null);
    let text = |of: &str, key: &str| template["metadata"][of][key].as_str().unwrap_or_default();
    let says = |keys: [&str; 3]| {
        let injected = !template["metadata"]["annotations"]["sidecar.istio.io/status"].is_null();
        let counts = |key: &&&str| !(injected && key.contains("canonical"));
        keys.iter().filter(counts).any(|key| !["", "a b"].contains(&text("labels", key)))
    };
    let declines = text("annotations", "sidecar.istio.io/inject") == "false";
    let gateway = text("labels", "istio") == "ingressgateway"
        || text("annotations", "inject.istio.io/templates") == "custom, gateway";
    let host = template["spec"]["hostNetwork"] == json!(true);
    absent || declines || gateway || host || (says(NAMES) && says(VERSIONS))
}

/// All paths in a value but the empty one.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in below {
        let path = format!("{at}/{step}");
        paths(value, &path, found);
        found.push(path);
    }
}

/// JSON with the members of every map in the opposite order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members: Vec<_> =
                map.iter().rev().map(|(key, value)| format!("{}:{}", json!(key), reversed(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(",")),
        _ => value.to_string(),
    }
}

/// YAML in block style; lists and leaves as JSON, which is YAML too.
fn yaml(value: &Value, indent: &str) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let deeper = format!("{indent}  ");
            map.iter().map(|(key, value)| format!("\n{indent}{key}: {}", yaml(value, &deeper))).collect()
        }
        _ => value.to_string(),
    }
}

/// What is said of the object in a text: effect, path, message.
fn verdict(set: &PolicySet, text: &str) -> Vec<(Effect, String, String)> {
    let defaults = Defaults { operation: Operation::Create, namespace: None, user: None };
    let contents = manifest::read(text, &defaults);
    let [Content::Item(item)] = &*contents else { panic!("no object: {text}") };
    let outcome = decide(set, &item.request, &Snapshot::default(), Timestamp::UNIX_EPOCH, Phase::Mended).outcome();
    let said = |effect, path: String, message: &str| (effect, path, message.to_owned());
    outcome.iter().map(|judged| said(judged.effect, judged.finding.path.to_string(), &judged.finding.message)).collect()
}

/// The answer of `/mutate`, and the object with its patch.
fn mend(set: &PolicySet, object: &Value) -> Option<Value> {
    let patch = answer(set, Endpoint::Mutate, object, object).patch?;
    let patch: json_patch::Patch = serde_json::from_slice(&BASE64_STANDARD.decode(patch).unwrap()).unwrap();
    let mut mended = object.clone();
    json_patch::patch(&mut mended, &patch).unwrap();
    let mut twice = mended.clone();
    json_patch::patch(&mut twice, &patch).unwrap();
    assert_eq!(twice, mended, "a patch applied again changes nothing");
    Some(mended)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn denies_what_a_plainer_reading_denies((object, place, _) in workload()) {
        let found = answer(&DENY, Endpoint::Validate, &object, &object);
        prop_assert_eq!(found.allowed, may_run(&object, place), "{:?}", found);
    }

    /// Another type anywhere: an answer, and never an allow that the labels do not earn.
    #[test]
    fn no_type_makes_it_allow_by_accident(
        (object, place, _) in workload(),
        at: Index,
        value in select(vec![
            Value::Null, json!(true), json!(7), json!("x"), json!([]), json!({}), json!([{"name": "x"}]), json!({"app": 1}),
        ]),
    ) {
        let mut found = Vec::new();
        paths(&object, "", &mut found);
        let mut hostile = object.clone();
        *hostile.pointer_mut(at.get::<String>(&found)).unwrap() = value;
        let said = answer(&PATCH, Endpoint::Validate, &hostile, &object);
        prop_assert!(!said.allowed || may_run(&hostile, place), "{}", hostile);
        prop_assert!(answer(&PATCH, Endpoint::Mutate, &hostile, &object).allowed);
    }

    #[test]
    fn a_patch_makes_it_pass_and_changes_labels_of_the_template_alone((object, place, _) in workload()) {
        let Some(mut mended) = mend(&PATCH, &object) else { return Ok(()) };
        prop_assert!(!may_run(&object, place), "what passes is left alone");
        prop_assert!(may_run(&mended, place));
        prop_assert!(answer(&PATCH, Endpoint::Validate, &mended, &mended).allowed);
        prop_assert_eq!(mend(&PATCH, &mended), None);
        // Without the labels that were set it is what was sent.
        let labels = |of: &Value| of.pointer(place).unwrap()["metadata"]["labels"].clone();
        let (before, after) = (labels(&object), labels(&mended));
        for (key, value) in after.as_object().unwrap() {
            let sent = before.get(key);
            prop_assert!(sent == Some(value) || ["app", "version"].contains(&&**key) && [None, Some(&json!(""))].contains(&sent));
        }
        mended.pointer_mut(place).unwrap()["metadata"]["labels"] = before;
        prop_assert_eq!(mended, object);
    }

    #[test]
    fn forms_that_mean_the_same_get_one_verdict((object, _, other) in workload()) {
        let expected = verdict(&PATCH, &object.to_string());
        prop_assert_eq!(&verdict(&PATCH, &reversed(&object)), &expected);
        prop_assert_eq!(&verdict(&PATCH, yaml(&object, "").trim_start()), &expected);
        let mut version = object.clone();
        version["apiVersion"] = json!(other);
        prop_assert_eq!(&verdict(&PATCH, &version.to_string()), &expected);
        let mut managed = object;
        managed["metadata"]["managedFields"] = json!([{"manager": "x", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]);
        managed["status"] = json!({"phase": "Running"});
        prop_assert_eq!(&verdict(&PATCH, &managed.to_string()), &expected);
    }
}
