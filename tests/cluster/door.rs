//! Verdicts as those meet them who talk to the API server.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};

use crate::common::cli::filter;
use crate::turn::Cluster;
use crate::webhook::Webhook;

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn kubectl_shows_what_is_denied_and_why() {
    let cluster = Cluster::take();
    let _webhook = Webhook::guard(&cluster, "");

    let denied = cluster.apply(&filter("lua", "default").to_string());
    assert_eq!((denied.code, denied.out.as_str()), (1, ""));
    let reason = "\"deny.mesh.vigla.dev\" denied the request: envoyfilter-namespace: /metadata/namespace: \
                  an EnvoyFilter in namespace `default` (found \"default\", wanted namespace `istio-config`)\n";
    assert!(denied.err.contains(reason), "{}", denied.err);
    assert_eq!(
        cluster.kubectl(&["get", "envoyfilters", "-n", "default"]).err,
        "No resources found in default namespace.\n"
    );

    let allowed = cluster.apply(&filter("lua", "istio-config").to_string());
    assert_eq!((allowed.code, allowed.out.as_str()), (0, "envoyfilter.networking.istio.io/lua created\n"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn controllers_meet_with_the_same_verdict() {
    let cluster = Cluster::take();
    let _webhook = Webhook::guard(&cluster, "");

    let client = cluster.client().await;
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("networking.istio.io", "v1alpha3", "EnvoyFilter"));
    let create = async |namespace| {
        let filters: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
        let object = serde_json::from_value(filter("by-a-controller", namespace)).expect("an object");
        filters.create(&PostParams::default(), &object).await
    };
    let Err(kube::Error::Api(status)) = create("default").await else { panic!("not denied") };
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert!(status.message.contains("denied the request: envoyfilter-namespace: "), "{}", status.message);
    let causes = status.details.expect("details").causes;
    assert_eq!(causes.len(), 1);
    assert_eq!((causes[0].reason.as_str(), causes[0].field.as_str()), ("envoyfilter-namespace", "/metadata/namespace"));
    create("istio-config").await.expect("allowed");
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn no_webhook_outlives_its_test() {
    let cluster = Cluster::take();
    let webhook = Webhook::guard(&cluster, "");
    let try_it = ["create", "--dry-run=server", "-f", "-"];
    let object = filter("lua", "default").to_string();
    assert_eq!(cluster.kubectl_as("admin", &try_it, &object).code, 1);
    drop(webhook);
    let cluster = cluster.take_again();
    cluster.kubectl_as("admin", &try_it, &object).succeeds();
    let kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations";
    assert_eq!(cluster.kubectl(&["get", kinds, "-o", "name"]).out, "");
}
