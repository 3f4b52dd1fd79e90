//! `envoyfilter-namespace`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{Attachment, Mesh, TargetRef, attachment};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// An `EnvoyFilter` stands in a namespace for mesh configuration, and nowhere else.
    ///
    /// # What it does
    /// Refuses an `EnvoyFilter` outside the config namespaces (`istio-config`). Inside one it advises against filters
    /// without workload labels and against `targetRefs`, which do not reach into other namespaces.
    ///
    /// # Why
    /// An `EnvoyFilter` rewrites Envoy's configuration past everything that Istio checks: one mistake breaks every
    /// proxy that it reaches, and what it patches changes with every release. Kept in one namespace they have one owner
    /// and one place to look at before an upgrade. Istio's API reference says so in its warning and names its root
    /// namespace for filters `istio-config`:
    /// <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>.
    ///
    /// # Known limits
    /// Filters in `istio-config` reach workloads of other namespaces only where it is the mesh's root namespace. That
    /// is said where Settings name the root namespace.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct EnvoyfilterNamespace {
        /// In a config namespace, a filter without workload labels is a violation, not advice.
        #[serde(default)]
        require_selector: bool,
        /// Accepts filters with `targetRefs` to a Gateway, Service or ServiceEntry in their own namespace, as waypoints
        /// of an ambient mesh need them.
        #[serde(default)]
        allow_target_refs_in_place: bool,
        /// Kinds of `WasmPlugin`, `TrafficExtension` and `ProxyConfig` whose place is a violation too; for the others
        /// it is advice.
        #[serde(default)]
        also_kinds: Vec<OtherKind>,
    }
}

/// Kinds that extend or configure proxies as `EnvoyFilter` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
enum OtherKind {
    WasmPlugin,
    TrafficExtension,
    ProxyConfig,
}

impl OtherKind {
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "WasmPlugin" => Some(Self::WasmPlugin),
            "TrafficExtension" => Some(Self::TrafficExtension),
            "ProxyConfig" => Some(Self::ProxyConfig),
            _ => None,
        }
    }
}

impl Rule for EnvoyfilterNamespace {
    const METADATA: Metadata = Metadata {
        name: "envoyfilter-namespace",
        severity: Severity::High,
        kinds: &[
            GroupKind { group: "networking.istio.io", kind: "EnvoyFilter" },
            GroupKind { group: "networking.istio.io", kind: "ProxyConfig" },
            GroupKind { group: "extensions.istio.io", kind: "WasmPlugin" },
            GroupKind { group: "extensions.istio.io", kind: "TrafficExtension" },
        ],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        // The request's namespace, never the object's own field: that one may be empty.
        let namespace = &*request.namespace;
        let kind = &*request.kind.kind;
        if namespace.is_empty() {
            return Err(CannotJudge::request(format!("the request names no namespace, and every {kind} has one")));
        }
        let in_place = mesh.has_config(namespace);
        match (in_place, OtherKind::of(kind)) {
            (true, None) => self.advise(object, namespace, mesh, findings)?,
            (true, Some(_)) => {}
            (false, None) => {
                if !(self.allow_target_refs_in_place && acts_in_place(object)?) {
                    findings.violation(misplaced(kind, namespace, mesh));
                }
            }
            (false, Some(other)) => {
                let finding = misplaced(kind, namespace, mesh);
                let listed = self.also_kinds.contains(&other);
                if listed { findings.violation(finding) } else { findings.advise([finding]) }
            }
        }
        Ok(())
    }
}

/// Whether a filter names targets, and all of them are such as count in its own namespace.
fn acts_in_place(object: Node<'_>) -> Result<bool, WrongType> {
    Ok(match attachment("EnvoyFilter", object)? {
        Attachment::Targets(targets) => targets.iter().all(TargetRef::is_local),
        Attachment::Everything | Attachment::Workloads => false,
    })
}

fn misplaced(kind: &str, namespace: &str, mesh: &Mesh) -> Finding {
    let allowed = mesh.config_namespaces.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    let a = if kind.starts_with('E') { "an" } else { "a" };
    Finding {
        message: format!("{a} {kind} in namespace `{namespace}`"),
        wanted: format!("namespace {allowed}"),
        remedy: format!("move it to {allowed} and name the workloads by their labels"),
        ..finding(PointerBuf::from_tokens(["metadata", "namespace"]), "namespace", namespace.into())
    }
}

fn finding(path: PointerBuf, subject: &str, value: Value) -> Finding {
    Finding { path, subject: subject.to_owned(), value, remedy: SELECT.to_owned(), ..Finding::default() }
}

const SELECT: &str = "name the workloads under spec.workloadSelector.labels";

impl EnvoyfilterNamespace {
    /// What a filter in a config namespace should say of its reach.
    fn advise(&self, object: Node<'_>, namespace: &str, mesh: &Mesh, findings: &mut Findings) -> Result<(), WrongType> {
        let root = mesh.root_namespace.as_deref();
        match attachment("EnvoyFilter", object)? {
            Attachment::Workloads => {}
            Attachment::Everything => {
                let path = PointerBuf::from_tokens(["spec", "workloadSelector", "labels"]);
                let finding = Finding {
                    message: "an EnvoyFilter without workload labels applies to every proxy that its namespace reaches"
                        .to_owned(),
                    wanted: "at least one label".to_owned(),
                    ..finding(path, "workloadSelector", Value::Null)
                };
                if self.require_selector { findings.violation(finding) } else { findings.advise([finding]) }
            }
            Attachment::Targets(targets) => {
                findings.advise(targets.iter().filter_map(|target| reach(target, namespace, root)));
            }
        }
        if let Some(root) = root.filter(|root| *root != namespace) {
            findings.advise([Finding {
                message: format!(
                    "`{namespace}` is not the mesh's root namespace: this filter acts on nothing outside it"
                ),
                wanted: format!("`{root}`, or `{namespace}` as the root namespace of mesh config"),
                remedy: format!("make `{namespace}` the root namespace, or add `{root}` to configNamespaces"),
                ..finding(PointerBuf::from_tokens(["metadata", "namespace"]), "root namespace", namespace.into())
            }]);
        }
        Ok(())
    }
}

/// What there is to say of a target's reach from a config namespace.
fn reach(target: &TargetRef<'_>, namespace: &str, root: Option<&str>) -> Option<Finding> {
    let TargetRef { node, kind, name, .. } = target;
    let message = match (target.is_gateway_class(), root) {
        (true, Some(root)) if root == namespace => return None,
        (true, _) => format!("a GatewayClass target counts only if `{namespace}` is the mesh's root namespace"),
        (false, _) => format!("a {kind} target acts only on objects in `{namespace}`"),
    };
    Some(Finding {
        message,
        wanted: "workloads named by their labels".to_owned(),
        remedy: format!("{SELECT} instead of targetRefs"),
        ..finding(node.pointer(), &format!("targetRef {kind}/{name}"), node.to_json())
    })
}
