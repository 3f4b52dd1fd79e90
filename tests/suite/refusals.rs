//! A bad suite: one clear error, with its place.

use vigla::policy::Sources;

use super::{filter, run, run_with, suite_of, text};

/// Line and column of the one error of a suite, and its message.
fn refused(suite: &str) -> (String, String) {
    let report = run(suite);
    assert_eq!(report.outcomes.len(), 0, "{suite}");
    assert_eq!(report.bad.len(), 1, "{suite}\n{:?}", report.bad);
    let error = &report.bad[0];
    (format!("{}:{}:{}", error.file, error.line, error.column), error.message.clone())
}

fn check(table: &[(String, &str, &str)]) {
    for (suite, place, part) in table {
        let (at, message) = refused(suite);
        assert_eq!(at, *place, "{suite}\n{message}");
        assert!(message.contains(part), "{suite}\n{message}");
        assert!(!message.contains("Said") && !message.contains("struct"), "no Rust names: {message}");
    }
}

fn document(rest: &str) -> String {
    suite_of("envoyfilter-namespace", rest)
}

/// One case in block style: its members start at line 6, column 3.
fn case(members: &str) -> String {
    let members = members.replace('\n', "\n  ");
    document(&format!("cases:\n- name: a\n  {members}"))
}

/// A case on a misplaced filter, which stands at line 6; what is given starts at line 7.
fn on_filter(members: &str) -> String {
    case(&format!("object: {}\n{members}", filter("shop")))
}

#[test]
fn documents_that_are_no_suites() {
    let case = format!("cases: [{{name: a, object: {}, expect: allow}}]", filter("istio-config"));
    check(&[
        (document("cases: []"), "suite.yaml:4:1", "a suite without cases tests nothing"),
        (document(""), "suite.yaml:1:1", "missing field `cases`"),
        (document("cases: {}"), "suite.yaml:4:1", "expected a sequence"),
        (document("cases: [7]"), "suite.yaml:4:9", "expected a map"),
        (
            format!("apiVersion: policies.vigla.dev/v1alpha1\nkind: Suite\n{case}\n"),
            "suite.yaml:1:1",
            "missing field `policy`",
        ),
        (suite_of("no-such-policy", &case), "suite.yaml:3:9", "no policy `no-such-policy`"),
        (suite_of("7", &case), "suite.yaml:3:9", "expected a string"),
        (document(&format!("{case}\nname: x")), "suite.yaml:5:1", "unknown field `name`"),
        (document(&format!("{case}\nmetadata: {{name: x}}")), "suite.yaml:5:1", "unknown field `metadata`"),
        (format!("apiVersion: policies.vigla.dev/v1\nkind: Suite\npolicy: x\n{case}\n"), "suite.yaml:1:13", "v1alpha1"),
        (format!("kind: Suite\npolicy: x\n{case}\n"), "suite.yaml:1:1", "missing field `apiVersion`"),
        (
            format!("apiVersion: policies.vigla.dev/v1alpha1\nkind: Suit\n{case}\n"),
            "suite.yaml:2:7",
            "expected kind Suite",
        ),
        (format!("apiVersion: policies.vigla.dev/v1alpha1\n{case}\n"), "suite.yaml:1:1", "expected kind Suite"),
        (document("cases: ["), "suite.yaml:4:8", "not valid YAML"),
    ]);
}

#[test]
fn settings_that_are_none() {
    let with = |settings: &str| {
        document(&format!(
            "settings:\n  {settings}\ncases:\n- {{name: a, object: {}, expect: allow}}",
            filter("istio-config")
        ))
    };
    check(&[
        (with("mesh: {rootNamespaces: x}"), "suite.yaml:5:10", "unknown field `rootNamespaces`"),
        (with("maxAction: Patch"), "suite.yaml:5:14", "unknown variant `Patch`"),
        (with("policies: {no-such-policy: {action: Warn}}"), "suite.yaml:5:14", "no policy `no-such-policy`"),
        (with("policies: {envoyfilter-namespace: {action: Patch}}"), "suite.yaml:5:46", "has no fix"),
        (
            with("policies: {envoyfilter-namespace: {params: {alsoKinds: [Pod]}}}"),
            "suite.yaml:5:59",
            "unknown variant `Pod`",
        ),
        (with("mesh: {controlPlaneNamespaces: [kube-system]}"), "suite.yaml:5:10", "never judged"),
    ]);
    // Those of another built-in policy are fine, though it is not loaded.
    let report = run(&with("policies: {istio-system-injection-disabled: {action: Warn}}"));
    assert_eq!((report.bad.len(), report.outcomes.len()), (0, 1), "{:?}", report.bad);
}

#[test]
fn cases_that_expect_nothing_or_nonsense() {
    check(&[
        (on_filter(""), "suite.yaml:5:3", "expects nothing"),
        (on_filter("expect:"), "suite.yaml:7:9", "expects nothing"),
        (on_filter("expect: {}"), "suite.yaml:7:3", "expects nothing"),
        (on_filter("expect: {deny: [], warn: []}"), "suite.yaml:7:3", "expects nothing"),
        (on_filter("expect: {error: ''}"), "suite.yaml:7:3", "expects nothing"),
        (on_filter("expect: deny"), "suite.yaml:7:11", "expected `allow`, `unjudged`, or a map"),
        (on_filter("expect: [allow]"), "suite.yaml:7:3", "expected `allow`, `unjudged`, or a map"),
        (on_filter("expect: {denied: []}"), "suite.yaml:7:12", "unknown field `denied`"),
        (on_filter("expect: {deny: [{}]}"), "suite.yaml:7:19", "`path`, `message` or both"),
        (on_filter("expect: {deny: [{message: ''}]}"), "suite.yaml:7:19", "`path`, `message` or both"),
        (on_filter("expect: {deny: [shop]}"), "suite.yaml:7:19", "expected a map of path and message"),
        (on_filter("expect: {deny: [{path: metadata}]}"), "suite.yaml:7:19", "a JSON Pointer"),
        (on_filter("expect: {deny: [{path: /a~2}]}"), "suite.yaml:7:19", "a JSON Pointer"),
        (on_filter("expect: {deny: [{subject: x}]}"), "suite.yaml:7:20", "unknown field `subject`"),
        (on_filter("expect: {patched: yes}"), "suite.yaml:7:21", "expected a map"),
    ]);
}

#[test]
fn cases_whose_members_are_wrong() {
    check(&[
        (on_filter("expect: allow\nwhen: now"), "suite.yaml:8:3", "unknown field `when`"),
        (on_filter("expect: allow\ncluster: []"), "suite.yaml:8:3", "there is no snapshot of a cluster"),
        (on_filter("expect: allow\noperation: create"), "suite.yaml:8:14", "unknown variant `create`"),
        (on_filter("expect: allow\noperation: UPDATE"), "suite.yaml:8:14", "an UPDATE needs `oldObject`"),
        (
            on_filter("expect: allow\noperation: CREATE\noldObject: {a: b}"),
            "suite.yaml:9:3",
            "a CREATE has no `oldObject`",
        ),
        (
            on_filter("expect: allow\noperation: DELETE\noldObject: {a: b}"),
            "suite.yaml:9:3",
            "what is deleted is one object",
        ),
        (on_filter("expect: allow\nnow: tomorrow"), "suite.yaml:8:8", "bad date `tomorrow`"),
        (on_filter("expect: allow\nnow: -009999-01-01"), "suite.yaml:8:8", "out of range"),
        (on_filter("expect: allow\ngroups: [devs]"), "suite.yaml:8:3", "say who asks"),
        (on_filter("expect: allow\nnamespace: other"), "suite.yaml:8:14", "this one is in `shop`"),
        (on_filter("expect: allow\nnamespaceLabels: {a: 1}"), "suite.yaml:8:24", "expected a string"),
        (on_filter("expect: allow\nrequestKind: EnvoyFilter"), "suite.yaml:8:16", "expected a map"),
        (on_filter("expect: allow\ndryRun: maybe"), "suite.yaml:8:11", "expected a boolean"),
        (
            on_filter("expect: allow\nparams: {requireSelectors: true}"),
            "suite.yaml:8:12",
            "unknown field `requireSelectors`",
        ),
        (
            on_filter("expect: allow\nparams: {alsoKinds: [WasmPlugin, Pod]}"),
            "suite.yaml:8:36",
            "unknown variant `Pod`",
        ),
        (on_filter("expect: allow\nfile: filter.yaml"), "suite.yaml:8:9", "not both"),
        (case("expect: allow"), "suite.yaml:5:3", "nothing to judge"),
        (case("expect: allow\noldObject: {a: b}"), "suite.yaml:5:3", "nothing to judge"),
        (
            case("expect: allow\nobject: {kind: EnvoyFilter}"),
            "suite.yaml:7:3",
            "not a Kubernetes object: it has no `apiVersion` and `kind`",
        ),
        (
            case("expect: allow\nobject: {apiVersion: v1, kind: Namespace, metadata: {name: 7}}"),
            "suite.yaml:7:62",
            "`metadata.name` is a number, expected a string",
        ),
        (
            case("expect: allow\nobject: {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: A}]}"),
            "suite.yaml:7:3",
            "a List holds objects and is none; give one of them",
        ),
        (case("expect: allow\nobject: [a]"), "suite.yaml:7:3", "expected a map"),
        (document("cases:\n- expect: allow"), "suite.yaml:5:3", "missing field `name`"),
    ]);
    let object = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}";
    let labels = |object: &str| case(&format!("object: {object}\nexpect: allow\nnamespaceLabels: {{a: b}}"));
    check(&[
        (labels(object), "suite.yaml:8:3", "a Namespace has its own labels"),
        (labels(&object.replace("Namespace", "Node")), "suite.yaml:8:3", "a Node is in no namespace"),
    ]);
}

#[test]
fn names_that_tell_no_case_from_another() {
    let cases = |first: &str, second: &str| {
        let case = |name: &str| format!("- name: {name}\n  object: {}\n  expect: allow\n", filter("istio-config"));
        document(&format!("cases:\n{}{}", case(first), case(second)))
    };
    check(&[
        (cases("a", "a"), "suite.yaml:8:9", "a second case `a`"),
        (cases("a", "''"), "suite.yaml:8:9", "a case needs a name"),
        (cases("a", "7"), "suite.yaml:8:9", "expected a string"),
    ]);
}

#[test]
fn files_that_hold_no_object() {
    let file = |path: &str| case(&format!("file: {path}\nexpect: allow"));
    check(&[
        (file("missing.yaml"), "suite.yaml:6:9", "`missing.yaml` cannot be read"),
        (file("/etc/passwd"), "suite.yaml:6:9", "no relative path"),
        (file("two.yaml"), "suite.yaml:6:9", "more than one document"),
        (file("list.yaml"), "suite.yaml:6:9", "more than one document"),
        (file("values.yaml"), "suite.yaml:6:9", "no Kubernetes object"),
        (file("policy.yaml"), "suite.yaml:6:9", "no Kubernetes object"),
        (file("empty.yaml"), "suite.yaml:6:9", "is empty"),
        (file("review.yaml"), "suite.yaml:6:9", "a recorded review"),
        (file("broken.yaml"), "beside/broken.yaml:2:4", "not valid YAML"),
    ]);
}

#[test]
fn what_is_wrong_with_a_policy_is_said_once_and_all_else_is_said_too() {
    let broken = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {name: ours}\nspec: {rule: none, action: Deny}\n";
    let sources = Sources { policies: vec![vec![text("ours.yaml", broken)]], ..Sources::default() };
    let suite = suite_of("ours", "cases: []");
    let report = run_with(&format!("{suite}---\n{suite}"), None, &sources);
    let said: Vec<String> = report.bad.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("ours.yaml:4:14: unknown rule `none`"), "{said:?}");
    assert!(said[1].starts_with("suite.yaml:4:1: a suite without cases"), "{said:?}");
    assert!(said[2].starts_with("suite.yaml:9:1: a suite without cases"), "{said:?}");
    // Errors of several cases are all named.
    let report = run(&document("cases:\n- {name: a}\n- {name: b, expect: allow}"));
    assert_eq!(report.bad.len(), 2, "{:?}", report.bad);
}
