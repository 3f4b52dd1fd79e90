//! `revision-labels`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{
    GroupKind, INJECTION, NotInjected, POD_TEMPLATES, PodFacts, PodTemplate, REVISION, Revision, injection,
    is_subdomain, own_label, own_label_path, pod_template,
};
use crate::object::{Node, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, OF_NAMESPACES, Rule, Severity, documented};

documented! {
    /// Who names a revision names one that there is.
    ///
    /// # What it does
    /// Refuses a label `istio.io/rev` of a namespace, a pod template and a Gateway API `Gateway` that can be the name of no
    /// revision and no tag and, where `revisions` says which there are, that is none of them. Advises against a dot in it,
    /// which no revision has, and against the label on Pods whose namespace has the last word. With `requireRevision` it
    /// refuses `istio-injection: enabled`, and advises `IstioOperator` and `Istio` to install by revisions.
    ///
    /// # Why
    /// Where nobody serves a revision no webhook is called: Pods start without a sidecar, and nothing says so. A revision, or
    /// better a tag, lets a namespace move to a new control plane and back by itself.
    /// <https://istio.io/latest/docs/setup/upgrade/canary/#stable-revision-labels>
    ///
    /// # Known limits
    /// Without `revisions` a misspelt name is not noticed. The label on other objects, which tells control planes which of
    /// them reads those, is not judged, nor are Pods that decline injection or have their sidecar already. An empty label of
    /// a namespace is left to `namespace-injection-conflict`.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct RevisionLabels {
        /// All revisions and tags that there are, `default` included; every other one is refused.
        #[serde(default)]
        revisions: Vec<String>,
        /// Namespaces choose a revision rather than the default one.
        #[serde(default)]
        require_revision: bool,
    }
}

const OWN: [GroupKind; 4] = [
    GroupKind { group: "", kind: "Namespace" },
    GroupKind { group: "gateway.networking.k8s.io", kind: "Gateway" },
    GroupKind { group: "install.istio.io", kind: "IstioOperator" },
    GroupKind { group: "sailoperator.io", kind: "Istio" },
];

impl Rule for RevisionLabels {
    const METADATA: Metadata = Metadata {
        name: "revision-labels",
        severity: Severity::Medium,
        kinds: &GroupKind::all_of::<{ OWN.len() + POD_TEMPLATES.len() }>(&[&OWN, &POD_TEMPLATES]),
        subresources: &OF_NAMESPACES,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, .. } = input;
        match (&*request.kind.group, &*request.kind.kind) {
            ("", "Namespace") => self.check_namespace(input, findings)?,
            ("gateway.networking.k8s.io", _) => {
                let path = own_label_path(REVISION);
                self.check_name(own_label(object, REVISION)?, &path, Some(true), "no istiod runs it", findings);
            }
            ("install.istio.io" | "sailoperator.io", kind) if self.require_revision => {
                findings.advise(in_place(kind, object)?);
            }
            (group, kind) => {
                if let Some(template) = pod_template(group, kind, object)? {
                    self.check_template(&template, input, findings)?;
                }
            }
        }
        Ok(())
    }
}

impl RevisionLabels {
    fn check_namespace(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), WrongType> {
        let Input { object, request, mesh, .. } = input;
        let is_own = mesh.has_control_plane(&request.name);
        match own_label(object, INJECTION)? {
            Some("enabled") if self.require_revision && !is_own => findings.violation(Finding {
                path: own_label_path(INJECTION),
                subject: INJECTION.to_owned(),
                value: "enabled".into(),
                message: "this namespace moves to a new control plane together with all others".to_owned(),
                wanted: format!("`{REVISION}` with a revision or a tag"),
                remedy: format!("label it {REVISION}=<tag>, and take {INJECTION} away"),
                ..Finding::default()
            }),
            // The other label decides.
            Some(_) => {}
            None => {
                let name = own_label(object, REVISION)?.filter(|name| !name.is_empty());
                self.check_name(name, &own_label_path(REVISION), Some(true), NOTHING, findings);
            }
        }
        Ok(())
    }

    fn check_template(
        &self,
        template: &PodTemplate<'_>,
        input: Input<'_>,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let facts = PodFacts::of(template)?;
        let path = template.label_path(REVISION);
        let Some(name) = facts.revision.filter(|_| !facts.declines_injection() && !facts.has_proxy) else {
            return Ok(());
        };
        let Some(labels) = input.namespace_labels else {
            self.check_name(Some(name), &path, None, NOTHING, findings);
            return Ok(());
        };
        match injection(&input.request.namespace, labels, facts, false) {
            Ok(Revision::Named(used)) if used == name => {
                self.check_name(Some(name), &path, Some(true), NOTHING, findings);
            }
            Err(NotInjected::EmptyRevision) if name.is_empty() && !labels.contains_key(REVISION) => {
                self.check_name(Some(name), &path, Some(true), NOTHING, findings);
            }
            Ok(_) | Err(NotInjected::Namespace | NotInjected::EmptyRevision) => findings.advise([Finding {
                message: format!("`{REVISION}` of these Pods has no effect: a label of their namespace decides"),
                wanted: "the label on the namespace alone".to_owned(),
                remedy: "take it away, or put the Pods into a namespace without such labels".to_owned(),
                ..finding(name, &path)
            }]),
            Err(_) => {}
        }
        Ok(())
    }

    /// Judges the name of a revision. `sure`: whether it counts; nothing where that depends on labels that are not known.
    fn check_name(
        &self,
        name: Option<&str>,
        path: &PointerBuf,
        sure: Option<bool>,
        effect: &str,
        findings: &mut Findings,
    ) {
        let Some(name) = name.filter(|name| !self.revisions.iter().any(|known| known == name)) else { return };
        let said = quoted(name);
        let (message, wanted) = if !is_subdomain(name) {
            let names = "letters in lower case, digits and `-`";
            (format!("{said} can be the name of no revision and no tag: {effect}"), names.to_owned())
        } else if !self.revisions.is_empty() {
            (format!("there is no revision or tag {said}: {effect}"), self.revisions.join(", "))
        } else if name.contains('.') {
            let dashes = name.replace('.', "-");
            let message = format!("no revision has a dot in its name: where {said} is no tag, {effect}");
            findings.advise([Finding { message, wanted: quoted(&dashes), ..finding(name, path) }]);
            return;
        } else {
            return;
        };
        findings.violation_if(sure, Finding { message, wanted, ..finding(name, path) });
    }
}

const NOTHING: &str = "no sidecar is injected, and nothing says so";

fn finding(name: &str, path: &PointerBuf) -> Finding {
    Finding {
        path: path.clone(),
        subject: REVISION.to_owned(),
        value: name.into(),
        remedy: "name one of those that `istioctl tag list` and the webhooks of istiod show".to_owned(),
        ..Finding::default()
    }
}

/// Advice where an installation replaces the control plane in its place.
fn in_place(kind: &str, object: Node<'_>) -> Result<Option<Finding>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(None) };
    let (has, wanted) = if kind == "Istio" {
        let strategy = spec.map("updateStrategy")?.map_or(Ok(None), |strategy| strategy.text("type"))?;
        (strategy == Some("RevisionBased"), "`updateStrategy.type: RevisionBased`")
    } else {
        let values = spec.map("values")?.map_or(Ok(None), |values| values.text("revision"))?;
        (spec.text("revision")?.or(values).is_some_and(|name| !name.is_empty()), "`revision`")
    };
    Ok((!has).then(|| Finding {
        path: spec.pointer(),
        subject: "revision".to_owned(),
        message: "an update replaces the control plane for all namespaces at once".to_owned(),
        wanted: wanted.to_owned(),
        remedy: "install the new version beside the old one, and move namespaces one by one".to_owned(),
        ..Finding::default()
    }))
}
