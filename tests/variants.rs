//! Every object that a rule denies, in other versions of its kind and with values of the wrong JSON type everywhere in it:
//! no panic, and nothing let in by them.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests are tests")]

use std::path::Path;

use jiff::civil::date;
use serde_json::{Value, json};
use vigla::object::{read_yaml, split_documents};
use vigla::policy::{Sources, Text};
use vigla::rule::{Entry, RULES, served};
use vigla::suite::{self, Surroundings};

/// What names the request: without it there is none.
const REQUEST: [&str; 5] = ["/apiVersion", "/kind", "/metadata", "/metadata/name", "/metadata/namespace"];

/// What is searched for names, whatever its shape: Envoy's configuration and runtime values, and patches of what an installer renders. Where
/// the shape is wrong, Istio cannot make anything of it either.
const SEARCHED: [&str; 3] = ["/patch/value", "/k8s/overlays", "/runtimeValues/"];

/// All values inside one, with their paths.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut step = |key: &str, inner: &Value| {
        let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        paths(inner, &path, found);
        found.push(path);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, inner)| step(key, inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| step(&at.to_string(), inner)),
        _ => {}
    }
}

/// Values of other types. A number is none where a text says one: protobuf takes either.
fn others(value: &Value) -> Vec<Value> {
    let (map, list, text, number) = (json!({"wrong": 1}), json!([{"wrong": 1}]), json!("wrong"), json!(7));
    match value {
        Value::Object(_) => vec![list, text, number],
        Value::Array(_) => vec![map, text, number],
        Value::String(said) if said.parse::<f64>().is_ok() => vec![map, list],
        Value::String(_) => vec![map, list, number],
        // Absent; whatever stands there instead may be right.
        Value::Null => Vec::new(),
        _ => vec![map, list, text],
    }
}

fn name(case: &Value) -> &str {
    case["name"].as_str().expect("a name")
}

/// The cases of a rule that end in a denial, each in all versions in which its kind is served.
fn versions(suite: &Value) -> Vec<Value> {
    let mut cases = Vec::new();
    for case in suite["cases"].as_array().expect("cases").iter().filter(|case| !case["expect"]["deny"].is_null()) {
        let object = &case[subject(case)];
        let (Some(version), Some(kind)) = (object["apiVersion"].as_str(), object["kind"].as_str()) else { continue };
        let (group, own) = version.rsplit_once('/').unwrap_or(("", version));
        let served = served(group, kind).map_or(&[][..], |served| served.versions);
        for other in served.iter().filter(|other| **other != own) {
            let mut case = case.clone();
            case["name"] = format!("{}: {other}", name(&case)).into();
            let subject = subject(&case);
            case[subject]["apiVersion"] = format!("{group}/{other}").trim_start_matches('/').into();
            case["expect"] = "allow".into();
            cases.push(case);
        }
    }
    cases
}

fn subject(case: &Value) -> &'static str {
    if case["object"].is_null() { "oldObject" } else { "object" }
}

/// The same, each once for every value in it, with one of another type in its stead.
fn wrong_types(suite: &Value) -> Vec<Value> {
    let denied = suite["cases"].as_array().expect("cases").iter().filter(|case| {
        // One that cannot be judged is wrong already, and the wrong value may well mend it.
        let is_wrong = ["cannot be judged", "wrong shape"].iter().any(|words| name(case).contains(words));
        // Helm's values are of any chart: what has another shape is none of Istio's.
        let is_any_chart = ["HelmRelease", "Application"].iter().any(|kind| case["object"]["kind"] == *kind);
        !case["expect"]["deny"].is_null() && !is_wrong && !is_any_chart
    });
    let mut cases = Vec::new();
    for case in denied {
        let subject = subject(case);
        let mut found = Vec::new();
        paths(&case[subject], "", &mut found);
        let is_read = |path: &&String| {
            !REQUEST.contains(&path.as_str()) && !SEARCHED.iter().any(|searched| path.contains(searched))
        };
        for path in found.iter().filter(is_read) {
            for wrong in others(case[subject].pointer(path).expect("a value")) {
                let mut case = case.clone();
                case["name"] = format!("{}: {path} = {wrong}", name(&case)).into();
                *case[subject].pointer_mut(path).expect("a value") = wrong;
                case["expect"] = "allow".into();
                cases.push(case);
            }
        }
    }
    cases
}

/// The cases that pass although nothing that is right was said.
fn let_in(entry: &Entry, cases: fn(&Value) -> Vec<Value>) -> Vec<String> {
    let mut let_in = Vec::new();
    for document in split_documents(entry.suite) {
        let mut suite = read_yaml(document).expect("YAML").root().to_json();
        let cases = cases(&suite);
        if cases.is_empty() {
            continue;
        }
        suite["cases"] = cases.into();
        let text = Text::new(format!("{}.yaml", entry.metadata.name), suite.to_string());
        let around = Surroundings {
            sources: &Sources::default(),
            files: &|_, path| {
                std::fs::read_to_string(Path::new(path))
                    .map(|text| Text::new(path.to_owned(), text))
                    .map_err(|error| error.to_string())
            },
            today: date(2026, 11, 21),
        };
        let report = suite::run(&[text], None, &around);
        assert_eq!(report.bad, [], "{}", entry.metadata.name);
        let_in.extend(report.outcomes.iter().filter(|outcome| outcome.passed()).map(suite::Outcome::title));
    }
    let_in
}

#[test]
fn no_version_lets_in_what_was_denied() {
    // By the version alone: what is wrong there is right in another one.
    let rules = RULES.iter().filter(|entry| !["deprecated-apis", "prefer-v1-api"].contains(&entry.metadata.name));
    let let_in: Vec<String> = rules.flat_map(|entry| let_in(entry, versions)).collect();
    assert!(let_in.is_empty(), "{}\n{}", let_in.len(), let_in.join("\n"));
}

#[test]
fn no_wrong_type_lets_in_what_was_denied() {
    let let_in: Vec<String> = RULES.iter().flat_map(|entry| let_in(entry, wrong_types)).collect();
    assert!(let_in.is_empty(), "{}\n{}", let_in.len(), let_in.join("\n"));
}
