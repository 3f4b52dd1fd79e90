//! The command line, run as a user runs it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::cli::{Run, check_with, command, filter, folder, vigla};
use serde_json::Value;

const FILTERS: &str = "\
# Two filters and a bystander.
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: lua
  namespace: shop
spec:
  workloadSelector: {labels: {app: cart}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: bystander}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: far, namespace: istio-config}
spec:
  targetRefs:
  - {kind: Service, name: cart}
";

/// What is printed, without the milliseconds.
fn timeless(text: &str) -> String {
    text.lines()
        .map(|line| match line.rsplit_once(" (") {
            Some((start, end)) if end.ends_with(" ms)") => format!("{start}\n"),
            _ => format!("{line}\n"),
        })
        .collect()
}

fn findings(run: &Run) -> Vec<Value> {
    let report: Value = serde_json::from_str(&run.out).expect(&run.out);
    report["findings"].as_array().unwrap().clone()
}

#[test]
fn check_draws_findings_over_their_lines() {
    let folder = folder(&[("mesh/filters.yaml", FILTERS)]);
    let run = vigla(folder.path(), &["check", "mesh"]);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!("check_text", run.out);
    insta::assert_snapshot!("check_summary", timeless(&run.err));
}

#[test]
fn check_says_the_same_in_json() {
    let folder = folder(&[("mesh/filters.yaml", FILTERS)]);
    let run = vigla(folder.path(), &["check", "mesh", "-o", "json"]);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!("check_json", run.out);
}

#[test]
fn check_reads_standard_input_and_says_nothing_of_what_is_well() {
    let folder = folder(&[("good.yaml", &FILTERS.replace("namespace: shop", "namespace: istio-config"))]);
    let mut command = command(folder.path(), &["check", "-"]);
    command.stdin(fs::File::open(folder.path().join("good.yaml")).unwrap());
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.code, 0, "advice does not fail a run: {}", run.err);
    assert!(run.out.contains("--> <stdin>:19:5"), "{}", run.out);
}

#[test]
fn deny_warnings_lets_advice_fail_the_run_but_not_what_is_old() {
    let advice =
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: a, namespace: istio-config}\n";
    let going = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n\
                 metadata: {name: a, namespace: shop, deletionTimestamp: '2026-11-20T12:00:00Z'}\n";
    let folder = folder(&[("advice.yaml", advice), ("going.yaml", going)]);
    assert_eq!(vigla(folder.path(), &["check", "advice.yaml"]).code, 0);
    assert_eq!(vigla(folder.path(), &["check", "--deny-warnings", "advice.yaml"]).code, 1);
    let run = vigla(folder.path(), &["check", "--deny-warnings", "going.yaml", "--old", "going.yaml"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("unchanged from the stored object"), "{}", run.out);
}

#[test]
fn old_makes_updates_and_deletes() {
    let folder = folder(&[("now.yaml", FILTERS), ("before.yaml", &FILTERS.replace("name: lua", "name: gone"))]);
    // `gone` is only in the state before: a DELETE, which the rule does not judge. `lua` is new.
    let run = vigla(folder.path(), &["check", "now.yaml", "--old", "before.yaml", "-o", "json"]);
    let names: Vec<Value> = findings(&run).iter().map(|finding| finding["object"]["name"].clone()).collect();
    assert_eq!(names, ["lua", "far"]);
    assert!(run.err.contains("checked 4 documents"), "{}", run.err);
    // The whole state deleted.
    let run = vigla(folder.path(), &["check", "now.yaml", "--operation", "delete"]);
    assert_eq!((run.code, &*run.out), (0, ""));
}

#[test]
fn namespaces_come_from_the_object_then_the_flag_then_default() {
    let bare = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: a}\nspec: {workloadSelector: {labels: {a: b}}}\n";
    let folder = folder(&[("bare.yaml", bare)]);
    let run = vigla(folder.path(), &["check", "bare.yaml"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("EnvoyFilter default/a") && run.out.contains("bare.yaml:3:1"), "{}", run.out);
    assert!(run.err.contains("judged in `default`"), "{}", run.err);
    let run = vigla(folder.path(), &["check", "bare.yaml", "--namespace", "istio-config"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(!run.err.contains("note:"), "{}", run.err);
}

#[test]
fn lists_and_recorded_reviews_are_judged_where_they_stand() {
    let list = "\
apiVersion: v1
kind: List
items:
- apiVersion: networking.istio.io/v1alpha3
  kind: EnvoyFilter
  metadata: {name: a, namespace: shop}
- apiVersion: v1
  kind: List
  items:
  - apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata:
      name: b
      namespace: shop
";
    let review = "\
apiVersion: admission.k8s.io/v1
kind: AdmissionReview
request:
  uid: x
  name: c
  namespace: shop
  object:
    metadata: {namespace: other}
  operation: CREATE
  kind: {group: networking.istio.io, version: v1alpha3, kind: EnvoyFilter}
";
    let compact = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {"name": "d", "namespace": "shop"}},
    ]});
    let folder = folder(&[("list.yaml", list), ("review.yaml", review), ("list.json", &compact.to_string())]);
    let run = vigla(folder.path(), &["check", ".", "-o", "json"]);
    let places: Vec<String> = findings(&run)
        .iter()
        .map(|found| {
            format!("{}:{}:{} {}", found["file"].as_str().unwrap(), found["line"], found["column"], found["value"])
        })
        .collect();
    let column = compact.to_string().find("\"shop\"").unwrap() + 1;
    let json = format!("./list.json:1:{column} \"shop\"");
    // The review's namespace counts; its place is that of the field in the object, whatever stands there.
    assert_eq!(
        places,
        [&*json, "./list.yaml:6:34 \"shop\"", "./list.yaml:14:18 \"shop\"", "./review.yaml:8:27 \"shop\""]
    );
}

#[test]
fn an_unreadable_document_hides_no_other() {
    let text = format!("a: [\n---\n{FILTERS}---\nb: 1\nb: 2\n");
    let folder = folder(&[("broken.yaml", &text), ("latin.yaml", "x")]);
    fs::write(folder.path().join("latin.yaml"), b"a: \xe9\n").unwrap();
    let run = vigla(folder.path(), &["check", "broken.yaml", "latin.yaml", "missing.yaml", "-o", "json"]);
    assert_eq!(run.code, 2, "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["summary"]["denied"], 1);
    let errors: Vec<(&str, &Value)> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["file"].as_str().unwrap(), &error["line"]))
        .collect();
    let (null, first, last) = (Value::Null, Value::from(1), Value::from(24));
    assert_eq!(
        errors,
        [("latin.yaml", &null), ("missing.yaml", &null), ("broken.yaml", &first), ("broken.yaml", &last)]
    );
}

#[test]
fn what_is_no_kubernetes_object_is_counted_or_with_strict_an_error() {
    let ours = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\n";
    let folder = folder(&[("values.yaml", "replicas: 3\n"), ("policy.yaml", ours), ("empty.yaml", "# nothing\n---\n")]);
    let run = vigla(folder.path(), &["check", "."]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("checked 0 documents in 3 files: 0 denied, 0 warnings, 2 skipped"), "{}", run.err);
    let run = vigla(folder.path(), &["check", ".", "--strict"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("not a Kubernetes object") && run.err.contains("./values.yaml:1:1"), "{}", run.err);
}

#[test]
fn templates_are_told_from_yaml() {
    let folder = folder(&[("t.yaml", "{{ if .Values.x }}\na: 1\n{{ end }}\n")]);
    let run = vigla(folder.path(), &["check", "t.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("helm template"), "{}", run.err);
}

#[test]
fn folders_are_searched_without_hidden_files_and_link_loops() {
    let folder =
        folder(&[("a/b/f.yml", FILTERS), ("a/.hidden/f.yaml", FILTERS), ("a/notes.txt", "{"), ("none/x.txt", "")]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    let run = vigla(folder.path(), &["check", "a"]);
    assert!(run.err.contains("checked 3 documents in 1 file:"), "{}", run.err);
    let run = vigla(folder.path(), &["check", "none"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("holds no file named *.yaml"), "{}", run.err);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let folder = folder(&[("bom.yaml", &format!("\u{feff}{FILTERS}"))]);
    let run = vigla(folder.path(), &["check", "bom.yaml", "-o", "json"]);
    assert_eq!((&findings(&run)[0]["line"], &findings(&run)[0]["column"]), (&Value::from(6), &Value::from(14)));
}

#[test]
fn colour_is_for_terminals_or_for_those_who_ask() {
    let folder = folder(&[("f.yaml", FILTERS)]);
    assert!(!vigla(folder.path(), &["check", "f.yaml"]).out.contains('\u{1b}'));
    assert!(vigla(folder.path(), &["check", "f.yaml", "--color", "always"]).out.contains('\u{1b}'));
}

#[test]
fn usage_errors_exit_with_2_and_one_clear_line() {
    let folder = folder(&[("f.yaml", FILTERS)]);
    for (arguments, expected) in [
        (&["check"][..], "nothing to judge; name files"),
        (&["check", "f.yaml", "--frobnicate"], "--frobnicate"),
        (&["check", "f.yaml", "--operation", "PATCH"], "PATCH"),
        (&["check", "f.yaml", "--now", "tomorrow"], "tomorrow"),
        (&["check", "f.yaml", "--as-group", "x"], "--as"),
        (&["check", "f.yaml", "--old", "f.yaml", "--operation", "CREATE"], "--operation"),
        (&["explain", "KIA0000"], "`KIA0000`; `vigla rules` lists the names, with `-o json` other tools' codes too"),
        (&["rules", "no-such-rule"], "`no-such-rule`; `vigla rules` lists them all"),
        (&["rules", "IST0118"], "no rule `IST0118`; `vigla explain IST0118` shows"),
        (&["serv"], "serv"),
        (&[], "Usage"),
    ] {
        let run = vigla(folder.path(), arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(expected) && run.out.is_empty(), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn rules_and_explain_show_what_there_is() {
    let here = Path::new(".");
    insta::assert_snapshot!("rules", vigla(here, &["rules"]).out);
    insta::assert_snapshot!("explain", vigla(here, &["explain", "envoyfilter-namespace"]).out);
    let listed: Value = serde_json::from_str(&vigla(here, &["rules", "-o", "json"]).out).unwrap();
    let listed = listed.as_array().unwrap();
    let filters = listed.iter().find(|rule| rule["name"] == "envoyfilter-namespace").unwrap();
    assert_eq!(filters["parameters"]["type"], "object");
    let one = vigla(here, &["rules", "envoyfilter-namespace"]).out;
    assert!(one.contains("EnvoyFilter.networking.istio.io"), "{one}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let folder = folder(&[("f.yaml", &[FILTERS; 2000].join("---\n"))]);
    let mut child =
        command(folder.path(), &["check", "f.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 1, "{}", run.err);
}

const OWN: &str = "\
apiVersion: policies.vigla.dev/v1alpha1
kind: Policy
metadata: {name: mine}
spec:
  rule: envoyfilter-namespace
  action: Deny
  match: {namespaceSelector: {matchLabels: {env: production}}}
";

#[test]
fn policies_shows_what_is_in_force_and_why() {
    let settings = "kind: Settings\napiVersion: policies.vigla.dev/v1alpha1\n\
                    policies: {envoyfilter-namespace: {enabled: false}, mine: {action: Warn}}\n";
    let folder = folder(&[("own/mine.yaml", OWN), ("settings.yaml", settings)]);
    let run = vigla(folder.path(), &["policies", "--policies", "own", "--settings", "settings.yaml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    insta::assert_snapshot!("policies", run.out);
    let run = vigla(folder.path(), &["policies", "mine", "--policies", "own", "-o", "json"]);
    let listed: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["inForce"]), (&Value::from("mine"), &Value::from(true)));
    for (arguments, expected) in [
        (&["policies", "nope"][..], "no policy `nope`"),
        (&["policies", "--policies", "missing"], "missing"),
        (&["policies", "--settings", "own/mine.yaml"], "own/mine.yaml:2:7: expected kind Settings"),
        (&["policies", "--profile", "all"], "all"),
        (&["check", "own", "--policies", "settings.yaml"], "settings.yaml:3:"),
        (&["serve", "--dev", "--policies", "settings.yaml"], "settings.yaml:3:"),
    ] {
        let run = vigla(folder.path(), arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(expected) && run.out.is_empty(), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn labels_of_namespaces_come_from_the_documents_and_the_flag() {
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {env: dev}}\n";
    let off = "kind: Settings\npolicies: {envoyfilter-namespace: {enabled: false}}\n";
    let folder = folder(&[
        ("own/mine.yaml", OWN),
        ("settings.yaml", off),
        ("filters.yaml", FILTERS),
        ("state.yaml", &format!("{FILTERS}{namespace}")),
    ]);
    let code = |file: &str, flags: &[&str]| {
        let arguments = [&["check", file, "--policies", "own", "--settings", "settings.yaml"], flags].concat();
        vigla(folder.path(), &arguments).code
    };
    assert_eq!(code("filters.yaml", &[]), 1, "unknown: the strictest branch");
    assert_eq!(code("state.yaml", &[]), 0, "the documents are one state, and their Namespace is no production");
    assert_eq!(code("filters.yaml", &["--namespace-labels", "shop:env=production"]), 1);
    assert_eq!(code("filters.yaml", &["--namespace-labels", "shop:"]), 0);
    assert_eq!(code("filters.yaml", &["--namespace-labels", "*:"]), 0);
    assert_eq!(code("filters.yaml", &["--namespace-labels", "shop"]), 2);
}

#[test]
fn what_is_only_mended_is_no_failure() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: istio-system\n";
    let folder = folder(&[("ns.yaml", namespace)]);
    let run = vigla(folder.path(), &["check", "ns.yaml"]);
    assert_eq!(run.code, 0);
    assert!(run.out.contains("mended[istio-system-injection-disabled]"), "{}", run.out);
    assert!(run.err.contains("1 mended"), "{}", run.err);
}

#[test]
fn variables_for_flags_take_the_words_that_people_write() {
    let mut advice = filter("a", "istio-config");
    advice["spec"] = Value::Null;
    let folder = folder(&[("values.yaml", "a: 1\n"), ("advice.json", &advice.to_string())]);
    for (variable, file, set) in [("VIGLA_STRICT", "values.yaml", 2), ("VIGLA_DENY_WARNINGS", "advice.json", 1)] {
        for (value, code) in [("1", set), ("true", set), ("yes", set), ("0", 0), ("false", 0), ("", 0), ("no", 0)] {
            let status = command(folder.path(), &["check", file]).env(variable, value).output().unwrap().status;
            assert_eq!(status.code(), Some(code), "{variable}={value}");
        }
    }
}

#[test]
fn a_day_is_told_to_be_none_or_out_of_range() {
    let run = |day: &str| check_with("", &["--now", day]);
    for (day, message) in [
        ("tomorrow", "'tomorrow' for '--now <DATE>': expected a day such as 2026-11-20"),
        ("2026-02-30", "expected a day such as 2026-11-20"),
        ("9999-12-31", "'9999-12-31' for '--now <DATE>': the last day is 9999-12-30"),
    ] {
        let run = run(day);
        assert_eq!(run.code, 2, "{day}");
        assert!(run.err.contains(message), "{day}: {}", run.err);
    }
    for day in ["9999-12-30", "2026-11-20"] {
        assert_eq!(run(day).code, 0, "{day}");
    }
}
