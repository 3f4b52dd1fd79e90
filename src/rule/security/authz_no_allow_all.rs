//! `authz-no-allow-all`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{Authorization, AuthorizationRule, Cidr, Clause, Condition, Field};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// No `AuthorizationPolicy` allows every request.
    ///
    /// # What it does
    /// Refuses an `ALLOW` policy with a rule that holds for every request: an empty one, or one whose every part asks
    /// nothing, such as `ipBlocks: [0.0.0.0/0]` or `paths: ["*"]`. A policy without rules allows nothing, which is how
    /// one denies by default. Advises against a policy of which one rule has `from` alone and another `to` alone: rules
    /// are alternatives, and a `-` too many makes two of one.
    ///
    /// # Why
    /// `ALLOW` policies add up: one that allows everything makes all others at the same workloads worthless.
    /// <https://istio.io/latest/docs/ops/best-practices/security/#use-default-deny-patterns>; how rules are read:
    /// <https://istio.io/latest/docs/reference/config/security/authorization-policy/>.
    ///
    /// # Known limits
    /// `principals: ["*"]` and `requestPrincipals: ["*"]` ask for some identity, and are not everything. Ranges that are
    /// everything only together (`0.0.0.0/1`, `128.0.0.0/1`) are not added up. Dry-run policies are judged like others:
    /// taking the annotation away is all that it takes to enforce one.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct AuthzNoAllowAll {
        /// Judges policies in gateway namespaces too. What comes in by a gateway is often meant for everybody.
        #[serde(default)]
        gateways: bool,
    }
}

impl Rule for AuthzNoAllowAll {
    const METADATA: Metadata = Metadata {
        name: "authz-no-allow-all",
        severity: Severity::Critical,
        kinds: &[GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(
        &self,
        Input { object, request, mesh, .. }: Input<'_>,
        findings: &mut Findings,
    ) -> Result<(), CannotJudge> {
        let Authorization { action, rules } = Authorization::of(object)?;
        findings.advise(torn(&rules));
        let at_gateway = mesh.has_gateways(&request.namespace);
        if action != "ALLOW" || at_gateway && !self.gateways {
            return Ok(());
        }
        for rule in rules.iter().filter(|rule| asks_nothing(rule)) {
            findings.violation(Finding {
                message: "this rule allows every request, and so no other policy matters".to_owned(),
                wanted: "callers by name, and what they may do; no rules at all to allow nothing".to_owned(),
                remedy: "name the callers in from, or take rules away to deny by default".to_owned(),
                ..Finding::of(rule.node, "rule")
            });
        }
        Ok(())
    }
}

/// Whether a rule holds for every request.
fn asks_nothing(rule: &AuthorizationRule<'_>) -> bool {
    let open = |clauses: &[Clause<'_>]| clauses.is_empty() || clauses.iter().any(holds_always);
    open(&rule.from) && open(&rule.to) && rule.when.iter().all(is_met_always)
}

fn holds_always(clause: &Clause<'_>) -> bool {
    let everything = |field: &Field<'_>| field.values.iter().any(|(_, value)| is_everything(field.name, value));
    clause.fields.iter().all(everything)
}

fn is_met_always(condition: &Condition<'_>) -> bool {
    let Condition { key, values, not_values, .. } = condition;
    let field = match *key {
        "source.ip" | "remote.ip" | "destination.ip" => "ipBlocks",
        _ if condition.is_on_every_request() => "hosts",
        key => key,
    };
    not_values.is_empty() && (values.is_empty() || values.iter().any(|(_, value)| is_everything(field, value)))
}

/// Whether every request has this value in that field. In a negative one it is no request.
fn is_everything(field: &str, value: &str) -> bool {
    match field {
        "ipBlocks" | "remoteIpBlocks" => Cidr::parse(value).is_some_and(|range| range.is_everything()),
        "paths" => matches!(value, "*" | "/*" | "/{**}"),
        "methods" | "hosts" | "ports" => value == "*",
        _ => false,
    }
}

/// Two rules that look like one torn apart.
fn torn(rules: &[AuthorizationRule<'_>]) -> Option<Finding> {
    let has = |from: bool, to: bool| {
        rules.iter().find(|rule| rule.from.is_empty() != from && rule.to.is_empty() != to && rule.when.is_empty())
    };
    let (from, to) = (has(true, false)?, has(false, true)?);
    Some(Finding {
        path: to.node.pointer(),
        subject: "rules".to_owned(),
        value: Value::from(vec![from.node.to_json(), to.node.to_json()]),
        message: "one rule has from alone and another to alone: a request needs to meet one of them, not both"
            .to_owned(),
        wanted: "one rule with from and to, if both have to hold".to_owned(),
        remedy: "take the `-` before the second one away".to_owned(),
        ..Finding::default()
    })
}
