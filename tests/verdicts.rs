//! Other projects' policies and ours: what each says of their own cases, where `VIGLA_CASES` names the folder of those.
//!
//! The table is `tests/data/verdicts.yaml`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use common::review::{Answer, read, review, wire};
use jiff::Timestamp;
use jiff::civil::date;
use serde::Deserialize;
use serde_json::{Value, json};
use vigla::mesh::{Labels, Snapshot};
use vigla::object::{read_yaml, split_documents};
use vigla::policy::{PolicySet, Sources, Text, load};
use vigla::review::{Endpoint, Reply, respond};
use vigla::rule::{Operation, find};

const FILES: [&str; 4] = ["kyverno-chainsaw.jsonl", "kyverno-cli.jsonl", "gatekeeper.jsonl", ISTIO];
/// Istio's own validation: of its cases those that it warns of, which an API server takes.
const ISTIO: &str = "istio-validation-go.jsonl";

/// What theirs are to ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    compared: Vec<Comparison>,
    others: Vec<Other>,
}

/// Their policy beside one of ours, which says the same but for the differences.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Comparison {
    /// Policies of Kyverno, templates of Gatekeeper, `istio` for Istio's validation.
    theirs: Vec<String>,
    /// Parts of the names of the cases that are meant; absent: all.
    #[serde(default)]
    cases: Vec<String>,
    ours: String,
    #[serde(default)]
    params: Value,
    /// The labels of the namespace; absent: not known.
    namespace_labels: Option<Labels>,
    /// How many cases there are: none gets lost.
    judged: usize,
    #[serde(default)]
    differences: Vec<Difference>,
}

/// Cases of which ours says something else, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// Parts of their names.
    cases: Vec<String>,
    /// `allow`, `warn`, `deny`, `patch` or `unjudged`.
    ours: String,
    #[serde(rename = "why")]
    _why: String,
}

/// Policies that nothing of ours answers to, or cases of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    theirs: Vec<String>,
    #[serde(default)]
    cases: Vec<String>,
    #[serde(rename = "why")]
    _why: String,
}

/// A case of theirs: its policy, its name, and all of it.
struct Case {
    policy: String,
    name: String,
    case: Value,
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for file in FILES {
        for line in fs::read_to_string(folder.join(file)).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
            let warned = case["istioWarning"].is_string() || case["istioWarning"] == true;
            if file == ISTIO && !warned {
                continue;
            }
            let policy = if file == ISTIO { "istio".to_owned() } else { text("policy") + &text("template") };
            cases.push(Case { policy, name: format!("{file}:{}", text("id")), case });
        }
    }
    cases
}

fn table() -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/verdicts.yaml");
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_value(read_yaml(split_documents(&text)[0]).unwrap().root().to_json()).unwrap()
}

fn is_meant(case: &Case, theirs: &[String], parts: &[String]) -> bool {
    theirs.contains(&case.policy) && (parts.is_empty() || parts.iter().any(|part| case.name.contains(part)))
}

/// Our policy alone, with this action.
fn ours(comparison: &Comparison, action: &str) -> PolicySet {
    let Comparison { ours, params, .. } = comparison;
    let params = if params.is_null() { &json!({}) } else { params };
    let settings = json!({
        "apiVersion": "policies.vigla.dev/v1alpha1",
        "kind": "Settings",
        "profile": "restricted",
        "policies": {ours: {"action": action, "params": params}},
    });
    let settings = Some(Text::new("settings.yaml".to_owned(), settings.to_string()));
    let sources = Sources { settings, ..Sources::default() };
    let rule = find(ours).unwrap_or_else(|| panic!("no rule `{ours}`"));
    load(std::slice::from_ref(rule), &sources, date(2027, 1, 1)).expect("settings").0
}

fn answer(set: &PolicySet, labels: Option<&Labels>, endpoint: Endpoint, review: &Value) -> Answer {
    let namespace = review["request"]["namespace"].as_str().unwrap().to_owned();
    let namespaces = labels.map(|labels| (namespace, labels.clone().into())).into_iter().collect();
    let snapshot = Snapshot { namespaces, ..Snapshot::default() };
    let review = wire(review);
    match respond(set, &snapshot, endpoint, review.as_bytes(), Timestamp::UNIX_EPOCH, &mut |_| {}) {
        Reply::Review(body) => read(&body),
        Reply::BadRequest(reason) => panic!("400: {reason}"),
    }
}

/// The review of a case. Gatekeeper has updates as reviews of their own: of what cannot change, without the old object.
fn request(case: &Value) -> Value {
    let updated = &case["review"]["request"]["object"];
    let created = if case["input"].is_null() { &case["object"] } else { &case["input"] };
    let object = if updated.is_null() { created } else { updated };
    let own =
        if object["kind"] == "Namespace" { &object["metadata"]["name"] } else { &object["metadata"]["namespace"] };
    review(if updated.is_null() { "CREATE" } else { "UPDATE" }, own.as_str().unwrap_or("default"), object, updated)
}

/// What our policy says of a case.
fn verdict(comparison: &Comparison, case: &Value) -> &'static str {
    let labels = comparison.namespace_labels.as_ref();
    let mut review = request(case);
    if case["expect"] == "patched" {
        let mutated = answer(&ours(comparison, "Patch"), labels, Endpoint::Mutate, &review);
        if let Some(patch) = mutated.patch {
            let patch: json_patch::Patch = serde_json::from_slice(&BASE64_STANDARD.decode(patch).unwrap()).unwrap();
            json_patch::patch(&mut review["request"]["object"], &patch).unwrap();
        }
        return if review["request"]["object"] == case["object"] { "patch" } else { "allow" };
    }
    let set = ours(comparison, "Deny");
    let kind = &review["request"]["kind"];
    let operation = if review["request"]["oldObject"].is_null() { Operation::Create } else { Operation::Update };
    if set.matching(kind["group"].as_str().unwrap(), kind["kind"].as_str().unwrap(), operation, "").next().is_none() {
        return "unjudged";
    }
    let answer = answer(&set, labels, Endpoint::Validate, &review);
    match (answer.allowed, answer.warnings.is_empty()) {
        // Istio's validation does no more than warn.
        (false, _) if comparison.theirs == ["istio"] => "warn",
        (false, _) => "deny",
        (true, false) => "warn",
        (true, true) => "allow",
    }
}

/// What is wrong with a comparison.
fn wrong(comparison: &Comparison, all: &[Case]) -> Vec<String> {
    let differences = || comparison.differences.iter().flat_map(|d| d.cases.iter().map(|part| (part, &*d.ours)));
    let mut unused: BTreeSet<&String> = differences().map(|(part, _)| part).collect();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for Case { name, case, .. } in all.iter().filter(|case| is_meant(case, &comparison.theirs, &comparison.cases)) {
        let agreed = match case["expect"].as_str().unwrap() {
            _ if comparison.theirs == ["istio"] => "warn",
            "fail" => "deny",
            "patched" => "patch",
            _ => "allow",
        };
        let difference = differences().find(|(part, _)| name.contains(*part));
        let expected = difference.map_or(agreed, |(_, ours)| ours);
        let found = verdict(comparison, case);
        if found != expected {
            wrong.push(format!("{name}: {found}, and not {expected}"));
        }
        // What is called a difference and is none would hide the next one.
        if let Some((part, _)) = difference.filter(|_| expected != agreed) {
            unused.remove(part);
        }
        judged += 1;
    }
    if judged != comparison.judged {
        wrong.push(format!("{judged} cases, and not {}", comparison.judged));
    }
    wrong.extend(unused.iter().map(|part| format!("`{part}` is no difference")));
    let about = |what| format!("{} of {}: {what}", comparison.ours, comparison.theirs.join(", "));
    wrong.into_iter().map(about).collect()
}

#[test]
fn ours_say_of_other_projects_cases_what_the_table_says() {
    let Some(folder) = common::cases() else { return };
    let all = cases(&folder);
    let wrong: Vec<String> = table().compared.iter().flat_map(|comparison| wrong(comparison, &all)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_of_other_projects_has_its_place_in_the_table() {
    let Some(folder) = common::cases() else { return };
    let table = table();
    let mut wrong = Vec::new();
    for case in cases(&folder) {
        let compared = table.compared.iter().filter(|entry| is_meant(&case, &entry.theirs, &entry.cases)).count();
        let others = table.others.iter().filter(|entry| is_meant(&case, &entry.theirs, &entry.cases)).count();
        if compared + others != 1 {
            wrong.push(format!("{}: {}: {compared} comparisons, {others} others", case.policy, case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
