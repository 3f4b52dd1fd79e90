//! `protect-mesh-baseline`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{
    Attachment, Authorization, Carrier, DRY_RUN, GroupKind, Mesh, REVISION, TargetRef, attachment, dry_run,
    is_mesh_wide, mesh_configs, own_annotation_path, own_label, own_label_path,
};
use crate::object::{Node, WrongType};
use crate::rule::{
    CannotJudge, Finding, Findings, Input, Metadata, Operation, Request, Rule, Severity, User, documented,
};

documented! {
    /// What keeps the whole mesh safe is neither deleted nor weakened.
    ///
    /// # What it does
    /// Refuses to delete, and to make less of by an update:
    ///
    /// - the `PeerAuthentication` that asks for `STRICT` mTLS in the whole mesh
    /// - an `AuthorizationPolicy` that denies by default: it allows nothing, and attaches to a namespace, the whole mesh
    ///   or a class of gateways
    /// - the `Sidecar` of the root namespace that every proxy without one of its own follows
    /// - the Namespace of a control plane, and the root namespace
    /// - the mesh config `istio`, and the shared ones; for that of another revision it is advice
    ///
    /// To label one of Istio's objects with a revision makes less of it too: other control planes pass over it.
    ///
    /// What is on its way out already may be deleted again. The garbage collector and the namespace controller may
    /// delete everything: they only finish what somebody was allowed to begin. Who may do it all the same, to uninstall
    /// Istio for instance, is named under `match.users` (`excludeGroups`) of the policy in Settings.
    ///
    /// # Why
    /// One command takes all of this away, and nothing breaks at once: proxies go back to plain text, workloads without
    /// a policy of their own accept every request, and istiod to its defaults. Where no policy allows anything, Istio
    /// allows everything: <https://istio.io/latest/docs/concepts/security/#implicit-enablement>. How mTLS is inherited:
    /// <https://istio.io/latest/docs/reference/config/security/peer_authentication/>.
    ///
    /// # Known limits
    /// One object is seen at a time: one that is deleted because another took its place is refused too, and the last
    /// policy of a namespace that allows something is not known for it. Deleting a Namespace of an application takes its
    /// policies with it. The API server never asks about webhook configurations.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct ProtectMeshBaseline {}
}

impl Rule for ProtectMeshBaseline {
    const METADATA: Metadata = Metadata {
        name: "protect-mesh-baseline",
        severity: Severity::Critical,
        kinds: &[
            GroupKind { group: "security.istio.io", kind: "PeerAuthentication" },
            GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" },
            GroupKind { group: "networking.istio.io", kind: "Sidecar" },
            GroupKind { group: "", kind: "Namespace" },
            GroupKind { group: "", kind: "ConfigMap" },
        ],
        operations: &[Operation::Update, Operation::Delete],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let finding = if request.operation == Operation::Delete {
            let allowed = is_terminating(object) || request.user.as_ref().is_some_and(is_cleaner);
            if allowed || falls_short(object, request, mesh)?.is_some() {
                return Ok(());
            }
            finding(PointerBuf::from_tokens(["metadata", "name"]), "deleting", request, mesh)
        } else {
            let Some(old) = request.old_object.tree().map_err(CannotJudge::request)? else { return Ok(()) };
            match weakened(old.root(), object, request, mesh)? {
                Some(path) => finding(path, "this update of", request, mesh),
                None => return Ok(()),
            }
        };
        let of_revision = request.kind.kind == "ConfigMap" && !is_current(name(object, request), mesh);
        if of_revision {
            findings.advise([finding])
        } else {
            findings.violation(finding)
        }
        Ok(())
    }
}

/// Whether it only finishes what somebody was allowed to begin. One of them has no name of its own where
/// kube-controller-manager runs without `--use-service-account-credentials`.
fn is_cleaner(user: &User<'_>) -> bool {
    user.name == "system:kube-controller-manager"
        || matches!(user.service_account(), Some(("kube-system", "generic-garbage-collector" | "namespace-controller")))
}

fn is_terminating(object: Node<'_>) -> bool {
    object.at(&["metadata", "deletionTimestamp"]).is_some_and(|timestamp| !timestamp.is_null())
}

/// The object's own name, where a request to delete a collection has none.
fn name<'t>(object: Node<'t>, request: &'t Request<'_>) -> &'t str {
    let own = || object.at(&["metadata", "name"]).and_then(Node::as_str).unwrap_or_default();
    if request.name.is_empty() { own() } else { &request.name }
}

/// Whether a mesh config of this name is in use for sure: that of a revision may be left over from an upgrade.
fn is_current(name: &str, mesh: &Mesh) -> bool {
    name == "istio" || mesh.shared_mesh_configs.iter().any(|shared| shared == name)
}

/// Where an update makes less of what is protected.
fn weakened(
    old: Node<'_>,
    new: Node<'_>,
    request: &Request<'_>,
    mesh: &Mesh,
) -> Result<Option<PointerBuf>, CannotJudge> {
    if falls_short(old, request, mesh)?.is_some() {
        return Ok(None);
    }
    let short = falls_short(new, request, mesh)?;
    Ok(if short.is_some() { short } else { loses_reach(old, new, request)? })
}

/// Where an object is not what is protected; none where it is.
fn falls_short(object: Node<'_>, request: &Request<'_>, mesh: &Mesh) -> Result<Option<PointerBuf>, CannotJudge> {
    let (kind, namespace) = (&*request.kind.kind, &*request.namespace);
    let unless = |holds: bool, path: &[&str]| (!holds).then(|| PointerBuf::from_tokens(path.iter().copied()));
    Ok(match kind {
        "PeerAuthentication" => {
            let mtls = object.map_at(&["spec", "mtls"])?;
            let mode = mtls.map_or(Ok(None), |mtls| mtls.text("mode"))?;
            unless(is_mesh_wide(kind, namespace, object, mesh)?, &["spec", "selector"])
                .or(unless(mode == Some("STRICT"), &["spec", "mtls", "mode"]))
        }
        "AuthorizationPolicy" => {
            let policy = Authorization::of(object)?;
            let broad = match attachment(kind, object)? {
                Attachment::Everything => None,
                Attachment::Workloads => unless(false, &["spec", "selector"]),
                Attachment::Targets(targets) => {
                    unless(targets.iter().all(TargetRef::is_gateway_class), &["spec", "targetRefs"])
                }
            };
            broad
                .or(unless(policy.action == "ALLOW", &["spec", "action"]))
                .or(unless(policy.allows_nothing(), &["spec", "rules"]))
                .or(dry_run(object)?.map(|_| own_annotation_path(DRY_RUN)))
        }
        "Sidecar" => unless(is_mesh_wide(kind, namespace, object, mesh)?, &["spec", "workloadSelector"]),
        "Namespace" => unless(mesh.lives_in(namespace), &["metadata", "name"]),
        _ => {
            let name = (namespace, name(object, request));
            let configs = mesh_configs((&request.kind.group, kind), name, object, mesh)?;
            unless(configs.iter().any(says_something), &["data", "mesh"])
        }
    })
}

/// Whether a mesh config sets anything; one that cannot be read may.
fn says_something(config: &Carrier<'_>) -> bool {
    config.open("").map_or(true, |opened| opened.is_some_and(|opened| opened.root().members().next().is_some()))
}

/// Where an object of Istio's leaves a control plane that read it, or something that it attached to, for something else
/// of that sort. A control plane passes over what is labelled with another revision: `ObjectInRevision` of
/// <https://github.com/istio/istio/blob/master/pkg/config/model.go>.
fn loses_reach(old: Node<'_>, new: Node<'_>, request: &Request<'_>) -> Result<Option<PointerBuf>, WrongType> {
    let revision = own_label(new, REVISION)?;
    if !request.kind.group.is_empty() && revision.is_some() && revision != own_label(old, REVISION)? {
        return Ok(Some(own_label_path(REVISION)));
    }
    let classes = |object| match attachment(&request.kind.kind, object)? {
        Attachment::Targets(targets) => Ok(targets.into_iter().map(|target| target.name).collect()),
        Attachment::Everything | Attachment::Workloads => Ok(Vec::new()),
    };
    let (old, new): (Vec<&str>, Vec<&str>) = (classes(old)?, classes(new)?);
    let keeps = old.is_empty() == new.is_empty() && old.iter().all(|class| new.contains(class));
    Ok((!keeps).then(|| PointerBuf::from_tokens(["spec", "targetRefs"])))
}

fn finding(path: PointerBuf, act: &str, request: &Request<'_>, mesh: &Mesh) -> Finding {
    let namespace = &*request.namespace;
    let (what, effect) = match &*request.kind.kind {
        "PeerAuthentication" => {
            ("the STRICT mTLS of the whole mesh".to_owned(), "proxies without a policy of their own accept plain text")
        }
        "AuthorizationPolicy" => {
            let of = if namespace == mesh.root() { "the mesh".to_owned() } else { format!("namespace `{namespace}`") };
            (format!("what denies by default in {of}"), "what no other policy names accepts every request")
        }
        "Sidecar" => ("the Sidecar of the whole mesh".to_owned(), "every proxy gets the configuration of everything"),
        "Namespace" => (
            format!("the mesh's own namespace `{namespace}`"),
            "the control plane, and policies for the whole mesh, go with it",
        ),
        _ => ("a mesh config".to_owned(), "istiod goes by its defaults"),
    };
    Finding {
        path,
        subject: "mesh baseline".to_owned(),
        value: request.operation.as_str().into(),
        message: format!("{act} {what}: {effect}"),
        wanted: "the object as it is".to_owned(),
        remedy: "keep it, and allow or except what is meant by a policy of its own; who may change it is named in \
                 Settings (match.users.excludeGroups)"
            .to_owned(),
        ..Finding::default()
    }
}
