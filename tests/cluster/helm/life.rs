//! A release from its installation to its end.

use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use super::{Helm, configurations};
use crate::common::cli::{filter, folder};
use crate::common::{PATIENCE, Vigla};
use crate::turn::Cluster;

const VALIDATING: &str = "validatingwebhookconfiguration";

/// A CA and a certificate in one, for the Service of a release in this namespace; with its key.
fn certificate(namespace: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![format!("vigla.{namespace}.svc"), "127.0.0.1".to_owned()]).expect("names");
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

/// Failure policy and CA of each validating webhook that is installed.
fn webhooks(cluster: &Cluster) -> Vec<(String, Option<String>)> {
    let run = cluster.kubectl(&["get", VALIDATING, "admission.vigla.dev", "-o", "json"]).succeeds();
    let webhooks = run.report()["webhooks"].as_array().expect("webhooks").clone();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    webhooks
        .iter()
        .map(|webhook| {
            (text(&webhook["failurePolicy"]).expect("a failure policy"), text(&webhook["clientConfig"]["caBundle"]))
        })
        .collect()
}

/// What those do who own the CA: Vigla itself, or cert-manager.
fn write_ca(cluster: &Cluster, own: &str, ca: &str) {
    let bundle = BASE64_STANDARD.encode(ca);
    let add = |at| json!({"op": "add", "path": format!("/webhooks/{at}/clientConfig/caBundle"), "value": bundle});
    let patch = Value::from_iter((0..webhooks(cluster).len()).map(add)).to_string();
    cluster.kubectl(&["patch", VALIDATING, "admission.vigla.dev", "--type=json", "-p", &patch]).succeeds();
    let data = json!({"data": {"ca.crt": bundle}}).to_string();
    cluster.kubectl(&["patch", "secret", "vigla-tls", "-n", own, "-p", &data]).succeeds();
}

/// Tries what one policy denies until it is refused like this: configurations take a moment to be in force.
pub(super) fn refused(cluster: &Cluster, like: &str) {
    let (begun, filter) = (Instant::now(), filter("lua", "default").to_string());
    loop {
        let run = cluster.kubectl_as("admin", &["create", "--dry-run=server", "-f", "-"], &filter);
        if run.code == 1 && run.err.contains(like) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{}{}", run.out, run.err);
    }
}

fn secret(cluster: &Cluster, own: &str) -> Value {
    cluster.kubectl(&["get", "secret", "vigla-tls", "-n", own, "-o", "json"]).succeeds().report()["data"].clone()
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn what_others_wrote_survives_upgrades_and_rollbacks_and_nothing_survives_the_end() {
    let cluster = Cluster::take();
    let helm = Helm::of(&cluster);
    let own = cluster.namespace();
    let release = ["vigla", "--namespace", &own];
    for server_side in ["--server-side=true", "--server-side=false"] {
        let installed = helm.install(&own, &[server_side]);
        let first = webhooks(&cluster);
        assert!(first.iter().all(|(_, ca)| ca.is_none()), "no CA before somebody writes it: {first:?}");
        let (ca, later) = (certificate(&own).0, certificate(&own).0);
        write_ca(&cluster, &own, &ca);
        let kept = |ca: &str, braked: bool| {
            let bundle = BASE64_STANDARD.encode(ca);
            let policy = |free: &String| if braked { "Ignore".to_owned() } else { free.clone() };
            let expected: Vec<_> = first.iter().map(|(free, _)| (policy(free), Some(bundle.clone()))).collect();
            assert_eq!(webhooks(&cluster), expected, "{server_side}");
            assert_eq!(secret(&cluster, &own), json!({"ca.crt": bundle}), "{server_side}");
        };
        helm.chart("upgrade", &own, &[server_side, "--set", "settings.maxAction=Warn"]).succeeds();
        kept(&ca, true);
        write_ca(&cluster, &own, &later);
        helm.chart("upgrade", &own, &[server_side, "--set", "replicas=2"]).succeeds();
        kept(&later, false);
        helm.run(&[&["rollback"][..], &release, &[server_side]].concat()).succeeds();
        kept(&later, true);
        helm.run(&[&["rollback"][..], &release[..1], &["1"], &release[1..], &[server_side]].concat()).succeeds();
        kept(&later, false);

        // Nobody answers: what may be denied is refused, Vigla's own Pods are not.
        refused(&cluster, "failed calling webhook \"deny.mesh.vigla.dev\"");
        let pod = ["run", "vigla", "--image=vigla", "--dry-run=server", "-n", &own];
        cluster.kubectl(&pod).succeeds();
        let elsewhere = cluster.kubectl(&["run", "vigla", "--image=vigla", "--dry-run=server"]).err;
        assert!(elsewhere.contains("failed calling webhook \"deny.core.vigla.dev\""), "{elsewhere}");

        installed.uninstall().succeeds();
        cluster.apply_until_allowed(&filter("lua", "default"));
        cluster.kubectl(&["delete", "envoyfilter", "lua"]).succeeds();
        for kind in
            ["validatingwebhookconfigurations", "mutatingwebhookconfigurations", "clusterroles", "clusterrolebindings"]
        {
            let left = cluster.kubectl(&["get", kind, "-o", "name"]).succeeds().out;
            assert!(!left.contains("vigla"), "{left}");
        }
        let kinds = "deployments,services,secrets,configmaps,serviceaccounts,roles,rolebindings,networkpolicies,\
                     poddisruptionbudgets,resourcequotas";
        let left = cluster.kubectl(&["get", kinds, "-n", &own, "-o", "name"]).succeeds();
        assert_eq!(left.out, "", "{server_side}");
    }
}

/// What stands in for the Pods is reached by the Service's name, as they are.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_api_server_finds_vigla_by_the_service_of_the_chart() {
    let cluster = Cluster::take();
    let helm = Helm::of(&cluster);
    let own = cluster.namespace();
    let (certificate, key) = certificate(&own);
    let files = folder(&[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", &certificate)]);
    let file = |name| files.path().join(name);
    let vigla = Vigla::start_with(&file("tls.crt"), &file("tls.key"), &file("ca.crt"), &["--own-namespace", &own]);
    let port = vigla.door.address.port();
    let webhooks = helm.file("webhooks.json", &configurations(&own, Some(port), &[]));
    let webhooks = format!("webhooks.configurations={webhooks}");
    let ca = format!("certificates.ca={}", helm.file("ca.crt", &certificate));
    let values = ["--set", "certificates.mode=secret", "--set-file", &ca, "--set-file", &webhooks];
    let release = helm.install(&own, &values);
    let here = json!({"spec": {"type": "ExternalName", "externalName": "localhost"}}).to_string();
    cluster.kubectl(&["patch", "service", "vigla", "-n", &own, "-p", &here]).succeeds();

    refused(&cluster, "denied the request: envoyfilter-namespace: ");
    let create = ["create", "namespace", "istio-system", "--dry-run=server", "-o", "json"];
    let mended = cluster.kubectl(&create).succeeds().report();
    assert_eq!(mended["metadata"]["labels"]["istio-injection"], "disabled");

    // The way out, and back.
    let kinds = "validatingwebhookconfiguration,mutatingwebhookconfiguration";
    drop(vigla);
    cluster.kubectl(&["delete", kinds, "admission.vigla.dev"]).succeeds();
    cluster.apply_until_allowed(&filter("lua", "default"));
    cluster.kubectl(&["delete", "envoyfilter", "lua"]).succeeds();
    helm.chart("upgrade", &own, &values).succeeds();
    refused(&cluster, "failed calling webhook \"deny.mesh.vigla.dev\"");

    // With every Pod dead
    release.uninstall().succeeds();
    cluster.apply_until_allowed(&filter("lua", "default"));
    cluster.kubectl(&["delete", "envoyfilter", "lua"]).succeeds();
}
