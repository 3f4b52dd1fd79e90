//! `envoyfilter-namespace`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Attachment, Mesh, attachment};
use crate::object::Node;
use crate::rule::documentation::documented;
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Metadata, Operation, Request, Rule, Severity};

documented! {
    /// An `EnvoyFilter` stands in a namespace for mesh configuration, and nowhere else.
    ///
    /// # What it does
    ///
    /// Refuses an `EnvoyFilter` outside the config namespaces (`istio-config`). Inside one it advises against filters
    /// without workload labels and against `targetRefs`, which do not reach into other namespaces.
    ///
    /// # Why
    ///
    /// An `EnvoyFilter` rewrites Envoy's configuration past everything that Istio checks: one mistake breaks every
    /// proxy that it reaches, and what it patches changes with every release. Kept in one namespace they have one owner
    /// and one place to look at before an upgrade. Istio's API reference says so in its warning and names its root
    /// namespace for filters `istio-config`:
    /// <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>.
    ///
    /// # Denied
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1alpha3
    /// kind: EnvoyFilter
    /// metadata: {name: lua, namespace: shop}
    /// spec:
    ///   workloadSelector: {labels: {app: cart}}
    /// ```
    ///
    /// # Allowed
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1alpha3
    /// kind: EnvoyFilter
    /// metadata: {name: lua, namespace: istio-config}
    /// spec:
    ///   workloadSelector: {labels: {app: cart}}
    /// ```
    ///
    /// # Parameters
    ///
    /// None.
    ///
    /// # Known limits
    ///
    /// Filters in `istio-config` reach workloads of other namespaces only where it is the mesh's root namespace.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct EnvoyfilterNamespace {}
}

impl Rule for EnvoyfilterNamespace {
    const METADATA: Metadata = Metadata {
        name: "envoyfilter-namespace",
        severity: Severity::High,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "EnvoyFilter" }],
        operations: &[Operation::Create, Operation::Update],
        subresources: &[""],
        codes: &[],
        doc: Self::DOC,
    };

    fn check(
        &self,
        object: Node<'_>,
        request: &Request<'_>,
        mesh: &Mesh,
        findings: &mut Findings,
    ) -> Result<(), CannotJudge> {
        // The request's namespace, never the object's own field: that one may be empty.
        let namespace = &*request.namespace;
        if namespace.is_empty() {
            return Err(CannotJudge::request("the request names no namespace, and an EnvoyFilter always has one"));
        }
        if mesh.config_namespaces.iter().any(|config| config == namespace) {
            advise(object, namespace, findings)
        } else {
            findings.violations.push(misplaced(namespace, mesh));
            Ok(())
        }
    }
}

fn misplaced(namespace: &str, mesh: &Mesh) -> Finding {
    let allowed = mesh.config_namespaces.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    Finding {
        path: PointerBuf::from_tokens(["metadata", "namespace"]),
        subject: "namespace".to_owned(),
        value: namespace.into(),
        message: format!("an EnvoyFilter in namespace `{namespace}`"),
        wanted: format!("namespace {allowed}"),
        remedy: format!("move it to {allowed} and name the workloads under spec.workloadSelector.labels"),
    }
}

/// What a filter in a config namespace should say of its reach.
fn advise(object: Node<'_>, namespace: &str, findings: &mut Findings) -> Result<(), CannotJudge> {
    match attachment(object)? {
        Attachment::Workloads => {}
        Attachment::Everything => findings.advice.push(Finding {
            path: PointerBuf::from_tokens(["spec", "workloadSelector", "labels"]),
            subject: "workloadSelector".to_owned(),
            value: serde_json::Value::Null,
            message: "an EnvoyFilter without workload labels applies to every proxy that its namespace reaches"
                .to_owned(),
            wanted: "at least one label".to_owned(),
            remedy: "name the workloads under spec.workloadSelector.labels".to_owned(),
        }),
        Attachment::Targets(targets) => findings.advice.extend(targets.iter().map(|target| {
            let reach = if target.is_gateway_class() {
                format!("a GatewayClass target counts only if `{namespace}` is the mesh's root namespace")
            } else {
                format!("acts only on objects in `{namespace}`")
            };
            Finding {
                path: target.node.pointer(),
                subject: format!("targetRef {}/{}", target.kind, target.name),
                value: target.node.to_json(),
                message: reach,
                wanted: "workloads named by their labels".to_owned(),
                remedy: "name the workloads under spec.workloadSelector.labels instead of targetRefs".to_owned(),
            }
        })),
    }
    Ok(())
}
