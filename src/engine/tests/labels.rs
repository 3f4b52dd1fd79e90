//! Namespaces' labels: known, unknown, and their own.

use serde_json::{Value, json};

use super::{Case, policy};
use crate::mesh::Snapshot;
use crate::rule::Resource;

const PRODUCTION: &str = "namespaceSelector: {matchLabels: {env: production}}";

fn limit(spec: &str) -> Case {
    policy("limit", spec).object(json!({"spec": {"numbers": [20]}}))
}

#[test]
fn known_labels_decide() {
    let spec = format!("action: Deny, match: {{{PRODUCTION}}}");
    assert_eq!(limit(&spec).labelled(&[("env", "production")]).sent(), ["limit deny"]);
    assert_eq!(limit(&spec).labelled(&[("env", "dev")]).sent(), [""; 0]);
    assert_eq!(limit(&spec).labelled(&[]).sent(), [""; 0]);
    let none = Case { snapshot: Snapshot { others_have_none: true, ..Snapshot::default() }, ..limit(&spec) };
    assert_eq!(none.sent(), [""; 0]);
}

#[test]
fn every_operator_of_a_selector() {
    let on = |expression: &str, labels: &[(&str, &str)]| {
        let spec = format!("action: Deny, match: {{namespaceSelector: {{matchExpressions: [{{{expression}}}]}}}}");
        limit(&spec).labelled(labels).sent().len()
    };
    for (expression, a, b, none) in [
        ("key: k, operator: In, values: [a]", 1, 0, 0),
        ("key: k, operator: NotIn, values: [a]", 0, 1, 1),
        ("key: k, operator: Exists", 1, 1, 0),
        ("key: k, operator: DoesNotExist", 0, 0, 1),
    ] {
        assert_eq!([on(expression, &[("k", "a")]), on(expression, &[("k", "b")]), on(expression, &[])], [a, b, none]);
    }
}

#[test]
fn unknown_labels_take_the_strictest_branch() {
    assert_eq!(limit(&format!("action: Deny, match: {{{PRODUCTION}}}")).sent(), ["limit deny"]);
    let softened = format!("action: Deny, enforcement: [{{{PRODUCTION}, action: Audit}}]");
    assert_eq!(limit(&softened).sent(), ["limit deny"]);
    let hardened = format!("action: Audit, enforcement: [{{{PRODUCTION}, action: Deny}}]");
    assert_eq!(limit(&hardened).sent(), ["limit deny"]);
    // What is surely in another branch stays there.
    let elsewhere = "action: Audit, enforcement: [{namespaces: {include: [other]}, action: Deny}]";
    assert_eq!(limit(elsewhere).sent(), ["limit audit"]);
}

#[test]
fn nothing_is_patched_unless_the_policy_surely_applies() {
    let spec = format!("params: {{key: team, value: a}}, action: Patch, match: {{{PRODUCTION}}}");
    let unknown = policy("label", &spec);
    assert_eq!((unknown.patched(), unknown.outcome()), (None, vec!["label deny".to_owned()]));
    assert_eq!(policy("label", &spec).labelled(&[("env", "production")]).outcome(), ["label mended"]);
}

#[test]
fn the_name_of_a_namespace_is_always_known() {
    let named = |name| {
        limit(&format!(
            "action: Deny, match: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}"
        ))
    };
    assert_eq!(named("shop").sent(), ["limit deny"]);
    assert_eq!(named("other").sent(), [""; 0]);
}

/// A Namespace with such labels, that violates `limit`.
fn namespace(labels: Value) -> Value {
    json!({"metadata": {"name": "shop", "labels": labels}, "spec": {"numbers": [20]}})
}

fn on_namespace(spec: &str) -> Case {
    Case { kind: Resource::owned("", "v1", "Namespace"), name: "shop", ..limit(spec) }
}

#[test]
fn a_namespace_counts_by_its_own_name_and_labels() {
    let spec = format!("action: Deny, match: {{{PRODUCTION}}}");
    assert_eq!(on_namespace(&spec).object(namespace(json!({"env": "production"}))).sent(), ["limit deny"]);
    assert_eq!(on_namespace(&spec).object(namespace(json!({}))).sent(), [""; 0], "they are known: its own");
    let spec = "action: Deny, match: {namespaces: {include: [shop]}}";
    assert_eq!(on_namespace(spec).object(namespace(json!({}))).sent(), ["limit deny"]);
}

#[test]
fn a_namespace_cannot_label_itself_out_of_a_policy() {
    let spec = format!("action: Deny, ratchet: false, match: {{{PRODUCTION}}}");
    let (production, dev) = (namespace(json!({"env": "production"})), namespace(json!({"env": "dev"})));
    assert_eq!(on_namespace(&spec).update(production.clone(), dev.clone()).sent(), ["limit deny"]);
    assert_eq!(on_namespace(&spec).update(dev.clone(), production.clone()).sent(), ["limit deny"]);
    assert_eq!(on_namespace(&spec).update(dev.clone(), dev.clone()).sent(), [""; 0]);
    // Of the two actions the stricter holds.
    let spec = "action: Deny, ratchet: false, \
                enforcement: [{namespaceSelector: {matchLabels: {env: dev}}, action: Audit}]";
    assert_eq!(on_namespace(spec).update(production.clone(), dev.clone()).sent(), ["limit deny"]);
    assert_eq!(on_namespace(spec).update(dev.clone(), production).sent(), ["limit deny"]);
    assert_eq!(on_namespace(spec).update(dev.clone(), dev).sent(), ["limit audit"]);
}

#[test]
fn a_namespace_that_cannot_be_read_is_no_way_around_a_selector() {
    let spec = format!("action: Deny, match: {{{PRODUCTION}}}");
    let dev = namespace(json!({"env": "dev"}));
    for broken in [Value::Null, json!("x")] {
        assert_eq!(on_namespace(&spec).update(dev.clone(), broken.clone()).sent(), ["limit deny"], "new {broken}");
        assert_eq!(on_namespace(&spec).update(broken.clone(), dev.clone()).sent(), ["limit deny"], "old {broken}");
    }
}

#[test]
fn nothing_is_patched_where_the_action_depends_on_what_is_unknown() {
    let spec = format!("params: {{key: team, value: a}}, action: Warn, enforcement: [{{{PRODUCTION}, action: Patch}}]");
    let unknown = policy("label", &spec);
    assert_eq!((unknown.patched(), unknown.sent()), (None, vec!["label deny".to_owned()]));
    assert_eq!(policy("label", &spec).labelled(&[("env", "production")]).outcome(), ["label mended"]);
}
