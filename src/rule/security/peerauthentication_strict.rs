//! `peerauthentication-strict`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{Attachment, attachment, is_mesh_wide};
use crate::object::{Edit, Node};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A `PeerAuthentication` asks for mTLS and accepts no plain text.
    ///
    /// # What it does
    /// Refuses the modes `DISABLE` and `PERMISSIVE`, of the whole policy and of single ports. `UNSET`, and none at all,
    /// is accepted where it inherits; in the policy of the whole mesh it stands for `PERMISSIVE`, and `STRICT` has to be
    /// said. Refuses a policy with a selector in the root namespace, which Istio ignores: an error where Settings name
    /// the root namespace, else advice.
    ///
    /// # Why
    /// Where plain text is accepted, a caller has no identity: whoever reaches the Pod reads along or speaks in another's
    /// name, and an `AuthorizationPolicy` on principals holds for none of it. `PERMISSIVE` is meant for a migration
    /// (<https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/>). How policies inherit, and which
    /// are ignored: `ComposePeerAuthentication` of
    /// <https://github.com/istio/istio/blob/master/pilot/pkg/security/authn/policy_applier.go>.
    ///
    /// # Known limits
    /// One object is seen at a time: that a mesh has a policy at all, and which of several on one workload holds (the
    /// oldest), is not judged. ztunnel ignores `DISABLE`; it is refused all the same, as sidecars may come back.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct PeerauthenticationStrict {
        /// `PERMISSIVE` is advice, for the time of a migration. For single namespaces, until a day, that is an entry of
        /// `enforcement` or an exception in Settings.
        #[serde(default)]
        allow_permissive: bool,
    }
}

const KINDS: &[GroupKind] = &[GroupKind { group: "security.istio.io", kind: "PeerAuthentication" }];

impl Rule for PeerauthenticationStrict {
    const METADATA: Metadata = Metadata {
        name: "peerauthentication-strict",
        severity: Severity::Critical,
        kinds: KINDS,
        mends: KINDS,
        codes: &[
            "AsmPeerAuthnMeshStrictMtls",
            "AsmPeerAuthnStrictMtls",
            "KIA0401",
            "KIA0501",
            "KIA0505",
            "KIA0506",
            "PolicyStrictOnly",
            "enforce-strict-mtls",
        ],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let namespace = &*request.namespace;
        let mesh_wide = is_mesh_wide("PeerAuthentication", namespace, object, mesh)?;
        let mtls = object.map_at(&["spec", "mtls"])?;
        let mode = mtls.map_or(Ok(None), |mtls| mtls.text("mode"))?;
        match mode {
            None | Some("UNSET") if mesh_wide => findings.violation(Finding {
                message: "the policy of the whole mesh does not say its mode, and so accepts plain text".to_owned(),
                ..weak(["spec", "mtls", "mode"], "mtls", mode)
            }),
            mode => self.judge(weak(["spec", "mtls", "mode"], "mtls", mode), mode, findings),
        }
        for (port, settings) in object.map_at(&["spec", "portLevelMtls"])?.into_iter().flat_map(Node::members) {
            if !settings.is_null() {
                settings.expect_map()?;
                let mode = settings.text("mode")?;
                let path = ["spec", "portLevelMtls", port, "mode"];
                self.judge(weak(path, &format!("port {port}"), mode), mode, findings);
            }
        }
        if namespace == mesh.root() && matches!(attachment("PeerAuthentication", object)?, Attachment::Workloads) {
            let finding = ignored(namespace);
            // Elsewhere than in the root namespace the policy would count.
            if mesh.root_namespace.is_some() { findings.violation(finding) } else { findings.advise([finding]) }
        }
        Ok(())
    }
}

impl PeerauthenticationStrict {
    fn judge(&self, finding: Finding, mode: Option<&str>, findings: &mut Findings) {
        match mode {
            None | Some("STRICT" | "UNSET") => {}
            Some("PERMISSIVE") if self.allow_permissive => findings.advise([finding]),
            // What Istio does not know is no mTLS either: its API server refuses it.
            Some(_) => findings.violation(finding),
        }
    }
}

fn weak<const N: usize>(path: [&str; N], subject: &str, mode: Option<&str>) -> Finding {
    let path = PointerBuf::from_tokens(path);
    let what = if subject == "mtls" { "the policy" } else { subject };
    let message = match mode {
        Some("DISABLE") => format!("{what} accepts plain text alone"),
        Some("PERMISSIVE") => format!("{what} accepts plain text beside mTLS"),
        _ => format!("{what} has a mode that Istio does not know"),
    };
    Finding {
        subject: subject.to_owned(),
        value: mode.map_or(Value::Null, Value::from),
        message,
        wanted: "STRICT".to_owned(),
        remedy: "set the mode to STRICT, as soon as all callers have a proxy".to_owned(),
        fix: vec![Edit::Set { path: path.clone(), value: "STRICT".into() }],
        path,
        ..Finding::default()
    }
}

fn ignored(namespace: &str) -> Finding {
    Finding {
        path: PointerBuf::from_tokens(["spec", "selector"]),
        subject: "selector".to_owned(),
        value: namespace.into(),
        message: format!("Istio ignores a PeerAuthentication with a selector in the root namespace `{namespace}`"),
        wanted: "a policy in the namespace of its workloads, or one for the whole mesh".to_owned(),
        remedy: "move it to the namespace of its workloads, or take the selector away".to_owned(),
        ..Finding::default()
    }
}
