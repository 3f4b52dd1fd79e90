//! Webhook configurations: that an API server asks about everything that some policy judges, once, and nothing else.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests are tests")]

use jiff::civil::date;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use schemars::Schema;
use vigla::cluster::webhook_configuration::{Address, NAME, mutating, validating};
use vigla::policy::{LoadErrors, Policy, PolicySet, Sources, Text, load};
use vigla::rule::{
    CannotJudge, Check, Entry, Findings, GroupKind, Input, Metadata, Operation, RULES, Scope, Severity, served,
    served_kinds,
};

struct Silent;

impl Check for Silent {
    fn check(&self, _: Input<'_>, _: &mut Findings) -> Result<(), CannotJudge> {
        Ok(())
    }
}

const fn rule(name: &'static str, kinds: &'static [GroupKind], subresources: &'static [&'static str]) -> Entry {
    let operations = &[Operation::Create, Operation::Update, Operation::Delete];
    Entry {
        metadata: Metadata {
            name,
            severity: Severity::Low,
            kinds,
            operations,
            subresources,
            mends: kinds,
            codes: &[],
            doc: "",
        },
        compile: |_| Ok(Box::new(Silent)),
        schema: Schema::default,
        policy: "",
        suite: "",
        denied: "",
        allowed: "",
    }
}

const fn kind(group: &'static str, kind: &'static str) -> GroupKind {
    GroupKind { group, kind }
}

/// Rules on kinds of every sort: core and not, in namespaces and not, one and several versions, subresources.
static TEST_RULES: &[Entry] = &[
    rule(
        "workloads",
        &[kind("", "Pod"), kind("apps", "Deployment"), kind("batch", "CronJob"), kind("argoproj.io", "Rollout")],
        &["", "ephemeralcontainers"],
    ),
    rule("pods", &[kind("", "Pod")], &[""]),
    rule("routes", &[kind("networking.istio.io", "VirtualService"), kind("networking.istio.io", "Sidecar")], &[""]),
    rule("cluster", &[kind("", "Namespace"), kind("gateway.networking.k8s.io", "GatewayClass")], &[""]),
    rule("installations", &[kind("sailoperator.io", "Istio"), kind("networking.istio.io", "VirtualService")], &[""]),
    rule("nodes", &[kind("apps", "Deployment"), kind("", "Node")], &[""]),
    rule("leases", &[kind("coordination.k8s.io", "Lease")], &[""]),
    rule("things", &[kind("example.com", "Thing")], &[""]),
];

/// Policies, each by its rule and the rest of its spec, under Settings.
fn try_set(policies: &[(&str, &str)], settings: &str) -> Result<PolicySet, LoadErrors> {
    let text = |file: &str, text: String| Text::new(file.to_owned(), text);
    let document = |(n, (rule, spec)): (usize, &(&str, &str))| {
        let head = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy";
        format!("{head}\nmetadata: {{name: p{n}}}\nspec: {{rule: {rule}, {spec}}}\n")
    };
    let policies: Vec<String> = policies.iter().enumerate().map(document).collect();
    let head = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n";
    let sources = Sources {
        policies: vec![vec![text("policies.yaml", policies.join("---\n"))]],
        settings: Some(text("settings.yaml", format!("{head}{settings}"))),
        profile: None,
        own_namespace: Some("vigla-system".to_owned()),
    };
    load(TEST_RULES, &sources, date(2027, 1, 1)).map(|(set, _)| set)
}

fn set(policies: &[(&str, &str)]) -> PolicySet {
    try_set(policies, "").unwrap_or_else(|errors| panic!("{errors}"))
}

fn sets() -> Vec<PolicySet> {
    let mixed = [
        ("workloads", "action: Deny, match: {operations: [CREATE, DELETE]}"),
        ("pods", "action: Warn"),
        ("routes", "action: Audit"),
        ("cluster", "action: Patch"),
        ("installations", "action: Warn, match: {operations: [UPDATE]}"),
        ("installations", "action: Deny, match: {operations: [DELETE]}"),
    ];
    let (built_in, _) = PolicySet::load(&Sources::default(), date(2027, 1, 1)).expect("the built-in policies");
    vec![built_in, set(&mixed), set(&mixed[1..3]), set(&[])]
}

fn address() -> Address {
    Address::Url("https://vigla.test:8443".to_owned())
}

fn configurations(set: &PolicySet) -> (ValidatingWebhookConfiguration, MutatingWebhookConfiguration) {
    (validating(set, &address(), None).expect("known kinds"), mutating(set, &address(), None).expect("known kinds"))
}

/// A request, as far as webhooks are chosen by it.
#[derive(Clone, Copy, Debug)]
struct Sent<'s> {
    group: &'s str,
    version: &'s str,
    plural: &'s str,
    subresource: &'s str,
    operation: Operation,
    /// Of a Namespace its own name; empty for other objects of the cluster.
    namespace: &'s str,
    scope: Scope,
}

/// Whether the API server asks a webhook with these rules and this selector about a request: its own matching, without
/// conversion between versions.
fn asks(rules: Option<&Vec<RuleWithOperations>>, selector: Option<&LabelSelector>, sent: Sent<'_>) -> bool {
    let resource = match sent.subresource {
        "" => sent.plural.to_owned(),
        subresource => format!("{}/{subresource}", sent.plural),
    };
    let has = |list: &Option<Vec<String>>, text: &str| list.iter().flatten().any(|own| own == text);
    let matches = |rule: &RuleWithOperations| {
        has(&rule.api_groups, sent.group)
            && has(&rule.api_versions, sent.version)
            && has(&rule.operations, sent.operation.as_str())
            && has(&rule.resources, &resource)
            && rule.scope.as_deref() == Some(sent.scope.as_str())
    };
    let selected = selector.into_iter().flat_map(|selector| selector.match_expressions.iter().flatten());
    let selected = selected.filter(|_| !sent.namespace.is_empty()).all(|requirement| {
        assert_eq!((&*requirement.key, &*requirement.operator), ("kubernetes.io/metadata.name", "NotIn"));
        !has(&requirement.values, sent.namespace)
    });
    selected && rules.into_iter().flatten().any(matches)
}

/// Every request that could be sent of the kinds that rules may read, in namespaces of every sort.
fn requests(mut judge: impl FnMut(GroupKind, Sent<'_>)) {
    for (kind, served) in served_kinds() {
        let namespaces: &[&str] = match (served.scope, kind.kind) {
            (Scope::Cluster, "Namespace") | (Scope::Namespaced, _) => {
                &["shop", "istio-system", "kube-system", "vigla-system"]
            }
            (Scope::Cluster, _) => &[""],
        };
        for &version in served.versions {
            for operation in Operation::ALL {
                for subresource in ["", "status", "scale", "ephemeralcontainers"] {
                    for namespace in namespaces {
                        let (plural, scope) = (served.plural, served.scope);
                        let sent =
                            Sent { group: kind.group, version, plural, subresource, operation, namespace, scope };
                        judge(kind, sent);
                    }
                }
            }
        }
    }
}

#[test]
fn what_a_policy_judges_reaches_one_validating_webhook_and_nothing_else_does() {
    for set in sets() {
        let (configuration, _) = configurations(&set);
        let webhooks = configuration.webhooks.expect("a list");
        assert!(webhooks.len() <= 4);
        let mut asked = 0;
        requests(|kind, sent| {
            let policies: Vec<&Policy> =
                set.matching(kind.group, kind.kind, sent.operation, sent.subresource).collect();
            let judged = !policies.is_empty() && !set.excludes(kind.group, sent.namespace);
            let asking =
                |webhook: &&ValidatingWebhook| asks(webhook.rules.as_ref(), webhook.namespace_selector.as_ref(), sent);
            let asking: Vec<&ValidatingWebhook> = webhooks.iter().filter(asking).collect();
            assert_eq!(asking.len(), usize::from(judged), "{sent:?}");
            for webhook in asking {
                let fails = policies.iter().any(|policy| policy.may_deny());
                let expected = if fails { "Fail" } else { "Ignore" };
                assert_eq!(webhook.failure_policy.as_deref(), Some(expected), "{sent:?}");
                asked += 1;
            }
        });
        assert_eq!(asked > 0, !set.policies().is_empty(), "{set:?}");
    }
}

/// Of Pods alone, and as an UPDATE: nothing else exists.
#[test]
fn containers_for_debugging_are_asked_about_where_a_rule_judges_them() {
    let subresources = |set: &PolicySet| {
        let (configuration, _) = configurations(set);
        let rules = configuration.webhooks.expect("a list").into_iter().flat_map(|webhook| webhook.rules).flatten();
        let below = |resource: &String| resource.contains('/');
        let below = rules.filter(|rule| rule.resources.iter().flatten().any(below));
        below.map(|rule| (rule.resources.unwrap_or_default(), rule.operations.unwrap_or_default())).collect::<Vec<_>>()
    };
    let judged = vec![(vec!["pods/ephemeralcontainers".to_owned()], vec!["UPDATE".to_owned()])];
    assert_eq!(subresources(&set(&[("workloads", "action: Deny")])), judged);
    assert!(subresources(&set(&[("workloads", "action: Deny, match: {operations: [CREATE]}")])).is_empty());
    assert!(subresources(&set(&[("pods", "action: Deny")])).is_empty());
}

#[test]
fn what_may_be_patched_reaches_one_mutating_webhook_and_nothing_else_does() {
    for set in sets() {
        let (_, configuration) = configurations(&set);
        let webhooks = configuration.webhooks.expect("a list");
        requests(|kind, sent| {
            let whole = sent.subresource.is_empty() && matches!(sent.operation, Operation::Create | Operation::Update);
            let mut policies = set.matching(kind.group, kind.kind, sent.operation, sent.subresource);
            let patched = whole
                && policies.any(|policy| policy.may_patch(kind.group, kind.kind))
                && !set.excludes(kind.group, sent.namespace);
            let asking = webhooks
                .iter()
                .filter(|webhook| asks(webhook.rules.as_ref(), webhook.namespace_selector.as_ref(), sent));
            assert_eq!(asking.count(), usize::from(patched), "{sent:?}");
        });
        assert!(webhooks.iter().all(|webhook| webhook.failure_policy.as_deref() == Some("Ignore")));
    }
}

/// The failure policies of the validating webhooks, then how many mutating ones there are.
fn failure_policies(policy: &str, settings: &str) -> (Vec<String>, usize) {
    let set = try_set(&[("cluster", policy)], settings).unwrap_or_else(|errors| panic!("{errors}"));
    let (validating, mutating) = configurations(&set);
    let policies = validating.webhooks.expect("a list").into_iter().map(|webhook| webhook.failure_policy);
    let mut policies: Vec<String> = policies.map(|policy| policy.expect("a failure policy")).collect();
    policies.dedup();
    (policies, mutating.webhooks.expect("a list").len())
}

#[test]
fn what_may_deny_at_any_time_fails_closed_and_all_else_open() {
    for (policy, settings, expected, mutating) in [
        ("action: Deny", "", "Fail", 0),
        ("action: Patch", "", "Fail", 2),
        ("action: Warn", "", "Ignore", 0),
        ("action: Audit", "", "Ignore", 0),
        ("action: Warn, onError: Deny", "", "Fail", 0),
        ("action: Deny, onError: Allow", "", "Fail", 0),
        ("action: Warn, enforcement: [{after: 2099-01-01, action: Deny}]", "", "Fail", 0),
        ("action: Warn, enforcement: [{namespaces: {include: [prod]}, action: Patch}]", "", "Fail", 2),
        ("action: Deny, enforcement: [{namespaces: {include: [dev]}, action: Warn}]", "", "Fail", 0),
        ("action: Deny", "maxAction: Warn\n", "Ignore", 0),
        ("action: Patch, onError: Deny", "maxAction: Warn\n", "Ignore", 0),
        ("action: Patch", "maxAction: Audit\n", "Ignore", 0),
        ("action: Patch", "policies: {p0: {action: Warn}}\n", "Ignore", 0),
        ("action: Warn", "policies: {p0: {onError: Deny}}\n", "Fail", 0),
    ] {
        assert_eq!(failure_policies(policy, settings), (vec![expected.to_owned()], mutating), "{policy} {settings}");
    }
    assert_eq!(failure_policies("action: Deny", "policies: {p0: {enabled: false}}\n"), (Vec::new(), 0));
}

#[test]
fn rejects_a_rule_on_what_is_never_intercepted() {
    for (rule, expected) in [
        ("nodes", "policies.yaml:4:14: the rule `nodes` reads Node, which is never intercepted"),
        ("leases", "policies.yaml:4:14: the rule `leases` reads Lease.coordination.k8s.io, which is never intercepted"),
    ] {
        let errors = try_set(&[(rule, "action: Warn")], "").expect_err("it does not load");
        assert_eq!(errors.to_string(), expected);
    }
}

#[test]
fn a_kind_that_nobody_knows_is_an_error_and_not_left_out() {
    let set = set(&[("pods", "action: Patch"), ("things", "action: Patch")]);
    let missing = "Thing.example.com is missing in the table of kinds";
    let errors = [
        validating(&set, &address(), None).expect_err("unknown").to_string(),
        mutating(&set, &address(), None).expect_err("unknown").to_string(),
    ];
    assert!(errors.iter().all(|error| error.starts_with(missing)), "{errors:?}");
}

#[test]
fn every_rule_can_be_subscribed_to_without_wildcards() {
    for kind in RULES.iter().flat_map(|entry| entry.metadata.kinds) {
        let served = served(kind.group, kind.kind).expect("a known kind");
        assert!(!served.versions.is_empty() && !kind.is_never_intercepted(), "{kind}");
    }
    for set in sets() {
        let (validating, mutating) = configurations(&set);
        let text = format!("{validating:?}{mutating:?}");
        assert!(!text.contains('*'), "{text}");
    }
}

/// The API server calls mutating webhooks in the order of their configurations' names.
#[test]
fn labels_are_mended_before_istio_reads_them() {
    for name in ["istio-revision-tag-default", "istio-sidecar-injector", "istio-sidecar-injector-canary"] {
        assert!(NAME < name, "{name}");
    }
}
