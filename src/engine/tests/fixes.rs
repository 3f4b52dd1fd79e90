//! Two phases; fixes that clear, conflict, or break another rule.

use serde_json::json;

use super::rules::judged;
use super::{Case, policies, policy, said};
use crate::engine::{Decision, Effect, Phase};
use crate::rule::{Operation, Resource};

const TEAM: &str = "params: {key: team, value: a}, action: Patch";

#[test]
fn validate_judges_the_object_as_it_came_and_mutate_mends_it() {
    let case = policy("label", TEAM);
    assert_eq!(case.sent(), ["label deny"], "a new violation of a Patch policy denies");
    assert_eq!(case.outcome(), ["label mended"]);
    assert_eq!(case.patched(), Some(json!({"metadata": {"labels": {"team": "a"}}})));
}

#[test]
fn what_mends_an_object_is_not_looked_for_where_nobody_asks() {
    let case = policy("label", TEAM);
    let only_sent = |decision: Decision<'_>| {
        assert_eq!(said(&decision.sent), ["label deny"]);
        assert!(decision.patch.is_none() && decision.mended.is_empty() && decision.removed.is_empty());
    };
    assert_eq!(judged(|| case.decide_as(Phase::Sent, only_sent)), 1);
}

#[test]
fn the_result_of_a_patch_passes_and_is_not_patched_again() {
    let mended = policy("label", TEAM).patched().unwrap();
    let again = policy("label", TEAM).object(mended);
    assert_eq!((again.sent(), again.patched()), (vec![], None));
}

#[test]
fn one_merged_patch_makes_each_missing_parent_once() {
    let case = policies(&[("a", "label", TEAM), ("b", "label", "params: {key: app/x~y, value: b}, action: Patch")]);
    let case = case.object(json!({}));
    let patch = case.decide(|decision| serde_json::to_value(decision.patch.unwrap()).unwrap());
    let paths: Vec<&str> = patch.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/metadata", "/metadata/labels", "/metadata/labels/app~1x~0y", "/metadata/labels/team"]);
    assert_eq!(case.patched(), Some(json!({"metadata": {"labels": {"team": "a", "app/x~y": "b"}}})));
}

#[test]
fn fixes_that_conflict_are_both_left_out() {
    let b = "params: {key: team, value: b}, action: Patch";
    let other = "params: {key: app, value: x}, action: Patch";
    let case = policies(&[("a", "label", TEAM), ("b", "label", b)]);
    assert_eq!((case.patched(), case.outcome()), (None, vec!["a deny".to_owned(), "b deny".to_owned()]));
    // A third that contradicts nobody is applied, but not where somebody is left standing who would deny: it stays
    // the validating pass that denies.
    let case = policies(&[("a", "label", TEAM), ("b", "label", b), ("c", "label", other)]);
    assert_eq!(case.patched(), Some(json!({"metadata": {"labels": {"app": "x"}}})));
    assert_eq!(case.outcome(), ["a deny", "b deny", "c mended"]);
    case.decide(|decision| assert_eq!(decision.contradicting, ["a", "b"]));
    // The same edit twice is no conflict.
    let case = policies(&[("a", "label", TEAM), ("b", "label", TEAM)]);
    assert_eq!(case.outcome(), ["a mended", "b mended"]);
}

#[test]
fn edits_count_only_if_alone_they_clear_what_was_found() {
    let case = policy("label", "params: {key: team, value: a, gives: wrong}, action: Patch");
    assert_eq!((case.patched(), case.outcome()), (None, vec!["label deny".to_owned()]));
}

#[test]
fn a_fix_that_breaks_another_rule_is_not_applied() {
    let case = policies(&[("a", "label", TEAM), ("b", "forbid", "params: {key: team}, action: Deny")]);
    assert_eq!((case.patched(), case.outcome()), (None, vec!["a deny".to_owned()]));
    // Also where that rule only warns: a new violation is one.
    let case = policies(&[("a", "label", TEAM), ("b", "forbid", "params: {key: team}, action: Warn")]);
    assert_eq!(case.patched(), None);
}

#[test]
fn what_others_found_before_stands_beside_what_was_mended() {
    let case = policies(&[("a", "label", TEAM), ("b", "limit", "action: Warn"), ("c", "hint", "action: Deny")]);
    let case = case.object(json!({"spec": {"numbers": [11], "hint": 1}}));
    assert_eq!(case.outcome(), ["a mended", "b warn", "c warn"]);
}

#[test]
fn old_violations_are_not_mended() {
    let case = policy("label", TEAM).update(json!({"metadata": {}}), json!({"metadata": {"x": 1}}));
    assert_eq!((case.patched(), case.sent()), (None, vec!["label old".to_owned()]));
}

#[test]
fn what_is_stored_is_judged_once_however_often_the_object_is() {
    let case = policies(&[("a", "label", TEAM), ("b", "limit", "action: Warn")]);
    let numbers = json!({"numbers": [20]});
    let case = case.update(json!({"metadata": {"labels": {"team": "a"}}}), json!({"metadata": {}, "spec": numbers}));
    // `a` judges the object as it came, with its own edits and with all; `b` the first and the last. Each has found
    // something new in the first, and so looks at the stored one; `b` finds it in the last too.
    assert_eq!(judged(|| assert_eq!(case.outcome(), ["a mended", "b warn"])), 3 + 2 + 1 + 1);
}

#[test]
fn of_many_fixes_those_that_conflict_are_left_out() {
    let spec = |n: usize| match n {
        0..40 => format!("params: {{key: k{n}, value: a}}, action: Patch"),
        n => format!("params: {{key: team, value: v{n}}}, action: Patch"),
    };
    let said: Vec<(String, String)> = (0..80).map(|n| (format!("p{n}"), spec(n))).collect();
    let said: Vec<(&str, &str, &str)> = said.iter().map(|(name, spec)| (&**name, "label", &**spec)).collect();
    let outcome = policies(&said).outcome();
    assert_eq!(outcome.iter().filter(|said| said.ends_with(" mended")).count(), 40);
    assert_eq!(outcome.iter().filter(|said| said.ends_with(" deny")).count(), 40);
}

#[test]
fn nothing_is_patched_on_delete_on_subresources_or_under_a_controller() {
    let deleted = Case { operation: Operation::Delete, old: json!({}), object: json!(null), ..policy("label", TEAM) };
    assert!(deleted.decide(|decision| decision.patch.is_none() && !decision.is_allowed()));
    let owner = json!([{"controller": true, "kind": "Operator", "apiVersion": "example.com/v1"}]);
    let owned = policy("label", TEAM).object(json!({"metadata": {"ownerReferences": owner}}));
    assert_eq!((owned.patched(), owned.sent()), (None, vec!["label deny".to_owned()]));
    let labelled = json!({"metadata": {"labels": {"team": "a"}}});
    let debugged = policy("label", TEAM).debugged(labelled, json!({"metadata": {}}));
    assert_eq!((debugged.patched(), debugged.sent()), (None, vec!["label deny".to_owned()]));
}

#[test]
fn owned_objects_are_judged_at_their_owner() {
    let owner = json!([{"controller": true, "kind": "ReplicaSet", "apiVersion": "apps/v1"}]);
    let object = json!({"metadata": {"ownerReferences": &owner}});
    let pod = Case { kind: Resource::owned("", "v1", "Pod"), ..policy("label", TEAM).object(object.clone()) };
    assert_eq!(pod.sent(), [""; 0]);
    // What is added for debugging stands in no template.
    let labelled = json!({"metadata": {"ownerReferences": owner, "labels": {"team": "a"}}});
    assert_eq!(pod.debugged(labelled, object.clone()).sent(), ["label deny"]);
    // A forged owner turns off no rule on other kinds.
    assert_eq!(policy("label", TEAM).object(object).sent(), ["label deny"]);
}

#[test]
fn a_brake_lets_nothing_be_patched() {
    let case = policy("label", TEAM).settings("maxAction: Warn");
    assert_eq!((case.patched(), case.outcome()), (None, vec!["label warn".to_owned()]));
    let case = policy("label", TEAM).settings("maxAction: Audit");
    assert_eq!((case.patched(), case.outcome()), (None, vec!["label audit".to_owned()]));
    assert_eq!(policy("label", TEAM).settings("maxAction: Deny").outcome(), ["label mended"]);
}

#[test]
fn advice_never_denies_and_has_the_weaker_of_warn_and_the_action() {
    for (action, expected) in [("Deny", Effect::Warn), ("Warn", Effect::Warn), ("Audit", Effect::Audit)] {
        let case = policy("hint", &format!("action: {action}")).object(json!({"spec": {"hint": 1}}));
        assert_eq!(case.sent(), [format!("hint {}", expected.as_str())]);
        assert!(case.decide(|decision| decision.is_allowed()));
    }
}
