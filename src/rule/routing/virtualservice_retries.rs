//! `virtualservice-retries`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, Route, RouteList, StringMatch, VirtualService};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Retries are few, bounded, and repeat nothing that may have happened.
    ///
    /// # What it does
    /// Refuses retries of HTTP routes that are too many, that have neither a timeout per try nor one of the route, whose
    /// `retryOn` Envoy does not know, or that repeat requests after they may have had an effect (`5xx`, `reset`,
    /// `gateway-error`, 503) where the route takes other methods than GET, HEAD, OPTIONS, PUT, DELETE and TRACE.
    ///
    /// # Why
    /// A retried POST may charge a card twice. Retries at every hop multiply the load on a backend that is down already.
    /// Istio's default is two, only where the request surely did not arrive:
    /// <https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry>.
    ///
    /// # Known limits
    /// Retries that mesh config sets for all (`defaultHttpRetryPolicy`) are not seen. A PUT or DELETE that is not
    /// idempotent is taken for one that is.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(default, rename_all = "camelCase", deny_unknown_fields)]
    pub struct VirtualserviceRetries {
        /// The most attempts.
        max_retries: u32,
        /// A route without `retries` is a violation, since mesh config may have defaults of its own.
        require_explicit: bool,
    }
}

impl Default for VirtualserviceRetries {
    fn default() -> Self {
        Self { max_retries: 5, require_explicit: false }
    }
}

/// Conditions under which the request did not reach the application, or was refused by it unread.
///
/// <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-retry-on>
const SAFE: [&str; 8] = [
    "cancelled",
    "connect-failure",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "refused-stream",
    "reset-before-request",
    "retriable-status-codes",
    "unavailable",
];
/// The others that Envoy knows.
const UNSAFE: [&str; 8] = [
    "5xx",
    "deadline-exceeded",
    "gateway-error",
    "internal",
    "reset",
    "resource-exhausted",
    "retriable-4xx",
    "retriable-headers",
];
/// Methods that may be repeated: <https://www.rfc-editor.org/rfc/rfc9110#name-idempotent-methods>.
const IDEMPOTENT: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"];

impl Rule for VirtualserviceRetries {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-retries",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "VirtualService" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        for route in VirtualService::of(input.object)?.routes {
            if route.list == RouteList::Http && route.shares().next().is_some() {
                self.judge(&route, findings)?;
            }
        }
        Ok(())
    }
}

impl VirtualserviceRetries {
    fn judge(&self, route: &Route<'_>, findings: &mut Findings) -> Result<(), WrongType> {
        let of = route.subject();
        let Some(retries) = route.node.map("retries")? else {
            if self.require_explicit {
                findings.violation(Finding {
                    message: format!("the {of} does not say its retries"),
                    wanted: "retries, with attempts 0 for none".to_owned(),
                    remedy: "add retries".to_owned(),
                    ..finding(route.node, "retries", &of)
                });
            }
            return Ok(());
        };
        // Absent is 0, and 0 is off.
        let attempts = retries.integer("attempts")?.unwrap_or(0);
        let bounded = [retries.duration("perTryTimeout")?, route.node.duration("timeout")?];
        let conditions = retries.text("retryOn")?.unwrap_or_default();
        if attempts <= 0 {
            return Ok(());
        }
        if attempts > i64::from(self.max_retries) {
            findings.violation(Finding {
                message: format!("the {of} tries {attempts} times more"),
                wanted: format!("at most {} attempts", self.max_retries),
                remedy: "allow fewer attempts: they multiply at every hop".to_owned(),
                limit: Some(f64::from(self.max_retries)),
                ..finding(retries, "attempts", &of)
            });
        }
        if !bounded.into_iter().flatten().any(|bound| bound.is_positive()) {
            findings.violation(Finding {
                message: format!("the {of} retries without a timeout: the first try may never end"),
                wanted: "perTryTimeout, or a timeout of the route".to_owned(),
                remedy: "set retries.perTryTimeout".to_owned(),
                ..finding(retries, "perTryTimeout", &of)
            });
        }
        let repeatable = takes_only_idempotent(route.node)?;
        let path = retries.nearest(["retryOn"]).pointer();
        for condition in conditions.split(',').map(str::trim).filter(|condition| !condition.is_empty()) {
            if let Some((message, wanted)) = wrong(condition, repeatable) {
                findings.violation(Finding {
                    subject: format!("{of} retryOn {condition}"),
                    value: condition.into(),
                    message,
                    wanted: wanted.to_owned(),
                    remedy: "retry on connect-failure,refused-stream,reset-before-request, or match the method"
                        .to_owned(),
                    path: path.clone(),
                    ..Finding::default()
                });
            }
            if findings.overflow {
                break;
            }
        }
        Ok(())
    }
}

/// What is wrong with a condition, and what would be right.
fn wrong(condition: &str, repeatable: bool) -> Option<(String, &'static str)> {
    let code = condition.parse::<u16>().ok().filter(|code| (100..600).contains(code));
    if SAFE.contains(&condition) || code.is_some_and(|code| code < 500) {
        return None;
    }
    if UNSAFE.contains(&condition) || code.is_some() {
        let message = format!("`{condition}` repeats requests that may have had an effect, a POST too");
        return (!repeatable).then_some((message, "conditions under which nothing happened, or idempotent methods"));
    }
    Some((format!("Envoy knows no condition `{condition}`"), "conditions of Envoy, or status codes"))
}

/// Whether every match asks for methods that may be repeated.
fn takes_only_idempotent(route: Node<'_>) -> Result<bool, WrongType> {
    let matches = route.maps("match")?;
    for asked in &matches {
        let repeatable = match asked.map("method")?.map(StringMatch::of).transpose()? {
            Some(StringMatch::Exact(method) | StringMatch::Prefix(method)) => IDEMPOTENT.contains(&method),
            Some(StringMatch::Regex(text)) => {
                let mut methods = text.trim_matches(|c| "^$()?:".contains(c)).split('|');
                methods.all(|method| IDEMPOTENT.contains(&method))
            }
            Some(StringMatch::Any) | None => false,
        };
        if !repeatable {
            return Ok(false);
        }
    }
    Ok(!matches.is_empty())
}

fn finding(node: Node<'_>, member: &str, of: &str) -> Finding {
    Finding::below(node, &[member], format!("{of} {member}"))
}
