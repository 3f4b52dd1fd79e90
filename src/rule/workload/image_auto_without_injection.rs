//! `image-auto-without-injection`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{NotInjected, POD_TEMPLATES, PodFacts, injection, is_injected, pod_template};
use crate::object::Node;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A proxy whose image the injector is to name is in a Pod that is injected.
    ///
    /// # What it does
    /// Refuses pod templates with a container `istio-proxy`, `istio-init` or `istio-validation` of `image: auto` whose
    /// Pods get no sidecar: by the label `istio-injection` of their namespace, by their own label or annotation
    /// `sidecar.istio.io/inject`, or on their node's network. That is how gateways ask for a proxy too.
    ///
    /// # Why
    /// The injector replaces `auto` by the proxy's image. Where it is never called, the node looks for an image of that
    /// name at Docker Hub: the Pod does not start or, worse, runs what somebody put there.
    /// <https://istio.io/latest/docs/reference/config/analysis/ist0146/>,
    /// <https://istio.io/latest/docs/reference/config/analysis/ist0147/>.
    ///
    /// # Known limits
    /// Where the labels of the namespace are not known, and decide, it is advice. A revision that no control plane has
    /// injects nothing, and passes. Injection by default in all namespaces (`enableNamespacesByDefault`) is not known.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct ImageAutoWithoutInjection {}
}

/// What the injector replaces, in these letters alone.
const AUTO: &str = "auto";

impl Rule for ImageAutoWithoutInjection {
    const METADATA: Metadata = Metadata {
        name: "image-auto-without-injection",
        severity: Severity::High,
        kinds: &POD_TEMPLATES,
        codes: &["IST0146", "IST0147"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, namespace_labels, .. } = input;
        let Some(template) = pod_template(&request.kind.group, &request.kind.kind, object)? else { return Ok(()) };
        // What was injected has no such image any more, whatever its annotation says.
        let facts = PodFacts { injected: false, has_proxy: false, ..PodFacts::of(&template)? };
        let refused = is_injected(&request.namespace, namespace_labels, facts).map(|injected| !injected);
        let why = namespace_labels.and_then(|labels| injection(&request.namespace, labels, facts, false).err());
        for container in template.listed_containers()? {
            let auto = container.node.text("image")? == Some(AUTO);
            if auto && container.is_istio() {
                let image = container.node.get("image").unwrap_or(container.node);
                findings.violation_if(refused, finding(image, container.subject(), why));
            }
        }
        Ok(())
    }
}

fn finding(image: Node<'_>, subject: String, why: Option<NotInjected>) -> Finding {
    let (why, remedy) = why.map_or(("", ASK), reason);
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Finding {
        message: format!("the {subject} has `image: auto`, and nothing is injected into its Pods{why}"),
        wanted: "Pods that are injected, or the image of the proxy".to_owned(),
        remedy: remedy.to_owned(),
        ..Finding::of(image, subject)
    }
}

const ASK: &str = "label the namespace istio-injection=enabled or istio.io/rev=REVISION, or the Pods \
                   sidecar.istio.io/inject: \"true\" where the namespace says nothing";

/// Why nothing is injected, and what to do about it.
fn reason(why: NotInjected) -> (&'static str, &'static str) {
    match why {
        NotInjected::Namespace => {
            ("the namespace turns injection off", "run it in a namespace without istio-injection, or with `enabled`")
        }
        NotInjected::PodLabel => ("their label `sidecar.istio.io/inject` says `false`", "set the label to \"true\""),
        NotInjected::PodAnnotation => {
            ("their annotation `sidecar.istio.io/inject` says `false`", "take the annotation away, and set the label")
        }
        NotInjected::NotAsked => ("neither a label of the namespace nor one of theirs asks for it", ASK),
        NotInjected::EmptyRevision => {
            ("the revision in `istio.io/rev` is empty", "name the revision of a control plane")
        }
        NotInjected::HostNetwork => {
            ("they are on their node's network", "take hostNetwork away, or name the image of the proxy")
        }
        NotInjected::SystemNamespace => ("Istio injects nothing in this namespace", "run it in another namespace"),
    }
}
