//! `sidecar-resources`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{POD_TEMPLATES, PodFacts, PodTemplate, WORKLOADS_AND_JOBS, pod_template};
use crate::object::{Edit, Quantity, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, amount::Amount, documented};

documented! {
    /// Who sizes a sidecar sizes all of it.
    ///
    /// # What it does
    /// Refuses pod templates with some of `sidecar.istio.io/proxyCPU`, `proxyMemory`, `proxyCPULimit` and
    /// `proxyMemoryLimit`, and not all four; values that are no quantity; and a request above its limit. A container
    /// `istio-proxy` with requests and limits of both is as good as all four. With `defaults` and `action: Patch` the
    /// missing ones are added.
    ///
    /// # Why
    /// As soon as one of the four stands there, the injector leaves out all defaults of the mesh: with `proxyCPU` alone the
    /// sidecar has no limits, and asks for no memory.
    /// <https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/files/injection-template.yaml>
    ///
    /// # Known limits
    /// It does not look at the namespace: on Pods outside the mesh the annotations have no effect. The mesh's own defaults
    /// are not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct SidecarResources {
        /// A template with none of the four is refused too.
        #[serde(default)]
        require_explicit: bool,
        /// What a fix gives those that are missing, by name: `{proxyCPU: 100m, proxyMemory: 128Mi, proxyCPULimit: "2",
        /// proxyMemoryLimit: 1Gi}`.
        #[serde(default)]
        defaults: BTreeMap<Resource, Amount>,
    }
}

/// One of the four, without its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
enum Resource {
    #[serde(rename = "proxyCPU")]
    Cpu,
    #[serde(rename = "proxyMemory")]
    Memory,
    #[serde(rename = "proxyCPULimit")]
    CpuLimit,
    #[serde(rename = "proxyMemoryLimit")]
    MemoryLimit,
}

impl Resource {
    /// Requests, each followed by its limit.
    const ALL: [Self; 4] = [Self::Cpu, Self::CpuLimit, Self::Memory, Self::MemoryLimit];

    fn key(self) -> &'static str {
        match self {
            Self::Cpu => "sidecar.istio.io/proxyCPU",
            Self::Memory => "sidecar.istio.io/proxyMemory",
            Self::CpuLimit => "sidecar.istio.io/proxyCPULimit",
            Self::MemoryLimit => "sidecar.istio.io/proxyMemoryLimit",
        }
    }
}

impl Rule for SidecarResources {
    const METADATA: Metadata = Metadata {
        name: "sidecar-resources",
        severity: Severity::Medium,
        kinds: &POD_TEMPLATES,
        mends: &WORKLOADS_AND_JOBS,
        codes: &["IST0125"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        let facts = PodFacts::of(&template)?;
        if facts.declines_injection() || facts.host_network || sizes_proxy(&template)? {
            return Ok(());
        }
        let mut said = Vec::new();
        for resource in Resource::ALL {
            said.push((resource, template.annotation(resource.key())?));
        }
        let some = said.iter().any(|(_, text)| text.is_some());
        if !some && !self.require_explicit {
            return Ok(());
        }
        for &(resource, text) in &said {
            match text {
                None => findings.violation(self.missing(&template, resource, some)),
                Some(text) if Quantity::parse(text).is_err() => {
                    findings.violation(malformed(&template, resource, text))
                }
                Some(_) => {}
            }
        }
        for pair in said.chunks_exact(2) {
            if let &[(resource, Some(request)), (_, Some(limit))] = pair
                && let (Ok(least), Ok(most)) = (Quantity::parse(request), Quantity::parse(limit))
                && least > most
            {
                findings.violation(above(&template, resource, request, limit));
            }
        }
        Ok(())
    }
}

/// Whether the template has a container for the proxy, with requests and limits of both.
fn sizes_proxy(template: &PodTemplate<'_>) -> Result<bool, WrongType> {
    let Some(proxy) = template.proxy()? else { return Ok(false) };
    let amounts = ["requests", "limits"].map(|list| ["cpu", "memory"].map(|resource| ["resources", list, resource]));
    Ok(amounts.as_flattened().iter().all(|path| proxy.node.at(path).is_some_and(|amount| !amount.is_null())))
}

impl SidecarResources {
    fn missing(&self, template: &PodTemplate<'_>, resource: Resource, some: bool) -> Finding {
        let (key, path) = (resource.key(), template.annotation_path(resource.key()));
        let set = |amount: &Amount| Edit::Set { path: path.clone(), value: amount.0.clone().into() };
        let why = if some { ", and beside the others the mesh's default does not count" } else { "" };
        Finding {
            message: format!("`{key}` is missing{why}"),
            wanted: "all four of proxyCPU, proxyMemory, proxyCPULimit, proxyMemoryLimit".to_owned(),
            remedy: format!("set the annotation {key} on the pod template, or take the others away"),
            fix: self.defaults.get(&resource).map(set).into_iter().collect(),
            ..finding(template, resource, Value::Null)
        }
    }
}

fn malformed(template: &PodTemplate<'_>, resource: Resource, text: &str) -> Finding {
    Finding {
        message: format!("`{}` is {}, which is no quantity", resource.key(), quoted(text)),
        wanted: "a quantity such as `100m` or `128Mi`".to_owned(),
        remedy: "correct it; injection fails".to_owned(),
        ..finding(template, resource, text.into())
    }
}

fn above(template: &PodTemplate<'_>, resource: Resource, request: &str, limit: &str) -> Finding {
    Finding {
        message: format!("`{}` asks for {request}, more than its limit {limit}", resource.key()),
        wanted: format!("at most {limit}"),
        remedy: "lower the request, or raise the limit; Pods are refused".to_owned(),
        ..finding(template, resource, serde_json::json!([request, limit]))
    }
}

fn finding(template: &PodTemplate<'_>, resource: Resource, value: Value) -> Finding {
    let key = resource.key();
    Finding { path: template.annotation_path(key), subject: key.to_owned(), value, ..Finding::default() }
}
