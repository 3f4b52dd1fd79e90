//! `no-injection-bypass`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{
    DATAPLANE_MODE, INJECT, JOBS, POD_TEMPLATES, PodFacts, PodTemplate, SIDECAR_STATUS, is_in_mesh, pod_template,
};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Pods in a namespace of the mesh do not step out of it.
    ///
    /// # What it does
    /// Refuses pod templates in a namespace with injection or ambient mode whose Pods decline it: by the label or the
    /// annotation `sidecar.istio.io/inject: "false"`, by `istio.io/dataplane-mode: none`, or by
    /// an annotation `sidecar.istio.io/status` without a sidecar, which ztunnel believes. Advises against
    /// `hostNetwork: true` there, and against values of `sidecar.istio.io/inject` that Istio does not know. In a
    /// namespace outside the mesh the same labels are harmless and pass, and so does a Pod that declines a sidecar and is
    /// captured by ztunnel instead. Gateways, Jobs and control planes are exempt.
    ///
    /// # Why
    /// A Pod without proxy takes traffic that no authorization policy was asked about, and sends traffic that no one
    /// encrypts or sees: <https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy>.
    ///
    /// # Known limits
    /// Where the labels of the namespace are not known it is advice, and `hostNetwork` passes. Injection by default in all
    /// namespaces (`enableNamespacesByDefault`) is not known. A Pod that carries the labels of a gateway is taken for one.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct NoInjectionBypass {
        /// Judges Jobs and CronJobs too.
        #[serde(default)]
        jobs: bool,
    }
}

impl Rule for NoInjectionBypass {
    const METADATA: Metadata = Metadata {
        name: "no-injection-bypass",
        severity: Severity::High,
        kinds: &POD_TEMPLATES,
        codes: &["AsmSidecarInjection", "IST0103", "prevent-disabling-injection-pods"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, namespace_labels, mesh, .. } = input;
        let (group, kind) = (&*request.kind.group, &*request.kind.kind);
        let passed_over = !self.jobs && JOBS.iter().any(|job| job.is(group, kind));
        // What injects must start without being injected.
        if passed_over || mesh.has_control_plane(&request.namespace) {
            return Ok(());
        }
        let Some(template) = pod_template(group, kind, object)? else { return Ok(()) };
        if template.is_gateway()? {
            return Ok(());
        }
        let facts = PodFacts::of(&template)?;
        let in_mesh = |facts| is_in_mesh(&request.namespace, namespace_labels, facts);
        let is = in_mesh(facts);
        // What would become of the Pod if it said nothing: what its namespace asks for.
        let enrolled = in_mesh(PodFacts { has_proxy: facts.has_proxy, ..PodFacts::default() });
        let bypass = match (enrolled, is) {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            (None, _) | (_, None) => None,
        };
        if bypass != Some(false) {
            for finding in declined(&template, facts) {
                findings.violation_if(bypass, finding);
            }
            // Agents of the node are many, and most of them outside the mesh: no word on what is not sure.
            if facts.host_network && bypass == Some(true) {
                findings.advise([host_network(&template)]);
            }
        }
        if enrolled == Some(true) && facts.inject_label.or(facts.inject_annotation).is_some_and(|said| !is_word(said)) {
            findings.advise([unknown(&template, facts)]);
        }
        Ok(())
    }
}

fn is_word(said: &str) -> bool {
    matches!(said, "true" | "false")
}

/// What the Pod declines, one by one.
fn declined(template: &PodTemplate<'_>, facts: PodFacts<'_>) -> Vec<Finding> {
    let bypass = |path, (key, value): (&str, &str), message| Finding {
        path,
        subject: key.to_owned(),
        value: value.into(),
        message,
        wanted: "no such label or annotation".to_owned(),
        remedy: "remove it, or run the Pods in a namespace outside the mesh".to_owned(),
        ..Finding::default()
    };
    let mut found = Vec::new();
    if facts.declines_injection() {
        let (path, of) = match facts.inject_label {
            Some(_) => (template.label_path(INJECT), "label"),
            None => (template.annotation_path(INJECT), "annotation"),
        };
        let message = format!("the {of} `{INJECT}: \"false\"` takes these Pods out of the mesh");
        found.push(bypass(path, (INJECT, "false"), message));
    }
    if facts.dataplane_mode == Some("none") {
        let message = format!("the label `{DATAPLANE_MODE}: none` takes these Pods out of the mesh");
        found.push(bypass(template.label_path(DATAPLANE_MODE), (DATAPLANE_MODE, "none"), message));
    }
    if facts.injected && !facts.has_proxy {
        let message = format!("ztunnel leaves Pods with `{SIDECAR_STATUS}` alone, and these have no sidecar");
        found.push(bypass(template.annotation_path(SIDECAR_STATUS), (SIDECAR_STATUS, ""), message));
    }
    found
}

fn host_network(template: &PodTemplate<'_>) -> Finding {
    let node = template.spec.and_then(|spec| spec.get("hostNetwork"));
    Finding {
        path: node.map(crate::object::Node::pointer).unwrap_or_default(),
        subject: "hostNetwork".to_owned(),
        value: Value::Bool(true),
        message: "Pods on their node's network are no part of the mesh".to_owned(),
        wanted: "no hostNetwork".to_owned(),
        remedy: "remove it, or run the Pods in a namespace outside the mesh".to_owned(),
        ..Finding::default()
    }
}

fn unknown(template: &PodTemplate<'_>, facts: PodFacts<'_>) -> Finding {
    let label = facts.inject_label.is_some();
    let said = facts.inject_label.or(facts.inject_annotation).unwrap_or_default();
    Finding {
        path: if label { template.label_path(INJECT) } else { template.annotation_path(INJECT) },
        subject: INJECT.to_owned(),
        value: said.into(),
        message: format!("`{INJECT}: \"{said}\"` is neither `true` nor `false`: sidecars are injected as without it"),
        wanted: "`true` or `false`".to_owned(),
        remedy: "write what is meant, in lower case".to_owned(),
        ..Finding::default()
    }
}
