//! `no-full-trace-sampling`: its thresholds against a second implementation, and what never changes a verdict.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests are tests")]

#[path = "no_full_trace_sampling/objects.rs"]
mod objects;
#[path = "no_full_trace_sampling/thresholds.rs"]
mod thresholds;
#[path = "no_full_trace_sampling/wrong_types.rs"]
mod wrong_types;

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::date;
use objects::{Spelling, config_map, telemetry};
use proptest::prelude::*;
use serde_json::{Value, json};
use vigla::engine::{Effect, Phase, decide};
use vigla::manifest::{Content, Defaults, read};
use vigla::mesh::Snapshot;
use vigla::policy::{PolicySet, Sources, Text};
use vigla::rule::{Operation, RULES};

/// The policy alone, with these parameters.
fn policy(params: &str) -> Result<PolicySet, String> {
    let own = "no-full-trace-sampling";
    let names = RULES.iter().map(|rule| rule.metadata.name).filter(|name| *name != own);
    let others: String = names.map(|name| format!("  {name}: {{enabled: false}}\n")).collect();
    let text = format!(
        "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n\
         policies:\n{others}  {own}: {{params: {params}}}\n"
    );
    let settings = Some(Text::new("settings.yaml".to_owned(), text));
    let loaded = PolicySet::load(&Sources { settings, ..Sources::default() }, date(2027, 1, 1));
    loaded.map(|(set, _)| set).map_err(|errors| errors.0.iter().map(ToString::to_string).collect())
}

/// The policy as it is built in.
static DEFAULT: LazyLock<PolicySet> = LazyLock::new(|| policy("{}").expect("a policy"));

/// What becomes of a request to create what stands in a file: the strictest effect of a finding, if there is any.
fn verdict(set: &PolicySet, file: &str) -> Option<Effect> {
    let defaults = Defaults { operation: Operation::Create, namespace: None, user: None };
    let mut contents = read(file, &defaults);
    let (Some(Content::Item(item)), true) = (contents.pop(), contents.is_empty()) else { panic!("one object: {file}") };
    let decision = decide(set, &item.request, &Snapshot::default(), Timestamp::UNIX_EPOCH, Phase::Sent);
    decision.sent.iter().map(|judged| judged.effect).min()
}

fn created(set: &PolicySet, object: &Value) -> Option<Effect> {
    verdict(set, &object.to_string())
}

#[test]
fn refuses_parameters_that_are_no_shares() {
    for (params, expected) in [
        ("{deny: 0}", "`deny` is 0, expected a percentage above 0 and at most 100"),
        ("{deny: 101}", "`deny` is 101"),
        ("{warn: -1}", "`warn` is -1"),
        ("{clamp: 0}", "`clamp` is 0"),
        ("{clamp: 100}", "`clamp` is 100, which is a violation itself from `deny` (100) on"),
        ("{deny: 5, clamp: 5}", "`clamp` is 5, which is a violation itself"),
        ("{deny: all}", "invalid type: string"),
        ("{denny: 5}", "unknown field `denny`"),
    ] {
        let error = policy(params).expect_err(params);
        assert!(error.contains(expected), "{params}: {error}");
    }
    assert!(policy("{deny: 0.1, warn: 100, clamp: 0.05}").is_ok());
}

/// Numbers as people and programs write 100 in YAML; a YAML reader of its own would miss one.
const HUNDREDS: [&str; 12] =
    ["100", "100.0", "1e2", "1.0e+2", "+100", "0144", "0x64", "0b1100100", "1_00", "\"100\"", "'1e2'", "!!float 100"];

#[test]
fn a_spelling_of_the_number_never_changes_a_verdict() {
    let set = &*DEFAULT;
    for number in HUNDREDS {
        for spelling in Spelling::ALL {
            let mesh = format!("{{defaultConfig: {{tracing: {{\nsampling: {number} }}}}}}\n");
            assert_eq!(verdict(set, &config_map(&mesh, spelling)), Some(Effect::Deny), "{number} {spelling:?}");
        }
    }
}

fn shuffled(members: Vec<(&'static str, Value)>) -> impl Strategy<Value = String> {
    Just(members).prop_shuffle().prop_map(|members| {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("{}: {value}", json!(key))).collect();
        format!("{{{}}}", members.join(", "))
    })
}

proptest! {
    #[test]
    fn the_place_among_others_never_changes_a_verdict(before in 0..8_usize, after in 0..8_usize, hit in any::<bool>()) {
        let set = &*DEFAULT;
        let expected = hit.then_some(Effect::Deny);
        let hit = if hit { 100 } else { 1 };
        let among = |harmless: Value, hit: Value| -> Vec<Value> {
            let others = |count| std::iter::repeat_n(harmless.clone(), count);
            others(before).chain([hit]).chain(others(after)).collect()
        };
        let entry = |percent: u32| json!({"randomSamplingPercentage": percent});
        let object = telemetry(&json!(among(entry(1), entry(hit))));
        prop_assert_eq!(created(set, &object), expected);

        let route = |percent: u32| json!({"tracing": {"random_sampling": {"numerator": percent}}});
        let patch = |percent: u32| json!({"applyTo": "HTTP_ROUTE", "patch": {"operation": "MERGE", "value": route(percent)}});
        prop_assert_eq!(created(set, &objects::envoy_filter(&json!(among(patch(1), patch(hit))))), expected);
        let host = json!({"routes": among(route(1), route(hit))});
        let host = json!([{"applyTo": "VIRTUAL_HOST", "patch": {"operation": "ADD", "value": host}}]);
        prop_assert_eq!(created(set, &objects::envoy_filter(&host)), expected);

        let config = |percent: u32| json!({"tracing": {"sampling": percent}}).to_string();
        let proxy = json!({"name": "istio-proxy", "env": [{"name": "PROXY_CONFIG", "value": config(hit)}]});
        let other = json!({"name": "cart", "env": [{"name": "PROXY_CONFIG", "value": config(100)}]});
        prop_assert_eq!(created(set, &objects::pod(&json!(among(other, proxy)))), expected);
    }

    #[test]
    fn the_order_of_keys_never_changes_a_verdict(
        object in shuffled(vec![
            ("apiVersion", json!("telemetry.istio.io/v1")),
            ("kind", json!("Telemetry")),
            ("metadata", json!({"name": "traces", "namespace": "shop"})),
            ("spec", json!({"tracing": [{"randomSamplingPercentage": 100}]})),
            ("status", json!({"tracing": [{"randomSamplingPercentage": 1}]})),
        ]),
        config in shuffled(vec![
            ("accessLogFile", json!("/dev/stdout")),
            ("tracing", json!({"sampling": 1})),
            ("defaultConfig", json!({"tracing": {"sampling": 100}})),
            ("default_config", json!({"tracing": {"sampling": 1}})),
        ]),
        spelling in proptest::sample::select(Spelling::ALL.to_vec()),
    ) {
        let set = &*DEFAULT;
        prop_assert_eq!(verdict(set, &object), Some(Effect::Deny));
        prop_assert_eq!(verdict(set, &config_map(&config, spelling)), Some(Effect::Deny));
    }
}

#[test]
fn what_is_not_said_of_the_share_never_changes_a_verdict() {
    let set = &*DEFAULT;
    for percent in [100, 1] {
        let expected = (percent == 100).then_some(Effect::Deny);
        let plain = telemetry(&json!([{"randomSamplingPercentage": percent}]));
        for version in ["v1", "v1alpha1", "v2beta3"] {
            let mut object = plain.clone();
            object["apiVersion"] = json!(format!("telemetry.istio.io/{version}"));
            assert_eq!(created(set, &object), expected, "{version}");
        }
        for (field, value) in [
            ("managedFields", json!([{"fieldsV1": {"f:spec": {"f:tracing": {}}}}])),
            ("labels", json!({"app": "cart"})),
            ("annotations", json!({"kubectl.kubernetes.io/last-applied-configuration": "{\"spec\":{}}"})),
            ("finalizers", json!(["a"])),
        ] {
            let mut object = plain.clone();
            object["metadata"][field] = value;
            assert_eq!(created(set, &object), expected, "{field}");
        }
        let yaml = format!(
            "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {{name: traces, namespace: shop}}\n\
             spec:\n  tracing:\n  - randomSamplingPercentage: {percent}\n"
        );
        assert_eq!(verdict(set, &yaml), expected);
    }
}
