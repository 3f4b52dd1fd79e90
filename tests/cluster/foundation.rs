//! What the other tests stand on.

use crate::common::cli::Run;
use crate::control_plane::kubectl;
use crate::turn::Cluster;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn the_api_server_answers() {
    let cluster = Cluster::take();
    assert_eq!(cluster.kubectl(&["get", "--raw", "/readyz"]).succeeds().out, "ok");
    let said = cluster.kubectl(&["version", "-o", "json"]).succeeds().report();
    let version = cluster.client().await.apiserver_version().await.expect("a version");
    assert_eq!(said["serverVersion"]["gitVersion"], version.git_version);
    assert_eq!(said["serverVersion"]["minor"], said["clientVersion"]["minor"], "built as a set");
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_kinds_of_istio_and_the_gateway_api_are_there() {
    let cluster = Cluster::take();
    let names = cluster.kubectl(&["api-resources", "-o", "name"]).succeeds().out;
    let names: Vec<&str> = names.lines().collect();
    for (group, resources) in [
        ("networking.istio.io", &["envoyfilters", "gateways", "serviceentries", "sidecars", "virtualservices"][..]),
        ("security.istio.io", &["authorizationpolicies", "peerauthentications", "requestauthentications"]),
        ("telemetry.istio.io", &["telemetries"]),
        ("extensions.istio.io", &["wasmplugins"]),
        ("gateway.networking.k8s.io", &["gateways", "grpcroutes", "httproutes", "referencegrants", "tlsroutes"]),
    ] {
        for resource in resources {
            assert!(names.contains(&&*format!("{resource}.{group}")), "{resource}.{group} in {names:?}");
        }
    }
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn tenants_have_their_own_namespaces_alone() {
    let cluster = Cluster::take();
    let (hers, his) = (cluster.namespace_of("alice"), cluster.namespace_of("bob"));
    let sidecar = "{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: default}}";
    let apply = |user, namespace: &str| cluster.kubectl_as(user, &["apply", "-n", namespace, "-f", "-"], sidecar);
    apply("alice", &hers).succeeds();
    apply("bob", &his).succeeds();
    let refused = apply("alice", &his).err;
    let reason = "is forbidden: User \"alice\" cannot get resource \"sidecars\" in API group \"networking.istio.io\"";
    assert!(refused.contains(&format!("{reason} in the namespace \"{his}\"")), "{refused}");
    let refused = cluster.kubectl_as("bob", &["delete", "validatingwebhookconfigurations", "--all"], "").err;
    assert!(refused.contains("Error from server (Forbidden)"), "{refused}");
    assert!(refused.contains("User \"bob\" cannot list resource \"validatingwebhookconfigurations\""), "{refused}");
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn kubectl_says_that_its_kubeconfig_is_missing() {
    let run: Run = kubectl().args(["--kubeconfig", "/nowhere", "get", "pods"]).output().expect("kubectl runs").into();
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert_eq!(run.err, "error: stat /nowhere: no such file or directory\n");
}
