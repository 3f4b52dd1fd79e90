//! What `vigla check` makes of documents: names, lists, broken and doubtful texts, the state before.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::cli::{Run, check, check_with, command, filter, folder, vigla};
use serde_json::{Value, json};

/// An offender, but for its `metadata`.
const FILTER: &str = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n";

#[test]
fn a_name_of_the_wrong_type_is_an_error_at_its_place() {
    for (metadata, error) in [
        ("metadata: {namespace: 5}", "3:23 `metadata.namespace` is a number, expected a string; put it in quotes"),
        ("metadata:\n  namespace: y\n", "4:14 `metadata.namespace` is a boolean, expected a string; put it in quotes"),
        ("metadata: {namespace: [shop]}", "3:12 `metadata.namespace` is a list, expected a string"),
        ("metadata: {name: 1e3}", "3:18 `metadata.name` is a number, expected a string; put it in quotes"),
        ("metadata: hello", "3:11 `metadata` is a string, expected a map"),
        ("metadata: [a]", "3:1 `metadata` is a list, expected a map"),
    ] {
        let text = format!("{FILTER}{metadata}\n---\n{FILTER}metadata: {{name: next, namespace: shop}}\n");
        // No assumed namespace hides it, and it hides no other document.
        let run = check_with(&text, &["-o", "json", "--namespace", "istio-config"]);
        assert_eq!((run.code, run.errors()), (2, vec![error.to_owned()]), "{metadata}");
        assert_eq!(run.places().len(), 1, "{metadata}");
    }
    for metadata in ["metadata:", "metadata: {namespace: null}", "metadata: {namespace: ''}", ""] {
        let run = check(&format!("{FILTER}{metadata}\n"));
        assert_eq!((run.code, run.errors().len()), (1, 0), "{metadata}: {}", run.err);
        assert_eq!(run.report()["findings"][0]["object"]["namespace"], "default");
    }
}

#[test]
fn what_has_items_is_a_list_and_says_what_they_are() {
    let head = "apiVersion: networking.istio.io/v1alpha3\nkind: ";
    for (text, places) in [
        // Items without a kind have the list's; what they say themselves counts where they say it whole.
        ("EnvoyFilterList\nitems:\n- metadata: {name: a, namespace: shop}\n", &["4:34 a"][..]),
        ("EnvoyFilterList\nitems:\n- kind: ConfigMap\n  metadata: {name: a, namespace: shop}\n", &["5:34 a"]),
        ("EnvoyFilterList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n", &[]),
        ("EnvoyFilterList\nitems:\n- items:\n  - metadata: {name: a, namespace: shop}\n", &["4:3 ", "5:36 a"]),
        // Both what kubectl makes of it and what others do.
        ("EnvoyFilter\nmetadata: {name: b, namespace: shop}\nitems: []\n", &["3:32 b"]),
        (
            "EnvoyFilter\nmetadata: {name: b, namespace: shop}\nitems:\n- metadata: {name: a, namespace: shop}\n- c\n",
            &["3:32 b", "5:34 a"],
        ),
        ("EnvoyFilterList\nitems:\n", &[]),
    ] {
        let run = check(&format!("{head}{text}"));
        assert_eq!(
            (run.places(), run.errors().len()),
            (places.iter().map(|&place| place.to_owned()).collect(), 0),
            "{text}"
        );
    }
    // No kind to inherit: counted, and an error where asked for.
    let nameless = "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n- spec: {}\n";
    assert_eq!(check(nameless).report()["summary"]["skipped"], 2);
    let run = check_with(nameless, &["--strict", "-o", "json"]);
    let message = "not a Kubernetes object: it has no `apiVersion` and `kind`";
    assert_eq!(run.errors(), [format!("4:3 {message}"), format!("5:3 {message}")]);
}

#[test]
fn a_list_that_kubectl_cannot_take_apart_is_an_error() {
    let list = "apiVersion: v1\nkind: List\n";
    let object = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    for (text, error) in [
        (format!("{list}items: {object}\n"), "3:1 `items` is a map, expected a list"),
        (format!("{list}items: a\n"), "3:8 `items` is a string, expected a list"),
        (format!("{list}item: []\n"), "1:1 a `List` without `items`"),
        (format!("{list}items: [a, {object}]\n"), "3:9 an item of the list is a string, expected an object"),
        (format!("{list}items: [null]\n"), "3:9 an item of the list is null, expected an object"),
        (
            r#"[{"apiVersion": "v1", "kind": "ConfigMap"}]"#.to_owned(),
            "1:1 a list of objects without a `kind`; put it below `items` of a `List`, or `---` between them",
        ),
    ] {
        let run = check(&text);
        assert_eq!((run.code, run.errors()), (2, vec![error.to_owned()]), "{text}");
    }
    // Lists of anything else are nobody's objects, and some kinds merely sound like lists.
    for (text, documents, skipped) in [
        ("- hosts: all\n- 1\n", 0, 1),
        ("[]", 0, 1),
        ("items: [a, {b: c}]", 0, 1),
        ("apiVersion: example.com/v1\nkind: AllowList\nspec: {}\n", 1, 0),
        ("apiVersion: example.com/v1\nkind: Shelf\nitems: {a: b}\n", 1, 0),
    ] {
        let summary = check(text).report()["summary"].clone();
        let counted = (summary["documents"].as_u64(), summary["skipped"].as_u64(), summary["errors"].as_u64());
        assert_eq!(counted, (Some(documents), Some(skipped), Some(0)), "{text}");
    }
}

#[test]
fn a_key_that_stands_twice_in_json_is_an_error_at_the_second() {
    let many: String = (0..40).map(|n| format!("\"k{n}\":{n},")).collect();
    for (text, place) in [
        (r#"{"metadata":{"namespace":"shop","namespace":"istio-config"},X}"#, "1:33"),
        (r#"{"metadata":{"namespace":"shop","n\u0061mespace":"shop","namespace":1},X}"#, "1:33"),
        ("{X,\n\"spec\":[{},{\"a\":{\"b\":1,\"b\":2},\n\"a\":1}]}", "3:1"),
        (&*format!("{{X,\n\"spec\":{{{many}\n\"k7\":0}}}}"), "3:1"),
    ] {
        let head = r#""apiVersion":"networking.istio.io/v1alpha3","kind":"EnvoyFilter""#;
        let run = check(&text.replace('X', head));
        let error = format!("{place} a key that stands in this map already; remove one of them");
        assert_eq!((run.code, run.errors(), run.places().len()), (2, vec![error], 0), "{text}");
    }
}

#[test]
fn a_broken_json_value_hides_none_before_it() {
    let (a, b) = (filter("a", "shop"), filter("b", "shop"));
    let text = format!("{a}\n{b}\n{{\"broken\": \n---\n{}\n", filter("c", "shop"));
    let run = check(&text);
    let findings = run.places();
    let names: Vec<_> = findings.iter().map(|place| place.split_once(' ').unwrap().1).collect();
    assert_eq!((run.code, names), (2, vec!["a", "b", "c"]));
    assert_eq!(run.errors(), ["3:10 not valid JSON: EOF while parsing a value"]);
    // A fault that only the second reading notices hides no value, neither before nor after it.
    let run = check(&format!("{a} {{\"deep\": [1e999]}} {b}"));
    assert_eq!((run.places().len(), run.errors().len()), (2, 1));
    assert!(run.errors()[0].starts_with(&format!("1:{} ", a.to_string().len() + 16)), "{:?}", run.errors());
    // What is YAML all the same is read as YAML, once.
    let run = check(&format!("{a} # the only one\n"));
    assert_eq!((run.places().len(), run.errors().len()), (1, 0));
}

#[test]
fn the_state_before_leaves_recorded_reviews_as_they_are() {
    let object = filter("lua", "shop");
    let review = |operation: &str, object: &Value, old: &Value| {
        let kind = json!({"group": "networking.istio.io", "version": "v1alpha3", "kind": "EnvoyFilter"});
        let request = json!({"uid": "x", "kind": kind, "name": "lua", "namespace": "shop", "operation": operation,
            "object": object, "oldObject": old});
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string()
    };
    let folder = folder(&[
        ("delete.json", &review("DELETE", &Value::Null, &object)),
        ("create.json", &review("CREATE", &object, &Value::Null)),
        ("object.json", &object.to_string()),
    ]);
    for (now, old, effects, skipped) in [
        // A deletion is allowed, and no UPDATE without an object.
        ("delete.json", "object.json", &[][..], 0),
        // A creation is denied, and does not find what it creates there before.
        ("create.json", "object.json", &["deny"], 0),
        // Nor is a review the state before of anything.
        ("object.json", "create.json", &["deny"], 1),
        ("object.json", "delete.json", &["deny"], 1),
        ("object.json", "object.json", &["old"], 0),
    ] {
        let report = vigla(folder.path(), &["check", now, "--old", old, "-o", "json"]).report();
        let found: Vec<_> = report["findings"].as_array().unwrap().iter().map(|found| &found["effect"]).collect();
        assert_eq!(found, effects, "{now} after {old}");
        assert_eq!(report["summary"]["skipped"], skipped, "{now} after {old}");
    }
}

#[test]
fn the_summary_counts_what_was_judged_and_a_finding_where_it_stands() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [filter("a", "shop"), 1, filter("b", "shop")]});
    let text = format!("# empty\n---\na: [\n---\nvalues: 1\n---\n{list}\n{}\n", filter("c", "shop"));
    let report = check(&text).report();
    let numbers: Vec<_> = report["findings"].as_array().unwrap().iter().map(|found| &found["document"]).collect();
    assert_eq!(numbers, [3, 3, 4]);
    let summary = &report["summary"];
    let counts = ["documents", "files", "denied", "skipped", "errors"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [3, 1, 3, 1, 2]);
}

#[test]
fn groups_may_hold_commas_and_stand_one_a_line_in_the_variable() {
    let settings = "kind: Settings\npolicies:\n  envoyfilter-namespace:\n    \
                    match: {users: {excludeGroups: [\"CN=mesh,OU=admins\"]}}\n";
    let folder = folder(&[("settings.yaml", settings), ("filter.json", &filter("a", "shop").to_string())]);
    let check = |groups: &[&str], variable: &str| -> i32 {
        let mut command =
            command(folder.path(), &["check", "filter.json", "--settings", "settings.yaml", "--as", "ann"]);
        command.args(groups.iter().flat_map(|group| ["--as-group", group]));
        if !variable.is_empty() {
            command.env("VIGLA_AS_GROUP", variable);
        }
        Run::from(command.output().expect("vigla runs")).code
    };
    assert_eq!(check(&["staff", "CN=mesh,OU=admins"], ""), 0);
    assert_eq!(check(&["CN=mesh", "OU=admins"], ""), 1);
    assert_eq!(check(&[], "staff\nCN=mesh,OU=admins\n"), 0);
    assert_eq!(check(&[], "CN=mesh,OU=admins"), 0);
    assert_eq!(check(&[], "CN=mesh\nOU=admins"), 1);
}
