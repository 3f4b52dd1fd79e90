//! `uid-1337-reserved`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{EPHEMERAL_CONTAINERS, POD_TEMPLATES, PodTemplate, pod_template};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// No container but Istio's own runs as user or group 1337.
    ///
    /// # What it does
    /// Refuses `runAsUser: 1337` and `runAsGroup: 1337` in the security context of a pod template and of each of its
    /// containers, those that start first and those that are added for debugging included. Exempt are containers of the
    /// names `istio-proxy`, `istio-init` and `istio-validation`, but for debugging, and the Pods of gateways and of control
    /// planes.
    ///
    /// # Why
    /// The proxy runs as 1337, and what that user sends is not redirected into the proxy, else it would go round for
    /// ever. Another container of that user sends past the proxy: in the clear, and unseen.
    /// <https://istio.io/latest/docs/reference/config/analysis/ist0144/>,
    /// <https://istio.io/latest/docs/ops/deployment/application-requirements/#pod-requirements>.
    ///
    /// # Known limits
    /// The user that an image names is not seen. Containers with Istio's names, and Pods with the labels of a gateway or a
    /// control plane (`istio`, `release: istio`), are taken for what they say.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Uid1337Reserved {}
}

/// Of Istio's proxy: user and group.
const PROXY: i64 = 1337;

impl Rule for Uid1337Reserved {
    const METADATA: Metadata = Metadata {
        name: "uid-1337-reserved",
        severity: Severity::High,
        kinds: &POD_TEMPLATES,
        subresources: &["", EPHEMERAL_CONTAINERS],
        codes: &["IST0144"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        if is_istios(&template)? {
            return Ok(());
        }
        if let Some(spec) = template.spec {
            judge(spec, "pod", findings)?;
        }
        for container in template.listed_containers()?.iter().filter(|container| !container.is_istio()) {
            judge(container.node, &container.subject(), findings)?;
        }
        Ok(())
    }
}

fn is_istios(template: &PodTemplate<'_>) -> Result<bool, WrongType> {
    let control_plane = template.label("istio")?.is_some() || template.label("release")? == Some("istio");
    Ok(control_plane || template.is_gateway()?)
}

/// Judges the security context of a Pod or a container.
fn judge(of: Node<'_>, subject: &str, findings: &mut Findings) -> Result<(), WrongType> {
    let Some(context) = of.map("securityContext")? else { return Ok(()) };
    for (field, word) in [("runAsUser", "user"), ("runAsGroup", "group")] {
        if context.integer(field)? == Some(PROXY) {
            findings.violation(Finding {
                message: format!("the {subject} runs as {word} 1337, whose traffic goes past the proxy"),
                wanted: format!("any other {word}"),
                remedy: format!("choose another {word} for {field}, and for the files that it owns"),
                ..Finding::below(context, &[field], format!("{subject}: {field}"))
            });
        }
    }
    Ok(())
}
