//! `authz-scope`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{Attachment, TargetRef, attachment};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, Words, documented};

documented! {
    /// A policy attaches to what its author means.
    ///
    /// # What it does
    /// Of `AuthorizationPolicy` and `RequestAuthentication` it refuses a selector beside `targetRefs`, targets of kinds
    /// that Istio does not know, in other namespaces or without a name, and a `GatewayClass` as a target outside the
    /// root namespace; where Settings do not name that, it is advice. Advises against `targetRef`, which is deprecated.
    ///
    /// # Why
    /// A policy that attaches to nothing protects nothing and looks as if it did. Beside targets a selector is ignored,
    /// a target is looked for in the policy's own namespace alone, and one that is a class counts from the root
    /// namespace alone: <https://istio.io/latest/docs/reference/config/type/workload-selector/#PolicyTargetReference>.
    /// istiod refuses most of it: `validatePolicyTargetReference` of
    /// <https://github.com/istio/istio/blob/master/pkg/config/validation/validation.go>.
    ///
    /// # Known limits
    /// Whether workloads with these labels, or objects of these names, exist is not seen; that a waypoint ignores
    /// policies with a selector is not judged.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct AuthzScope {}
}

impl Rule for AuthzScope {
    const METADATA: Metadata = Metadata {
        name: "authz-scope",
        severity: Severity::Medium,
        kinds: &[
            GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" },
            GroupKind { group: "security.istio.io", kind: "RequestAuthentication" },
        ],
        codes: &["IST0166", "IST0167"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(
        &self,
        Input { object, request, mesh, .. }: Input<'_>,
        findings: &mut Findings,
    ) -> Result<(), CannotJudge> {
        let Some(spec) = object.map("spec")? else { return Ok(()) };
        let Attachment::Targets(targets) = attachment(&request.kind.kind, object)? else { return Ok(()) };
        if spec.map("selector")?.is_some() {
            findings.violation(Finding {
                value: Value::Null,
                ..Finding::below(spec, &["selector"], "selector").in_words(IGNORED)
            });
        }
        if let Some(single) = spec.map("targetRef")? {
            findings.advise([Finding::of(single, "targetRef").in_words(DEPRECATED)]);
        }
        for target in &targets {
            let namespace = target.node.text("namespace")?.filter(|name| !name.is_empty());
            if target.name.is_empty() {
                findings.violation(of_target(target, "name", UNNAMED));
            }
            if namespace.is_some() {
                findings.violation(of_target(target, "namespace", ELSEWHERE));
            }
            if target.is_gateway_class() {
                match mesh.root_namespace.as_deref() {
                    Some(root) if root != request.namespace => {
                        findings.violation(of_target(target, "kind", NOT_FROM_HERE));
                    }
                    None if mesh.root() != request.namespace => {
                        findings.advise([of_target(target, "kind", NOT_FROM_HERE)]);
                    }
                    _ => {}
                }
            } else if !target.is_local() {
                findings.violation(of_target(target, "kind", UNKNOWN));
            }
        }
        Ok(())
    }
}

const IGNORED: Words = ["beside targets a selector is ignored", "one of both", "take the selector or the targets away"];
const DEPRECATED: Words = ["targetRef is deprecated", "targetRefs", "make it the one entry of targetRefs"];
const UNNAMED: Words = ["a target without a name is none", "a name", "name the target"];
const ELSEWHERE: Words = [
    "a target in another namespace is not supported",
    "a target in the policy's own namespace",
    "take the namespace away, and put the policy into that of its target",
];
const NOT_FROM_HERE: Words = [
    "a GatewayClass counts as a target from the root namespace alone",
    "a policy in the root namespace, or another target",
    "move the policy to the root namespace, or name the Gateway",
];
const UNKNOWN: Words = [
    "Istio attaches no policy to targets of this kind",
    "a Service, ServiceEntry, GatewayClass, or Gateway of Gateway API",
    "name a target of one of these kinds, with its group",
];

fn of_target(target: &TargetRef<'_>, field: &str, words: Words) -> Finding {
    let TargetRef { node, kind, name, .. } = target;
    Finding::below(*node, &[field], format!("target {kind}/{name}")).in_words(words)
}
