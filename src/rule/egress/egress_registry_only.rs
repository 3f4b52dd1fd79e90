//! `egress-registry-only`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::protobuf::{field, message};
use crate::mesh::{Carrier, GroupKind, MESH_CONFIGS, Opened, Place, Unreadable, helm_values, mesh_configs};
use crate::object::{Node, Value, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Proxies send to hosts that the mesh knows, and nowhere else.
    ///
    /// # What it does
    /// Refuses `outboundTrafficPolicy.mode: ALLOW_ANY` and `ALLOW_ANY_DYNAMIC_DNS` in mesh config (ConfigMaps of control
    /// planes, `IstioOperator`, `Istio`, `IstioRevision`, `ServiceMeshControlPlane`, the values of a `HelmRelease` and of
    /// an `Application`), in the old Helm value `global.outboundTrafficPolicy` and in a `Sidecar`, and an update that
    /// takes `REGISTRY_ONLY` out of mesh config. Advises against an `outboundTrafficPolicy` that names no mode, which is
    /// read in two ways, and against `egressProxy`, which is deprecated.
    ///
    /// # Why
    /// Where everything may be reached, a workload that somebody broke into reaches everything: unseen, as no route and
    /// no name stand for it. It is no firewall, and a process may go past its proxy: an egress gateway and a
    /// NetworkPolicy belong to it. <https://istio.io/latest/docs/tasks/traffic-management/egress/egress-control/>.
    ///
    /// # Known limits
    /// Each object is read alone: a Sidecar that says nothing takes what mesh config says. Files of values that a
    /// `HelmRelease` or an `Application` names are not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct EgressRegistryOnly {
        /// Mesh config that says nothing is refused too, as Istio's default is `ALLOW_ANY`.
        #[serde(default)]
        require_explicit: bool,
    }
}

const POLICY: &str = "outboundTrafficPolicy";

/// The mode that keeps traffic to what the mesh knows.
const REGISTRY_ONLY: &str = "REGISTRY_ONLY";

/// Those that do not.
const OPEN: [&str; 2] = ["ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS"];

const SIDECAR: GroupKind = GroupKind { group: "networking.istio.io", kind: "Sidecar" };

impl Rule for EgressRegistryOnly {
    const METADATA: Metadata = Metadata {
        name: "egress-registry-only",
        severity: Severity::High,
        kinds: &GroupKind::all_of::<{ MESH_CONFIGS.len() + 1 }>(&[&MESH_CONFIGS, &[SIDECAR]]),
        codes: &["KIA1007"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let kind = (&*request.kind.group, &*request.kind.kind);
        if kind == (SIDECAR.group, SIDECAR.kind) {
            return check_sidecar(object, findings);
        }
        let name = (&*request.namespace, &*request.name);
        let mut at = Place::from(object);
        for carrier in mesh_configs(kind, name, object, mesh)? {
            at = carrier.node().into();
            let Some(opened) = carrier.open("")? else { continue };
            self.check_mesh_config(&opened, policy(&opened)?, findings).map_err(|error| opened.unreadable(&error))?;
        }
        let old = request.old_object.tree().map_err(CannotJudge::request)?;
        let old = old.as_ref().and_then(|old| mesh_configs(kind, name, old.root(), mesh).ok());
        if findings.violations.is_empty()
            && old.is_some_and(|old| is_closed(old).unwrap_or_default())
            && !is_closed(mesh_configs(kind, name, object, mesh)?)?
        {
            let message = "this takes `REGISTRY_ONLY` away, and Istio's default is `ALLOW_ANY`".to_owned();
            findings.violation(Finding { message, ..unsaid(at) });
        }
        for values in helm_values(kind, object)? {
            for mode in values.all(&["global", POLICY], "mode")? {
                if is_any(mode.node).or_else(|_| mode.text().map(|_| false))? {
                    findings.violation(any(mode.place, mode.node));
                }
            }
        }
        Ok(())
    }
}

impl EgressRegistryOnly {
    fn check_mesh_config(
        &self,
        opened: &Opened<'_>,
        policy: Option<Node<'_>>,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        match policy.map(|policy| (policy, field(policy, "mode"))) {
            Some((_, Some(mode))) if is_any(mode)? => findings.violation(any(opened.place(mode), mode)),
            Some((_, Some(_))) => {}
            Some((policy, None)) => findings.advise([unsaid(opened.place(policy))]),
            None if self.require_explicit => {
                let finding = unsaid(opened.place(opened.root()));
                let message = "nothing is said of outbound traffic, and Istio's default is `ALLOW_ANY`".to_owned();
                findings.violation(Finding { message, ..finding });
            }
            None => {}
        }
        Ok(())
    }
}

/// What a mesh config says of outbound traffic.
fn policy<'o>(opened: &'o Opened<'_>) -> Result<Option<Node<'o>>, Unreadable> {
    let root = Some(opened.root()).filter(|root| !root.is_null());
    root.map_or(Ok(None), |root| message(root, POLICY)).map_err(|error| opened.unreadable(&error))
}

/// Whether one of these mesh configs keeps traffic to what the mesh knows.
fn is_closed(configs: Vec<Carrier<'_>>) -> Result<bool, Unreadable> {
    for carrier in configs {
        let Some(opened) = carrier.open("")? else { continue };
        let mode = policy(&opened)?.map(|policy| field(policy, "mode"));
        if mode.is_some_and(|mode| mode.is_none_or(|mode| is_any(mode) == Ok(false))) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn check_sidecar(object: Node<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
    let Some(policy) = object.map_at(&["spec", POLICY])? else { return Ok(()) };
    let said = policy.text("mode")?.filter(|mode| !mode.is_empty());
    match policy.get("mode").filter(|_| said.is_some()) {
        Some(mode) if is_any(mode)? => findings.violation(any(mode.into(), mode)),
        Some(_) => {}
        None => findings.advise([unsaid(policy.into())]),
    }
    if let Some(proxy) = policy.map("egressProxy")? {
        findings.advise([Finding {
            path: proxy.pointer(),
            subject: "egressProxy".to_owned(),
            message: "egressProxy is deprecated".to_owned(),
            wanted: "an egress gateway".to_owned(),
            remedy: "send what leaves through a gateway, by a ServiceEntry and a VirtualService".to_owned(),
            ..Finding::default()
        }]);
    }
    Ok(())
}

/// Whether a mode lets everything out: by its word or, as mesh config may write it, its number. A word that Istio does
/// not know does, since istiod then takes none of that mesh config, and goes by its defaults.
fn is_any(mode: Node<'_>) -> Result<bool, WrongType> {
    match mode.value() {
        Value::Text(text) => Ok(!matches!(text, "" | REGISTRY_ONLY)),
        // `REGISTRY_ONLY` alone is 0.
        Value::Number(number) => Ok(number.as_i64() != Some(0)),
        _ => Err(mode.wrong_type("a string")),
    }
}

fn any(place: Place, mode: Node<'_>) -> Finding {
    Finding {
        path: place.path,
        inner: place.inner,
        subject: POLICY.to_owned(),
        value: mode.to_json(),
        message: mode.as_str().filter(|mode| !OPEN.contains(mode)).map_or_else(
            || "proxies may send to any host".to_owned(),
            |mode| format!("Istio knows no mode {}, and its default lets proxies send to any host", quoted(mode)),
        ),
        wanted: "`REGISTRY_ONLY`".to_owned(),
        remedy: "set the mode to REGISTRY_ONLY, and name outside hosts in ServiceEntries; an egress gateway and a \
                 NetworkPolicy make a boundary of it"
            .to_owned(),
        ..Finding::default()
    }
}

fn unsaid(place: Place) -> Finding {
    Finding {
        path: place.path,
        inner: place.inner,
        subject: POLICY.to_owned(),
        message: "outboundTrafficPolicy without a mode is read in two ways".to_owned(),
        wanted: "`mode: REGISTRY_ONLY`".to_owned(),
        remedy: "say the mode".to_owned(),
        ..Finding::default()
    }
}
