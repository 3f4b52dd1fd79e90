//! Vigla as it is installed in a cluster: a Service, permissions, webhook configurations, replicas.

use std::time::Instant;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::balancer::Balancer;
use crate::common::cli::{filter, folder, vigla};
use crate::common::{Door, PATIENCE, Process};
use crate::turn::Cluster;

/// By which a namespace shows to be patched that nobody makes.
pub(crate) const SETTINGS: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n\
                                   mesh: {controlPlaneNamespaces: [istio-system, istio-probe]}\n";

const CONFIGURATIONS: [&str; 2] = ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"];

/// A namespace with a Service that leads to a port of this machine, whose webhooks the API server asks.
pub(crate) struct Installation<'c> {
    cluster: &'c Cluster,
    pub(crate) namespace: String,
    pub(crate) balancer: Balancer,
    pub(crate) folder: TempDir,
}

impl<'c> Installation<'c> {
    /// `alice` is who serves. She may do nothing yet.
    pub(crate) fn new(cluster: &'c Cluster) -> Self {
        let (namespace, balancer) = (cluster.namespace(), Balancer::start());
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "vigla", "namespace": namespace},
                             "spec": {"type": "ExternalName", "externalName": "localhost"}});
        cluster.apply(&service.to_string()).succeeds();
        let kubeconfig = cluster.kubeconfig("alice", None);
        let folder = folder(&[("kubeconfig", &kubeconfig), ("settings.yaml", SETTINGS)]);
        Self { cluster, namespace, balancer, folder }
    }

    /// Gives her what the chart gives to Vigla's service account: by these kinds.
    pub(crate) fn permit(&self, kinds: &[&str]) {
        let account = "- {kind: ServiceAccount, name: vigla, namespace: vigla-system}";
        let alice = "- {kind: User, apiGroup: rbac.authorization.k8s.io, name: alice}";
        let chart = include_str!("../../manifests/kustomize/vigla.yaml").replace(account, alice);
        let chart = chart.replace("namespace: vigla-system", &format!("namespace: {}", self.namespace));
        let permits = |document: &&str| kinds.iter().any(|kind| document.contains(&format!("\nkind: {kind}\n")));
        let permissions: Vec<&str> = chart.split("---\n").filter(permits).collect();
        self.cluster.apply(&permissions.join("---\n")).succeeds();
    }

    pub(crate) fn permit_all(&self) {
        self.permit(&["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
    }

    pub(crate) fn manifests(&self) -> String {
        let service = format!("{}/vigla:{}", self.namespace, self.balancer.port);
        let arguments = ["manifests", "--service", &service, "--settings", "settings.yaml"];
        vigla(self.folder.path(), &arguments).succeeds().out
    }

    /// Has the API server ask, whether it trusts who answers or not.
    pub(crate) fn register(&self) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-probe"}});
        self.cluster.register(&self.manifests(), &[filter("probe", "default"), namespace]);
    }

    /// A replica whose door is shut yet.
    pub(crate) fn start(&self) -> Process {
        self.start_by("kubeconfig")
    }

    pub(crate) fn start_by(&self, kubeconfig: &str) -> Process {
        let file = |name: &str| self.folder.path().join(name).to_str().expect("UTF-8").to_owned();
        let service = format!("{}/vigla", self.namespace);
        Process::serve(&[
            "--tls-secret",
            "vigla-tls",
            "--service",
            &service,
            "--kubeconfig",
            &file(kubeconfig),
            "--settings",
            &file("settings.yaml"),
            "--drain-delay",
            "0",
        ])
    }

    /// A replica that serves, to which the Service leads from now on.
    pub(crate) fn serve(&self) -> (Process, Door) {
        let mut process = self.start();
        let door = self.door(&mut process);
        self.balancer.route(&[door.address]);
        (process, door)
    }

    /// Waits until it listens.
    pub(crate) fn door(&self, process: &mut Process) -> Door {
        let address = process.listens();
        Door::named(address, self.host(), &self.authorities())
    }

    pub(crate) fn host(&self) -> ServerName<'static> {
        ServerName::try_from(format!("vigla.{}.svc", self.namespace)).expect("a name")
    }

    pub(crate) fn secret(&self) -> Option<Secret> {
        let run = self.cluster.kubectl(&["get", "secret", "vigla-tls", "-n", &self.namespace, "-o", "json"]);
        (run.code == 0).then(|| serde_json::from_str(&run.out).expect("a Secret"))
    }

    pub(crate) fn entry(&self, name: &str) -> Vec<u8> {
        self.secret().and_then(|mut secret| secret.data.as_mut()?.remove(name)).expect("an entry").0
    }

    /// The CAs of the Secret.
    pub(crate) fn authorities(&self) -> Vec<CertificateDer<'static>> {
        certificates(&self.entry("ca.crt"))
    }

    /// The CAs that webhooks are called with.
    pub(crate) fn published(&self) -> Vec<Vec<CertificateDer<'static>>> {
        let configurations = CONFIGURATIONS
            .map(|kind| self.cluster.kubectl(&["get", kind, "admission.vigla.dev", "-o", "json"]).succeeds().report());
        let webhooks = configurations.iter().flat_map(|it| it["webhooks"].as_array().expect("webhooks"));
        webhooks.map(|webhook| certificates(&bytes(&webhook["clientConfig"]["caBundle"]))).collect()
    }

    pub(crate) fn is_published(&self) -> bool {
        let authorities = self.authorities();
        self.published().iter().all(|bundle| authorities.iter().all(|authority| bundle.contains(authority)))
    }

    pub(crate) fn refuses_filters(&self) -> bool {
        let denied = self.cluster.apply(&filter("lua", &self.namespace).to_string()).err;
        denied.contains("denied the request: envoyfilter-namespace: ")
    }
}

impl Drop for Installation<'_> {
    /// The next test finds `alice` as she was.
    fn drop(&mut self) {
        self.cluster.kubectl(&["delete", "clusterrolebinding", "admission.vigla.dev", "--ignore-not-found"]);
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::from_value::<Option<ByteString>>(value.clone()).expect("base64").unwrap_or_default().0
}

pub(crate) fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).map(|certificate| certificate.expect("PEM")).collect()
}

/// Fails where it does not come true.
pub(crate) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
    }
}
