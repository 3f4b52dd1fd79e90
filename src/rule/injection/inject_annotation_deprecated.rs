//! `inject-annotation-deprecated`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{INJECT, PodFacts, WORKLOADS_AND_JOBS, pod_template};
use crate::object::Edit;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Pods ask for a sidecar, or decline it, by a label.
    ///
    /// # What it does
    /// Refuses the annotation `sidecar.istio.io/inject` on a pod template without the label of the same name. With
    /// `action: Patch` the label is added with the annotation's value; the annotation stays.
    ///
    /// # Why
    /// The annotation is deprecated, and works by half: no webhook selects by it, so in a namespace without injection
    /// `"true"` does nothing. <https://istio.io/latest/docs/reference/config/analysis/ist0135/>,
    /// <https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy>.
    ///
    /// # Known limits
    /// With the label a Pod is injected that was not before, where the annotation said `"true"` in vain.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct InjectAnnotationDeprecated {}
}

impl Rule for InjectAnnotationDeprecated {
    const METADATA: Metadata = Metadata {
        name: "inject-annotation-deprecated",
        severity: Severity::Info,
        kinds: &WORKLOADS_AND_JOBS,
        mends: &WORKLOADS_AND_JOBS,
        codes: &["IST0135"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        let facts = PodFacts::of(&template)?;
        let (None, Some(said)) = (facts.inject_label, facts.inject_annotation) else { return Ok(()) };
        // Nothing is injected there, whatever a label says; and what was injected needs no label any more.
        if facts.host_network || facts.has_proxy || facts.dataplane_mode == Some("ambient") {
            return Ok(());
        }
        let set = Edit::Set { path: template.label_path(INJECT), value: said.into() };
        findings.violation(Finding {
            path: template.annotation_path(INJECT),
            subject: INJECT.to_owned(),
            value: said.into(),
            message: format!("the annotation `{INJECT}` is deprecated, and no webhook selects by it"),
            wanted: "the label of the same name".to_owned(),
            remedy: "write it under labels of the pod template".to_owned(),
            fix: matches!(said, "true" | "false").then_some(set).into_iter().collect(),
            ..Finding::default()
        });
        Ok(())
    }
}
