//! `/metrics`: what it says, and what nobody can make it say.

use std::collections::BTreeSet;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vigla::policy::{PolicySet, Profile};
use vigla::telemetry::COMMIT;

use crate::common::review::{review, wire};
use crate::common::{Http, REVIEW, Vigla, send, soon};
use crate::exposition::{Exposition, Family};

const DOCS: &str = include_str!("../../docs/webhook.md");

/// The review of an `EnvoyFilter` in this namespace.
fn filter(operation: &str, namespace: &str) -> String {
    let filter = json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
        "metadata": {"name": "lua", "namespace": namespace}, "spec": {"workloadSelector": {"labels": {"app": "a"}}}});
    wire(&review(operation, namespace, &filter, &json!(null)))
}

/// The review of a control plane's namespace that is created without its label.
fn control_plane() -> String {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}});
    wire(&review("CREATE", "istio-system", &namespace, &json!(null)))
}

#[tokio::test(flavor = "multi_thread")]
async fn names_types_and_help_keep_the_conventions() {
    let vigla = Vigla::start(&[]);
    vigla.door.post(Http::One, "/validate", filter("CREATE", "shop")).await;
    let metrics = Exposition::of(&vigla.door).await;
    assert!(metrics.families.len() > 8, "{}", metrics.text);
    let mut unique = metrics.series();
    unique.dedup();
    assert_eq!(unique, metrics.series(), "one series twice");
    for (name, family) in &metrics.families {
        lint(name, family);
    }
}

/// <https://prometheus.io/docs/practices/naming/>, and OpenMetrics on suffixes.
fn lint(name: &str, family: &Family) {
    let Family { kind, help, unit, samples } = family;
    let is_word = |text: &str| text.split('_').all(|word| !word.is_empty() && word.chars().all(char::is_lowercase));
    assert!(name.starts_with("vigla_") && is_word(name), "{name}");
    assert!(help.starts_with(char::is_uppercase) && help.ends_with('.') && !help.ends_with(".."), "{name}: {help}");
    for suffix in ["total", "count", "sum", "bucket", "info", "created", "milliseconds", "micros", "ms"] {
        assert!(!name.ends_with(&format!("_{suffix}")), "{name}: the suffix belongs to samples, or is no base unit");
    }
    assert_eq!(unit.as_deref(), name.ends_with("_seconds").then_some("seconds"), "{name}");
    assert!(!name.contains(kind.as_str()), "{name} repeats its type");
    let suffixes: &[&str] = match kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_count", "_sum"],
        other => panic!("{name}: {other}"),
    };
    let said: BTreeSet<&str> = samples.iter().map(|sample| sample.name.strip_prefix(name).unwrap()).collect();
    assert_eq!(said, suffixes.iter().copied().collect(), "{name}");
    for sample in samples {
        assert_eq!(sample.labels.contains_key("le"), sample.name.ends_with("_bucket"), "{name}");
        assert!(sample.labels.keys().all(|label| is_word(label)), "{name}");
        assert!(kind != "info" || sample.value == 1.0, "{name}");
    }
    let labels: BTreeSet<&String> = samples.iter().flat_map(|sample| sample.labels.keys()).collect();
    let labels: Vec<String> = labels.into_iter().filter(|label| *label != "le").map(|it| format!("`{it}`")).collect();
    let documented =
        format!("| `{name}{}` | {kind} | {} |", if suffixes.len() == 1 { suffixes[0] } else { "" }, labels.join(", "));
    assert!(DOCS.contains(&documented), "docs/webhook.md has no line that begins: {documented}");
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_cumulative_and_end_with_all() {
    let vigla = Vigla::start(&[]);
    for _ in 0..3 {
        vigla.door.post(Http::One, "/validate", REVIEW).await;
    }
    let metrics = Exposition::of(&vigla.door).await;
    for name in ["vigla_evaluation_duration_seconds", "vigla_http_request_duration_seconds"] {
        let buckets: Vec<(f64, f64)> = metrics.families[name]
            .samples
            .iter()
            .filter(|sample| sample.labels["endpoint"] == "validate")
            .filter_map(|sample| Some((sample.labels.get("le")?.parse().unwrap(), sample.value)))
            .collect();
        assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{buckets:?}");
        assert_eq!(*buckets.last().unwrap(), (f64::INFINITY, 3.0));
        assert_eq!(metrics.value(&format!(r#"{name}_count{{endpoint="validate"}}"#)), 3.0);
        let sum = metrics.value(&format!(r#"{name}_sum{{endpoint="validate"}}"#));
        assert!(sum > 0.0 && sum < 60.0, "seconds, not {sum}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_decisions_by_policy_and_effect() {
    let vigla = Vigla::start(&[]);
    vigla.door.post(Http::One, "/validate", REVIEW).await;
    for http in [Http::One, Http::Two] {
        vigla.door.post(http, "/validate", filter("CREATE", "shop")).await;
    }
    for path in ["/mutate", "/validate"] {
        vigla.door.post(Http::One, path, control_plane()).await;
    }
    let metrics = Exposition::of(&vigla.door).await;
    for (series, count) in [
        (r#"reviews_total{endpoint="validate",verdict="allowed"}"#, 1.0),
        (r#"reviews_total{endpoint="validate",verdict="denied"}"#, 3.0),
        (r#"reviews_total{endpoint="mutate",verdict="mended"}"#, 1.0),
        (r#"reviews_total{endpoint="mutate",verdict="allowed"}"#, 0.0),
        (r#"http_requests_total{endpoint="validate",code="2xx"}"#, 4.0),
        (
            r#"policy_decisions_total{endpoint="validate",policy="envoyfilter-namespace",action="Deny",finding="violation",effect="deny"}"#,
            2.0,
        ),
        (
            r#"policy_decisions_total{endpoint="mutate",policy="istio-system-injection-disabled",action="Patch",finding="violation",effect="mended"}"#,
            1.0,
        ),
        (
            r#"policy_decisions_total{endpoint="validate",policy="istio-system-injection-disabled",action="Patch",finding="violation",effect="deny"}"#,
            1.0,
        ),
    ] {
        assert_eq!(metrics.value(&format!("vigla_{series}")), count, "{series}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_errors_by_kind() {
    let vigla = Vigla::start(&[]);
    let door = &vigla.door;
    door.post(Http::One, "/validate", filter("CREATE", "shop").replace(r#""object":{"#, r#""object":7,"x":{"#)).await;
    door.post(Http::One, "/validate", filter("CREATE", "shop").replace("oldObject", "object\":oops\"")).await;
    door.post(Http::One, "/validate", "no review").await;
    door.post(Http::One, "/mutate?timeout=never", REVIEW).await;
    let mut plain = TcpStream::connect(door.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    soon(plain.read_to_end(&mut Vec::new())).await.ok();
    for (head, body) in [("content-length: 9000000", ""), ("content-length: 100", "{")] {
        let mut stream = door.raw(&[]).await;
        let head = format!(
            "POST /validate?timeout=100ms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        soon(stream.read_to_end(&mut Vec::new())).await.ok();
    }
    let metrics = Exposition::of(door).await;
    let kinds =
        ["cannot_judge", "unreadable_review", "no_review", "bad_timeout", "handshake", "large_body", "late_body"];
    for kind in kinds {
        assert_eq!(metrics.value(&format!(r#"vigla_errors_total{{kind="{kind}"}}"#)), 1.0, "{kind}: {}", metrics.text);
    }
    let all: f64 = metrics.families["vigla_errors"].samples.iter().map(|sample| sample.value).sum();
    assert_eq!(all, kinds.len() as f64, "{}", metrics.text);
    assert_eq!(metrics.value(r#"vigla_reviews_total{endpoint="validate",verdict="unreadable"}"#), 1.0);
    assert_eq!(metrics.value(r#"vigla_http_requests_total{endpoint="mutate",code="4xx"}"#), 1.0);
}

/// What each label may say, whatever is sent.
fn words(label: &str) -> Vec<String> {
    let words: &[&str] = match label {
        "endpoint" => &["validate", "mutate", "other"],
        "verdict" => &["allowed", "warned", "denied", "mended", "unreadable"],
        "code" => &["2xx", "4xx", "5xx"],
        "action" => &["Deny", "Patch", "Warn", "Audit"],
        "finding" => &["violation", "advice", "error"],
        "effect" => &["deny", "warn", "old", "audit", "mended"],
        "version" => &[env!("CARGO_PKG_VERSION")],
        "what" => &["policies", "certificate", "clients"],
        "result" => &["taken_up", "refused"],
        "commit" => &[COMMIT.unwrap_or("unknown")],
        "kind" => &[
            "cannot_judge",
            "contradicting_fixes",
            "unreadable_review",
            "no_review",
            "panic",
            "bad_timeout",
            "broken_body",
            "large_body",
            "late_body",
            "crowded",
            "handshake",
            "accept",
        ],
        "policy" | "hash" => {
            let set = PolicySet::built_in(Profile::default()).unwrap();
            let names = set.policies().iter().map(|policy| policy.name.clone());
            return if label == "hash" { vec![set.hash().to_owned()] } else { names.collect() };
        }
        _ => panic!("an unknown label: {label}"),
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_say_nothing_of_what_is_sent() {
    let vigla = Vigla::start(&[]);
    let client = vigla.door.client(Http::One);
    let ask = async |method: Method, path: &str, body: String| {
        let request = vigla.door.request(method, path).header("content-type", "application/json");
        send(&client, request.body(Full::new(Bytes::from(body))).unwrap()).await;
    };
    let attack = async |round: usize| {
        let name = format!("hostile-{round}");
        for path in ["/validate", "/mutate"] {
            ask(Method::POST, path, filter("CREATE", &name)).await;
        }
        let twisted = filter(if round.is_multiple_of(2) { "UPDATE" } else { &name }, &name);
        for part in ["EnvoyFilter", "networking.istio.io", "v1alpha3", "lua", "jane", "705ab4f5", "object"] {
            ask(Method::POST, "/validate", twisted.replace(part, &name)).await;
        }
        ask(Method::POST, &format!("/{name}"), name.clone()).await;
        ask(Method::from_bytes(format!("HOSTILE{round}").as_bytes()).unwrap(), "/validate", String::new()).await;
        ask(Method::POST, &format!("/validate?timeout={name}"), name.clone()).await;
    };
    attack(0).await;
    attack(1).await;
    let before = Exposition::of(&vigla.door).await;
    for round in 2..10 {
        attack(round).await;
    }
    for round in 0..1000 {
        ask(Method::POST, "/validate", filter("CREATE", &format!("hostile-{round}"))).await;
    }
    let after = Exposition::of(&vigla.door).await;
    assert_eq!(after.series(), before.series());
    for sample in after.families.values().flat_map(|family| &family.samples) {
        for (label, value) in sample.labels.iter().filter(|(label, _)| *label != "le") {
            assert!(words(label).contains(value), "{label}={value}");
        }
    }
    assert!(!after.text.to_lowercase().contains("hostile"), "{}", after.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_head_and_turns_other_methods_away() {
    let vigla = Vigla::start(&[]);
    for http in [Http::One, Http::Two] {
        let request = vigla.door.request(Method::HEAD, "/metrics").body(Full::<Bytes>::default()).unwrap();
        let answer = send(&vigla.door.client(http), request).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
        let answer = vigla.door.post(http, "/metrics", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "GET,HEAD");
        assert!(answer.body.contains("GET for /livez, /readyz and /metrics"), "{}", answer.body);
    }
    let metrics = Exposition::of(&vigla.door).await;
    assert_eq!(metrics.value(r#"vigla_http_requests_total{endpoint="other",code="4xx"}"#), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_is_loaded_and_since_when() {
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let mut vigla = Vigla::start(&["--profile", "restricted"]);
    let metrics = Exposition::of(&vigla.door).await;
    let loaded = metrics.value("vigla_policy_set_loaded_timestamp_seconds");
    assert!(loaded >= before - 1.0 && loaded <= before + 60.0, "{loaded}");
    let days = (metrics.value("vigla_certificate_expiry_timestamp_seconds") - loaded) / 86_400.0;
    assert!((6.9..7.1).contains(&days), "the certificate of --dev lasts {days} days");
    let hash = PolicySet::built_in(Profile::Restricted).unwrap().hash().to_owned();
    assert_eq!(metrics.value(&format!(r#"vigla_policy_set_info{{hash="{hash}"}}"#)), 1.0);
    assert!(vigla.wait_for_log("serving").contains(&hash));
    let (version, commit) = (env!("CARGO_PKG_VERSION"), COMMIT.unwrap_or("unknown"));
    assert_eq!(metrics.value(&format!(r#"vigla_build_info{{version="{version}",commit="{commit}"}}"#)), 1.0);
}
