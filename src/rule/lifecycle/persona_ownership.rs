//! `persona-ownership`.

mod change;
mod owner;
mod place;

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, Mesh, POD_TEMPLATES, ROUTES, V1_KINDS};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Request, Rule, Severity, User, documented};

documented! {
    /// Who owns a part of the mesh configures it, in the place for it.
    ///
    /// # What it does
    /// Judges two things, each for itself, by the namespaces of Settings (`mesh`). The place, whoever asks:
    ///
    /// - refuses workloads beside the control plane that are no part of Istio
    /// - refuses routes, workload entries, ServiceEntries and DestinationRules beside the control plane; not those of the
    ///   root namespace that are exported, as they are for the whole mesh
    /// - with `gatewayRoutes`, refuses a VirtualService for a gateway outside the gateway namespaces
    ///
    /// And the person, where the parameters name groups and it is known who asks:
    ///
    /// | what | whose |
    /// |---|---|
    /// | everything in a namespace of a control plane, the root namespace, the config namespaces; `EnvoyFilter`, `WasmPlugin`, `TrafficExtension` everywhere | `meshAdmins` |
    /// | `Gateway` and `ListenerSet` everywhere, Istio's and Gateway API's kinds in the gateway namespaces; with `gatewayRoutes` a VirtualService for a gateway | `networkOwners`, `meshAdmins` |
    /// | everything else | whoever may write into the namespace |
    ///
    /// What was somebody's before an update is so in it too. One that changes only what the cluster keeps in an object
    /// (finalizers, owners, status) is nobody's. For mesh administrators nothing is judged, nor for istiod and the
    /// controllers of kube-system.
    ///
    /// # Why
    /// What stands in the root namespace acts on the workloads of everybody, with a selector too, and a filter can undo
    /// every policy. RBAC of Kubernetes knows kinds and namespaces, and neither what is for the whole mesh nor what is
    /// for a gateway. Who these persons are: <https://gateway-api.sigs.k8s.io/concepts/roles-and-personas/>. Tenants by
    /// namespace: <https://istio.io/latest/docs/ops/deployment/deployment-models/#namespace-tenancy>. Nothing beside the
    /// control plane: <https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway>.
    ///
    /// # Known limits
    /// Who may delete is not judged. Where gateways and filters may stand is said by `gateway-namespace` and
    /// `envoyfilter-namespace`. An image is what its name says.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct PersonaOwnership {
        /// Groups of mesh administrators. Installers belong to them (`system:serviceaccounts:sail-operator`).
        #[serde(default)]
        mesh_admins: Vec<String>,
        /// Groups of those who own the gateways.
        #[serde(default)]
        network_owners: Vec<String>,
        /// Groups of controllers that ask for everybody (`system:serviceaccounts:argocd`). Of what they ask the place
        /// alone is judged.
        #[serde(default)]
        git_ops: Vec<String>,
        /// A VirtualService for a gateway belongs to the owners of gateways, and into their namespaces.
        #[serde(default)]
        gateway_routes: bool,
        /// The last part of the images that may run beside the control plane.
        #[serde(default = "images")]
        control_plane_images: Vec<String>,
    }
}

/// What Istio's charts run there; gateways are the concern of another rule.
fn images() -> Vec<String> {
    ["pilot", "install-cni", "ztunnel", "proxyv2", "auto"].map(str::to_owned).to_vec()
}

const OTHERS: [GroupKind; 8] = [
    GroupKind { group: "", kind: "ConfigMap" },
    GroupKind { group: "extensions.istio.io", kind: "TrafficExtension" },
    GroupKind { group: "extensions.istio.io", kind: "WasmPlugin" },
    GroupKind { group: "gateway.networking.k8s.io", kind: "Gateway" },
    GroupKind { group: "gateway.networking.k8s.io", kind: "ListenerSet" },
    GroupKind { group: "gateway.networking.x-k8s.io", kind: "XListenerSet" },
    GroupKind { group: "networking.istio.io", kind: "EnvoyFilter" },
    GroupKind { group: "networking.istio.io", kind: "ProxyConfig" },
];

impl Rule for PersonaOwnership {
    const METADATA: Metadata = Metadata {
        name: "persona-ownership",
        severity: Severity::High,
        kinds: &GroupKind::all_of::<{ V1_KINDS.len() + OTHERS.len() + ROUTES.len() + POD_TEMPLATES.len() }>(&[
            &V1_KINDS,
            &OTHERS,
            &ROUTES,
            &POD_TEMPLATES,
        ]),
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let user = request.user.as_ref();
        if user.is_some_and(|user| is_of_cluster(user, mesh) || is_in(user, &self.mesh_admins)) {
            return Ok(());
        }
        if let Some(message) = self.misplaced(object, request, mesh)? {
            findings.violation(Finding {
                path: PointerBuf::from_tokens(["metadata", "namespace"]),
                subject: "namespace".to_owned(),
                value: (&*request.namespace).into(),
                message,
                wanted: "a namespace of its own".to_owned(),
                remedy: "move it to the namespace of its application or gateway".to_owned(),
                ..Finding::default()
            });
        }
        let Some(user) = user else { return Ok(()) };
        let owner = match self.owner(object, request, mesh)? {
            // Whoever takes a route off a gateway changes what the gateway does, as whoever puts it there.
            None => match request.old_object.tree().map_err(CannotJudge::request)? {
                Some(old) => self.owner(old.root(), request, mesh)?,
                None => None,
            },
            owner => owner,
        };
        let Some(owner) = owner else { return Ok(()) };
        let groups = self.groups(owner);
        let may = groups.is_empty() || is_in(user, groups) || is_in(user, &self.git_ops);
        if !may && change::says_something_else(object, request)? {
            findings.violation(foreign(request, user, owner, groups));
        }
        Ok(())
    }
}

fn is_in(user: &User<'_>, groups: &[String]) -> bool {
    user.groups.iter().any(|own| groups.iter().any(|group| group == own))
}

/// Whether the cluster itself asks, or istiod: both only carry out what somebody else was allowed to say.
fn is_of_cluster(user: &User<'_>, mesh: &Mesh) -> bool {
    user.name == "system:kube-controller-manager"
        || user.service_account().is_some_and(|(namespace, name)| {
            let control_plane = mesh.has_control_plane(namespace);
            namespace == "kube-system" || (control_plane && name.starts_with("istiod"))
        })
}

fn foreign(request: &Request<'_>, user: &User<'_>, owner: owner::Owner, groups: &[String]) -> Finding {
    let Request { kind, namespace, .. } = request;
    let listed = groups.iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(" or ");
    Finding {
        path: PointerBuf::from_tokens(["kind"]),
        subject: "owner".to_owned(),
        value: (&*user.name).into(),
        message: format!("{} in `{namespace}` belongs to {owner}, and `{}` is none of them", kind.kind, user.name),
        wanted: format!("a member of {listed}"),
        remedy: format!("ask {owner} for it"),
        ..Finding::default()
    }
}
