//! Real manifests and other projects' fixtures, where `VIGLA_CASES` names the folder that holds them.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::review::{review, validate_json};
use jiff::Timestamp;
use serde_json::Value;
use vigla::mesh::Snapshot;
use vigla::object::{read_json, read_object, read_yaml, split_documents};
use vigla::review::{Endpoint, Reply, respond};

fn check(path: &Path) -> (Option<i32>, Value) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_vigla")).args(["check", "-o", "json"]).arg(path).output().expect("vigla runs");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn check_finds_the_envoyfilters_of_istios_samples_at_their_lines() {
    let Some(folder) = common::cases() else { return };
    let (code, report) = check(&folder.join("yaml/istio-samples"));
    let found: Vec<(String, u64)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["effect"] == "deny")
        .map(|finding| {
            let file = finding["file"].as_str().unwrap().split("istio-samples/").nth(1).unwrap();
            (file.to_owned(), finding["line"].as_u64().unwrap())
        })
        .collect();
    let ratelimit = "bookinfo/policy/productpage_envoy_ratelimit.yaml";
    let expected = [(ratelimit, 5), (ratelimit, 62), ("ratelimit/local-rate-limit-service.yaml", 8)];
    assert_eq!(found, expected.map(|(file, line)| (file.to_owned(), line)));
    for finding in report["findings"].as_array().unwrap() {
        let text = std::fs::read_to_string(finding["file"].as_str().unwrap()).unwrap();
        let line = text.lines().nth(usize::try_from(finding["line"].as_u64().unwrap()).unwrap() - 1).unwrap();
        assert!(line.contains("namespace:"), "{line}");
    }
    // Helm templates lie among the samples: they are named, and fail the run.
    assert_eq!(code, Some(2));
    for error in report["errors"].as_array().unwrap() {
        assert!(error["message"].as_str().unwrap().contains("helm template"), "{error}");
    }
}

#[test]
fn fixtures_of_kubernetes_are_read() {
    let Some(folder) = common::cases() else { return };
    for path in files(&folder.join("k8s-api")) {
        let text = std::fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => {
                let tree = read_json(&text).expect("JSON");
                assert_eq!(tree.root().to_json(), serde_json::from_str::<Value>(&text).unwrap(), "{}", path.display());
                read_object(&text).expect("an object");
                // The reviews among them, whole and cut: an answer or a 400, no panic.
                for body in [text.as_bytes(), &text.as_bytes()[..text.len() / 2]] {
                    respond(
                        &common::review::built_in(),
                        &Snapshot::default(),
                        Endpoint::Validate,
                        body,
                        Timestamp::UNIX_EPOCH,
                        &mut |_| {},
                    );
                }
            }
            _ => {
                let trees: Vec<_> =
                    split_documents(&text).into_iter().map(|document| read_yaml(document).unwrap()).collect();
                assert_eq!(trees.len(), 1, "{}", path.display());
                let json = path.with_extension("json");
                if let Ok(json) = std::fs::read_to_string(&json) {
                    assert_eq!(trees[0].root().to_json(), serde_json::from_str::<Value>(&json).unwrap());
                }
            }
        }
    }
}

#[test]
fn istios_validation_documents_are_judged_without_fault() {
    let Some(folder) = common::cases() else { return };
    let (_, report) = check(&folder.join("yaml/istio-crds"));
    assert_eq!(report["errors"], Value::Array(Vec::new()));
    assert!(report["summary"]["documents"].as_u64().unwrap() > 100);
    for name in ["istio-crd-validation.jsonl", "istio-validation-go.jsonl"] {
        for case in lines(&folder.join(name)) {
            let object = &case["object"];
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
            let answer = validate_json(&review("CREATE", namespace, object, &Value::Null));
            let judged = object["kind"] == "EnvoyFilter" && namespace != "istio-config";
            assert_eq!(answer.allowed, !judged, "{}", case["id"]);
        }
    }
}

#[test]
fn yaml_is_read_as_the_sources_of_the_cases_read_it() {
    let Some(folder) = common::cases() else { return };
    let mut compared = 0;
    for name in ["istio-crd-validation.jsonl", "kyverno-chainsaw.jsonl", "kyverno-cli.jsonl"] {
        for case in lines(&folder.join(name)) {
            let path = folder.join(case["file"].as_str().unwrap());
            let text = std::fs::read_to_string(&path).unwrap();
            let documents = split_documents(&text);
            let document = documents[usize::try_from(case["doc"].as_u64().unwrap()).unwrap()];
            let mut found = read_yaml(document).unwrap().root().to_json();
            // Istio's tests keep the error that they expect in the object.
            found.as_object_mut().unwrap().remove("_err");
            assert_eq!(found, case["object"], "{}", case["id"]);
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

#[test]
fn reviews_of_a_mutating_call_allow() {
    let Some(folder) = common::cases() else { return };
    for case in lines(&folder.join("istio-samples-reviews.jsonl")) {
        let body = case["review"].to_string();
        let reply = respond(
            &common::review::built_in(),
            &Snapshot::default(),
            Endpoint::Mutate,
            body.as_bytes(),
            Timestamp::UNIX_EPOCH,
            &mut |_| {},
        );
        let Reply::Review(body) = reply else { panic!("{}", case["file"]) };
        assert!(common::review::read(&body).allowed);
    }
}
