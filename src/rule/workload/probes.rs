//! `probes`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mesh::{Container, ContainerList, PodFacts, WORKLOADS, is_injected, pod_template};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Containers that run on say when they are ready, and whether they are still alive.
    ///
    /// # What it does
    /// Asks every container of a Deployment, StatefulSet, DaemonSet, Rollout or bare Pod for a readiness and a liveness
    /// probe with something to ask. Jobs pass, and Pods that are not always started anew (`restartPolicy`); so do
    /// containers that start first, and Istio's own. In Pods with a sidecar it refuses probes of the proxy's ports 15020
    /// and 15021.
    ///
    /// # Why
    /// Without a readiness probe a Pod gets requests before it can answer them, and a roll-out goes on over a version that
    /// never does: a mesh that retries hides it. A probe of 15020 or 15021 says how the proxy is, whatever the
    /// application is like. <https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/>,
    /// <https://istio.io/latest/docs/ops/configuration/mesh/app-health-check/>.
    ///
    /// # Known limits
    /// Whether a probe asks for the right thing is not seen. Containers with Istio's names are taken for Istio's.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Probes {
        /// The probes that are asked for; `startupProbe` is the third there is.
        #[serde(default = "both")]
        required: Vec<Probe>,
    }
}

/// Probes of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::enum_variant_names, reason = "Kubernetes' words")]
enum Probe {
    ReadinessProbe,
    LivenessProbe,
    StartupProbe,
}

impl Probe {
    const ALL: [Self; 3] = [Self::ReadinessProbe, Self::LivenessProbe, Self::StartupProbe];

    fn field(self) -> &'static str {
        match self {
            Self::ReadinessProbe => "readinessProbe",
            Self::LivenessProbe => "livenessProbe",
            Self::StartupProbe => "startupProbe",
        }
    }
}

fn both() -> Vec<Probe> {
    vec![Probe::ReadinessProbe, Probe::LivenessProbe]
}

/// What a probe may ask.
const HANDLERS: [&str; 4] = ["exec", "grpc", "httpGet", "tcpSocket"];
/// Of the proxy: its health and, merged, that of the application.
const PROXY: [i64; 2] = [15020, 15021];

impl Rule for Probes {
    const METADATA: Metadata =
        Metadata { name: "probes", severity: Severity::Low, kinds: &WORKLOADS, doc: Self::DOC, ..Metadata::OF_WRITES };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, namespace_labels, .. } = input;
        let Some(template) = pod_template(&request.kind.group, &request.kind.kind, object)? else { return Ok(()) };
        let Some(spec) = template.spec else { return Ok(()) };
        if spec.text("restartPolicy")?.is_some_and(|policy| policy != "Always") {
            return Ok(());
        }
        let injected = is_injected(&request.namespace, namespace_labels, PodFacts::of(&template)?);
        for container in template.listed_containers()? {
            if container.list != ContainerList::Main || container.is_istio() {
                continue;
            }
            for probe in Probe::ALL {
                let handler = handler(&container, probe)?;
                if handler.is_none() && self.required.contains(&probe) {
                    findings.violation(missing(&container, probe));
                }
                if let Some(port) = handler.map_or(Ok(None), of_proxy)? {
                    findings.violation_if(injected, asks_proxy(&container, probe, port));
                }
            }
        }
        Ok(())
    }
}

/// What a probe asks, where there is one that asks anything.
fn handler<'t>(container: &Container<'t>, probe: Probe) -> Result<Option<Node<'t>>, WrongType> {
    let Some(probe) = container.node.map(probe.field())? else { return Ok(None) };
    for key in HANDLERS {
        if let Some(handler) = probe.map(key)? {
            return Ok(Some(handler));
        }
    }
    Ok(None)
}

/// The port of the proxy that is asked, unless by the path that the injector puts in the application's place.
fn of_proxy(handler: Node<'_>) -> Result<Option<Node<'_>>, WrongType> {
    let port = handler.get("port").filter(|port| port.as_str().is_none());
    let Some(port) = port else { return Ok(None) };
    let rewritten = handler.text("path")?.is_some_and(|path| path.starts_with("/app-health/"));
    let proxy = handler.integer("port")?.is_some_and(|number| PROXY.contains(&number));
    Ok((proxy && !rewritten).then_some(port))
}

fn missing(container: &Container<'_>, probe: Probe) -> Finding {
    let field = probe.field();
    Finding {
        message: format!("the {} has no {field}", container.subject()),
        wanted: format!("a {field}"),
        remedy: format!("add a {field} that asks the application itself"),
        ..Finding::below(container.node, &[field], format!("{}: {field}", container.subject()))
    }
}

fn asks_proxy(container: &Container<'_>, probe: Probe, port: Node<'_>) -> Finding {
    let field = probe.field();
    Finding {
        message: format!("the {field} of the {} asks the proxy, and not the application", container.subject()),
        wanted: "a port of the application".to_owned(),
        remedy: "ask the application; the injector takes the probe through the proxy".to_owned(),
        ..Finding::of(port, format!("{}: {field} port", container.subject()))
    }
}
