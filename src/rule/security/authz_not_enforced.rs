//! `authz-not-enforced`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Authorization, DRY_RUN, dry_run, own_annotation_path};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// An `AuthorizationPolicy` is enforced.
    ///
    /// # What it does
    /// Refuses policies with the annotation `istio.io/dry-run: "true"`, in every form in which Istio reads it as true,
    /// and with the action `AUDIT`.
    ///
    /// # Why
    /// Both look like protection in every listing and stop nothing: a dry run only logs what it would have done
    /// (<https://istio.io/latest/docs/tasks/security/authorization/authz-dry-run/>), and `AUDIT` marks requests for a
    /// plugin, which Istio itself has none of
    /// (<https://istio.io/latest/docs/reference/config/security/authorization-policy/#AuthorizationPolicy-Action>).
    ///
    /// # Known limits
    /// How long a dry run has been one is not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct AuthzNotEnforced {
        /// Accepts the action `AUDIT`, for meshes with a plugin that reads it.
        #[serde(default)]
        allow_audit: bool,
    }
}

impl Rule for AuthzNotEnforced {
    const METADATA: Metadata = Metadata {
        name: "authz-not-enforced",
        severity: Severity::Low,
        kinds: &[GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        if let Some(text) = dry_run(object)? {
            findings.violation(Finding {
                path: own_annotation_path(DRY_RUN),
                subject: DRY_RUN.to_owned(),
                value: text.into(),
                message: "a policy that runs dry logs what it would do, and stops nothing".to_owned(),
                wanted: "a policy that is enforced".to_owned(),
                remedy: format!("take the annotation `{DRY_RUN}` away once its logs look right"),
                ..Finding::default()
            });
        }
        if Authorization::of(object)?.action == "AUDIT" && !self.allow_audit {
            findings.violation(Finding {
                path: json_patch::jsonptr::PointerBuf::from_tokens(["spec", "action"]),
                subject: "action".to_owned(),
                value: "AUDIT".into(),
                message: "a policy that audits stops nothing".to_owned(),
                wanted: "ALLOW, DENY or CUSTOM".to_owned(),
                remedy: "enforce it by another action, or take it away".to_owned(),
                ..Finding::default()
            });
        }
        Ok(())
    }
}
