//! Suites, through the library: what is compared, and what is refused.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod compare;
mod refusals;
mod requests;

use jiff::civil::date;
use vigla::policy::{Sources, Text};
use vigla::suite::{self, Report, Surroundings};

/// The files that a suite may name.
const FILES: [(&str, &str); 9] = [
    ("filter.yaml", "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: lua}\n"),
    ("filter.json", r#"{"apiVersion":"networking.istio.io/v1alpha3","kind":"EnvoyFilter","metadata":{"name":"lua"}}"#),
    ("two.yaml", "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n"),
    ("list.yaml", "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: A}, {apiVersion: v1, kind: B}]\n"),
    ("values.yaml", "replicas: 3\n"),
    ("empty.yaml", "# nothing\n"),
    ("broken.yaml", "a: 1\nb: [\n"),
    ("policy.yaml", "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\n"),
    (
        "review.yaml",
        "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n\
         request: {uid: x, operation: CREATE, kind: {group: '', version: v1, kind: Pod}, object: {}}\n",
    ),
];

fn file(_: &str, path: &str) -> Result<Text, String> {
    let found = FILES.iter().find(|(name, _)| *name == path);
    let text = |(name, text): &(&str, &str)| Text::new(format!("beside/{name}"), (*text).to_owned());
    found.map(text).ok_or_else(|| "cannot be read: it is not there".to_owned())
}

fn text(file: &str, text: &str) -> Text {
    Text::new(file.to_owned(), text.to_owned())
}

fn run_with(suite: &str, part: Option<&str>, sources: &Sources) -> Report {
    let around = Surroundings { sources, files: &file, today: date(2027, 1, 1) };
    suite::run(&[text("suite.yaml", suite)], part, &around)
}

fn run(suite: &str) -> Report {
    run_with(suite, None, &Sources::default())
}

/// A suite on a built-in policy with these members of the document.
fn suite_of(policy: &str, rest: &str) -> String {
    format!("apiVersion: policies.vigla.dev/v1alpha1\nkind: Suite\npolicy: {policy}\n{rest}\n")
}

/// A suite with one case, whose members are given as YAML's flow style has them.
fn case_of(policy: &str, members: &str) -> String {
    suite_of(policy, &format!("cases:\n- {{name: a, {members}}}"))
}

const FILTER: &str = "apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter";
const SELECTED: &str = "spec: {workloadSelector: {labels: {app: cart}}}";

/// An `EnvoyFilter` with workload labels in a namespace.
fn filter(namespace: &str) -> String {
    format!("{{{FILTER}, metadata: {{name: lua, namespace: {namespace}}}, {SELECTED}}}")
}

/// A case on an `EnvoyFilter` in the namespace `shop`, which is denied.
fn misplaced(expect: &str) -> String {
    case_of("envoyfilter-namespace", &format!("object: {}, expect: {expect}", filter("shop")))
}

/// A case on a Namespace `istio-system` with these labels.
fn namespace(labels: &str, expect: &str) -> String {
    let object = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: istio-system, labels: {labels}}}}}");
    case_of("istio-system-injection-disabled", &format!("object: {object}, expect: {expect}"))
}

/// The differences of the one case of a suite, a line each, `-` expected and `+` found.
fn differences(suite: &str) -> Vec<String> {
    said(&run(suite))
}

fn said(report: &Report) -> Vec<String> {
    assert_eq!(report.bad, [], "a bad suite");
    assert_eq!(report.outcomes.len(), 1, "one case");
    let lines = report.outcomes[0].differences.iter().flat_map(|difference| {
        let line = |sign, what: &Option<String>| {
            what.as_ref().map(|what| format!("{sign} {}: {what}", difference.about.as_str()))
        };
        [line('-', &difference.expected), line('+', &difference.found)]
    });
    lines.flatten().collect()
}

#[test]
fn every_built_in_suite_passes() {
    let sources = Sources::default();
    let around = Surroundings { sources: &sources, files: &file, today: date(2027, 1, 1) };
    let report = suite::run(&suite::built_in(), None, &around);
    assert_eq!(report.bad, []);
    let failed: Vec<_> = report.outcomes.iter().filter(|outcome| !outcome.passed()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(report.outcomes.len() > 80, "{}", report.outcomes.len());
}

#[test]
fn the_filter_looks_at_policy_and_name() {
    let suite = suite_of(
        "envoyfilter-namespace",
        &format!(
            "cases:\n- {{name: accepts one, object: {0}, expect: allow}}\n- {{name: accepts two, object: {0}, expect: allow}}",
            filter("istio-config")
        ),
    );
    let names = |part| {
        let report = run_with(&suite, Some(part), &Sources::default());
        report.outcomes.iter().map(|outcome| outcome.case.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("one"), ["accepts one"]);
    assert_eq!(names("envoyfilter-namespace: accepts"), ["accepts one", "accepts two"]);
    assert_eq!(names("Accepts"), [""; 0]);
}

#[test]
fn a_bad_suite_hides_no_other_and_none_of_its_cases_is_judged() {
    let good = case_of("envoyfilter-namespace", &format!("object: {}, expect: allow", filter("istio-config")));
    let half = format!("{good}- {{name: b, object: {}}}\n", filter("istio-config"));
    let report = run(&format!("{half}---\na: [\n---\n{good}---\nkind: ConfigMap\n"));
    assert_eq!(report.outcomes.len(), 1);
    assert!(report.outcomes[0].passed() && report.outcomes[0].line > 5, "{:?}", report.outcomes);
    let places: Vec<(usize, usize)> = report.bad.iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(places.len(), 2, "{:?}", report.bad);
    assert!(report.bad[0].message.contains("expects nothing"), "{:?}", report.bad);
}

/// What the page on suites shows is true.
#[test]
fn the_examples_of_the_documentation_pass() {
    let page = include_str!("../../docs/suites.md");
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let joined = blocks.join("---\n");
    let sources = Sources { policies: vec![vec![text("docs.yaml", &joined)]], ..Sources::default() };
    let report = run_with(&joined, None, &sources);
    assert_eq!(report.bad, []);
    assert!(report.outcomes.iter().all(suite::Outcome::passed), "{:#?}", report.outcomes);
    assert_eq!((report.suites, report.outcomes.len()), (2, 6));
}
