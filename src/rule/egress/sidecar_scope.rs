//! `sidecar-scope`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{
    Attachment, DATAPLANE_MODE, GroupKind, HostScope, Mesh, ScopedHost, ServiceHost, attachment, service_host,
};
use crate::object::{Node, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A `Sidecar` narrows what its proxies know of the mesh.
    ///
    /// # What it does
    /// Refuses the egress hosts `*/*`, `*/*.local` and the like, with which proxies know everything as they did without;
    /// hosts that are not of the form `namespace/host`, which Istio refuses; and a workload selector in the root
    /// namespace, where a `Sidecar` is for the whole mesh only without. Advises against a `Sidecar` in an ambient
    /// namespace, where none has an effect, and against hosts none of which is beside the control plane.
    ///
    /// # Why
    /// A proxy that knows every Service of the mesh is told of every change in it: memory and traffic of the control
    /// plane grow with the square of the mesh. <https://istio.io/latest/docs/reference/config/networking/sidecar/>,
    /// <https://istio.io/latest/docs/ops/configuration/mesh/configuration-scoping/>.
    ///
    /// # Known limits
    /// Other Sidecars of the namespace, and whether hosts exist, are not seen. A `Sidecar` for the whole mesh that names
    /// only `./*` and the control plane cuts calls between namespaces off; that may be meant.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct SidecarScope {}
}

impl Rule for SidecarScope {
    const METADATA: Metadata = Metadata {
        name: "sidecar-scope",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "Sidecar" }],
        codes: &["IST0167", "KIA1006"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, namespace_labels } = input;
        let Some(spec) = object.map("spec")? else { return Ok(()) };
        let mut hosts = Vec::new();
        for listener in spec.maps("egress")? {
            hosts.extend(listener.texts("hosts")?);
        }
        for (node, host) in &hosts {
            if let Some((message, wanted)) = wrong(host, &mesh.cluster_domain) {
                let finding = finding(*node, format!("host {host}"), message, wanted);
                findings.violation(Finding { value: (*host).into(), ..finding });
            }
        }
        let of_mesh = |host: &str| sees_control_plane(host, &request.namespace, mesh);
        if !hosts.is_empty() && !hosts.iter().any(|(_, host)| of_mesh(host)) {
            let root = mesh.root();
            let message = format!("no egress host is of `{root}`: what traces and logs are sent to there is not known");
            findings.advise([finding(spec, "control plane".to_owned(), message, &format!("`{root}/*` as well"))]);
        }
        let root = *request.namespace == *mesh.root();
        if let Some(selector) = spec.get("workloadSelector").filter(|_| root)
            && matches!(attachment("Sidecar", object)?, Attachment::Workloads)
        {
            let message = "in the root namespace a Sidecar is for the whole mesh, and has no selector".to_owned();
            findings.violation(finding(selector, "workloadSelector".to_owned(), message, "no selector"));
        }
        if namespace_labels.and_then(|labels| labels.get(DATAPLANE_MODE)).is_some_and(|mode| mode == "ambient") {
            let message = "in an ambient namespace a Sidecar has no effect".to_owned();
            findings.advise([finding(spec, "ambient".to_owned(), message, "a waypoint, or no Sidecar")]);
        }
        Ok(())
    }
}

/// What is wrong with an egress host, and what would be right.
fn wrong(host: &str, cluster_domain: &str) -> Option<(String, &'static str)> {
    let scoped = ScopedHost::parse(host).filter(|_| host.contains('/'));
    let Some(ScopedHost { scope, host: name, excluded }) = scoped else {
        return Some((format!("Istio refuses the host {}", quoted(host)), "the form `namespace/host`"));
    };
    let every = service_host(name.0, "", cluster_domain) == ServiceHost::Every;
    let everything = scope == HostScope::Any && every && !excluded;
    everything.then(|| {
        (format!("with the host {} proxies know the whole mesh", quoted(host)), "the namespaces that are called")
    })
}

/// Whether a host is beside a control plane, where a mesh has what its telemetry goes to; or none at all is meant (`~/*`).
fn sees_control_plane(host: &str, own: &str, mesh: &Mesh) -> bool {
    ScopedHost::parse(host).is_none_or(|host| match host.scope {
        HostScope::Any => true,
        _ if host.excluded => false,
        HostScope::Own => mesh.lives_in(own),
        HostScope::Namespace(namespace) => mesh.lives_in(namespace),
    })
}

fn finding(node: Node<'_>, subject: String, message: String, wanted: &str) -> Finding {
    Finding {
        path: node.pointer(),
        subject,
        message,
        wanted: wanted.to_owned(),
        remedy: "name what the workloads call: `./*`, the control plane's namespace, those of others".to_owned(),
        ..Finding::default()
    }
}
