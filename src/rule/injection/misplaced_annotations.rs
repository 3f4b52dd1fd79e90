//! `misplaced-annotations`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{
    DATAPLANE_MODE, GroupKind, INJECT, Known, POD_METADATA, POD_TEMPLATES, is_istio_key, known_annotation, known_label,
    own_label, own_label_path, pod_template,
};
use crate::object::{Node, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Istio's annotations stand where Istio reads them, and are such as it knows.
    ///
    /// # What it does
    /// Refuses annotations of Istio's (a domain that ends in `istio.io`) that Istio does not know, and those that mean
    /// nothing where they stand: annotations of Pods on a Deployment, a Service or a Namespace instead of the pod
    /// template. The labels `sidecar.istio.io/inject` and `istio.io/dataplane-mode` on a workload instead of its template
    /// are refused likewise. Advises against deprecated annotations.
    ///
    /// # Why
    /// Nothing reports an annotation that nobody reads: limits are not set, ports are not excluded, and who wrote it
    /// believes otherwise. Metadata of a Deployment does not reach its Pods.
    /// <https://istio.io/latest/docs/reference/config/analysis/ist0107/>,
    /// <https://istio.io/latest/docs/reference/config/annotations/>.
    ///
    /// # Known limits
    /// Known are the annotations of Istio 1.31. An annotation of a later release is refused until `allowed` names it. Their
    /// values are not judged here. Objects that istiod makes (`gateway.istio.io/managed`) pass.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct MisplacedAnnotations {
        /// Annotations that pass wherever they stand, for tools that have their own under Istio's domain.
        #[serde(default)]
        allowed: Vec<String>,
    }
}

const OTHERS: [GroupKind; 6] = [
    GroupKind { group: "", kind: "Namespace" },
    GroupKind { group: "", kind: "Service" },
    GroupKind { group: "gateway.networking.k8s.io", kind: "GatewayClass" },
    GroupKind { group: "networking.istio.io", kind: "ServiceEntry" },
    GroupKind { group: "networking.istio.io", kind: "WorkloadEntry" },
    GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" },
];

impl Rule for MisplacedAnnotations {
    const METADATA: Metadata = Metadata {
        name: "misplaced-annotations",
        severity: Severity::Low,
        kinds: &GroupKind::all_of::<22>(&[&POD_TEMPLATES, &POD_METADATA, &OTHERS]),
        codes: &["IST0107", "IST0108", "IST0135"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let (object, kind) = (input.object, &input.request.kind);
        if own_label(object, "gateway.istio.io/managed")?.is_some() {
            return Ok(());
        }
        // What stands on a Gateway itself reaches its Pods where it names no infrastructure.
        let of_pods = kind.kind == "Pod" || POD_METADATA.iter().any(|own| own.is(&kind.group, &kind.kind));
        self.annotations(object.map("metadata")?, "", &kind.kind, of_pods, findings)?;
        if let Some(template) = pod_template(&kind.group, &kind.kind, object)?.filter(|_| kind.kind != "Pod") {
            self.annotations(template.metadata, "template: ", "pod template", true, findings)?;
            for key in [INJECT, DATAPLANE_MODE] {
                if let Some(value) = own_label(object, key)? {
                    let path = own_label_path(key);
                    findings.violation(misplaced(path, "label: ", (key, value), &kind.kind, "pod template"));
                }
            }
        }
        Ok(())
    }
}

impl MisplacedAnnotations {
    /// Judges the annotations in some metadata of an object. `of_pods`: whether those for Pods count there.
    fn annotations(
        &self,
        metadata: Option<Node<'_>>,
        place: &str,
        kind: &str,
        of_pods: bool,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let Some(annotations) = metadata.map_or(Ok(None), |metadata| metadata.map("annotations"))? else {
            return Ok(());
        };
        for (key, node) in annotations.members() {
            let known = known_annotation(key);
            if (known.is_none() && !is_istio_key(key)) || self.allowed.iter().any(|allowed| allowed == key) {
                continue;
            }
            let value = annotations.text(key)?.unwrap_or_default();
            let path = node.pointer();
            match known {
                None => findings.violation(unknown(path, place, key, value)),
                Some(known) if !(known.is_for(kind) || (of_pods && known.is_for("Pod"))) => {
                    findings.violation(misplaced(path, place, (key, value), kind, &readers(known)));
                }
                // Another rule knows what came in the place of this one.
                Some(known) if known.deprecated && key != INJECT => findings.advise([deprecated(path, place, key)]),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Where an annotation belongs.
fn readers(known: &Known) -> String {
    let word = |kind: &&'static str| if *kind == "Pod" { "pod template" } else { kind };
    known.kinds.iter().map(word).collect::<Vec<_>>().join(" or ")
}

fn unknown(path: PointerBuf, place: &str, key: &str, value: &str) -> Finding {
    let shown = quoted(key);
    let label = known_label(key).is_some();
    Finding {
        path,
        subject: format!("{place}{key}"),
        value: value.into(),
        message: if label {
            format!("{shown} is a label of Istio's, and has no effect as an annotation")
        } else {
            format!("Istio knows no annotation {shown}")
        },
        wanted: if label { "a label" } else { "an annotation that Istio knows" }.to_owned(),
        remedy: if label {
            "write it under labels".to_owned()
        } else {
            "correct the name (https://istio.io/latest/docs/reference/config/annotations/), or remove it".to_owned()
        },
        ..Finding::default()
    }
}

fn misplaced(path: PointerBuf, place: &str, (key, value): (&str, &str), kind: &str, readers: &str) -> Finding {
    Finding {
        path,
        subject: format!("{place}{key}"),
        value: value.into(),
        message: format!("`{key}` has no effect on a {kind}"),
        wanted: format!("it on a {readers}"),
        remedy: format!("move it to the metadata of a {readers}"),
        ..Finding::default()
    }
}

fn deprecated(path: PointerBuf, place: &str, key: &str) -> Finding {
    Finding {
        path,
        subject: format!("{place}{key}"),
        value: key.into(),
        message: format!("the annotation `{key}` is deprecated"),
        wanted: "what came in its place".to_owned(),
        remedy: "see https://istio.io/latest/docs/reference/config/annotations/".to_owned(),
        ..Finding::default()
    }
}
