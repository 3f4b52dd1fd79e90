//! An API server, with Istio's and the Gateway API's kinds, and `kubectl` for it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::common::cli::Run;

/// What a tenant may do in a namespace of their own, for Kubernetes' own role `edit` is empty here: a controller fills
/// it. And the namespace for filters.
const BASE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant}
rules:
- {apiGroups: ['', apps, batch], resources: ['*'], verbs: ['*']}
- {apiGroups: [networking.istio.io, security.istio.io, telemetry.istio.io], resources: ['*'], verbs: ['*']}
- {apiGroups: [gateway.networking.k8s.io], resources: ['*'], verbs: ['*']}
---
{apiVersion: v1, kind: Namespace, metadata: {name: istio-config}}
";

/// Never dropped: the end of the process closes the pipe that holds it.
pub(crate) struct ControlPlane {
    /// Of `run.sh`, which ends with it.
    stdin: Mutex<ChildStdin>,
    kubeconfig: PathBuf,
}

impl ControlPlane {
    pub(crate) fn start() -> Result<Self, String> {
        // In a process group of its own: what ends this group by force leaves it to tidy up.
        let mut child = run_sh().process_group(0).spawn().map_err(|error| format!("cannot run bash: {error}"))?;
        let stdin = Mutex::new(child.stdin.take().expect("a pipe"));
        let kubeconfig = kubeconfig_of(&mut child).ok_or("no control plane; run.sh has said why")?;
        let plane = Self { stdin, kubeconfig };
        plane.install();
        Ok(plane)
    }

    fn install(&self) {
        let crds = target().join("crds");
        // Not by `apply` of the client, whose annotation has no room for definitions of this size.
        let arguments = ["create", "-f", crds.to_str().expect("UTF-8")];
        self.kubectl("admin", &arguments, "").succeeds();
        self.kubectl("admin", &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"], "").succeeds();
        self.kubectl("admin", &["create", "-f", "-"], BASE).succeeds();
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The real `kubectl`, as this user.
    pub(crate) fn kubectl(&self, user: &str, arguments: &[&str], stdin: &str) -> Run {
        let mut command = kubectl();
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(["--user", user]).args(arguments);
        // Elsewhere it would remember what another server had on this port.
        command.env("KUBECACHEDIR", self.kubeconfig.with_file_name("cache"));
        let mut child = command.spawn().expect("kubectl runs");
        // It may be wrong in its arguments and end before it reads.
        child.stdin.take().expect("a pipe").write_all(stdin.as_bytes()).ok();
        child.wait_with_output().expect("an end").into()
    }

    /// For the end of a run in which a test failed.
    pub(crate) fn keep_logs(&self) {
        // It may have ended, and then has said so.
        self.stdin.lock().unwrap_or_else(PoisonError::into_inner).write_all(b"keep\n").ok();
    }
}

/// `tests/control-plane/run.sh`, on pipes.
pub(crate) fn run_sh() -> Command {
    let mut command = Command::new("bash");
    command.arg(scripts().join("run.sh")).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// What `run.sh` prints once the server is ready.
pub(crate) fn kubeconfig_of(child: &mut Child) -> Option<PathBuf> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("UTF-8");
    line.strip_suffix('\n').map(PathBuf::from)
}

/// `kubectl` without a cluster, on pipes, and as if nobody had ever set it up.
pub(crate) fn kubectl() -> Command {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS").map_or_else(|| target().join("bin"), PathBuf::from);
    let mut command = Command::new(folder.join("kubectl"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("KUBECONFIG").env("KUBERC", "off");
    command
}

pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane")
}

/// Where `tests/control-plane/build.sh` puts what it has built.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/control-plane")
}
