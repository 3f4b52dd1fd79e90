//! `authz-safe-patterns`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Authorization, AuthorizationRule};
use crate::object::Node;
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// An `AuthorizationPolicy` allows what it names, and not everything else.
    ///
    /// # What it does
    /// Refuses negative fields in `ALLOW` policies: `notPrincipals`, `notPaths` and their like, and `notValues` of
    /// conditions. With `strict` it refuses the opposite in `DENY` policies too.
    ///
    /// # Why
    /// Istio and what stands behind it may read a request differently, a path above all. A policy that misses a form of
    /// what it names should then refuse, not let through: allow by positive matches, deny by negative ones. Istio says so
    /// in <https://istio.io/latest/docs/ops/best-practices/security/#use-allow-with-positive-matching-and-deny-with-negative-match-patterns>.
    ///
    /// # Known limits
    /// A negative field that only narrows a positive one beside it is refused like any other.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct AuthzSafePatterns {
        /// In a `DENY` policy, positive fields of sources and operations are a violation; ports, and values of
        /// conditions, are not.
        #[serde(default)]
        strict: bool,
    }
}

impl Rule for AuthzSafePatterns {
    const METADATA: Metadata = Metadata {
        name: "authz-safe-patterns",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" }],
        codes: &["AsmAuthzPolicySafePattern"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Authorization { action, rules } = Authorization::of(object)?;
        for rule in &rules {
            match action {
                "ALLOW" => allowed_but(rule).into_iter().for_each(|finding| findings.violation(finding)),
                "DENY" if self.strict => denied_only(rule).for_each(|finding| findings.violation(finding)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What an `ALLOW` rule leaves out.
fn allowed_but(rule: &AuthorizationRule<'_>) -> Vec<Finding> {
    let clauses = rule.from.iter().chain(&rule.to).flat_map(|clause| &clause.fields);
    let fields = clauses.filter(|field| field.is_negative()).map(|field| (field.node, field.name));
    let conditions = rule.when.iter().filter(|condition| !condition.not_values.is_empty());
    let conditions = conditions.filter_map(|condition| Some((condition.node.get("notValues")?, condition.key)));
    let unsafe_ = |(node, name)| {
        let message = format!("an ALLOW policy that excludes by `{name}` allows whatever it does not recognise");
        finding(node, name, message, "positive fields", "name what is allowed, or deny by a policy of its own")
    };
    fields.chain(conditions).map(unsafe_).collect()
}

/// What a `DENY` rule names, and so may miss another form of.
fn denied_only<'r>(rule: &'r AuthorizationRule<'_>) -> impl Iterator<Item = Finding> + use<'r> {
    let fields = rule.from.iter().chain(&rule.to).flat_map(|clause| &clause.fields);
    fields.filter(|field| !field.is_negative() && field.name != "ports").map(|field| {
        let message = format!("a DENY policy by `{}` lets through whatever it does not recognise", field.name);
        finding(field.node, field.name, message, "negative fields", "deny all but what is allowed, by the `not…` field")
    })
}

fn finding(node: Node<'_>, subject: &str, message: String, wanted: &str, remedy: &str) -> Finding {
    Finding { message, wanted: wanted.to_owned(), remedy: remedy.to_owned(), ..Finding::of(node, subject) }
}
