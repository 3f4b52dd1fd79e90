//! Vigla, served under a name that the API server can call.

use std::io::{Write, stderr};
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::LazyLock;

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use crate::common::Vigla;
use crate::common::cli::{filter, folder, vigla};
use crate::turn::Cluster;

/// A name that means this machine. The API server speaks HTTP/1.1 to it, as to a Service; to loopback addresses it
/// speaks HTTP/2.
const NAME: &str = "vigla.test";

static HOST: LazyLock<&str> = LazyLock::new(|| {
    let is_here = (NAME, 0).to_socket_addrs().is_ok_and(|mut found| found.all(|address| address.ip().is_loopback()));
    if is_here {
        return NAME;
    }
    // Past the harness, which keeps what tests print to itself.
    writeln!(stderr(), "{NAME} is not this machine: the API server calls 127.0.0.1, by HTTP/2 (CONTRIBUTING.md)").ok();
    "127.0.0.1"
});

/// Where a webhook is found at this port.
pub(crate) fn url(port: u16) -> String {
    format!("https://{}:{port}", *HOST)
}

/// Who a server is and what it judges by: a folder with its certificate, key and Settings.
pub(crate) struct Identity {
    folder: TempDir,
}

impl Identity {
    /// `settings`: further lines of Settings.
    pub(crate) fn new(settings: &str) -> Self {
        Self::of_mesh("{controlPlaneNamespaces: [istio-system, istio-probe]}", settings)
    }

    /// `mesh`: what Settings say of the mesh. One control plane's namespace is `istio-probe`, which nobody makes: by it
    /// shows that namespaces are patched.
    fn of_mesh(mesh: &str, settings: &str) -> Self {
        let settings = format!("apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\nmesh: {mesh}\n{settings}\n");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![NAME.to_owned(), "127.0.0.1".to_owned()]).expect("names");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let files =
            [("settings.yaml", settings.as_str()), ("tls.crt", &certificate), ("tls.key", &key.serialize_pem())];
        Self { folder: folder(&files) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Serves on a free port of this machine. `more`: further arguments.
    pub(crate) fn serve(&self, more: &[&str]) -> Vigla {
        let (certificate, settings) = (self.file("tls.crt"), self.file("settings.yaml"));
        let settings = ["--settings", settings.to_str().expect("UTF-8")];
        Vigla::start_with(&certificate, &self.file("tls.key"), &certificate, &[&settings, more].concat())
    }

    /// Has the API server ask there about what `vigla manifests` lists, until the test ends.
    pub(crate) fn register(&self, cluster: &Cluster, url: &str) {
        let arguments = ["manifests", "--url", url, "--ca", "tls.crt", "--settings", "settings.yaml"];
        let configurations = vigla(self.folder.path(), &arguments).succeeds().out;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-probe"}});
        cluster.register(&configurations, &[filter("probe", "default"), namespace]);
    }
}

/// One server at the door.
pub(crate) struct Webhook {
    pub(crate) vigla: Vigla,
    _identity: Identity,
}

impl Webhook {
    /// Serves, and has the API server ask. `settings` as for [`Identity::new`].
    pub(crate) fn guard(cluster: &Cluster, settings: &str) -> Self {
        Self::of(cluster, Identity::new(settings))
    }

    /// The same, with all that Settings say of the mesh.
    pub(crate) fn guard_mesh(cluster: &Cluster, mesh: &str, settings: &str) -> Self {
        Self::of(cluster, Identity::of_mesh(mesh, settings))
    }

    fn of(cluster: &Cluster, identity: Identity) -> Self {
        let vigla = identity.serve(&[]);
        identity.register(cluster, &url(vigla.door.address.port()));
        Self { vigla, _identity: identity }
    }
}
