//! The Helm chart and what is rendered from it, before a real API server. Nothing here makes Pods out of Deployments:
//! where somebody has to answer, a process of the test stands in.

mod kustomize;
mod life;
mod readme;
mod rights;
mod values;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::common::cli::{Run, vigla};
use crate::control_plane::target;
use crate::turn::Cluster;

/// What each release says; the chart has no default for it.
const IMAGE: [&str; 2] = ["--set", "image.repository=registry.example.com/vigla"];

/// The pinned `helm`, without whatever its user has set up: that is looked for in a folder of its own.
struct Helm {
    home: TempDir,
}

impl Helm {
    /// Without a cluster.
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder") }
    }

    fn of(cluster: &Cluster) -> Self {
        let helm = Self::new();
        helm.file("kubeconfig", &cluster.kubeconfig("admin", None));
        helm
    }

    /// Below the repository.
    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(target().join("bin/helm"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).stdin(Stdio::null());
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "KUBECACHEDIR"] {
            command.env(variable, self.home.path());
        }
        command.env("KUBECONFIG", self.home.path().join("kubeconfig")).output().expect("helm runs").into()
    }

    /// `helm COMMAND vigla manifests/chart`: `template`, `install` or `upgrade` of a release in this namespace.
    fn chart(&self, command: &str, namespace: &str, more: &[&str]) -> Run {
        self.run(&[&[command, "vigla", "manifests/chart", "--namespace", namespace][..], &IMAGE, more].concat())
    }

    /// Installs the chart until the end of the test.
    fn install<'h>(&'h self, namespace: &'h str, more: &[&str]) -> Release<'h> {
        self.chart("install", namespace, more).succeeds();
        Release { helm: self, namespace }
    }

    /// A file of this name in a folder of its own, for `--set-file` and `--values`.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }
}

/// One that is installed. Its cluster roles are everybody's, so that the next test can only begin after its end.
struct Release<'h> {
    helm: &'h Helm,
    namespace: &'h str,
}

impl Release<'_> {
    fn uninstall(&self) -> Run {
        self.helm.run(&["uninstall", "vigla", "--namespace", self.namespace])
    }
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        // It may have been the test's own last word.
        self.uninstall();
    }
}

/// `vigla manifests -o json` for the Service of a release in this namespace.
fn configurations(namespace: &str, port: Option<u16>, more: &[&str]) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let service = format!("{namespace}/vigla{port}");
    let arguments = [&["manifests", "--service", &service, "-o", "json"][..], more].concat();
    vigla(Path::new("."), &arguments).succeeds().out
}
