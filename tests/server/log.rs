//! What the log says: one line a decision, none of the libraries', never what was sent.

use std::process::Command;

use hyper::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::common::review::{read, review, wire};
use crate::common::{Http, REVIEW, REVIEW_UID, Vigla};

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_one_line_at_every_level() {
    for level in ["debug", "trace"] {
        let mut vigla = Vigla::start(&["--log-level", level]);
        vigla.wait_for_log("serving");
        for http in [Http::One, Http::Two] {
            assert_eq!(vigla.door.post(http, "/validate", REVIEW).await.status, StatusCode::OK);
            let lines = vigla.log_until("verdict=\"allowed\"");
            let foreign: Vec<_> = lines.iter().filter(|line| !line.contains(" vigla::")).collect();
            assert!(foreign.is_empty(), "{level}: {foreign:#?}");
            assert!(lines.last().unwrap().contains(REVIEW_UID));
        }
    }
}

/// Neither a full disk nor a reader who is gone keeps requests from being answered.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_log_it_serves_on() {
    for standard_error in ["2>/dev/full", "2> >(true)"] {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("exec \"$@\" {standard_error}"), "bash", env!("CARGO_BIN_EXE_vigla"), "serve"]);
        command.args(["--listen", "127.0.0.1:0", "--dev", "--log-level", "debug"]);
        let vigla = Vigla::spawn(command);
        for body in [REVIEW, "{}", OLD] {
            let answer = vigla.door.post(Http::One, "/validate", body).await;
            assert_eq!(answer.status.is_success(), body != "{}", "{standard_error}: {}", answer.body);
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
    let line = vigla.wait_for_log(" decision ");
    assert!(line.contains(r#"verdict="warned" policies="envoyfilter-namespace=old""#), "{line}");
    let set = &read(answer.body.as_bytes()).audit_annotations["policy-set"];
    assert!(line.contains(&format!("set=\"{set}\"")), "the log and the audit log name the same set: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_400_is_one_line_that_holds_nothing_of_the_request() {
    let mut vigla = Vigla::start(&[]);
    for (path, body) in [("/validate", r#"{"kind":"hunter2"}"#), ("/mutate?timeout=hunter2", REVIEW)] {
        assert_eq!(vigla.door.post(Http::One, path, body).await.status, StatusCode::BAD_REQUEST);
        let lines = vigla.log_until(" 400");
        assert!(lines.last().unwrap().contains(" WARN "), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("hunter2")), "{lines:?}");
    }
    let answer = vigla.door.post(Http::One, "/validate", REVIEW.replace(REVIEW_UID, "")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    vigla.wait_for_log("no AdmissionReview with a uid");
}

/// The decision that the next calls lead to, as a line of JSON; every line before it is JSON, too.
async fn decision(vigla: &mut Vigla, path: &str, body: &str) -> Map<String, Value> {
    assert_eq!(vigla.door.post(Http::One, path, body.to_owned()).await.status, StatusCode::OK);
    let lines = vigla.log_until(r#""message":"decision""#);
    let mut lines: Vec<Map<String, Value>> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "{field}: {line:?}");
        }
    }
    lines.pop().unwrap()
}

const FIELDS: [&str; 18] = [
    "dry_run",
    "duration_us",
    "endpoint",
    "group",
    "kind",
    "level",
    "message",
    "name",
    "namespace",
    "operation",
    "policies",
    "set",
    "subresource",
    "target",
    "timestamp",
    "uid",
    "user",
    "verdict",
];
/// Those of a review that could not be read.
const FIELDS_UNREADABLE: [&str; 10] =
    ["duration_us", "endpoint", "level", "message", "policies", "set", "target", "timestamp", "uid", "verdict"];

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_have_fixed_fields() {
    let mut vigla = Vigla::start(&["--log-format", "json", "--log-level", "debug"]);
    let filter = json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
        "metadata": {"name": "lua", "namespace": "shop", "annotations": {"password": "hunter2"}}});
    let mut denied = review("CREATE", "shop", &filter, &json!(null));
    denied["request"]["dryRun"] = json!(true);
    let control_plane = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}});
    let mended = wire(&review("CREATE", "istio-system", &control_plane, &json!(null)));
    for (path, body, level, verdict, policies) in [
        ("/validate", REVIEW, "DEBUG", "allowed", ""),
        ("/validate", OLD, "INFO", "warned", "envoyfilter-namespace=old"),
        ("/validate", &wire(&denied), "WARN", "denied", "envoyfilter-namespace=deny"),
        ("/mutate", &mended, "INFO", "mended", "istio-system-injection-disabled=mended"),
    ] {
        let line = decision(&mut vigla, path, body).await;
        assert_eq!(line.keys().collect::<Vec<_>>(), FIELDS, "{verdict}");
        let said = [
            &line["level"],
            &line["verdict"],
            &line["policies"],
            &json!(format!("/{}", line["endpoint"].as_str().unwrap())),
        ]
        .map(|value| value.as_str().unwrap().to_owned());
        assert_eq!(said, [level, verdict, policies, path]);
        assert!(line["duration_us"].as_u64().unwrap() < 60_000_000);
        assert!(!format!("{line:?}").contains("hunter2"));
    }
    let line = decision(&mut vigla, "/validate", &wire(&denied)).await;
    let who = json!({"kind": "EnvoyFilter", "group": "networking.istio.io", "namespace": "shop", "name": "lua",
        "operation": "CREATE", "subresource": "", "user": "jane", "dry_run": true,
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002"});
    for (field, value) in who.as_object().unwrap() {
        assert_eq!(&line[field], value, "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_review_neither_fills_the_log_nor_speaks_there() {
    let mut vigla = Vigla::start(&["--log-format", "json", "--log-level", "debug"]);
    let filter = json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {}});
    let mut review = review("CREATE", "shop", &filter, &json!(null));
    let long = "\u{1b}[31m\n{\"level\":\"ERROR\"}".to_owned() + &"ä".repeat(100_000);
    for field in ["uid", "name", "namespace"] {
        review["request"][field] = json!(long);
    }
    review["request"]["userInfo"]["username"] = json!(long);
    let line = decision(&mut vigla, "/validate", &wire(&review)).await;
    assert_eq!(line["verdict"], "denied");
    for field in ["uid", "name", "namespace", "user"] {
        let said = line[field].as_str().unwrap();
        assert!(said.len() <= 253 && long.starts_with(said), "{field}: {said}");
    }
    review["request"]["userInfo"] = json!("hunter2");
    let line = decision(&mut vigla, "/validate", &wire(&review)).await;
    assert_eq!(line.keys().collect::<Vec<_>>(), FIELDS_UNREADABLE);
    assert_eq!((&line["level"], &line["verdict"]), (&json!("ERROR"), &json!("unreadable")));
    assert!(!format!("{line:?}").contains("hunter2"));
}
