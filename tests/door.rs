//! The same object through every door: `/validate` over TLS says what `check` says.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use common::review::{Answer, read, review, wire};
use common::{Http, HttpsClient, Vigla, send};
use http_body_util::Full;
use hyper::Method;
use hyper::body::Bytes;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{Container, Namespace, Pod, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde_json::{Value, json};

/// What is refused and what is warned of: policy and path, sorted.
type Verdict = Vec<(String, String, &'static str)>;

/// What `check` finds in a file of recorded reviews, review by review.
fn check(reviews: &[Value]) -> Vec<Verdict> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vigla"))
        .args(["check", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text: String = reviews.iter().map(|review| format!("{review}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["errors"], json!([]));
    let mut verdicts = vec![Verdict::new(); reviews.len()];
    for finding in report["findings"].as_array().unwrap() {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        let effect = match finding["effect"].as_str().unwrap() {
            "deny" => "deny",
            "warn" | "old" => "warn",
            "mended" => "mended",
            _ => continue,
        };
        let document = usize::try_from(finding["document"].as_u64().unwrap()).unwrap();
        verdicts[document - 1].push((text("policy"), text("path"), effect));
    }
    verdicts.iter_mut().for_each(|verdict| verdict.sort());
    verdicts
}

/// What the running server says of a review: `/mutate`, its patch applied, then `/validate`.
async fn admit(vigla: &Vigla, client: &HttpsClient<Full<Bytes>>, review: &Value) -> Verdict {
    let mut review = review.clone();
    let mutated = call(vigla, client, "/mutate", &review).await;
    assert!(mutated.allowed);
    let mut verdict: Verdict = mutated.warnings.iter().map(|warning| said(warning, "mended")).collect();
    if let Some(patch) = &mutated.patch {
        let patch: json_patch::Patch = serde_json::from_slice(&BASE64_STANDARD.decode(patch).unwrap()).unwrap();
        json_patch::patch(&mut review["request"]["object"], &patch).unwrap();
        let again = call(vigla, client, "/mutate", &review).await;
        assert!(again.patch.is_none() && again.warnings.is_empty(), "a patch is idempotent: {review}");
    }
    let answer = call(vigla, client, "/validate", &review).await;
    let causes = answer.status.into_iter().flat_map(|status| status.details.causes);
    verdict.extend(causes.map(|cause| (cause.reason, cause.field, "deny")));
    verdict.extend(answer.warnings.iter().map(|warning| said(warning, "warn")));
    verdict.sort();
    verdict
}

async fn call(vigla: &Vigla, client: &HttpsClient<Full<Bytes>>, path: &str, review: &Value) -> Answer {
    let request = vigla.door.request(Method::POST, path).header("content-type", "application/json");
    let answer = send(client, request.body(Full::new(wire(review).into())).unwrap()).await;
    assert_eq!(answer.status, 200, "{review}");
    assert_eq!(answer.header("content-type"), "application/json");
    let answer = read(answer.body.as_bytes());
    assert_eq!(answer.uid, review["request"]["uid"].as_str().unwrap());
    answer
}

/// Policy and path of a warning; what concerns the request as a whole has no path.
fn said(warning: &str, effect: &'static str) -> (String, String, &'static str) {
    let warning = warning.strip_prefix("mended by Vigla: ").unwrap_or(warning);
    let warning = warning.strip_prefix("(unchanged from the stored object) ").unwrap_or(warning);
    let mut parts = warning.split(": ");
    let policy = parts.next().unwrap().to_owned();
    let path = parts.next().filter(|path| path.starts_with('/')).unwrap_or_default();
    (policy, path.to_owned(), effect)
}

/// Holds the two doors against each other; says how many reviews were denied.
async fn compare(reviews: &[Value]) -> usize {
    let vigla = Vigla::start(&[]);
    // A Namespace in a file tells `check` its labels, of which a server without a cluster knows nothing.
    let (namespaces, others): (Vec<Value>, Vec<Value>) =
        reviews.iter().cloned().partition(|review| review["request"]["kind"]["kind"] == "Namespace");
    let checked = [check(&namespaces), check(&others)].concat();
    let reviews = &[namespaces, others].concat();
    for http in [Http::One, Http::Two] {
        let client = vigla.door.client(http);
        for (n, review) in reviews.iter().enumerate() {
            assert_eq!(admit(&vigla, &client, review).await, checked[n], "{http:?}: {review}");
        }
    }
    checked.iter().filter(|verdict| verdict.iter().any(|(_, _, effect)| *effect == "deny")).count()
}

fn filters() -> Vec<Value> {
    let specs = [
        json!(null),
        json!({}),
        json!("x"),
        json!({"workloadSelector": {"labels": {"app": "cart"}}}),
        json!({"workloadSelector": {"labels": 7}}),
        json!({"targetRefs": [{"kind": "Service", "name": "a/b~c"}, {"kind": "GatewayClass", "name": "\u{e9}\"\n"}]}),
    ];
    let mut reviews = Vec::new();
    for spec in &specs {
        for namespace in ["istio-config", "istio-system", "shop", ""] {
            let mut object = json!({
                "apiVersion": "networking.istio.io/v1alpha3",
                "kind": "EnvoyFilter",
                "metadata": {"name": "lua", "namespace": namespace},
                "spec": spec,
            });
            reviews.push(review("CREATE", namespace, &object, &Value::Null));
            reviews.push(review("UPDATE", namespace, &object, &object));
            reviews.push(review("DELETE", namespace, &Value::Null, &object));
            object["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
            reviews.push(review("UPDATE", namespace, &object, &object));
        }
    }
    reviews
}

/// The control plane's namespace in all its states, old and new.
fn namespaces() -> Vec<Value> {
    let labels = [
        json!(null),
        json!({}),
        json!({"istio-injection": "disabled"}),
        json!({"istio-injection": "enabled"}),
        json!({"istio-injection": "off", "istio.io/rev": "canary"}),
        json!({"istio-injection": "disabled", "istio.io/dataplane-mode": "ambient"}),
        json!({"istio-injection": 7}),
        json!("x"),
    ];
    let namespace = |name: &str, labels: &Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    let mut reviews = Vec::new();
    for new in &labels {
        for name in ["istio-system", "shop"] {
            reviews.push(review("CREATE", name, &namespace(name, new), &Value::Null));
        }
        for old in &labels {
            let (new, old) = (namespace("istio-system", new), namespace("istio-system", old));
            reviews.push(review("UPDATE", "istio-system", &new, &old));
        }
    }
    reviews.push(review(
        "CREATE",
        "istio-system",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}),
        &Value::Null,
    ));
    reviews
}

/// Core objects as typed clients write them.
fn core() -> Vec<Value> {
    let named = |name: &str| ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let container = Container { name: "app".to_owned(), image: Some("shop/cart:1".to_owned()), ..Container::default() };
    let spec = PodSpec { containers: vec![container], ..PodSpec::default() };
    let pod = Pod { metadata: named("cart"), spec: Some(spec.clone()), ..Pod::default() };
    let deployment = Deployment {
        metadata: named("cart"),
        spec: Some(DeploymentSpec {
            selector: LabelSelector::default(),
            template: PodTemplateSpec { metadata: Some(named("")), spec: Some(spec) },
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    };
    let namespace = Namespace { metadata: named("shop"), ..Namespace::default() };
    let objects = [serde_json::to_value(pod), serde_json::to_value(deployment), serde_json::to_value(namespace)];
    objects.map(|object| review("CREATE", "shop", &object.unwrap(), &Value::Null)).into()
}

#[tokio::test]
async fn check_and_validate_agree() {
    let reviews: Vec<Value> = filters().into_iter().chain(namespaces()).chain(core()).collect();
    let denied = compare(&reviews).await;
    assert!(denied > 0 && denied < reviews.len(), "{denied} of {}", reviews.len());
}

/// Istio's own samples, one review a line, where the folder with the cases is given (`VIGLA_CASES`).
#[tokio::test]
async fn check_and_validate_agree_on_istios_samples() {
    let Some(folder) = common::cases() else { return };
    let lines = std::fs::read_to_string(folder.join("istio-samples-reviews.jsonl")).unwrap();
    let reviews: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["review"].take()).collect();
    assert!(compare(&reviews).await > 0, "some samples are denied");
}
