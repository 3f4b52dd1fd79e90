//! Which action is in effect: dates, namespaces, users, exceptions, `onError`, brakes, overrides.

use jiff::civil::date;
use serde_json::json;

use super::{Case, policy};
use crate::engine::Judged;
use crate::rule::Resource;

/// An object that violates `limit`.
fn offends(case: Case) -> Case {
    case.object(json!({"metadata": {}, "spec": {"numbers": [20]}}))
}

fn limit(spec: &str) -> Case {
    offends(policy("limit", spec))
}

#[test]
fn the_first_entry_whose_conditions_all_hold_wins() {
    let spec = "action: Deny, enforcement: [\
                {namespaces: {include: [dev-*], exclude: [dev-main]}, users: {groups: [ops]}, action: Audit}, \
                {namespaces: {include: [dev-*]}, action: Warn}]";
    let on = |namespace, groups: &[&'static str]| limit(spec).namespace(namespace).user("jane", groups).sent();
    assert_eq!(on("dev-1", &["ops"]), ["limit audit"]);
    assert_eq!(on("dev-1", &[]), ["limit warn"], "conditions of one entry are ANDed");
    assert_eq!(on("dev-main", &["ops"]), ["limit warn"], "excludes win");
    assert_eq!(on("prod", &["ops"]), ["limit deny"], "else the policy's own action");
}

#[test]
fn a_date_holds_from_its_day_on_and_warnings_name_it_until_then() {
    let spec = "action: Warn, enforcement: [{after: 2027-03-01, action: Deny}]";
    let day = |day| limit(spec).on(day);
    assert_eq!(day(date(2027, 2, 28)).sent(), ["limit warn"]);
    assert_eq!(day(date(2027, 3, 1)).sent(), ["limit deny"]);
    let stricter = |case: Case| case.decide(|decision| decision.sent[0].stricter_from.map(|(day, _)| day));
    assert_eq!(stricter(day(date(2027, 2, 28))), Some(date(2027, 3, 1)));
    assert_eq!(stricter(day(date(2027, 3, 1))), None);
    // Under a brake there is nothing to announce.
    assert_eq!(stricter(day(date(2027, 2, 28)).settings("maxAction: Warn")), None);
    // The nearest day on which something stricter holds, whatever comes before it.
    let spec = "action: Warn, enforcement: [{after: 2027-06-01, action: Deny}, \
                {after: 2027-03-01, namespaces: {include: [shop]}, action: Warn}]";
    assert_eq!(stricter(limit(spec).on(date(2027, 1, 1))), Some(date(2027, 6, 1)));
    // The latest date stands first.
    let two = "action: Audit, enforcement: [{after: 2027-06-01, action: Deny}, {after: 2027-03-01, action: Warn}]";
    let day = |day| limit(two).on(day).sent();
    assert_eq!(
        [day(date(2027, 1, 1)), day(date(2027, 3, 1)), day(date(2027, 6, 1))].concat(),
        ["limit audit", "limit warn", "limit deny"]
    );
}

#[test]
fn users_and_groups_are_alternatives_and_excludes_win() {
    let spec =
        "action: Deny, match: {users: {users: [jane], groups: [devs], excludeUsers: [root], excludeGroups: [ops]}}";
    let by = |name, groups: &[&'static str]| limit(spec).user(name, groups).sent().len();
    assert_eq!(by("jane", &[]), 1);
    assert_eq!(by("joe", &["devs"]), 1);
    assert_eq!(by("joe", &[]), 0);
    assert_eq!(by("jane", &["ops"]), 0);
    assert_eq!(by("root", &["devs"]), 0);
}

#[test]
fn an_unknown_user_takes_the_strictest_branch() {
    assert_eq!(limit("action: Deny, match: {users: {users: [jane]}}").sent(), ["limit deny"]);
    let spec = "action: Deny, enforcement: [{users: {groups: [ops]}, action: Audit}]";
    assert_eq!(limit(spec).sent(), ["limit deny"]);
    let spec = "action: Audit, enforcement: [{users: {groups: [ops]}, action: Deny}]";
    assert_eq!(limit(spec).sent(), ["limit deny"]);
}

#[test]
fn cluster_scoped_objects_always_match_and_are_never_softened() {
    let kind = || Resource::owned("example.com", "v1", "Cluster");
    let on = |spec: &str| Case { kind: kind(), namespace: "", ..limit(spec) };
    assert_eq!(on("action: Deny, match: {namespaces: {include: [shop]}}").sent(), ["limit deny"]);
    assert_eq!(on("action: Deny, match: {namespaceSelector: {matchLabels: {a: b}}}").sent(), ["limit deny"]);
    assert_eq!(on("action: Deny, enforcement: [{namespaces: {include: ['*']}, action: Audit}]").sent(), ["limit deny"]);
    let exception = "exceptions: [{policy: limit, namespaces: ['*'], reason: r, owner: o, expires: 2027-12-31}]";
    assert_eq!(on("action: Deny").settings(exception).sent(), ["limit deny"]);
    let exception = "exceptions: [{policy: limit, reason: r, owner: o, expires: 2027-12-31}]";
    assert_eq!(on("action: Deny").settings(exception).sent(), [""; 0], "an omitted list means all");
}

#[test]
fn an_exception_holds_to_its_last_day_for_what_it_names_and_leaves_an_entry() {
    let exceptions = "exceptions: [{policy: limit, namespaces: [legacy-*], kinds: [Thing], names: ['cart-*'], \
                      reason: moves soon, owner: edge, expires: 2027-06-30}]";
    let case = || Case { name: "cart-1", ..limit("action: Deny").settings(exceptions).namespace("legacy-a") };
    assert_eq!(case().sent(), [""; 0]);
    case().decide(|decision| {
        assert_eq!(decision.exceptions.len(), 1);
        assert_eq!(decision.exceptions[0].exception.reason, "moves soon");
    });
    assert_eq!(case().on(date(2027, 6, 30)).sent(), [""; 0]);
    assert_eq!(case().on(date(2027, 7, 1)).sent(), ["limit deny"]);
    assert_eq!(case().namespace("shop").sent(), ["limit deny"]);
    assert_eq!(Case { name: "basket", ..case() }.sent(), ["limit deny"]);
    // What is well leaves no entry.
    let well = case().object(json!({}));
    assert!(well.decide(|decision| decision.exceptions.is_empty()));
    // It removes errors too.
    let broken = case().object(json!({"spec": {"numbers": "x"}}));
    assert_eq!(broken.sent(), [""; 0]);
    // Also those of an object that no rule ever saw, which leave an entry like any other.
    for unreadable in [json!(null), json!([1])] {
        let case = case().object(unreadable);
        assert!(case.decide(|decision| decision.sent.is_empty() && decision.exceptions.len() == 1));
    }
}

#[test]
fn a_generated_name_matches_a_glob_only_if_every_name_of_it_would() {
    let named = |glob: &str| {
        let exception =
            format!("exceptions: [{{policy: limit, names: ['{glob}'], reason: r, owner: o, expires: 2027-12-31}}]");
        let object = json!({"metadata": {"generateName": "lua-x-"}, "spec": {"numbers": [20]}});
        Case { name: "", ..limit("action: Deny").settings(&exception) }.object(object).sent().is_empty()
    };
    assert!(named("lua-*") && named("*") && named("lua-x-*"));
    assert!(!named("lua-x-") && !named("*-x-") && !named("lua-x-1*") && !named("other-*"));
}

#[test]
fn an_excepted_object_is_never_patched_for_that_policy() {
    let exception = "exceptions: [{policy: label, reason: r, owner: o, expires: 2027-12-31}]";
    let case = policy("label", "params: {key: team, value: a}, action: Patch").settings(exception);
    assert_eq!((case.patched(), case.outcome()), (None, vec![]));
}

#[test]
fn on_error_follows_the_action_in_effect_and_the_brake_caps_an_explicit_one() {
    let broken = |case: Case| case.object(json!({"spec": {"numbers": "x"}})).sent();
    for (spec, settings, expected) in [
        ("action: Deny", "", "limit deny"),
        ("action: Warn", "", "limit warn"),
        ("action: Audit", "", "limit audit"),
        ("action: Deny, onError: Warn", "", "limit warn"),
        ("action: Deny, onError: Allow", "", "limit audit"),
        ("action: Audit, onError: Deny", "", "limit deny"),
        ("action: Deny", "maxAction: Warn", "limit warn"),
        ("action: Audit, onError: Deny", "maxAction: Warn", "limit warn"),
        ("action: Deny, onError: Deny", "maxAction: Audit", "limit audit"),
        ("action: Deny, enforcement: [{namespaces: {include: [shop]}, action: Warn}]", "", "limit warn"),
    ] {
        assert_eq!(broken(policy("limit", spec).settings(settings)), [expected], "{spec} {settings}");
    }
    // An error of a policy that patches denies, and nothing is patched.
    let case = policy("label", "params: {key: team, value: a}, action: Patch");
    let case = case.object(json!({"metadata": {"labels": 7}}));
    assert_eq!((case.patched(), case.sent()), (None, vec!["label deny".to_owned()]));
}

#[test]
fn an_object_that_cannot_be_read_is_answered_by_on_error() {
    for (spec, expected) in
        [("action: Deny", "limit deny"), ("action: Warn", "limit warn"), ("action: Audit", "limit audit")]
    {
        let case = limit(spec);
        assert_eq!(Case { object: json!(null), ..case }.sent(), [expected], "no object");
        assert_eq!(Case { object: json!([1]), ..limit(spec) }.sent(), [expected], "no map");
    }
}

#[test]
fn settings_override_policies_by_name() {
    let warns = |settings: &str, spec: &str| limit(spec).settings(settings).sent();
    assert_eq!(warns("policies: {limit: {action: Warn}}", "action: Deny"), ["limit warn"]);
    assert_eq!(warns("policies: {limit: {enabled: false}}", "action: Deny"), [""; 0]);
    assert_eq!(warns("policies: {limit: {enabled: true}}", "action: Deny, profile: restricted"), ["limit deny"]);
    assert_eq!(warns("profile: restricted", "action: Deny, profile: restricted"), ["limit deny"]);
    assert_eq!(warns("profile: baseline", "action: Deny, profile: restricted"), [""; 0]);
    // An action replaces the document's enforcement too; an enforcement replaces it whole.
    let spec = "action: Audit, enforcement: [{namespaces: {include: [shop]}, action: Deny}]";
    assert_eq!(warns("policies: {limit: {action: Warn}}", spec), ["limit warn"]);
    assert_eq!(warns("policies: {limit: {enforcement: [{after: 2026-01-01, action: Warn}]}}", spec), ["limit warn"]);
    // A match replaces whole.
    let spec = "action: Deny, match: {namespaces: {include: [other]}}";
    assert_eq!(warns("policies: {limit: {match: {operations: [CREATE]}}}", spec), ["limit deny"]);
    // Parameters are merged one level deep.
    let case = policy("label", "params: {key: team, value: a}, action: Patch")
        .settings("policies: {label: {params: {value: b}}}");
    assert_eq!(case.patched(), Some(json!({"metadata": {"labels": {"team": "b"}}})));
}

#[test]
fn match_narrows_operations() {
    let spec = "action: Deny, match: {operations: [UPDATE]}";
    assert_eq!(limit(spec).sent(), [""; 0]);
    let object = json!({"spec": {"numbers": [20]}});
    assert_eq!(limit(spec).update(json!({}), object).sent(), ["limit deny"]);
    assert_eq!(limit("action: Deny, match: {operations: [CREATE, CREATE]}").sent(), ["limit deny"], "judged once");
}

#[test]
fn core_kinds_are_not_judged_in_excluded_namespaces_and_others_are() {
    for namespace in ["kube-system", "kube-public", "kube-node-lease"] {
        let pod = Case { kind: Resource::owned("", "v1", "Pod"), ..limit("action: Deny").namespace(namespace) };
        assert_eq!(pod.sent(), [""; 0], "{namespace}");
        assert_eq!(limit("action: Deny").namespace(namespace).sent(), ["limit deny"], "{namespace}");
    }
    let pod = Case { kind: Resource::owned("", "v1", "Pod"), ..limit("action: Deny") };
    assert_eq!(pod.sent(), ["limit deny"]);
}

#[test]
fn no_finding_is_said_twice() {
    let subjects =
        |findings: &[Judged<'_>]| findings.iter().map(|judged| judged.finding.subject.clone()).collect::<Vec<_>>();
    let case = limit("action: Deny").object(json!({"spec": {"numbers": {"a": 20, "b": 30}}}));
    assert_eq!(case.decide(|decision| subjects(&decision.sent)), ["a", "b"]);
}
