//! Namespaces' labels, on their way from the API server into verdicts.

use std::collections::HashSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hyper::http::StatusCode;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::balancer::Balancer;
use crate::common::cli::{filter, folder};
use crate::common::{Http, PATIENCE, Vigla};
use crate::turn::Cluster;
use crate::webhook::{Identity, url};

/// A filter outside of `istio-config` is only warned of in development, and labels are added there.
const SETTINGS: &str = "policies:\n  \
    envoyfilter-namespace: {enforcement: [{namespaceSelector: {matchLabels: {env: dev}}, action: Warn}]}\n  \
    require-app-version-labels: {action: Patch, match: {namespaceSelector: {matchLabels: {env: dev}}}}";

/// What is said of a filter, whatever becomes of it.
const FOUND: &str = "an EnvoyFilter in namespace";

/// A server that knows the cluster, and what it is known by.
struct Server {
    vigla: Vigla,
    identity: Identity,
    _kubeconfig: TempDir,
}

impl Server {
    fn start(kubeconfig: &str) -> Self {
        let folder = folder(&[("kubeconfig", kubeconfig)]);
        let identity = Identity::new(SETTINGS);
        let path = folder.path().join("kubeconfig");
        let vigla = identity.serve(&["--kubeconfig", path.to_str().expect("UTF-8")]);
        Self { vigla, identity, _kubeconfig: folder }
    }

    /// Has the API server ask it once it knows all namespaces.
    async fn guard(&mut self, cluster: &Cluster) {
        self.vigla.wait_for_log("the labels of namespaces are known");
        let begun = Instant::now();
        while self.readiness().await != (StatusCode::OK, "ok\n".to_owned()) {
            assert!(begun.elapsed() < PATIENCE, "not ready");
        }
        self.register(cluster);
    }

    fn register(&self, cluster: &Cluster) {
        self.identity.register(cluster, &url(self.vigla.door.address.port()));
    }

    async fn readiness(&self) -> (StatusCode, String) {
        let answer = self.vigla.door.get(Http::One, "/readyz").await;
        (answer.status, answer.body)
    }

    /// By its metric, in seconds.
    async fn snapshot_age(&self) -> f64 {
        let text = self.vigla.door.get(Http::One, "/metrics").await.body;
        let line = text.lines().find_map(|line| line.strip_prefix("vigla_snapshot_timestamp_seconds "));
        let as_of: f64 = line.expect("the metric").parse().expect("a number");
        SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs_f64() - as_of
    }
}

fn label(cluster: &Cluster, namespace: &str, label: &str) {
    cluster.kubectl(&["label", "namespace", namespace, label, "--overwrite"]).succeeds();
}

/// Whether a filter may come in; either way its policy says so.
fn is_let_in(cluster: &Cluster, namespace: &str) -> bool {
    let object = filter("lua", namespace).to_string();
    let run = cluster.kubectl_as("admin", &["create", "--dry-run=server", "-f", "-"], &object);
    assert!(run.err.contains(FOUND), "{}", run.err);
    run.code == 0
}

fn wait_until_let_in(cluster: &Cluster, namespace: &str, wanted: bool) {
    let begun = Instant::now();
    while is_let_in(cluster, namespace) != wanted {
        assert!(begun.elapsed() < PATIENCE, "the labels of {namespace} do not arrive");
    }
}

/// What becomes of a Deployment without the label `version`: its labels, or why it is refused.
fn deployed(cluster: &Cluster, namespace: &str) -> Result<Value, String> {
    let container = json!({"name": "cart", "image": "registry.example.com/cart:1.4"});
    let template = json!({"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [container]}});
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": namespace, "labels": {"version": "1.4"}},
        "spec": {"selector": {"matchLabels": {"app": "cart"}}, "template": template},
    });
    let arguments = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
    let run = cluster.kubectl_as("admin", &arguments, &object.to_string());
    if run.code == 0 { Ok(run.report()["spec"]["template"]["metadata"]["labels"].clone()) } else { Err(run.err) }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn labels_arrive_and_change_verdicts() {
    let cluster = Cluster::take();
    let (old, shop) = (cluster.namespace(), cluster.namespace());
    label(&cluster, &old, "env=dev");
    let mut server = Server::start(&cluster.kubeconfig("admin", None));
    server.guard(&cluster).await;
    assert!(is_let_in(&cluster, &old), "labelled before Vigla came");
    assert!(!is_let_in(&cluster, &shop));
    // Surely out of the policy's scope, where unknown labels would have it judged.
    assert_eq!(deployed(&cluster, &shop), Ok(json!({"app": "cart"})));
    for (change, let_in) in [("env=dev", true), ("env=production", false), ("env=dev", true), ("env-", false)] {
        label(&cluster, &shop, change);
        wait_until_let_in(&cluster, &shop, let_in);
    }
    label(&cluster, &shop, "env=dev");
    wait_until_let_in(&cluster, &shop, true);
    assert_eq!(deployed(&cluster, &shop), Ok(json!({"app": "cart", "version": "1.4"})));
}

/// Nobody waits for labels: they are known, or they are not, and then nothing bad comes in.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn a_namespace_created_and_used_at_once_is_judged_right() {
    let cluster = Cluster::take();
    let mut server = Server::start(&cluster.kubeconfig("admin", None));
    server.guard(&cluster).await;
    let client = cluster.client().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("networking.istio.io", "v1alpha3", "EnvoyFilter"));
    for round in 0..40 {
        let env = if round % 2 == 0 { "dev" } else { "production" };
        let name = format!("at-once-{round}");
        let namespace = json!({"metadata": {"name": name, "labels": {"env": env}}});
        let namespace = serde_json::from_value(namespace).expect("a namespace");
        namespaces.create(&PostParams::default(), &namespace).await.expect("a namespace");
        let filters: Api<DynamicObject> = Api::namespaced_with(client.clone(), &name, &kind);
        let object = serde_json::from_value(filter("at-once", &name)).expect("an object");
        match filters.create(&PostParams::default(), &object).await {
            Ok(_) => assert_eq!(env, "dev", "let into {name}"),
            Err(kube::Error::Api(status)) => assert!(status.message.contains(FOUND), "{}", status.message),
            Err(error) => panic!("{error}"),
        }
        if env == "dev" {
            wait_until_let_in(&cluster, &name, true);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn a_watch_that_is_lost_comes_back_and_what_was_known_holds_meanwhile() {
    let cluster = Cluster::take();
    let old = cluster.namespace();
    label(&cluster, &old, "env=dev");
    let way = Balancer::start();
    way.route(&[cluster.address()]);
    let mut server = Server::start(&cluster.kubeconfig("admin", Some(way.port)));
    server.guard(&cluster).await;
    assert!(is_let_in(&cluster, &old));
    assert!(server.snapshot_age().await < 5.0, "it stands");

    way.cut();
    let lost = server.vigla.wait_for_log("namespaces: labels ");
    assert!(lost.contains("namespaces: labels as they were at 2"), "{lost}");
    let new = cluster.namespace();
    label(&cluster, &new, "env=dev");
    assert!(is_let_in(&cluster, &old), "known before");
    // Unknown: the strictest branch, and nothing is patched. Nobody waits for the API server.
    assert!(!is_let_in(&cluster, &new));
    let refused = deployed(&cluster, &new).expect_err("it is not patched");
    assert!(refused.contains("denied the request: require-app-version-labels: "), "{refused}");
    let begun = Instant::now();
    let (status, details) = loop {
        let (status, body) = server.readiness().await;
        if body != "ok\n" {
            break (status, body);
        }
        assert!(begun.elapsed() < PATIENCE, "nothing to be seen");
    };
    assert!(details.starts_with("ok\nnamespaces: labels as they were at 2"), "{details}");
    assert_eq!(status, StatusCode::OK, "every replica would be unready at once");
    while server.snapshot_age().await < 5.0 {
        assert!(begun.elapsed() < PATIENCE, "it does not grow old");
    }

    way.route(&[cluster.address()]);
    let back = server.vigla.log_until("the labels of namespaces are known");
    // The first failure may be the end of a connection, the next ones that there is none: each is told once.
    let reason = |line: &String| line.split_once("namespaces: labels").map(|(_, reason)| reason.to_owned());
    let reasons: Vec<_> = [&lost].into_iter().chain(&back).filter_map(reason).collect();
    assert_eq!(reasons.iter().collect::<HashSet<_>>().len(), reasons.len(), "{reasons:#?}");
    wait_until_let_in(&cluster, &new, true);
    assert_eq!(deployed(&cluster, &new), Ok(json!({"app": "cart", "version": "1.4"})));
    let begun = Instant::now();
    while server.readiness().await.1 != "ok\n" || server.snapshot_age().await > 5.0 {
        assert!(begun.elapsed() < PATIENCE, "still something to mend");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn who_may_not_see_namespaces_says_so_and_judges_strictly() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    label(&cluster, &shop, "env=dev");
    let mut server = Server::start(&cluster.kubeconfig("alice", None));
    let said = server.vigla.wait_for_log("namespaces: labels ");
    let reason = "namespaces is forbidden: User \"alice\" cannot list resource \"namespaces\"";
    assert!(said.contains(reason) && said.contains("; grant it `list` and `watch` on `namespaces`"), "{said}");
    server.register(&cluster);
    assert!(!is_let_in(&cluster, &shop));
    let begun = Instant::now();
    while !server.readiness().await.1.contains("namespaces: labels unknown: namespaces is forbidden: ") {
        assert!(begun.elapsed() < PATIENCE, "nothing to be seen");
    }

    let role = ["create", "clusterrole", "see-namespaces", "--verb=list,watch", "--resource=namespaces"];
    cluster.kubectl(&role).succeeds();
    let bind = ["create", "clusterrolebinding", "see-namespaces", "--clusterrole=see-namespaces", "--user=alice"];
    cluster.kubectl(&bind).succeeds();
    let meanwhile = server.vigla.log_until("the labels of namespaces are known");
    cluster.kubectl(&["delete", "clusterrole,clusterrolebinding", "see-namespaces"]).succeeds();
    assert!(!meanwhile.iter().any(|line| line.contains(reason)), "said more than once: {meanwhile:#?}");
    wait_until_let_in(&cluster, &shop, true);
}

/// Whoever answers in the place of the API server must show its certificate.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn a_stranger_in_the_place_of_the_api_server_tells_nothing() {
    let cluster = Cluster::take();
    // Another server, with a certificate that this kubeconfig does not trust.
    let other = Identity::new("").serve(&[]);
    let server = Server::start(&cluster.kubeconfig("admin", Some(other.door.address.port())));
    let mut vigla = server.vigla;
    let said = vigla.wait_for_log("namespaces: labels ");
    assert!(
        said.contains("labels unknown: the API server https://") && said.contains("invalid peer certificate"),
        "{said}"
    );
}
