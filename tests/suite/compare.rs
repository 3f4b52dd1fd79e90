//! A wrong expectation of each kind fails its case, with a difference that names it.

use vigla::policy::Sources;

use super::{FILTER, case_of, differences, filter, misplaced, namespace, run, run_with, said, suite_of, text};

const FOUND: &str = r#"deny: {path: /metadata/namespace, message: "an EnvoyFilter in namespace `shop`"}"#;

#[test]
fn allow_means_that_nothing_is_found() {
    let expected = ["- allow: nothing found".to_owned(), format!("+ {FOUND}")];
    assert_eq!(differences(&misplaced("allow")), expected);
    // Advice is something.
    let advised = format!("object: {{{FILTER}, metadata: {{name: lua, namespace: istio-config}}}}, expect: allow");
    let found = differences(&case_of("envoyfilter-namespace", &advised));
    assert!(found[1].starts_with("+ warn: {path: /spec/workloadSelector/labels"), "{found:?}");
    // So is what would be mended, and what cannot be judged.
    let mended = differences(&namespace("{}", "allow"));
    assert!(mended[1].starts_with("+ deny: {path: /metadata/labels/istio-injection"), "{mended:?}");
    let error = differences(&namespace("{istio-injection: 7}", "allow"));
    assert!(error[1].starts_with("+ error: {path: /metadata/labels/istio-injection"), "{error:?}");
}

#[test]
fn a_request_that_the_policy_does_not_judge_is_not_allowed_but_unjudged() {
    let plural = filter("shop").replace("kind: EnvoyFilter", "kind: EnvoyFilters");
    let elsewhere = filter("shop").replace("networking.istio.io/v1alpha3", "example.com/v1");
    let old = format!("{}, oldObject: {}", filter("shop"), filter("shop"));
    for (object, members, shown) in [
        (&plural, "", "CREATE of networking.istio.io/v1alpha3 EnvoyFilters"),
        (&elsewhere, "", "CREATE of example.com/v1 EnvoyFilter"),
        (&filter("shop"), "operation: DELETE, ", "DELETE of networking.istio.io/v1alpha3 EnvoyFilter"),
        (&old, "subresource: status, ", "UPDATE of networking.istio.io/v1alpha3 EnvoyFilter, subresource status"),
    ] {
        let case = |word: &str| {
            differences(&case_of("envoyfilter-namespace", &format!("object: {object}, {members}expect: {word}")))
        };
        let found = format!("+ unjudged: it judges no {shown}; `expect: unjudged` says so");
        assert_eq!(case("allow"), ["- allow: a request that the policy judges", &found]);
        assert_eq!(case("unjudged"), [""; 0]);
    }
    let expected = "- unjudged: a request that the policy does not judge".to_owned();
    assert_eq!(differences(&misplaced("unjudged")), [expected.clone(), format!("+ {FOUND}")]);
    let well = format!("object: {}, expect: unjudged", filter("istio-config"));
    assert_eq!(differences(&case_of("envoyfilter-namespace", &well)), [expected]);
    // A policy may judge less than its rule.
    let narrowed = own("action: Deny, match: {operations: [UPDATE]}");
    assert_eq!(said(&run_with(&ours("expect: unjudged"), None, &narrowed)), [""; 0]);
    let allowed = said(&run_with(&ours("expect: allow"), None, &narrowed));
    assert_eq!(allowed[0], "- allow: a request that the policy judges");
}

#[test]
fn a_finding_fits_by_path_and_by_a_part_of_its_message() {
    for fits in
        ["{path: /metadata/namespace}", "{message: EnvoyFilter}", "{path: /metadata/namespace, message: '`shop`'}"]
    {
        assert_eq!(differences(&misplaced(&format!("{{deny: [{fits}]}}"))), [""; 0], "{fits}");
    }
    for (not, shown) in [
        ("{path: /metadata/name}", "{path: /metadata/name}"),
        ("{path: /metadata}", "{path: /metadata}"),
        ("{path: ''}", r#"{path: ""}"#),
        ("{message: Envoyfilter}", r#"{message: "Envoyfilter"}"#),
        ("{path: /metadata/namespace, message: other}", r#"{path: /metadata/namespace, message: "other"}"#),
    ] {
        let expected = [format!("- deny: {shown}"), format!("+ {FOUND}")];
        assert_eq!(differences(&misplaced(&format!("{{deny: [{not}]}}"))), expected);
    }
}

#[test]
fn lists_are_complete() {
    // One too few.
    let targets = "spec: {targetRefs: [{kind: Service, name: a}, {kind: Service, name: b}]}";
    let advised = |warn: &str| {
        let object = format!("{{{FILTER}, metadata: {{name: lua, namespace: istio-config}}, {targets}}}");
        differences(&case_of("envoyfilter-namespace", &format!("object: {object}, expect: {{warn: [{warn}]}}")))
    };
    let found = advised("{path: /spec/targetRefs/0}");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("+ warn: {path: /spec/targetRefs/1"), "{found:?}");
    // One too many, the same twice.
    let found = advised("{path: /spec/targetRefs/0}, {path: /spec/targetRefs/1}, {path: /spec/targetRefs/1}");
    assert_eq!(found, ["- warn: {path: /spec/targetRefs/1}"]);
    // Any order, the vague one before the exact one.
    assert_eq!(advised("{message: Service}, {path: /spec/targetRefs/0}"), [""; 0]);
    assert_eq!(advised("{path: /spec/targetRefs/1}, {path: /spec/targetRefs/0}"), [""; 0]);
}

#[test]
fn what_is_found_under_another_effect_is_named_with_both() {
    for effect in ["warn", "audit", "old"] {
        let found = differences(&misplaced(&format!("{{{effect}: [{{path: /metadata/namespace}}]}}")));
        assert_eq!(found, [format!("+ {FOUND}"), format!("- {effect}: {{path: /metadata/namespace}}")], "{effect}");
    }
}

#[test]
fn each_effect_is_told_apart() {
    let old = format!("oldObject: {0}, object: {0}, expect: {{old: [{{message: shop}}]}}", filter("shop"));
    assert_eq!(differences(&case_of("envoyfilter-namespace", &old)), [""; 0]);
    for (action, effect) in [("Deny", "deny"), ("Warn", "warn"), ("Audit", "audit")] {
        let suite = suite_of(
            "envoyfilter-namespace",
            &format!(
                "settings: {{policies: {{envoyfilter-namespace: {{action: {action}}}}}}}\ncases:\n\
                 - {{name: a, object: {}, expect: {{{effect}: [{{message: shop}}]}}}}",
                filter("shop")
            ),
        );
        assert_eq!(differences(&suite), [""; 0], "{action}");
    }
}

#[test]
fn errors_are_expected_by_message_or_by_effect() {
    let broken = |expect: &str| differences(&namespace("{istio-injection: 7}", expect));
    assert_eq!(broken("{error: is a number}"), [""; 0]);
    assert_eq!(broken("{deny: [{message: cannot judge}]}"), [""; 0], "by its effect");
    let found = broken("{error: is a list}");
    assert_eq!(found[0], r#"- error: "is a list""#);
    assert!(found[1].starts_with("+ error: {path: /metadata/labels/istio-injection, message: \"cannot judge"));
    assert_eq!(found.len(), 2);
    let found = broken("{error: is a number, deny: [{message: cannot judge}]}");
    assert_eq!(found, [r#"- deny: {message: "cannot judge"}"#], "an error counts once");
    assert_eq!(
        differences(&misplaced("{error: x, deny: [{message: shop}]}")),
        [r#"- error: "x""#],
        "an error that there is not"
    );
}

/// The object `istio-system` with labels, as `patched` holds it.
fn patched(labels: &str) -> String {
    format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: istio-system, labels: {labels}}}}}")
}

#[test]
fn patched_is_the_whole_object() {
    let created = |labels: &str, more: &str| {
        differences(&namespace("{team: mesh}", &format!("{{patched: {}{more}}}", patched(labels))))
    };
    assert_eq!(created("{team: mesh, istio-injection: disabled}", ""), [""; 0]);
    assert_eq!(
        created("{istio-injection: enabled, other: label}", ""),
        [
            r#"- patched: /metadata/labels/istio-injection "enabled""#,
            r#"+ patched: /metadata/labels/istio-injection "disabled""#,
            r#"- patched: /metadata/labels/other "label""#,
            r#"+ patched: /metadata/labels/team "mesh""#,
        ]
    );
    let deny = created("{team: mesh, istio-injection: disabled}", ", deny: [{message: x}]");
    assert_eq!(deny, [r#"- deny: {message: "x"}"#], "what was mended denies no longer");
}

#[test]
fn a_patch_that_is_not_made_or_not_expected_is_named() {
    let none = format!("{{patched: {}}}", patched("{istio-injection: disabled}"));
    let found = differences(&namespace("{istio-injection: enabled}", &none));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("+ deny: {path: /metadata/labels/istio-injection"), "{found:?}");
    assert_eq!(found[1], "- patched: a patch");
    let surplus = differences(&namespace("{}", "{deny: [{path: /metadata/labels/istio-injection}]}"));
    assert_eq!(
        surplus,
        [
            "- deny: {path: /metadata/labels/istio-injection}",
            r#"+ patched: [{"op":"add","path":"/metadata/labels/istio-injection","value":"disabled"}]"#
        ]
    );
}

#[test]
fn patched_with_advice_must_list_it() {
    let labels = "{istio.io/rev: canary}";
    let whole = patched("{istio.io/rev: canary, istio-injection: disabled}");
    let found = differences(&namespace(labels, &format!("{{patched: {whole}}}")));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("+ warn: {path: /metadata/labels/istio.io~1rev"), "{found:?}");
    let listed = format!("{{patched: {whole}, warn: [{{message: revision}}]}}");
    assert_eq!(differences(&namespace(labels, &listed)), [""; 0]);
}

#[test]
fn what_no_rule_reads_is_no_part_of_a_patched_object() {
    let object = |labels: &str, status: &str| {
        format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: istio-system{labels}}}{status}}}")
    };
    let labels = ", labels: {istio-injection: disabled}";
    for status in ["", ", status: {phase: Active}"] {
        let members = format!(
            "object: {}, expect: {{patched: {}}}",
            object("", ", status: {phase: Active}"),
            object(labels, status)
        );
        assert_eq!(differences(&case_of("istio-system-injection-disabled", &members)), [""; 0], "{status}");
    }
}

/// A policy of one's own, in `--policies`.
fn own(spec: &str) -> Sources {
    let policy = format!(
        "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {{name: ours}}\n\
         spec: {{rule: envoyfilter-namespace, {spec}}}\n"
    );
    Sources { policies: vec![vec![text("ours.yaml", &policy)]], ..Sources::default() }
}

fn ours(members: &str) -> String {
    case_of("ours", &format!("object: {}, {members}", filter("shop")))
}

#[test]
fn a_policy_of_ones_own_is_loaded_alone_whatever_the_profile() {
    // The built-in policy would deny.
    let sources = own("action: Warn, profile: restricted");
    let report = run_with(&ours("expect: {warn: [{message: shop}]}"), None, &sources);
    assert_eq!(said(&report), [""; 0]);
    let replaced = Sources { policies: own("action: Audit").policies, ..Sources::default() };
    let text = &replaced.policies[0][0].text().replace("name: ours", "name: envoyfilter-namespace");
    let replaced = Sources { policies: vec![vec![super::text("ours.yaml", text)]], ..Sources::default() };
    let report = run_with(&misplaced("{audit: [{message: shop}]}"), None, &replaced);
    assert_eq!(said(&report), [""; 0], "the last one of a name counts");
}

#[test]
fn settings_of_a_suite_replace_those_of_the_run() {
    let settings = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\nmaxAction: Audit\n";
    let sources = Sources { settings: Some(text("settings.yaml", settings)), ..Sources::default() };
    let warn = "{warn: [{message: shop}]}";
    let report = run_with(&misplaced("{audit: [{message: shop}]}"), None, &sources);
    assert_eq!(said(&report), [""; 0], "where a suite has none, they hold");
    let suite = misplaced(warn).replace("cases:", "settings: {maxAction: Warn}\ncases:");
    assert_eq!(said(&run_with(&suite, None, &sources)), [""; 0]);
}

#[test]
fn the_day_comes_from_the_case_else_from_the_run() {
    let sources = own("action: Warn, enforcement: [{after: 2027-03-01, action: Deny}]");
    for (now, effect) in [("", "warn"), ("now: 2027-02-28, ", "warn"), ("now: 2027-03-01, ", "deny")] {
        let report = run_with(&ours(&format!("{now}expect: {{{effect}: [{{message: shop}}]}}")), None, &sources);
        assert_eq!(said(&report), [""; 0], "{now}");
    }
}

#[test]
fn labels_users_and_their_absence_are_as_the_case_says() {
    let labels = own("action: Deny, enforcement: [{namespaceSelector: {matchLabels: {env: dev}}, action: Warn}]");
    for (known, effect) in [("", "deny"), ("namespaceLabels: {}, ", "deny"), ("namespaceLabels: {env: dev}, ", "warn")]
    {
        let report = run_with(&ours(&format!("{known}expect: {{{effect}: [{{message: shop}}]}}")), None, &labels);
        assert_eq!(said(&report), [""; 0], "{known}");
    }
    // Unknown and none are not the same.
    let only = own("action: Deny, match: {namespaceSelector: {matchLabels: {env: prod}}}");
    assert_eq!(said(&run_with(&ours("expect: {deny: [{message: shop}]}"), None, &only)), [""; 0]);
    assert_eq!(said(&run_with(&ours("namespaceLabels: {}, expect: allow"), None, &only)), [""; 0]);
    let users = own("action: Deny, match: {users: {users: [jane], groups: [devs], excludeGroups: [ops]}}");
    for (user, expect) in [
        ("", "{deny: [{message: shop}]}"),
        ("user: jane, ", "{deny: [{message: shop}]}"),
        ("user: joe, groups: [devs], ", "{deny: [{message: shop}]}"),
        ("user: joe, ", "allow"),
        ("user: jane, groups: [ops], ", "allow"),
    ] {
        assert_eq!(said(&run_with(&ours(&format!("{user}expect: {expect}")), None, &users)), [""; 0], "{user}");
    }
}

#[test]
fn parameters_of_a_case_are_merged_one_level_deep_and_hold_for_it_alone() {
    let plugin = "{apiVersion: extensions.istio.io/v1alpha1, kind: WasmPlugin, metadata: {name: a, namespace: shop}}";
    let bare = format!("{{{FILTER}, metadata: {{name: lua, namespace: istio-config}}}}");
    let suite = suite_of(
        "envoyfilter-namespace",
        &format!(
            "settings: {{policies: {{envoyfilter-namespace: {{params: {{requireSelector: true, alsoKinds: [WasmPlugin]}}}}}}}}\n\
             cases:\n\
             - {{name: of Settings, object: {plugin}, expect: {{deny: [{{message: WasmPlugin}}]}}}}\n\
             - {{name: replaced, params: {{alsoKinds: [ProxyConfig]}}, object: {plugin}, expect: {{warn: [{{message: WasmPlugin}}]}}}}\n\
             - {{name: kept, params: {{alsoKinds: []}}, object: {bare}, expect: {{deny: [{{path: /spec/workloadSelector/labels}}]}}}}\n\
             - {{name: of Settings again, object: {plugin}, expect: {{deny: [{{message: WasmPlugin}}]}}}}"
        ),
    );
    let report = run(&suite);
    assert_eq!((report.bad.len(), report.outcomes.len()), (0, 4), "{:?}", report.bad);
    assert!(report.outcomes.iter().all(vigla::suite::Outcome::passed), "{:#?}", report.outcomes);
}
