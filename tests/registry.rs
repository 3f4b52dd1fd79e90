//! The list of rules: documented, unique, well named, exercised.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

#[path = "common/review.rs"]
mod review;
#[path = "common/rules.rs"]
mod rules;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::date;
use review::{built_in, read, review as wrap, wire};
use rules::{objects, subject};
use serde_json::{Value, json};
use vigla::mesh::{Labels, Snapshot};
use vigla::policy::{Sources, Text, load};
use vigla::review::{Endpoint, Reply, respond};
use vigla::rule::{Documentation, Entry, GroupKind, Operation, RULES, served, served_kinds};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_rule_is_well_named_and_listed_once() {
    let names: Vec<&str> = RULES.iter().map(|entry| entry.metadata.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert!(names.is_sorted(), "{names:?}");
    for name in names {
        let kebab = name
            .split('-')
            .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert!(kebab, "{name}");
    }
}

#[test]
fn every_rule_is_documented_under_the_fixed_headings() {
    for entry in RULES {
        let name = entry.metadata.name;
        let documentation = Documentation::of(entry);
        let headings: Vec<&str> = documentation.sections.iter().map(|(heading, _)| heading.as_str()).collect();
        assert_eq!(headings, Documentation::HEADINGS, "{name}");
        assert!(documentation.sections.iter().all(|(_, text)| !text.trim().is_empty()), "{name}");
        assert!(!documentation.summary.is_empty() && !documentation.summary.contains('\n'), "{name}");
        let schema = (entry.schema)().to_value();
        let parameters = schema["properties"].as_object().into_iter().flatten();
        for (parameter, described) in parameters {
            assert!(described["description"].is_string(), "{name}: what is `{parameter}` for?");
        }
        assert!(documentation.sections[1].1.contains("https://"), "{name}: where does the reason come from?");
    }
}

#[test]
fn every_rule_declares_what_it_reads() {
    for Entry { metadata, .. } in RULES {
        assert!(!metadata.kinds.is_empty() && !metadata.operations.is_empty(), "{}", metadata.name);
        assert!(!metadata.subresources.is_empty(), "{}", metadata.name);
        for subresource in metadata.subresources {
            let is_done =
                |operation: &Operation| metadata.kinds.iter().any(|&kind| operation.is_done_to(kind, subresource));
            assert!(metadata.operations.iter().any(is_done), "{}: nobody asks about `{subresource}`", metadata.name);
        }
    }
}

#[test]
fn every_kind_that_a_rule_reads_is_known_and_may_be_intercepted() {
    for Entry { metadata, .. } in RULES {
        for kind in metadata.kinds {
            assert!(
                served(kind.group, kind.kind).is_some(),
                "{}: {kind} is missing in src/mesh/served.rs",
                metadata.name
            );
        }
    }
    for (kind, _) in served_kinds() {
        assert!(!kind.is_never_intercepted(), "{kind}");
    }
}

/// What a cluster needs to start and to mend itself, by name; the code knows most of it by group.
#[test]
fn what_a_cluster_lives_on_is_never_intercepted() {
    for (group, kinds) in [
        ("", &["Endpoints", "Event", "Node"][..]),
        (
            "admissionregistration.k8s.io",
            &[
                "MutatingAdmissionPolicy",
                "MutatingAdmissionPolicyBinding",
                "MutatingWebhookConfiguration",
                "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding",
                "ValidatingWebhookConfiguration",
            ],
        ),
        ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
        ("apiregistration.k8s.io", &["APIService"]),
        ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
        (
            "authorization.k8s.io",
            &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
        ),
        ("certificates.k8s.io", &["CertificateSigningRequest"]),
        ("coordination.k8s.io", &["Lease"]),
        ("discovery.k8s.io", &["EndpointSlice"]),
        ("events.k8s.io", &["Event"]),
    ] {
        for kind in kinds {
            assert!(GroupKind { group, kind }.is_never_intercepted(), "{kind}.{group}");
            assert!(served(group, kind).is_none(), "{kind}.{group}");
        }
    }
}

/// A CRD's kind as `src/mesh/served.rs` would say it: plural, served versions, scope.
fn crd(spec: &Value) -> (String, String, BTreeSet<String>, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let versions = spec["versions"].as_array().unwrap().iter().filter(|version| version["served"] == true);
    let versions = versions.map(|version| text(&version["name"])).collect();
    (text(&spec["names"]["kind"]), text(&spec["names"]["plural"]), versions, text(&spec["scope"]))
}

/// Files with CRDs, separated as in `PATH`, where `VIGLA_CRDS` names them: without, this says so and passes.
#[test]
fn the_kinds_are_those_of_the_crds() {
    let Some(files) = std::env::var_os("VIGLA_CRDS") else {
        return eprintln!("skipped: VIGLA_CRDS names no files with CRDs");
    };
    let mut compared = 0;
    for file in std::env::split_paths(&files) {
        let text = fs::read_to_string(&file).unwrap();
        for object in objects(&text) {
            if object["kind"] != "CustomResourceDefinition" {
                continue;
            }
            let spec = &object["spec"];
            let group = spec["group"].as_str().unwrap();
            let (kind, plural, versions, scope) = crd(spec);
            let served = served(group, &kind).unwrap_or_else(|| panic!("{kind}.{group} is missing"));
            assert_eq!((served.plural, served.scope.as_str()), (&*plural, &*scope), "{kind}.{group}");
            let listed: BTreeSet<String> = served.versions.iter().map(|&version| version.to_owned()).collect();
            // A channel of Gateway API may serve fewer than another.
            assert!(versions.is_subset(&listed), "{kind}.{group}: {versions:?}, listed {listed:?}");
            assert!(listed == versions || group == "gateway.networking.k8s.io", "{kind}.{group}: {versions:?}");
            compared += 1;
        }
    }
    assert!(compared > 0, "no CRD in {}", files.display());
}

/// What the documentation says is denied or allowed is, by that rule alone, where its policy denies.
///
/// A Namespace among other objects says what labels theirs has, Settings what they are judged under. What is not judged
/// when it is created is deleted.
#[test]
fn the_examples_of_every_rule_are_true() {
    for entry in RULES {
        let name = entry.metadata.name;
        for (example, allowed) in [(entry.denied, false), (entry.allowed, true)] {
            let (settings, objects): (Vec<_>, Vec<_>) =
                objects(example).into_iter().partition(|object| object["kind"] == "Settings");
            let mut settings = settings
                .into_iter()
                .next()
                .unwrap_or_else(|| json!({"apiVersion": "policies.vigla.dev/v1alpha1", "kind": "Settings"}));
            settings["profile"] = json!("restricted");
            settings["policies"] = json!({name: {"action": "Deny"}});
            let settings = Some(Text::new("settings.yaml".to_owned(), settings.to_string()));
            let sources = Sources { settings, ..Sources::default() };
            let (set, _) = load(std::slice::from_ref(entry), &sources, date(2027, 1, 1)).expect(name);
            let (spaces, objects): (Vec<_>, Vec<_>) =
                objects.into_iter().partition(|object| object["kind"] == "Namespace");
            let name_of = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
            let labels = |space: &Value| -> Labels {
                serde_json::from_value(space["metadata"]["labels"].clone()).unwrap_or_default()
            };
            let namespaces = spaces.iter().map(|space| (name_of(space), labels(space).into())).collect();
            let snapshot = Snapshot { namespaces, ..Snapshot::default() };
            let examples = if objects.is_empty() { &spaces } else { &objects };
            assert!(!examples.is_empty(), "{name}: {example}");
            for object in examples {
                let metadata = &object["metadata"];
                let own = if object["kind"] == "Namespace" { &metadata["name"] } else { &metadata["namespace"] };
                let own = own.as_str().unwrap_or_default();
                let creates = entry.metadata.operations.contains(&Operation::Create);
                let review = wire(&match creates {
                    true => wrap("CREATE", own, object, &Value::Null),
                    false => wrap("DELETE", own, &Value::Null, object),
                });
                let reply =
                    respond(&set, &snapshot, Endpoint::Validate, review.as_bytes(), Timestamp::UNIX_EPOCH, &mut |_| {});
                let Reply::Review(body) = reply else { panic!("{name}: {object}") };
                let answer = read(&body);
                assert_eq!(answer.allowed, allowed, "{name}: {object}");
                assert!(!allowed || answer.warnings.is_empty(), "{name}: {:?}", answer.warnings);
            }
        }
    }
}

#[test]
fn every_folder_of_policies_is_a_rule_and_every_rule_has_one() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("policies"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<String> = RULES.iter().map(|entry| entry.metadata.name.to_owned()).collect();
    assert_eq!(folders, names);
    let policies: BTreeSet<String> = built_in().policies().iter().map(|policy| policy.name.clone()).collect();
    assert_eq!(policies, names, "built-in policies carry their rule's name");
}

/// The cases of a rule's suites whose expectation looks so.
fn cases(entry: &Entry, looks: fn(&Value) -> bool) -> Vec<Value> {
    let own = objects(entry.suite).into_iter().filter(|suite| suite.get("policy").unwrap() == entry.metadata.name);
    let cases = own.flat_map(|suite| suite.get("cases").unwrap().as_array().unwrap().clone());
    cases.filter(|case| looks(case.get("expect").unwrap())).collect()
}

#[test]
fn every_rule_has_a_suite_with_denied_and_allowed_cases_and_an_update() {
    for entry in RULES {
        let name = entry.metadata.name;
        let denied = cases(entry, |expect| !expect["deny"].is_null()).len();
        // What the policy does not judge is no case of it; `vigla test` holds that `allow` means judged.
        let allowed = cases(entry, |expect| *expect == "allow").len();
        assert!(denied >= 3 && allowed >= 3, "{name}: {denied} denied, {allowed} allowed");
        let updates = cases(entry, |_| true).iter().filter(|case| !case["oldObject"].is_null()).count();
        assert!(updates >= 1, "{name}: no case of an object that is stored already");
        let patched = cases(entry, |expect| !expect["patched"].is_null());
        let kinds: BTreeSet<&str> = patched.iter().map(|case| case["object"]["kind"].as_str().unwrap()).collect();
        let mends: BTreeSet<&str> = entry.metadata.mends.iter().map(|mended| mended.kind).collect();
        assert!(kinds.is_subset(&mends), "{name} mends {kinds:?}, and says so of {mends:?} alone");
        assert_eq!(mends.is_empty(), kinds.is_empty(), "{name}: a rule with a fix has a case that shows it");
    }
}

/// A stranger finds any rule's file from its name.
#[test]
fn every_rule_has_a_file_of_its_name() {
    for entry in RULES {
        assert!(!subject(entry.metadata.name).is_empty());
    }
}
