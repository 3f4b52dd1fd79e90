//! `mesh-config-baseline`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::protobuf::{boolean, field, message};
use crate::mesh::{Carrier, MESH_CONFIGS, Mesh, Opened, Place, Unreadable, WEAK_TLS, mesh_configs};
use crate::object::{Node, Value, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Request, Rule, Severity, documented};

documented! {
    /// Mesh config keeps what the safety of the whole mesh rests on.
    ///
    /// # What it does
    /// Refuses mesh config that istiod cannot read, that turns automatic mutual TLS off (`enableAutoMtls: false`), paths
    /// left as they come (`pathNormalization.normalization: NONE`), versions of TLS before 1.2 and a control plane without
    /// mutual TLS (`controlPlaneAuthPolicy: NONE`). Refuses that an update moves `rootNamespace` or `trustDomain`. Advises
    /// against the normalization `BASE`. It reads the ConfigMaps of control planes, `IstioOperator`, `Istio`,
    /// `IstioRevision`, `ServiceMeshControlPlane`, and the values of a `HelmRelease` and of an `Application` for istiod.
    ///
    /// # Why
    /// One line here acts on every proxy. With another root namespace all policies for the whole mesh stop counting at
    /// once; with another trust domain no identity in a policy matches; paths that are not normalized get past policies
    /// about paths: <https://istio.io/latest/docs/ops/best-practices/security/#customize-your-system-on-path-normalization>,
    /// <https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/>.
    ///
    /// # Known limits
    /// Each object is read alone: that a shared ConfigMap says the same is not known, nor what istiod's variables say. A
    /// normalization that is not named at all, which is `BASE`, passes. Mesh config under `binaryData` is not seen, nor files
    /// of values that a `HelmRelease` or an `Application` names.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct MeshConfigBaseline {}
}

/// Fields that every policy hangs on, with the value that an absent one has, and what moves with them.
const PINNED: [(&str, &str, &str); 2] = [
    ("rootNamespace", "istio-system", "policies for the whole mesh stop counting"),
    ("trustDomain", "cluster.local", "identities in policies match nobody any more"),
];

impl Rule for MeshConfigBaseline {
    const METADATA: Metadata = Metadata {
        name: "mesh-config-baseline",
        severity: Severity::High,
        kinds: &MESH_CONFIGS,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let tree = request.old_object.tree().ok().flatten();
        let old = tree.as_ref().map_or(Ok(Vec::new()), |old| carriers(old.root(), request, mesh))?;
        let old = |at: usize| old.get(at).and_then(|old| said(old).ok().flatten());
        let new = carriers(object, request, mesh)?;
        if let Some(old) = old(0).filter(|_| new.is_empty()) {
            moved(None, &object.into(), &old, findings);
        }
        for (at, carrier) in new.into_iter().enumerate() {
            let opened = match said(&carrier) {
                Ok(opened) => opened,
                Err(error) => {
                    findings.violation(unreadable(error));
                    continue;
                }
            };
            if let Some(opened) = &opened
                && let Err(error) = judge(opened, findings)
            {
                findings.violation(unreadable(opened.unreadable(&error)));
            }
            if let Some(old) = old(at) {
                moved(opened.as_ref(), &carrier.node().into(), &old, findings);
            }
        }
        Ok(())
    }
}

/// What a mesh config says, if it says anything. Every key may matter, so the whole text is read.
fn said<'t>(carrier: &Carrier<'t>) -> Result<Option<Opened<'t>>, Unreadable> {
    Ok(carrier.open("")?.filter(|opened| !opened.root().is_null()))
}

fn carriers<'t>(object: Node<'t>, request: &Request<'_>, mesh: &Mesh) -> Result<Vec<Carrier<'t>>, Unreadable> {
    mesh_configs((&request.kind.group, &request.kind.kind), (&request.namespace, &request.name), object, mesh)
}

/// Judges the fields of one mesh config.
fn judge(opened: &Opened<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    let root = opened.root();
    root.expect_map()?;
    if let Some((node, false)) = boolean(root, "enableAutoMtls")? {
        let message = "proxies send plain text wherever no DestinationRule asks for mutual TLS";
        findings.violation(finding(opened, node, "enableAutoMtls", message, "`true`, the default"));
    }
    let normalization = message(root, "pathNormalization")?.and_then(|paths| field(paths, "normalization"));
    match normalization.map(|node| (node, word(node, &["DEFAULT", "NONE", "BASE"]))) {
        Some((node, "NONE")) => {
            let message = "paths are not normalized: `/public/../admin` gets past a policy about `/admin`";
            findings.violation(finding(opened, node, "normalization", message, "`DECODE_AND_MERGE_SLASHES`"));
        }
        Some((node, "BASE" | "DEFAULT")) => {
            let message = "`//admin` and `%2Fadmin` are other paths than `/admin` to a policy";
            findings.advise([finding(opened, node, "normalization", message, "`DECODE_AND_MERGE_SLASHES`")]);
        }
        _ => {}
    }
    let own = root.get("mesh_mTLS").filter(|node| !node.is_null());
    for tls in [message(root, "meshMTLS")?.or(own), message(root, "tlsDefaults")?].into_iter().flatten() {
        let version = field(tls, "minProtocolVersion");
        if let Some(node) = version.filter(|node| WEAK_TLS.contains(&node.as_str().unwrap_or_default())) {
            let message = "versions of TLS before 1.2 are broken";
            findings.violation(finding(opened, node, "minProtocolVersion", message, "`TLSV1_2` or `TLSV1_3`"));
        }
    }
    let policy = message(root, "defaultConfig")?.and_then(|config| field(config, "controlPlaneAuthPolicy"));
    if let Some(node) = policy.filter(|node| word(node.to_owned(), &["NONE"]) == "NONE") {
        let message = "proxies talk to istiod in plain text";
        findings.violation(finding(opened, node, "controlPlaneAuthPolicy", message, "`MUTUAL_TLS`, the default"));
    }
    Ok(())
}

/// An enum's word, which mesh config may write as its number.
fn word<'a>(node: Node<'a>, words: &[&'a str]) -> &'a str {
    match node.value() {
        Value::Text(text) => text,
        Value::Number(number) => {
            let at = number.as_u64().and_then(|at| usize::try_from(at).ok());
            at.and_then(|at| words.get(at)).copied().unwrap_or_default()
        }
        _ => "",
    }
}

/// Judges what an update moves, where nothing is said any more too: there stands, or stood, the mesh config `at`.
fn moved(new: Option<&Opened<'_>>, at: &Place, old: &Opened<'_>, findings: &mut Findings) {
    for (name, default, effect) in PINNED {
        let said = |opened: Option<&Opened<'_>>| {
            let text = opened.and_then(|opened| field(opened.root(), name)?.as_str().map(str::to_owned));
            text.filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
        };
        let (now, before) = (said(new), said(Some(old)));
        if now != before {
            let place = new.map(|new| new.place(field(new.root(), name).unwrap_or(new.root())));
            let message = format!("{name} moves from {} to {}: {effect}", quoted(&before), quoted(&now));
            findings.violation(at_place(place.unwrap_or(at.clone()), now.into(), name, &message, "what it was"));
        }
    }
}

fn unreadable(error: Unreadable) -> Finding {
    Finding {
        path: error.place.path,
        inner: error.place.inner,
        subject: "mesh config".to_owned(),
        value: error.message.clone().into(),
        message: format!("istiod cannot read this mesh config: {}", error.message),
        wanted: "MeshConfig in YAML".to_owned(),
        remedy: "correct it; istiod goes on with what it had, and starts with nothing of it".to_owned(),
        ..Finding::default()
    }
}

fn finding(opened: &Opened<'_>, node: Node<'_>, name: &str, message: &str, wanted: &str) -> Finding {
    at_place(opened.place(node), node.to_json(), name, message, wanted)
}

fn at_place(place: Place, value: serde_json::Value, name: &str, message: &str, wanted: &str) -> Finding {
    Finding {
        path: place.path,
        inner: place.inner,
        subject: name.to_owned(),
        value,
        message: message.to_owned(),
        wanted: wanted.to_owned(),
        remedy: format!("set {name} to {wanted}"),
        ..Finding::default()
    }
}
