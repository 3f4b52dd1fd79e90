//! `vigla test`, run as a user runs it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

#[path = "common/cli.rs"]
#[allow(dead_code, reason = "shared: each test file uses a part")]
mod cli;

use std::fs;
use std::path::Path;

use cli::{Run, folder};
use serde_json::Value;
use tempfile::TempDir;

/// A policy of one's own with its suite and an object beside it, and a suite of a built-in policy.
const OWN: &str = "\
apiVersion: policies.vigla.dev/v1alpha1
kind: Policy
metadata: {name: filters-warn}
spec: {rule: envoyfilter-namespace, action: Warn}
";
const SUITE: &str = "\
apiVersion: policies.vigla.dev/v1alpha1
kind: Suite
policy: filters-warn
cases:
- name: warns of a filter in shop
  why: it should move
  file: ../objects/filter.yaml
  expect:
    warn: [{path: /metadata/namespace, message: shop}]
- name: accepts istio-config
  object:
    apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata: {name: lua, namespace: istio-config}
    spec: {workloadSelector: {labels: {app: cart}}}
  expect: allow
";
const FILTER: &str = "\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: shop}
";
const PATCHES: &str = "\
apiVersion: policies.vigla.dev/v1alpha1
kind: Suite
policy: istio-system-injection-disabled
cases:
- name: patches
  object: {apiVersion: v1, kind: Namespace, metadata: {name: istio-system, labels: {team: mesh}}}
  expect:
    patched: {apiVersion: v1, kind: Namespace, metadata: {name: istio-system, labels: {istio-injection: enabled}}}
";

/// Exit code, standard output, standard error.
fn vigla(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Run { code, out, err } = cli::vigla(folder, &[&["test"], arguments].concat());
    (code, out, err)
}

fn own() -> TempDir {
    folder(&[("policies/own.yaml", OWN), ("suites/own.yaml", SUITE), ("objects/filter.yaml", FILTER)])
}

const WITH: [&str; 3] = ["suites", "--policies", "policies"];

#[test]
fn without_a_path_the_built_in_suites_run() {
    let (code, out, err) = vigla(Path::new("."), &[]);
    assert_eq!((code, &*out), (0, ""), "{err}");
    assert!(err.starts_with("ran ") && err.trim_end().ends_with(" passed, 0 failed"), "{err}");
}

#[test]
fn suites_of_ones_own_policies_run_with_their_files() {
    let folder = own();
    let (code, out, err) = vigla(folder.path(), &WITH);
    assert_eq!((code, &*out, &*err), (0, "", "ran 2 cases of 1 suite: 2 passed, 0 failed\n"));
    let (code, _, err) = vigla(folder.path(), &["suites"]);
    assert_eq!(code, 2);
    assert!(err.contains("error: suites/own.yaml:3:9: no policy `filters-warn`"), "{err}");
}

#[test]
fn a_failed_case_shows_what_was_expected_and_found() {
    let suite = SUITE.replace("message: shop", "message: attic").replace("app: cart", "");
    let folder = own();
    fs::write(folder.path().join("suites/own.yaml"), suite).unwrap();
    fs::write(folder.path().join("suites/patches.yaml"), PATCHES).unwrap();
    let (code, out, err) = vigla(folder.path(), &WITH);
    assert_eq!(code, 1);
    insta::assert_snapshot!("test_failed", format!("{out}{err}"));
    let (code, out, _) = vigla(folder.path(), &[&WITH[..], &["-o", "json", "--run", "shop"]].concat());
    assert_eq!(code, 1);
    insta::assert_snapshot!("test_json", out);
}

#[test]
fn the_filter_chooses_cases_by_name() {
    let folder = own();
    let (code, _, err) = vigla(folder.path(), &[&WITH[..], &["--run", "accepts"]].concat());
    assert_eq!((code, &*err), (0, "ran 1 case of 1 suite: 1 passed, 0 failed\n"));
    let (code, _, err) = vigla(folder.path(), &[&WITH[..], &["--run", "Accepts"]].concat());
    assert_eq!(code, 2, "a run that ran none shows nothing");
    assert!(err.contains("no case whose name holds `Accepts`"), "{err}");
}

#[test]
fn bad_suites_are_all_named_and_the_others_run() {
    let folder = own();
    fs::write(
        folder.path().join("suites/empty.yaml"),
        SUITE.split("cases:").next().unwrap().to_owned() + "cases: []\n",
    )
    .unwrap();
    fs::write(folder.path().join("suites/gone.yaml"), SUITE.replace("filter.yaml", "gone.yaml")).unwrap();
    fs::write(folder.path().join("suites/latin.yaml"), b"a: \xe9\n").unwrap();
    let (code, out, err) = vigla(folder.path(), &WITH);
    assert_eq!((code, &*out), (2, ""));
    insta::assert_snapshot!("test_bad", err.replace("(os error 2)", "(…)"));
    let (code, out, _) = vigla(folder.path(), &[&WITH[..], &["-o", "json"]].concat());
    assert_eq!(code, 2);
    let results: Vec<Value> = serde_json::from_str(&out).unwrap();
    let kinds: Vec<&str> = results.iter().map(|result| result["result"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["passed", "passed", "bad", "bad", "bad"]);
    assert_eq!((&results[2]["line"], &results[4]["line"]), (&Value::from(4), &Value::Null));
}

#[test]
fn a_run_without_suites_fails() {
    let folder = own();
    for paths in [&["objects"][..], &["objects/filter.yaml"]] {
        let (code, _, err) = vigla(folder.path(), paths);
        assert_eq!(code, 2);
        assert!(err.contains("no suite found"), "{err}");
    }
    let (code, _, err) = vigla(folder.path(), &["nowhere"]);
    assert_eq!(code, 2);
    assert!(err.contains("error: nowhere: cannot be read"), "{err}");
}

#[test]
fn what_is_wrong_with_policies_settings_and_profiles_is_said_first() {
    let folder = own();
    let broken = OWN.replace("Warn", "Shout");
    fs::write(folder.path().join("policies/broken.yaml"), broken.replace("filters-warn", "other")).unwrap();
    fs::write(folder.path().join("settings.yaml"), "kind: Settings\nmaxAction: Never\n").unwrap();
    let (code, out, err) = vigla(folder.path(), &[&WITH[..], &["--settings", "settings.yaml"]].concat());
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("policies/broken.yaml:4:45") && err.contains("settings.yaml:2:12"), "{err}");
    for (arguments, part) in [
        (["--profile", "strict"], "[possible values: required, baseline, restricted]"),
        (["--settings", "policies"], "--settings takes one file"),
        (["--settings", "gone.yaml"], "gone.yaml: cannot be read"),
        (["--policies", "gone"], "gone: cannot be read"),
    ] {
        let (code, _, err) = vigla(folder.path(), &arguments);
        assert_eq!(code, 2);
        assert!(err.contains(part), "{arguments:?}: {err}");
    }
}

#[test]
fn settings_of_the_run_hold_for_suites_without_their_own() {
    let folder = own();
    let settings = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\nmaxAction: Audit\n";
    fs::write(folder.path().join("settings.yaml"), settings).unwrap();
    let (code, out, _) = vigla(folder.path(), &[&WITH[..], &["--settings", "settings.yaml"]].concat());
    assert_eq!(code, 1);
    assert!(out.contains("  + audit: {path: /metadata/namespace"), "{out}");
}
