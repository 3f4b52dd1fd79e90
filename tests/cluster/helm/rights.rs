//! What Vigla may do.

use super::Helm;
use crate::turn::Cluster;

/// Whether its ServiceAccount may do this, as the API server says.
fn may(cluster: &Cluster, namespace: &str, what: &[&str]) -> bool {
    let user = format!("system:serviceaccount:{namespace}:vigla");
    let question = [&["auth", "can-i", "--as", &user, "--namespace", namespace][..], what].concat();
    let run = cluster.kubectl(&question);
    assert!(["yes\n", "no\n"].contains(&&*run.out), "{}{}", run.out, run.err);
    run.out == "yes\n"
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn vigla_may_do_what_it_needs_and_nothing_else() {
    let cluster = Cluster::take();
    let helm = Helm::of(&cluster);
    let own = cluster.namespace();
    let _release = helm.install(&own, &["--set", "settings.maxAction=Warn"]);
    let (webhooks, ours) = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations/admission.vigla.dev");
    for yes in [
        &["list", "namespaces"][..],
        &["watch", "namespaces"],
        &["get", "secrets/vigla-tls"],
        &["update", "secrets/vigla-tls"],
        &["create", "secrets"],
        &["patch", &format!("{webhooks}/admission.vigla.dev")],
        &["patch", ours],
    ] {
        assert!(may(&cluster, &own, yes), "{yes:?}");
    }
    for no in [
        &["list", "secrets"][..],
        &["get", "secrets/other"],
        &["delete", "secrets/vigla-tls"],
        &["get", "secrets/vigla-tls", "--namespace", "kube-system"],
        &["update", "namespaces"],
        &["patch", &format!("{webhooks}/istiod-default-validator")],
        &["delete", ours],
        &["create", webhooks],
        &["list", "pods"],
    ] {
        assert!(!may(&cluster, &own, no), "{no:?}");
    }
    // With certificates of others it need not write anything at all.
    helm.chart("upgrade", &own, &["--set", "certificates.mode=certManager"]).succeeds();
    assert!(may(&cluster, &own, &["watch", "namespaces"]));
    for no in [["get", "secrets/vigla-tls"], ["create", "secrets"], ["patch", ours]] {
        assert!(!may(&cluster, &own, &no), "{no:?}");
    }
}
