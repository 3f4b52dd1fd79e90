//! `sidecar-ambient-conflict`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{DATAPLANE_MODE, INJECT, Labels, POD_TEMPLATES, PodFacts, PodTemplate, injection, pod_template};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Pods of an ambient mesh have no sidecar.
    ///
    /// # What it does
    /// Refuses pod templates that ask for both: with the label `istio.io/dataplane-mode: ambient`, or in a namespace that
    /// has it, and `sidecar.istio.io/inject: "true"` or a container `istio-proxy` of their own. Refuses the label
    /// `istio.io/dataplane-mode: ambient` on Pods that their namespace injects. Gateways are exempt.
    ///
    /// # Why
    /// ztunnel leaves a Pod with a sidecar alone: waypoints and what the mesh expects of ambient do not hold for it, though
    /// its labels say so. <https://istio.io/latest/docs/ambient/usage/add-workloads/#pod-selection-logic-for-ambient-and-sidecar-modes>.
    ///
    /// # Known limits
    /// What hangs on labels of the namespace is judged where they are known, and is said nowhere else. That a namespace asks
    /// for both is `namespace-injection-conflict`. Pods that run with a sidecar while their namespace moves are not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct SidecarAmbientConflict {}
}

impl Rule for SidecarAmbientConflict {
    const METADATA: Metadata = Metadata {
        name: "sidecar-ambient-conflict",
        severity: Severity::Medium,
        kinds: &POD_TEMPLATES,
        codes: &["KIA1311", "KIA1315", "KIA1316"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, namespace_labels, .. } = input;
        let Some(template) = pod_template(&request.kind.group, &request.kind.kind, object)? else { return Ok(()) };
        let facts = PodFacts::of(&template)?;
        if template.is_gateway()? || facts.host_network {
            return Ok(());
        }
        let none = Labels::new();
        let labels = namespace_labels.unwrap_or(&none);
        let own = facts.dataplane_mode.filter(|mode| ["ambient", "none"].contains(mode));
        if own.or(labels.get(DATAPLANE_MODE).map(String::as_str)) != Some("ambient") {
            return Ok(());
        }
        // Where the labels are not known, a Pod that asks for a sidecar may still get none: it asks for both all the same.
        let asks = facts.inject_label == Some("true");
        let injected = injection(&request.namespace, labels, facts, false).is_ok();
        if asks {
            findings.violation(finding(&template, INJECT, "asks for a sidecar in the ambient mesh"));
        } else if let Some(proxy) = template.proxy()? {
            let finding = finding(&template, INJECT, "brings a sidecar into the ambient mesh");
            let remedy = format!("take the container away, or set {DATAPLANE_MODE} to none");
            findings.violation(Finding { path: proxy.node.pointer(), remedy, ..finding });
        } else if injected && own == Some("ambient") {
            findings.violation(finding(
                &template,
                DATAPLANE_MODE,
                "asks for ambient, and its namespace injects a sidecar",
            ));
        }
        Ok(())
    }
}

fn finding(template: &PodTemplate<'_>, key: &str, message: &str) -> Finding {
    Finding {
        path: template.label_path(key),
        subject: "sidecar".to_owned(),
        value: key.into(),
        message: format!("a Pod {message}: ztunnel leaves it alone"),
        wanted: "a sidecar or ambient, not both".to_owned(),
        remedy: format!("take {INJECT} away, or set {DATAPLANE_MODE} to none"),
        ..Finding::default()
    }
}
