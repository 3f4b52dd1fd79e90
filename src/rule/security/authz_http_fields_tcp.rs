//! `authz-http-fields-tcp`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Authorization, AuthorizationRule, Clause};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A `DENY` policy on HTTP says at which ports, lest it denies all of TCP.
    ///
    /// # What it does
    /// Refuses rules of `DENY` policies whose sources or operations ask for what HTTP alone has (methods, paths, hosts,
    /// request principals) and name no `ports` or `notPorts`; where there are no operations, a field of the source that
    /// TCP has too is enough. In `CUSTOM` policies it advises against them.
    ///
    /// # Why
    /// On a TCP port Istio cannot see these fields. In a policy that denies it then takes them as met, and every
    /// connection is refused. istiod warns of it: `ValidateAuthorizationPolicy` of
    /// <https://github.com/istio/istio/blob/master/pkg/config/validation/validation.go>; the task:
    /// <https://istio.io/latest/docs/tasks/security/authorization/authz-tcp/>.
    ///
    /// # Known limits
    /// Which ports a workload has is not seen: one that speaks HTTP alone loses nothing. That an `ALLOW` rule with such
    /// fields never holds at a TCP port, and what ztunnel makes of them, is not judged.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct AuthzHttpFieldsTcp {}
}

impl Rule for AuthzHttpFieldsTcp {
    const METADATA: Metadata = Metadata {
        name: "authz-http-fields-tcp",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Authorization { action, rules } = Authorization::of(object)?;
        for rule in rules.iter().filter(|rule| is_http_alone(rule)) {
            match action {
                "DENY" => findings.violation(finding(rule, "this rule denies every connection to a TCP port")),
                "CUSTOM" => findings.advise([finding(rule, "this rule sends every connection to a TCP port on")]),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a rule says nothing that can be told of a TCP connection, but something.
fn is_http_alone(rule: &AuthorizationRule<'_>) -> bool {
    let says = |clauses: &[Clause<'_>], by_tcp: fn(&str) -> bool| {
        clauses.iter().flat_map(|clause| &clause.fields).any(|field| by_tcp(field.name))
    };
    if rule.to.is_empty() {
        !rule.from.is_empty() && !says(&rule.from, |name| !matches!(name, "requestPrincipals" | "notRequestPrincipals"))
    } else {
        !says(&rule.to, |name| matches!(name, "ports" | "notPorts"))
    }
}

fn finding(rule: &AuthorizationRule<'_>, message: &str) -> Finding {
    Finding {
        message: format!("{message}: it asks for HTTP alone and names no ports"),
        wanted: "the ports that speak HTTP".to_owned(),
        remedy: "add ports to its operations".to_owned(),
        ..Finding::of(rule.node, "rule")
    }
}
