//! `pod-security`.

mod istio_init;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Container, EPHEMERAL_CONTAINERS, Labels, POD_TEMPLATES, PodFacts, REGISTRIES, pod_template};
use crate::object::{Node, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};
use istio_init::is_istio_init;

documented! {
    /// Containers stay within their walls: no root, no node, no capability to change the network.
    ///
    /// # What it does
    /// Refuses in pod templates `hostNetwork`, `hostPID` and `hostIPC`, volumes of `hostPath`, and of all their containers:
    /// `privileged`, capabilities beyond those that a container has anyway and `NET_BIND_SERVICE`, user 0, and what may
    /// be root or become it, for want of `runAsNonRoot: true` (or a user) and of `allowPrivilegeEscalation: false`.
    ///
    /// So it is with a container that is added to a Pod for debugging: `kubectl debug --profile=restricted` makes one that
    /// passes.
    ///
    /// The injector's `istio-init` may be root and have `NET_ADMIN` and `NET_RAW`. Its name and image prove nothing, so
    /// what it runs is asked for as well. It stands under `initContainers` of a template with the annotation
    /// `sidecar.istio.io/status`, its image is a `proxyv2` from `registries`, the first of its `args` is
    /// `istio-iptables`, it has no `command`, `envFrom`, hook or probe, no volume but its token, and no variable `PATH`,
    /// `LD_…` or one that names a folder of libraries to `iptables`. Where its namespace enforces a Pod Security Standard
    /// that refuses it, that is said.
    ///
    /// Control-plane namespaces are exempt: Istio's CNI agent and ztunnel work on their node.
    ///
    /// # Why
    /// Who may change a Pod's network goes past its proxy, and whoever is root on a node reads the keys of every Pod there.
    /// <https://istio.io/latest/docs/ops/best-practices/security/#understand-traffic-capture-limitations>,
    /// <https://kubernetes.io/docs/concepts/security/pod-security-standards/>.
    ///
    /// # Known limits
    /// This is no whole Pod Security Standard: what has no part in the mesh (host ports, seccomp, sysctls) is left to Pod
    /// Security Admission. A proxy that intercepts by `TPROXY` without Istio's CNI has `NET_ADMIN` for as long as it runs,
    /// and is refused.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(default, rename_all = "camelCase", deny_unknown_fields)]
    pub struct PodSecurity {
        /// False refuses user 0 alone, and not what leaves its user to the image.
        require_non_root: bool,
        /// False refuses `allowPrivilegeEscalation: true` alone.
        require_no_escalation: bool,
        /// Capabilities that may be added; unless said, those of the Pod Security Standard `baseline`.
        capabilities: Vec<String>,
        /// Where the image of `istio-init` may come from; a registry or a folder in one.
        registries: Vec<String>,
    }
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline>
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

impl Default for PodSecurity {
    fn default() -> Self {
        Self {
            require_non_root: true,
            require_no_escalation: true,
            capabilities: BASELINE.map(str::to_owned).to_vec(),
            registries: REGISTRIES.map(str::to_owned).to_vec(),
        }
    }
}

impl Rule for PodSecurity {
    const METADATA: Metadata = Metadata {
        name: "pod-security",
        severity: Severity::High,
        kinds: &POD_TEMPLATES,
        subresources: &["", EPHEMERAL_CONTAINERS],
        codes: &["service-mesh-disallow-capabilities", "service-mesh-require-run-as-nonroot"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, namespace_labels } = input;
        if mesh.has_control_plane(&request.namespace) {
            return Ok(());
        }
        let Some(template) = pod_template(&request.kind.group, &request.kind.kind, object)? else { return Ok(()) };
        let Some(spec) = template.spec else { return Ok(()) };
        judge_node(spec, findings)?;
        let PodFacts { injected, .. } = PodFacts::of(&template)?;
        let pod = spec.map("securityContext")?;
        // There is no escalation on Windows, and the API refuses the field.
        let windows = spec.map("os")?.map_or(Ok(None), |os| os.text("name"))? == Some("windows");
        for container in template.listed_containers()? {
            let init = is_istio_init(injected, &container, &self.registries)?;
            self.judge_escalation(&container, windows, findings)?;
            if !init {
                self.judge_user(&container, pod, findings)?;
            }
            self.judge_capabilities(&container, init, findings)?;
            findings.advise(refused_by_standard(&container, namespace_labels).filter(|_| init));
        }
        Ok(())
    }
}

/// What the Pod as a whole has of its node.
fn judge_node(spec: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    for (field, has) in [("hostNetwork", "the network"), ("hostPID", "the processes"), ("hostIPC", "the shared memory")]
    {
        if spec.boolean(field)? == Some(true) {
            let message = format!("the Pod has {has} of its node");
            findings.violation(finding(spec, &[field], field.to_owned(), message, &format!("no {field}")));
        }
    }
    for volume in spec.maps("volumes")? {
        if volume.map("hostPath")?.is_some() {
            let name = volume.text("name")?.unwrap_or_default();
            let message = format!("the volume {} is a folder of the node", quoted(name));
            let subject = format!("volume {name}");
            findings.violation(finding(volume, &["hostPath"], subject, message, "another kind of volume"));
        }
    }
    Ok(())
}

/// Whether the injector fills in what the container leaves open.
fn is_filled_in(container: &Container<'_>) -> Result<bool, WrongType> {
    Ok(container.is_istio() && container.node.text("image")? == Some("auto"))
}

impl PodSecurity {
    fn judge_escalation(
        &self,
        container: &Container<'_>,
        windows: bool,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let context = container.node.map("securityContext")?;
        let own = |field: &str| context.map_or(Ok(None), |context| context.boolean(field));
        let asked = self.require_no_escalation && !windows && !is_filled_in(container)?;
        let (field, what) = match (own("privileged")?, own(ESCALATION)?) {
            (Some(true), _) => ("privileged", "can do what its node can"),
            (_, Some(true)) => (ESCALATION, "may become root"),
            (_, None) if asked => (ESCALATION, "does not rule out that it becomes root"),
            _ => return Ok(()),
        };
        findings.violation(of_container(container, field, what, &format!("`{field}: false`")));
        Ok(())
    }

    /// `pod`: the security context of the Pod, which counts where the container says nothing.
    fn judge_user(
        &self,
        container: &Container<'_>,
        pod: Option<Node<'_>>,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let (mut user, mut non_root) = (None, None);
        for context in [container.node.map("securityContext")?, pod].into_iter().flatten() {
            user = user.or(context.integer("runAsUser")?);
            non_root = non_root.or(context.boolean("runAsNonRoot")?);
        }
        if user == Some(0) {
            findings.violation(of_container(container, "runAsUser", "runs as root", "any user but 0"));
        } else if self.require_non_root && user.is_none() && non_root != Some(true) && !is_filled_in(container)? {
            let what = "runs as root where its image says so";
            findings.violation(of_container(container, "runAsNonRoot", what, "`runAsNonRoot: true`"));
        }
        Ok(())
    }

    fn judge_capabilities(
        &self,
        container: &Container<'_>,
        init: bool,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let capabilities = container.node.map_at(&["securityContext", "capabilities"])?;
        for (at, name) in capabilities.map_or(Ok(Vec::new()), |capabilities| capabilities.texts("add"))? {
            let redirects = init && matches!(name, "NET_ADMIN" | "NET_RAW");
            if !redirects && !self.capabilities.iter().any(|allowed| allowed == name) {
                findings.violation(capability(at, name, &container.subject()));
            }
        }
        Ok(())
    }
}

const ESCALATION: &str = "allowPrivilegeEscalation";

/// What the namespace's Pod Security Standard makes of `istio-init`.
fn refused_by_standard(init: &Container<'_>, labels: Option<&Labels>) -> Option<Finding> {
    let level = labels?.get("pod-security.kubernetes.io/enforce")?;
    let refuses = matches!(level.as_str(), "baseline" | "restricted");
    refuses.then(|| Finding {
        path: init.node.pointer(),
        subject: init.subject(),
        value: level.as_str().into(),
        message: format!(
            "the namespace enforces the Pod Security Standard `{level}`: no Pod with istio-init is created"
        ),
        wanted: "Istio's CNI agent, which needs no istio-init".to_owned(),
        remedy: "install istio-cni, and inject anew".to_owned(),
        ..Finding::default()
    })
}

fn capability(at: Node<'_>, name: &str, subject: &str) -> Finding {
    Finding {
        message: format!("the {subject} has the capability {}", quoted(name)),
        wanted: "none but those that the policy allows".to_owned(),
        remedy: "take it away; for istio-init use what the injector makes, or Istio's CNI agent".to_owned(),
        ..Finding::of(at, format!("{subject}: capability {name}"))
    }
}

/// A finding in a container's security context, which need not be there.
fn of_container(container: &Container<'_>, field: &str, what: &str, wanted: &str) -> Finding {
    let subject = container.subject();
    let message = format!("the {subject} {what}");
    finding(container.node, &["securityContext", field], format!("{subject}: {field}"), message, wanted)
}

fn finding(of: Node<'_>, steps: &[&str], subject: String, message: String, wanted: &str) -> Finding {
    Finding {
        message,
        wanted: wanted.to_owned(),
        remedy: "change it, or have the object excepted from this policy".to_owned(),
        ..Finding::below(of, steps, subject)
    }
}
