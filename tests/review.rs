//! The contract with the API server, on the wire's text.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "common/review.rs"]
mod review;

use jiff::Timestamp;
use proptest::prelude::*;
use review::{built_in, read, validate, validate_json, wire};
use serde_json::{Value, json};
use vigla::mesh::Snapshot;
use vigla::review::{Endpoint, Reply, respond, respond_to_fault};

const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

fn offender() -> Value {
    let object = json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "lua"},
        "spec": {},
    });
    review::review("CREATE", "shop", &object, &Value::Null)
}

fn call(endpoint: Endpoint, body: &[u8]) -> Reply {
    respond(&built_in(), &Snapshot::default(), endpoint, body, Timestamp::UNIX_EPOCH, &mut |_| {})
}

#[test]
fn denies_with_a_message_for_the_terminal() {
    let answer = validate_json(&offender());
    let status = answer.status.unwrap();
    insta::assert_snapshot!(status.message);
    assert_eq!(status.details.causes.len(), 1);
    assert_eq!(status.details.causes[0].reason, "envoyfilter-namespace");
    assert_eq!(status.details.causes[0].field, "/metadata/namespace");
    assert_eq!(answer.audit_annotations["findings"], "envoyfilter-namespace=deny");
    assert_eq!(answer.audit_annotations["policy-set"], built_in().hash());
    assert_eq!(answer.patch, None);
}

#[test]
fn echoes_the_uid_as_it_came() {
    for uid in ["x", "a\"b\\c", "ü", "\u{1f600}"] {
        let mut review = offender();
        review["request"]["uid"] = json!(uid);
        assert_eq!(validate_json(&review).uid, uid);
    }
}

#[test]
fn allows_what_no_policy_reads_without_reading_it() {
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    let mut text = wire(&review::review("CREATE", "shop", &object, &Value::Null));
    // The object is passed over, not built: a number out of range below it disturbs nobody.
    text = text.replace(r#"{"name":"s"}"#, r#"{"name":1e999}"#);
    assert!(text.contains("1e999"));
    let answer = validate(text.as_bytes());
    assert!(answer.allowed && answer.warnings.is_empty());
    assert_eq!(answer.uid, UID);
}

#[test]
fn judges_dry_runs_like_any_other_request() {
    let mut review = offender();
    review["request"]["dryRun"] = json!(true);
    assert!(!validate_json(&review).allowed);
}

#[test]
fn mutate_allows_and_patches_nothing() {
    for body in [wire(&offender()), format!(r#"{{"request":{{"uid":"{UID}","#)] {
        let Reply::Review(body) = call(Endpoint::Mutate, body.as_bytes()) else { panic!("an answer") };
        let answer = read(&body);
        assert!(answer.allowed && answer.patch.is_none() && answer.warnings.is_empty());
        assert_eq!(answer.uid, UID);
    }
}

/// Every cut of a review: 400 before its uid, after it an answer that denies.
#[test]
fn answers_a_review_that_breaks_off() {
    let text = format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{UID}",
        "kind":{{"group":"networking.istio.io","version":"v1alpha3","kind":"EnvoyFilter"}},"name":"lua",
        "namespace":"istio-config","operation":"CREATE","userInfo":{{"username":"jane"}},
        "object":{{"spec":{{"workloadSelector":{{"labels":{{"app":"cart"}}}}}}}},"oldObject":null}}}}"#
    );
    let uid_read = text.find(UID).unwrap() + UID.len() + 1;
    assert!(validate(text.as_bytes()).allowed, "whole, it is allowed");
    for end in 0..text.len() {
        match call(Endpoint::Validate, &text.as_bytes()[..end]) {
            Reply::BadRequest(reason) => assert!(end < uid_read, "{end}: {reason}"),
            Reply::Review(body) => {
                assert!(end >= uid_read, "{end}");
                let answer = read(&body);
                assert_eq!(answer.uid, UID);
                assert!(!answer.allowed, "{end}");
                assert!(answer.status.unwrap().message.contains("cannot judge"));
            }
        }
    }
}

#[test]
fn a_broken_review_of_a_kind_that_no_policy_reads_is_allowed() {
    let head = format!(r#"{{"request":{{"uid":"{UID}","kind":{{"group":"","version":"v1","kind":"Secret"}},"#);
    assert!(validate(head.as_bytes()).allowed);
    // Before its kind is known, every policy may have been meant.
    let uid_alone = format!(r#"{{"request":{{"uid":"{UID}","#);
    assert!(!validate(uid_alone.as_bytes()).allowed);
}

#[test]
fn answers_a_body_that_is_no_utf_8_after_its_uid() {
    let mut body = wire(&offender()).into_bytes();
    let at = body.windows(3).position(|three| three == b"lua").unwrap();
    body[at] = 0xff;
    let answer = validate(&body);
    assert_eq!(answer.uid, UID);
    assert!(answer.status.unwrap().message.contains("not UTF-8"));
    // What was read tells who might have judged it: nobody a DELETE.
    let delete = String::from_utf8_lossy(&wire(&offender()).into_bytes()).replace("CREATE", "DELETE");
    let cut = delete.find("\"object\"").unwrap();
    assert!(validate(&delete.as_bytes()[..cut]).allowed);
    assert!(!validate(&delete.replace("DELETE", "CREATE").as_bytes()[..cut]).allowed);
}

#[test]
fn rejects_an_object_that_is_none() {
    for object in [json!(5), json!([]), json!("x")] {
        let mut review = offender();
        review["request"]["namespace"] = json!("istio-config");
        review["request"]["object"] = object.clone();
        assert!(!validate_json(&review).allowed, "{object}");
    }
}

/// Judging is linear: what is found is bounded, and told from its siblings without counting them.
#[test]
fn many_findings_are_bounded() {
    let object = json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "lua"},
        "spec": {"targetRefs": vec![json!({}); 200_000]},
    });
    let answer = validate_json(&review::review("CREATE", "istio-config", &object, &Value::Null));
    assert!(answer.allowed);
    assert!(answer.warnings.last().unwrap().starts_with("… and 9"), "{:?}", answer.warnings.last());
}

#[test]
fn rejects_what_is_no_review_of_ours() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 8] = [
        ("`apiVersion` is `admission.k8s.io/v1beta1`", |review| {
            review["apiVersion"] = json!("admission.k8s.io/v1beta1")
        }),
        ("`kind` is `Pod`", |review| review["kind"] = json!("Pod")),
        ("`request.operation` is `PATCH`", |review| review["request"]["operation"] = json!("PATCH")),
        ("`request.operation` is ``", |review| review["request"]["operation"] = Value::Null),
        ("expected", |review| review["request"]["operation"] = json!(1)),
        ("expected", |review| review["request"]["namespace"] = json!(["shop"])),
        ("no object", |review| review["request"]["object"] = Value::Null),
        ("no object", |review| drop(review["request"].as_object_mut().unwrap().remove("object"))),
    ];
    for (expected, change) in changes {
        let mut review = offender();
        change(&mut review);
        let answer = validate_json(&review);
        assert_eq!(answer.uid, UID);
        let message = answer.status.expect(expected).message;
        assert!(message.contains("cannot judge") && message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn refuses_a_body_without_a_uid() {
    let bodies: [&[u8]; 8] = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{\"request\":{}}",
        b"{\"request\":{\"uid\":\"\"}}",
        b"{\"request\":{\"uid\":7}}",
        b"\xff\xfe",
    ];
    for body in bodies {
        for endpoint in [Endpoint::Validate, Endpoint::Mutate] {
            assert!(matches!(call(endpoint, body), Reply::BadRequest(_)), "{}", String::from_utf8_lossy(body));
        }
    }
}

/// The API server's order lets objects be read in one pass; any other order means the same.
#[test]
fn the_order_of_fields_does_not_matter() {
    let mut offender = offender();
    offender["request"]["subResource"] = json!("");
    let request = offender["request"].as_object().unwrap();
    let members: Vec<String> = request.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    for turn in 0..members.len() {
        let mut members = members.clone();
        members.rotate_left(turn);
        for _ in 0..2 {
            members.reverse();
            let text = format!(
                r#"{{"request":{{{}}},"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}}"#,
                members.join(",")
            );
            assert!(!validate(text.as_bytes()).allowed, "{text}");
        }
    }
    // A kind that nobody reads, then the one that counts: the last one wins, as everywhere. Its object was skipped.
    let text = wire(&offender);
    let kind = r#""kind":{"group":"networking.istio.io","kind":"EnvoyFilter","version":"v1alpha3"}"#;
    assert!(text.contains(kind));
    let secret = r#""kind":{"group":"","kind":"Secret","version":"v1"}"#;
    let moved = text.replacen(kind, secret, 1).replacen(r#""dryRun":"#, &format!(r#"{kind},"dryRun":"#), 1);
    assert!(!validate(moved.as_bytes()).allowed, "{moved}");
}

#[test]
fn cuts_warnings_to_size() {
    let target = |n: usize| json!({"kind": "Service", "name": format!("{}-{n}", "é".repeat(300))});
    let object = json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "lua"},
        "spec": {"targetRefs": (0..100).map(target).collect::<Vec<_>>()},
    });
    let answer = validate_json(&review::review("CREATE", "istio-config", &object, &Value::Null));
    assert!(answer.allowed);
    let (last, shown) = answer.warnings.split_last().unwrap();
    assert!(shown.len() > 5, "{}", shown.len());
    assert_eq!(*last, format!("… and {} more", 100 - shown.len()));
}

#[test]
fn keeps_control_characters_out_of_messages() {
    let object = json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "lua"},
    });
    let answer = validate_json(&review::review("CREATE", "a\u{1b}[31m\nb", &object, &Value::Null));
    let message = answer.status.unwrap().message;
    assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message:?}");
    assert!(!message.lines().any(|line| line.starts_with('b')), "{message}");
}

#[test]
fn answers_by_on_error_where_judging_fails() {
    let body = wire(&offender());
    let fault = |endpoint, body: &str| {
        let reply = respond_to_fault(&built_in(), endpoint, body.as_bytes(), &mut |_| {});
        let Reply::Review(body) = reply else { panic!("an answer") };
        read(&body)
    };
    let answer = fault(Endpoint::Validate, &body);
    assert!(!answer.allowed);
    assert_eq!(answer.uid, UID);
    assert!(fault(Endpoint::Mutate, &body).allowed);
    assert!(fault(Endpoint::Validate, &body.replace("EnvoyFilter", "Pod")).allowed, "no policy reads Pods");
}

#[test]
fn logs_who_asked_and_never_the_object() {
    let mut logged = Vec::new();
    let body = wire(&offender());
    respond(
        &built_in(),
        &Snapshot::default(),
        Endpoint::Validate,
        body.as_bytes(),
        Timestamp::UNIX_EPOCH,
        &mut |record| {
            let request = record.request.unwrap();
            logged.push((
                record.uid.to_owned(),
                request.user.as_ref().unwrap().name.to_string(),
                request.name.to_string(),
            ));
            assert!(!record.decision.is_allowed());
        },
    );
    assert_eq!(logged, [(UID.to_owned(), "jane".to_owned(), "lua".to_owned())]);
}

proptest! {
    /// Whatever stands in the object: an answer, and never an allow by accident.
    #[test]
    fn answers_any_bytes(body in prop::collection::vec(any::<u8>(), 0..200)) {
        call(Endpoint::Validate, &body);
    }

    #[test]
    fn answers_any_object(spec in json_value()) {
        let mut review = offender();
        review["request"]["object"]["spec"] = spec;
        prop_assert!(!validate_json(&review).allowed);
        review["request"]["namespace"] = json!("istio-config");
        validate_json(&review);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from)
    ];
    let key = prop_oneof![
        Just("workloadSelector".to_owned()),
        Just("labels".to_owned()),
        Just("targetRefs".to_owned()),
        ".{0,4}"
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
