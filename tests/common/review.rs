//! Reviews as the API server sends them, and answers read by the API's own definition.

#![allow(dead_code, reason = "shared: each test file uses a part")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests are tests")]

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use vigla::mesh::Snapshot;
use vigla::policy::{PolicySet, Profile};
use vigla::review::{Endpoint, Reply, respond};

/// `AdmissionReview` with a response, every field of the API, and no other.
/// <https://pkg.go.dev/k8s.io/api/admission/v1#AdmissionReview>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AnswerReview {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) response: Answer,
}

/// `AdmissionResponse`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) uid: String,
    pub(crate) allowed: bool,
    pub(crate) status: Option<Status>,
    pub(crate) patch: Option<String>,
    pub(crate) patch_type: Option<String>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    #[serde(default)]
    pub(crate) audit_annotations: std::collections::BTreeMap<String, String>,
}

/// `metav1.Status`, as far as a webhook fills it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    pub(crate) status: String,
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) details: Details,
    pub(crate) code: u16,
}

/// `metav1.StatusDetails`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    pub(crate) causes: Vec<Cause>,
}

/// `metav1.StatusCause`.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

/// Reads an answer; what the API forbids fails.
pub(crate) fn read(body: &[u8]) -> Answer {
    let review: AnswerReview = serde_json::from_slice(body).expect("a well-formed answer");
    assert_eq!((&*review.api_version, &*review.kind), ("admission.k8s.io/v1", "AdmissionReview"));
    let answer = review.response;
    assert_eq!(answer.patch.is_some(), answer.patch_type.is_some(), "a patch and its type: both or neither");
    assert_eq!(answer.allowed, answer.status.is_none(), "a status says why something is denied");
    if let Some(status) = &answer.status {
        assert_eq!((status.code, &*status.reason, &*status.status), (403, "Forbidden", "Failure"));
        assert!(status.message.len() <= 8 * 1024, "{} bytes", status.message.len());
        assert!(!status.details.causes.is_empty());
    }
    let warnings: usize = answer.warnings.iter().map(String::len).sum();
    assert!(warnings <= 4 * 1024, "{warnings} bytes of warnings");
    assert!(answer.warnings.iter().all(|warning| warning.chars().count() <= 256));
    assert!(!answer.warnings.iter().any(|warning| warning.contains(char::is_control)));
    answer
}

/// The review of an operation on `object`, as the API server writes it: kind and user before the objects.
pub(crate) fn review(operation: &str, namespace: &str, object: &Value, old_object: &Value) -> Value {
    let present = if object.is_null() { old_object } else { object };
    let api_version = present["apiVersion"].as_str().expect("an apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = json!({"group": group, "version": version, "kind": present["kind"]});
    let resource = json!({"group": group, "version": version, "resource": "things"});
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
        "name": present["metadata"]["name"], "namespace": namespace, "operation": operation,
        "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
        "object": object, "oldObject": old_object, "dryRun": false, "options": null,
    }})
}

/// A review as text, its members in the API server's order: those of the Go types, kind and user before the objects.
pub(crate) fn wire(review: &Value) -> String {
    const ORDER: [&str; 14] = [
        "uid",
        "kind",
        "resource",
        "subResource",
        "requestKind",
        "requestResource",
        "requestSubResource",
        "name",
        "namespace",
        "operation",
        "userInfo",
        "object",
        "oldObject",
        "dryRun",
    ];
    let place = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
    let mut members: Vec<_> = review["request"].as_object().into_iter().flatten().collect();
    members.sort_by_key(|(key, _)| place(key));
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    let (kind, version) = (&review["kind"], &review["apiVersion"]);
    format!(r#"{{"kind":{kind},"apiVersion":{version},"request":{{{}}}}}"#, members.join(","))
}

/// The built-in policies.
pub(crate) fn built_in() -> PolicySet {
    PolicySet::built_in(Profile::Restricted).expect("the built-in policies")
}

/// What `/validate` answers.
pub(crate) fn validate(body: &[u8]) -> Answer {
    match respond(&built_in(), &Snapshot::default(), Endpoint::Validate, body, Timestamp::UNIX_EPOCH, &mut |_| {}) {
        Reply::Review(body) => read(&body),
        Reply::BadRequest(reason) => panic!("400: {reason}"),
    }
}

/// What `/validate` answers to a review.
pub(crate) fn validate_json(review: &Value) -> Answer {
    validate(wire(review).as_bytes())
}
