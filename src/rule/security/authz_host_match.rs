//! `authz-host-match`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Authorization, Field};
use crate::object::{Edit, Node};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, documented};

documented! {
    /// An `AuthorizationPolicy` names a host with and without port, and methods in upper case.
    ///
    /// # What it does
    /// Looks for hosts without a wildcard and without a port in `hosts` and `notHosts` that do not stand there as
    /// `<host>:*` too, and for methods with lower-case letters in `methods` and `notMethods`. Where a request passes that
    /// should not, in `hosts` of a `DENY` or `CUSTOM` policy and in `notHosts` of an `ALLOW` policy, that is refused;
    /// elsewhere, where a request is merely refused, it is advice.
    ///
    /// # Why
    /// The `Host` header may carry a port, and then `example.com` does not match: who adds `:80` passes by.
    /// <https://istio.io/latest/docs/ops/best-practices/security/#writing-host-match-policies>. Methods are compared as
    /// they are written: <https://www.rfc-editor.org/rfc/rfc9110#section-9.1>.
    ///
    /// # Known limits
    /// `*.example.com` does not match a host with a port either, and there is no form that does beside it; it is not
    /// judged. Hosts in conditions (`request.headers[host]`) are not judged.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct AuthzHostMatch {}
}

const KINDS: &[GroupKind] = &[GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" }];

impl Rule for AuthzHostMatch {
    const METADATA: Metadata = Metadata {
        name: "authz-host-match",
        severity: Severity::Medium,
        kinds: KINDS,
        mends: KINDS,
        codes: &["AsmAuthzPolicyNormalization", "KIA0102"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Authorization { action, rules } = Authorization::of(object)?;
        for field in rules.iter().flat_map(|rule| &rule.to).flat_map(|operation| &operation.fields) {
            let found: Vec<Finding> = match field.name {
                "hosts" | "notHosts" => field.values.iter().filter_map(|host| alone(field, *host)).collect(),
                "methods" | "notMethods" => field.values.iter().filter_map(|method| lower(field, *method)).collect(),
                _ => continue,
            };
            // What is not recognised passes: an exception from what is allowed, or what alone is stopped.
            let passes = if field.is_negative() { action == "ALLOW" } else { matches!(action, "DENY" | "CUSTOM") };
            for finding in found {
                if passes { findings.violation(finding) } else { findings.advise([finding]) }
            }
        }
        Ok(())
    }
}

/// A host that does not match where the request names a port.
fn alone(field: &Field<'_>, (node, host): (Node<'_>, &str)) -> Option<Finding> {
    let twin = format!("{host}:*");
    let covers = |other: &str| {
        let start = other.strip_suffix('*').map(str::to_ascii_lowercase);
        start.is_some_and(|start| twin.to_ascii_lowercase().starts_with(&start))
    };
    if host.contains(['*', ':']) || field.values.iter().any(|(_, other)| covers(other)) {
        return None;
    }
    Some(Finding {
        message: format!("`{host}` does not match where a request names the port, as in `{host}:80`"),
        wanted: format!("`{twin}` beside it"),
        remedy: format!("add `{twin}` to {}", field.name),
        fix: vec![Edit::Append { path: field.node.pointer(), value: twin.into() }],
        ..Finding::of(node, field.name)
    })
}

/// A method that no request has.
fn lower(field: &Field<'_>, (node, method): (Node<'_>, &str)) -> Option<Finding> {
    let upper = method.to_ascii_uppercase();
    (upper != method).then(|| Finding {
        message: format!("no request has the method `{method}`: methods are compared as they are written"),
        wanted: format!("`{upper}`"),
        remedy: format!("write `{upper}`"),
        fix: vec![Edit::Set { path: node.pointer(), value: upper.into() }],
        ..Finding::of(node, field.name)
    })
}
