//! `authz-broad-source`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Authorization, AuthorizationRule, Cidr, Clause, Condition, Field};
use crate::object::Node;
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// An `AuthorizationPolicy` that allows something says who may call.
    ///
    /// # What it does
    /// Refuses rules of `ALLOW` policies that leave open who calls: without a source and without a condition on one, or
    /// with sources that nearly everybody is, such as `principals: ["*"]`, `namespaces: ["*"]`, a whole trust domain, or
    /// `0.0.0.0/0`. Refuses principals with `spiffe://` in front in policies of every action: they match nobody.
    ///
    /// # Why
    /// Identities are what a mesh has to tell callers apart. A rule that says only what may be done lets every workload
    /// of the mesh do it, and the next one that is broken into too:
    /// <https://istio.io/latest/docs/ops/best-practices/security/#authorization-policies>. How sources are written:
    /// <https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source>.
    ///
    /// # Known limits
    /// Policies in gateway namespaces are not judged: their callers come from outside. What is excluded by `not…` fields
    /// does not make a source narrow.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct AuthzBroadSource {
        /// Only `principals` and `serviceAccounts` say who calls, no namespaces, addresses, tokens or conditions.
        #[serde(default)]
        require_principals: bool,
    }
}

impl Rule for AuthzBroadSource {
    const METADATA: Metadata = Metadata {
        name: "authz-broad-source",
        severity: Severity::High,
        kinds: &[GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" }],
        codes: &["AsmAuthzPolicyEnforceSourcePrincipals", "SourceNotAllAuthz"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(
        &self,
        Input { object, request, mesh, .. }: Input<'_>,
        findings: &mut Findings,
    ) -> Result<(), CannotJudge> {
        let Authorization { action, rules } = Authorization::of(object)?;
        for (node, principal) in rules.iter().flat_map(principals) {
            if principal.starts_with("spiffe://") {
                findings.violation(unmatched(node, principal));
            }
        }
        let at_gateway = mesh.has_gateways(&request.namespace);
        if action != "ALLOW" || at_gateway {
            return Ok(());
        }
        for rule in &rules {
            let narrow = !self.require_principals && rule.when.iter().any(is_narrow_condition);
            if narrow {
                continue;
            }
            if rule.from.is_empty() {
                findings.violation(open(rule.node, "a rule allows this to every caller"));
            }
            for source in rule.from.iter().filter(|source| !self.is_narrow(source)) {
                findings.violation(open(source.node, "nearly every caller is such a source"));
            }
        }
        Ok(())
    }
}

impl AuthzBroadSource {
    /// Whether a source is somebody: one field is enough, as all have to hold.
    fn is_narrow(&self, source: &Clause<'_>) -> bool {
        let counts =
            |field: &&Field<'_>| !self.require_principals || matches!(field.name, "principals" | "serviceAccounts");
        let narrow = |field: &Field<'_>| field.values.iter().all(|(_, value)| is_narrow_value(field.name, value));
        source.fields.iter().filter(counts).any(narrow)
    }
}

fn is_narrow_condition(condition: &Condition<'_>) -> bool {
    let field = match condition.key {
        "source.ip" | "remote.ip" => "ipBlocks",
        "source.namespace" => "namespaces",
        "source.principal" => "principals",
        "source.serviceAccount" => "serviceAccounts",
        key if key.starts_with("request.auth.") => "requestPrincipals",
        _ => return false,
    };
    !condition.values.is_empty() && condition.values.iter().all(|(_, value)| is_narrow_value(field, value))
}

/// Whether not nearly everybody has this value.
fn is_narrow_value(field: &str, value: &str) -> bool {
    match field {
        "principals" => is_narrow_principal(value),
        "namespaces" => is_name(value.trim_matches('*')),
        "ipBlocks" | "remoteIpBlocks" => !Cidr::parse(value).is_some_and(|range| range.is_everything()),
        // Whatever token is accepted was issued to somebody.
        "requestPrincipals" => true,
        "serviceAccounts" => value.split('/').all(is_name),
        // Negative fields, and trust domains, which are whole meshes.
        _ => false,
    }
}

/// Whether a text is no more than a name. Istio puts namespaces and service accounts into regular expressions as they are:
/// <https://github.com/istio/istio/blob/master/pilot/pkg/security/authz/model/generator.go>.
fn is_name(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

/// `cluster.local/ns/shop/sa/web`: with a wildcard at an end, the namespace at least has to be said.
fn is_narrow_principal(principal: &str) -> bool {
    let wild = principal.starts_with('*') || principal.ends_with('*');
    let namespace = principal.split_once("/ns/").map(|(_, behind)| behind);
    !wild || namespace.is_some_and(|name| !name.starts_with('*'))
}

/// All principals that a rule names, in negative fields and conditions too.
fn principals<'t>(rule: &AuthorizationRule<'t>) -> Vec<(Node<'t>, &'t str)> {
    let sources = rule.from.iter().flat_map(|source| ["principals", "notPrincipals"].map(|name| source.values(name)));
    let conditions = rule.when.iter().filter(|condition| condition.key == "source.principal");
    let values = conditions.flat_map(|condition| condition.values.iter().chain(&condition.not_values).copied());
    sources.flatten().chain(values).collect()
}

fn open(node: Node<'_>, message: &str) -> Finding {
    Finding {
        message: message.to_owned(),
        wanted: "callers by their principals or namespaces".to_owned(),
        remedy: "name the callers, such as principals: [cluster.local/ns/shop/sa/web]".to_owned(),
        ..Finding::of(node, "source")
    }
}

fn unmatched(node: Node<'_>, principal: &str) -> Finding {
    Finding {
        message: format!("nobody is `{principal}`: principals stand without `spiffe://`"),
        wanted: "trust domain, namespace and service account, as in cluster.local/ns/shop/sa/web".to_owned(),
        remedy: "take `spiffe://` away".to_owned(),
        ..Finding::of(node, "principal")
    }
}
