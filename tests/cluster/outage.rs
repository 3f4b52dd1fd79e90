//! What happens while Vigla does not answer, and the way out.

use std::process::Command;
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::balancer::Balancer;
use crate::common::Vigla;
use crate::common::cli::filter;
use crate::enforcement::generated;
use crate::turn::Cluster;
use crate::webhook::{Identity, Webhook, url};

fn config(name: &str, namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}})
}

/// The command of the README that needs no Vigla.
fn way_out() -> Vec<&'static str> {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.starts_with("kubectl delete validatingwebhookconfiguration,"));
    line.expect("the way out").split(' ').skip(1).collect()
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn with_vigla_dead_one_command_opens_the_door() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let mut webhook = Webhook::guard(&cluster, "");
    webhook.vigla.signal("KILL");
    webhook.vigla.wait();

    // Refused: what a policy may deny. Not refused: everything else, and what a cluster needs to start.
    let blocked = cluster.apply(&filter("lua", &shop).to_string());
    assert_eq!(blocked.code, 1);
    assert!(blocked.err.contains("failed calling webhook \"deny.mesh.vigla.dev\""), "{}", blocked.err);
    cluster.apply(&config("free", &shop).to_string()).succeeds();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "needed", "namespace": "kube-system"},
        "spec": {"containers": [{"name": "needed", "image": "registry.example.com/needed:1"}]},
    });
    cluster.apply(&pod.to_string()).succeeds();
    cluster.kubectl(&["delete", "pod", "needed", "-n", "kube-system", "--force", "--grace-period=0"]).succeeds();

    let opened = cluster.kubectl(&way_out()).succeeds();
    assert_eq!(opened.out.lines().count(), 2, "{}", opened.out);
    cluster.apply_until_allowed(&filter("lua", &shop));
}

/// A process that hangs holds the door shut: nothing is let in by a time-out.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn with_vigla_hung_nothing_bad_is_let_in() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let webhook = Webhook::guard(&cluster, "");
    webhook.vigla.signal("STOP");
    let blocked = cluster.apply(&filter("lua", &shop).to_string());
    assert_eq!(blocked.code, 1);
    assert!(blocked.err.contains("failed calling webhook \"deny.mesh.vigla.dev\""), "{}", blocked.err);
    webhook.vigla.signal("CONT");
    let denied = cluster.apply(&filter("lua", &shop).to_string());
    assert!(denied.err.contains("denied the request: envoyfilter-namespace: "), "{}", denied.err);
}

/// Creates filters in a namespace, one every 20 ms, until told to stop; returns how many were let in, and why others
/// were not.
pub(crate) fn create_all_the_time(
    client: Client,
    namespace: &str,
    stop: &watch::Sender<bool>,
) -> JoinHandle<(usize, Vec<String>)> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("networking.istio.io", "v1alpha3", "EnvoyFilter"));
    let filters: Api<DynamicObject> = Api::namespaced_with(client, namespace, &kind);
    let (namespace, stop) = (namespace.to_owned(), stop.subscribe());
    tokio::spawn(async move {
        let (mut let_in, mut refused) = (0, Vec::new());
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while !*stop.borrow() {
            ticks.tick().await;
            let object = serde_json::from_value(generated(filter("", &namespace))).expect("an object");
            match filters.create(&PostParams::default(), &object).await {
                Ok(_) => let_in += 1,
                Err(kube::Error::Api(status)) => refused.push(status.message.clone()),
                Err(error) => panic!("{error}"),
            }
        }
        (let_in, refused)
    })
}

/// Ends a server as Kubernetes does, with nothing new sent to it once it said that it is not ready.
fn stop(mut vigla: Vigla, reroute: impl FnOnce()) {
    vigla.signal("TERM");
    vigla.wait_for_log("asked to stop");
    reroute();
    assert!(vigla.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn through_restarts_nothing_bad_is_let_in() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let (identity, balancer) = (Identity::new(""), Balancer::start());
    let serve = || identity.serve(&["--drain-delay", "1"]);
    let mut vigla = serve();
    balancer.route(&[vigla.door.address]);
    identity.register(&cluster, &url(balancer.port));

    let end = watch::Sender::new(false);
    let bad = create_all_the_time(cluster.client().await, &shop, &end);
    for signal in ["TERM", "KILL", "TERM"] {
        vigla.signal(signal);
        vigla.wait();
        // For a moment nobody is there.
        let nobody = cluster.apply(&filter("nobody", &shop).to_string());
        assert!(nobody.err.contains("failed calling webhook"), "{}", nobody.err);
        vigla = serve();
        balancer.route(&[vigla.door.address]);
        let denied = cluster.apply(&filter("somebody", &shop).to_string());
        assert!(denied.err.contains("denied the request: envoyfilter-namespace: "), "{}", denied.err);
    }
    end.send_replace(true);
    let (let_in, refused) = bad.await.expect("an end");
    assert_eq!(let_in, 0);
    let judged = refused.iter().filter(|why| why.contains("denied the request: envoyfilter-namespace: ")).count();
    assert!(judged > 0 && judged < refused.len(), "{judged} of {}", refused.len());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn while_a_second_server_serves_nothing_good_is_refused() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    let (identity, balancer) = (Identity::new(""), Balancer::start());
    let serve = || identity.serve(&["--drain-delay", "1"]);
    let mut serving = serve();
    balancer.route(&[serving.door.address]);
    identity.register(&cluster, &url(balancer.port));

    let end = watch::Sender::new(false);
    let client = cluster.client().await;
    let good = create_all_the_time(client.clone(), "istio-config", &end);
    let bad = create_all_the_time(client, &shop, &end);
    for _ in 0..3 {
        let next = serve();
        stop(serving, || balancer.route(&[next.door.address]));
        serving = next;
    }
    end.send_replace(true);
    let ((let_in, refused), (bad_let_in, bad_refused)) = (good.await.expect("an end"), bad.await.expect("an end"));
    assert_eq!((refused, bad_let_in), (vec![], 0));
    assert!(let_in > 10, "{let_in}");
    let denied = |why: &String| why.contains("denied the request: envoyfilter-namespace: ");
    assert!(bad_refused.iter().all(denied), "{bad_refused:#?}");
}

/// `vigla` judges and Kubernetes obeys: the listing of who is asked about what is accepted as it is.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_api_server_takes_every_configuration() {
    let cluster = Cluster::take();
    for arguments in [
        &["--service", "vigla/vigla"][..],
        &["--service", "vigla/vigla:8443", "--profile", "required"],
        &["--url", "https://vigla.test:8443", "--profile", "restricted"],
        &["--url", "https://127.0.0.1", "-o", "json"],
    ] {
        let printed = Command::new(env!("CARGO_BIN_EXE_vigla")).arg("manifests").args(arguments).output();
        let printed = String::from_utf8(printed.expect("vigla runs").stdout).expect("UTF-8");
        // Tried, not stored: they would be in everybody's way.
        let run = cluster.kubectl_as("admin", &["create", "--dry-run=server", "-f", "-"], &printed).succeeds();
        assert_eq!((run.err.as_str(), run.out.lines().count()), ("", 2), "{}", run.out);
    }
}
