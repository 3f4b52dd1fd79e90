//! `default-namespace`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::POD_TEMPLATES;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Workloads run in a namespace of their own, and not in `default`.
    ///
    /// # What it does
    /// Refuses Pods and what has a pod template in the namespace `default`.
    ///
    /// # Why
    /// Injection, mTLS, authorization and what a `Sidecar` sees are said by namespace, and `default` is whatever nobody
    /// placed: its policies fit none of what runs there.
    /// <https://istio.io/latest/docs/ops/deployment/deployment-models/#namespace-tenancy>,
    /// <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/>.
    ///
    /// # Known limits
    /// A file whose objects name no namespace is judged as for `default`, unless `vigla check --namespace` names
    /// another.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct DefaultNamespace {}
}

const DEFAULT: &str = "default";

impl Rule for DefaultNamespace {
    const METADATA: Metadata = Metadata {
        name: "default-namespace",
        severity: Severity::Low,
        kinds: &POD_TEMPLATES,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let request = input.request;
        // The request's namespace, never the object's own field: that one may be empty.
        if request.namespace == DEFAULT {
            findings.violation(Finding {
                path: PointerBuf::from_tokens(["metadata", "namespace"]),
                subject: "namespace".to_owned(),
                value: DEFAULT.into(),
                message: format!("a {} in the namespace `default`", request.kind.kind),
                wanted: "a namespace of the application or its team".to_owned(),
                remedy: "name the namespace in the object, or by --namespace of kubectl".to_owned(),
                ..Finding::default()
            });
        }
        Ok(())
    }
}
