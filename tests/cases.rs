//! Real manifests and other projects' fixtures, where `VIGLA_CASES` names the folder that holds them.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::collections::BTreeSet;
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
    let findings = || report["findings"].as_array().unwrap().iter();
    let found: Vec<(String, u64)> = findings()
        .filter(|finding| finding["policy"] == "envoyfilter-namespace" && finding["effect"] == "deny")
        .map(|finding| (sample(finding).to_owned(), finding["line"].as_u64().unwrap()))
        .collect();
    let ratelimit = "bookinfo/policy/productpage_envoy_ratelimit.yaml";
    let expected = [(ratelimit, 5), (ratelimit, 62), ("ratelimit/local-rate-limit-service.yaml", 8)];
    assert_eq!(found, expected.map(|(file, line)| (file.to_owned(), line)));
    for finding in findings().filter(|finding| finding["policy"] == "envoyfilter-namespace") {
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

/// The file of a finding, from the folder of samples on.
fn sample(finding: &Value) -> &str {
    finding["file"].as_str().unwrap().split("istio-samples/").nth(1).unwrap()
}

/// Every workload of Istio's samples says its application. Those that say no version are clients and helpers, which
/// have one version only, and Pods of them show up as `latest` in telemetry all the same.
#[test]
fn workloads_of_istios_samples_lack_these_labels() {
    let Some(folder) = common::cases() else { return };
    let (_, report) = check(&folder.join("yaml/istio-samples"));
    let policy = |finding: &Value| finding["policy"].as_str().unwrap().to_owned();
    let found: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| {
            ["istio-system-injection-disabled", "require-app-version-labels"].contains(&&*policy(finding))
        })
        .map(|finding| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (object, label) = (&finding["object"], text(&finding["path"]));
            let label = label.strip_prefix("/spec/template/metadata/labels/").unwrap();
            format!("{} {} {} {label}", sample(finding), text(&object["name"]), text(&finding["effect"]))
        })
        .collect();
    // Prometheus with a sidecar of its own beside the control plane: with `istio-injection: disabled` it gets none.
    let expected = [
        "addons/extras/prometheus-secure-metrics.yaml prometheus warn sidecar.istio.io~1inject",
        "curl/curl.yaml curl deny version",
        "health-check/liveness-command.yaml liveness deny version",
        "httpbin/sample-client/fortio-deploy.yaml fortio-deploy deny version",
        "ratelimit/rate-limit-service.yaml redis deny version",
        "ratelimit/rate-limit-service.yaml ratelimit deny version",
        "security/spire/curl-spire.yaml curl deny version",
        "security/spire/sleep-spire.yaml sleep deny version",
        "security/spire/spire-quickstart.yaml spire-server deny version",
        "sleep/sleep.yaml sleep deny version",
    ];
    assert_eq!(found, expected);
}

/// Kyverno asks for `app.kubernetes.io/name` alone, of CronJobs too; Gatekeeper for labels by parameter.
#[test]
fn other_projects_cases_on_labels_are_told_apart() {
    let Some(folder) = common::cases() else { return };
    let mut judged = 0;
    for name in ["kyverno-chainsaw.jsonl", "kyverno-cli.jsonl", "gatekeeper.jsonl"] {
        for case in lines(&folder.join(name)) {
            let labels = case["policy"] == "require-labels" || case["template"] == "general/requiredlabels";
            if !labels {
                continue;
            }
            let object = &case["object"];
            let answer = validate_json(&review("CREATE", "default", object, &Value::Null));
            let causes = answer.status.into_iter().flat_map(|status| status.details.causes);
            let labels = causes.filter(|cause| cause.reason == "require-app-version-labels");
            let missing: Vec<String> = labels.map(|cause| cause.field.rsplit('/').next().unwrap().to_owned()).collect();
            let expected: &[&str] = match (object["kind"].as_str().unwrap(), &case["expect"]) {
                // Not asked of Jobs, unless by parameter; a Namespace runs nothing.
                ("CronJob" | "Namespace", _) => &[],
                // A name is not all: the version is missing too.
                (_, expect) if expect == "pass" && case.get("policy").is_some() => &["version"],
                // `app` is as good as Kyverno's `app.kubernetes.io/name`.
                ("Deployment", _) => &["version"],
                // Neither `my.io/foo` nor `pizza` says anything to Istio.
                _ => &["app", "version"],
            };
            assert_eq!(missing, expected, "{}", case["id"]);
            judged += 1;
        }
    }
    assert_eq!(judged, 29);
}

#[test]
fn of_istios_samples_the_demo_profile_alone_traces_every_request() {
    let Some(folder) = common::cases() else { return };
    let mut judged = 0;
    for case in lines(&folder.join("istio-samples-reviews.jsonl")) {
        let answer = validate_json(&case["review"]);
        let causes = answer.status.iter().flat_map(|status| &status.details.causes);
        let sampling: Vec<_> = causes.filter(|cause| cause.reason == "no-full-trace-sampling").collect();
        let demo = case["file"].as_str().unwrap().ends_with("bookinfo/demo-profile-no-gateways.yaml");
        assert_eq!(sampling.len(), usize::from(demo), "{}: {sampling:?}", case["file"]);
        let advised = answer.warnings.iter().filter(|warning| warning.contains("no-full-trace-sampling")).count();
        let bootstrap = case["file"].as_str().unwrap().ends_with("custom-bootstrap/example-app.yaml");
        assert!(advised == 0 || bootstrap, "{}: {:?}", case["file"], answer.warnings);
        judged += 1;
    }
    assert!(judged > 300, "{judged}");
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

/// Quiet where it should be: each of these denials can be defended.
#[test]
fn what_the_baseline_denies_of_istios_samples() {
    let Some(folder) = common::cases() else { return };
    let samples = folder.join("yaml/istio-samples");
    let run = Command::new(env!("CARGO_BIN_EXE_vigla"))
        .args(["check", "-o", "json", "--namespace-labels", "*:", "."])
        .current_dir(&samples)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut denied: Vec<String> = findings
        .filter(|found| found["effect"] == "deny")
        .map(|found| format!("{}: {} {}", text(&found["policy"]), text(&found["file"]), text(&found["path"])))
        .collect();
    denied.sort();
    insta::assert_snapshot!("denied_of_istios_samples", denied.join("\n"));
}

#[test]
fn istios_validation_documents_are_judged_without_fault() {
    let Some(folder) = common::cases() else { return };
    let (_, report) = check(&folder.join("yaml/istio-crds"));
    assert_eq!(report["errors"], Value::Array(Vec::new()));
    assert!(report["summary"]["documents"].as_u64().unwrap() > 100);
    let mut denied = Vec::new();
    for name in ["istio-crd-validation.jsonl", "istio-validation-go.jsonl"] {
        for case in lines(&folder.join(name)) {
            let object = &case["object"];
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
            let answer = validate_json(&review("CREATE", namespace, object, &Value::Null));
            let quiet = case["expect"] == "valid" && case["istioWarning"].as_bool() != Some(true);
            let causes = answer.status.into_iter().flat_map(|status| status.details.causes);
            let reasons: BTreeSet<String> = causes.map(|cause| cause.reason).collect();
            if quiet && !reasons.is_empty() {
                denied.push(format!("{}: {}", case["id"].as_str().unwrap(), Vec::from_iter(reasons).join(", ")));
            }
        }
    }
    // What is safe for Istio to read may be unsafe to run: each of these is a guardrail's.
    insta::assert_snapshot!("denied_though_istio_takes_it", denied.join("\n"));
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
