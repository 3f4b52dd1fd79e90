//! What the log says: one line a decision, none of the libraries', never what was sent.

use hyper::http::StatusCode;

use crate::common::review::read;
use crate::common::{Http, REVIEW, REVIEW_UID, Vigla};

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_one_line_at_every_level() {
    for level in ["debug", "trace"] {
        let mut vigla = Vigla::start(&["--log-level", level]);
        vigla.wait_for_log("serving");
        for http in [Http::One, Http::Two] {
            assert_eq!(vigla.door.post(http, "/validate", REVIEW).await.status, StatusCode::OK);
            let lines = vigla.log_until("Validate Allowed");
            let foreign: Vec<_> = lines.iter().filter(|line| !line.contains(" vigla::")).collect();
            assert!(foreign.is_empty(), "{level}: {foreign:#?}");
            assert!(lines.last().unwrap().contains(REVIEW_UID));
        }
    }
}

/// An update that leaves an `EnvoyFilter` where it already must not be.
const OLD: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",
    "kind":{"group":"networking.istio.io","version":"v1alpha3","kind":"EnvoyFilter"},
    "resource":{"group":"networking.istio.io","version":"v1alpha3","resource":"envoyfilters"},
    "name":"lua","namespace":"shop","operation":"UPDATE","userInfo":{"username":"alice"},
    "object":{"apiVersion":"networking.istio.io/v1alpha3","kind":"EnvoyFilter",
        "metadata":{"name":"lua","namespace":"shop","labels":{"new":"yes"}},"spec":{}},
    "oldObject":{"apiVersion":"networking.istio.io/v1alpha3","kind":"EnvoyFilter",
        "metadata":{"name":"lua","namespace":"shop"},"spec":{}}}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_of_what_was_there_before_is_a_warning() {
    let mut vigla = Vigla::start(&["--log-level", "debug"]);
    let answer = vigla.door.post(Http::One, "/validate", OLD).await;
    assert!(answer.body.contains(r#""allowed":true"#) && answer.body.contains(r#""warnings":["#), "{}", answer.body);
    let line = vigla.wait_for_log("Validate ");
    assert!(line.contains("Validate Warned") && line.contains("=old"), "{line}");
    let set = &read(answer.body.as_bytes()).audit_annotations["policy-set"];
    assert!(line.contains(&format!("set=\"{set}\"")), "the log and the audit log name the same set: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_400_is_one_line_that_holds_nothing_of_the_request() {
    let mut vigla = Vigla::start(&[]);
    for (path, body) in [("/validate", r#"{"kind":"hunter2"}"#), ("/mutate?timeout=hunter2", REVIEW)] {
        assert_eq!(vigla.door.post(Http::One, path, body).await.status, StatusCode::BAD_REQUEST);
        let lines = vigla.log_until("400");
        assert!(lines.last().unwrap().contains(" WARN "), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("hunter2")), "{lines:?}");
    }
    let answer = vigla.door.post(Http::One, "/validate", REVIEW.replace(REVIEW_UID, "")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    vigla.wait_for_log("no AdmissionReview with a uid");
}
