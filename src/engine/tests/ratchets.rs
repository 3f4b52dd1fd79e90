//! What was there before an UPDATE.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Case, policy};
use crate::engine::{Phase, decide};
use crate::rule::Resource;

fn numbers(numbers: Value) -> Value {
    json!({"metadata": {}, "spec": {"numbers": numbers}})
}

fn sent(old: Value, new: Value) -> Vec<String> {
    policy("limit", "action: Deny").update(numbers(old), numbers(new)).sent()
}

#[test]
fn an_unchanged_violation_is_old_and_a_new_one_acts() {
    assert_eq!(sent(json!({"a": 20}), json!({"a": 20})), ["limit old"]);
    assert_eq!(sent(json!({"a": 5}), json!({"a": 20})), ["limit deny"]);
    assert_eq!(sent(json!({"a": 20}), json!({"a": 20, "b": 20})), ["limit deny", "limit old"]);
    assert_eq!(sent(json!({"a": 20}), json!({"a": 5})), [""; 0]);
}

#[test]
fn numbers_may_move_towards_their_limit_and_not_away_from_it() {
    assert_eq!(sent(json!({"a": 20}), json!({"a": 15})), ["limit old"]);
    assert_eq!(sent(json!({"a": 20}), json!({"a": 21})), ["limit deny"]);
    // Another name is another subject.
    assert_eq!(sent(json!({"a": 20}), json!({"b": 15})), ["limit deny"]);
}

#[test]
fn unnamed_elements_are_compared_as_multisets() {
    // Never by their place in the list.
    assert_eq!(sent(json!([20, 5, 30]), json!([30, 20])), ["limit old", "limit old"]);
    assert_eq!(sent(json!([20]), json!([20, 20])), ["limit deny", "limit old"]);
    // Equal values are struck out first, then the rest is paired in descending order.
    assert_eq!(sent(json!([40, 20]), json!([20, 30])), ["limit old", "limit old"]);
    assert_eq!(sent(json!([40, 20]), json!([39, 21])), ["limit deny", "limit old"]);
    assert_eq!(sent(json!([40, 20]), json!([41, 19])), ["limit deny", "limit old"]);
}

#[test]
fn old_violations_act_as_the_weaker_of_warn_and_the_action() {
    for (action, expected) in [("Deny", "limit old"), ("Warn", "limit old"), ("Audit", "limit audit")] {
        let case = policy("limit", &format!("action: {action}"));
        assert_eq!(case.update(numbers(json!({"a": 20})), numbers(json!({"a": 20}))).sent(), [expected]);
    }
}

#[test]
fn old_advice_is_audited() {
    let object = json!({"metadata": {}, "spec": {"hint": 1}});
    assert_eq!(policy("hint", "action: Deny").update(object.clone(), object).sent(), ["hint audit"]);
}

#[test]
fn an_error_that_the_old_object_gives_too_is_old() {
    assert_eq!(sent(json!("x"), json!("x")), ["limit warn"]);
    assert_eq!(sent(json!([20]), json!("x")), ["limit deny"]);
}

#[test]
fn an_unreadable_old_object_makes_nothing_old() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let mut case = policy("limit", "action: Deny").update(Value::Null, numbers(json!({"a": 20})));
    assert_eq!(case.sent(), ["limit deny"], "none at all");
    case.old = json!("no object");
    assert_eq!(case.sent(), ["limit deny"]);
    let mut request = case.request();
    request.old_object = crate::rule::Body::Unread(Box::leak(deep.into_boxed_str()));
    let set = case.set();
    let decision = decide(&set, &request, &case.snapshot, Timestamp::UNIX_EPOCH, Phase::Sent);
    assert!(!decision.is_allowed());
}

#[test]
fn without_a_ratchet_every_update_is_judged_like_a_create_but_for_what_is_going() {
    let spec = "action: Deny, ratchet: false";
    let object = numbers(json!({"a": 20}));
    assert_eq!(policy("limit", spec).update(object.clone(), object.clone()).sent(), ["limit deny"]);
    let mut going = object;
    going["metadata"]["deletionTimestamp"] = json!("2027-01-01T00:00:00Z");
    assert_eq!(policy("limit", spec).update(going.clone(), going.clone()).sent(), ["limit old"]);
    // Unless it grows a new violation.
    let mut grown = going.clone();
    grown["spec"]["numbers"]["b"] = json!(99);
    assert_eq!(policy("limit", spec).update(going.clone(), grown).sent(), ["limit deny", "limit old"]);
    // Errors warn: a finalizer must be removable.
    let mut broken = going.clone();
    broken["spec"]["numbers"] = json!("x");
    assert_eq!(policy("limit", spec).update(going, broken).sent(), ["limit warn"]);
    // Nor does what a Pod has already stand in the way of a container for debugging.
    let (before, after) = (numbers(json!({"a": 20})), numbers(json!({"a": 20, "b": 99})));
    assert_eq!(policy("limit", spec).debugged(before.clone(), before.clone()).sent(), ["limit old"]);
    assert_eq!(policy("limit", spec).debugged(before, after).sent(), ["limit deny", "limit old"]);
}

#[test]
fn an_application_of_argo_cd_is_judged_where_its_spec_changes() {
    let kind = Resource::owned("argoproj.io", "v1alpha1", "Application");
    let case = |spec| Case { kind: kind.clone(), ..policy("limit", spec) };
    let refreshed = json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"numbers": {"a": 20}}});
    for spec in ["action: Deny", "action: Deny, ratchet: false"] {
        assert_eq!(case(spec).update(numbers(json!({"a": 20})), refreshed.clone()).sent(), [""; 0]);
        assert_eq!(case(spec).update(numbers(json!({"a": 5})), refreshed.clone()).sent(), ["limit deny"]);
        assert_eq!(case(spec).object(refreshed.clone()).sent(), ["limit deny"]);
    }
    let unreadable = case("action: Deny").update(json!("no object"), refreshed);
    assert_eq!(unreadable.sent(), ["limit deny"]);
}
