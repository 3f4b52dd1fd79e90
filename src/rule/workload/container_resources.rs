//! `container-resources`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Container, ContainerList, POD_TEMPLATES, pod_template};
use crate::object::{Edit, Node, Quantity, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, amount::Amount, documented};

documented! {
    /// Containers say what they need, and how much memory they get at most.
    ///
    /// # What it does
    /// Asks every container of a pod template, those that start first included, for a request of CPU and memory and for a
    /// limit of memory; and refuses a request above its limit. A limit is a request too, where there is none. What the
    /// Pod as a whole says under `spec.resources` counts for all its containers. Nothing, `0`, counts as missing. Istio's
    /// own containers are left to the injector, and to `sidecar-resources`. With `defaults` and `action: Patch` what is
    /// missing is added.
    ///
    /// # Why
    /// A container without a limit of memory may take its node's, and one without requests is the first to go when that
    /// happens: the proxy in the same Pod goes with it.
    /// <https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/>
    ///
    /// # Known limits
    /// What a LimitRange of the namespace adds to Pods does not stand in their templates, and is not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct ContainerResources {
        /// Asks for a limit of CPU too.
        #[serde(default)]
        require_cpu_limit: bool,
        /// What a fix gives those that are missing: `{requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}`.
        #[serde(default)]
        defaults: Defaults,
    }
}

/// Resources of a container, as Kubernetes writes them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Defaults {
    requests: Amounts,
    limits: Amounts,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Amounts {
    cpu: Option<Amount>,
    memory: Option<Amount>,
}

impl Amounts {
    fn of(&self, resource: &str) -> Option<&Amount> {
        if resource == "cpu" { self.cpu.as_ref() } else { self.memory.as_ref() }
    }
}

impl Rule for ContainerResources {
    const METADATA: Metadata = Metadata {
        name: "container-resources",
        severity: Severity::Medium,
        kinds: &POD_TEMPLATES,
        mends: &POD_TEMPLATES,
        codes: &["require-pod-requests-limits"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        let Some(spec) = template.spec else { return Ok(()) };
        let pod = spec.map("resources")?;
        for container in template.listed_containers()? {
            if !container.is_istio() && container.list != ContainerList::Ephemeral {
                for resource in ["cpu", "memory"] {
                    self.judge(pod, &container, resource, findings)?;
                }
            }
        }
        Ok(())
    }
}

impl ContainerResources {
    /// `pod`: the resources of the Pod as a whole.
    fn judge(
        &self,
        pod: Option<Node<'_>>,
        container: &Container<'_>,
        resource: &str,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let said = |resources: Option<Node<'_>>, part: &str| {
            let amounts = resources.map_or(Ok(None), |resources| resources.map(part))?;
            let amount = amounts.map_or(Ok(None), |amounts| amounts.quantity(resource))?;
            Ok(amount.filter(|amount| *amount > Quantity::ZERO))
        };
        let own = container.node.map("resources")?;
        let (request, limit) = (said(own, "requests")?, said(own, "limits")?);
        let (pod_request, pod_limit) = (said(pod, "requests")?, said(pod, "limits")?);
        if request.or(limit).or(pod_request).or(pod_limit).is_none() {
            findings.violation(self.missing(container, "requests", resource));
        }
        if limit.or(pod_limit).is_none() && (resource == "memory" || self.require_cpu_limit) {
            findings.violation(self.missing(container, "limits", resource));
        }
        if let (Some(request), Some(limit)) = (request, limit)
            && request > limit
        {
            findings.violation(above(container, resource));
        }
        Ok(())
    }

    fn missing(&self, container: &Container<'_>, part: &str, resource: &str) -> Finding {
        let what = if part == "limits" { "limit" } else { "request" };
        let finding = finding(container, part, resource);
        let amounts = if part == "limits" { &self.defaults.limits } else { &self.defaults.requests };
        let set = |amount: &Amount| Edit::Set { path: finding.path.clone(), value: amount.0.clone().into() };
        Finding {
            message: format!("the {} has no {what} of {resource}", container.subject()),
            wanted: format!("a {what} of {resource}"),
            remedy: format!("set resources.{part}.{resource} to what it was measured to need"),
            fix: amounts.of(resource).map(set).into_iter().collect(),
            ..finding
        }
    }
}

fn above(container: &Container<'_>, resource: &str) -> Finding {
    let said = |part| container.node.at(&["resources", part, resource]).map(Node::to_json);
    Finding {
        value: [said("requests"), said("limits")].into_iter().flatten().collect(),
        message: format!("the {} asks for more {resource} than its limit", container.subject()),
        wanted: "at most the limit".to_owned(),
        remedy: "lower the request, or raise the limit; Pods are refused".to_owned(),
        ..finding(container, "requests", resource)
    }
}

fn finding(container: &Container<'_>, part: &str, resource: &str) -> Finding {
    let subject = format!("{}: {part}.{resource}", container.subject());
    Finding::below(container.node, &["resources", part, resource], subject)
}
