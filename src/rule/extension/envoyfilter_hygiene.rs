//! `envoyfilter-hygiene`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{EnvoyPatch, GroupKind, envoy_patches};
use crate::object::{Node, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// An `EnvoyFilter` leaves the filters that guard alone, and has its effect.
    ///
    /// # What it does
    /// Refuses patches that remove, replace or disable the filters behind `AuthorizationPolicy`, `RequestAuthentication`
    /// and mutual TLS, for single routes too (`typed_per_filter_config`), and rules that are merged into those of `rbac`.
    /// Advises against what has no effect or another one after an upgrade: a relative operation without `priority`,
    /// `REPLACE` of anything but filters, `ADD` and `REMOVE` on routes, names of filters and types of the API that Envoy
    /// gave up, and patches of the bootstrap.
    ///
    /// # Why
    /// Without the filter `rbac` every authorization policy of the proxy is void, and none of them says so. On the other
    /// findings: <https://istio.io/latest/docs/reference/config/analysis/ist0151/> and those that follow it. What a route
    /// says of a filter counts before the filter:
    /// <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/rbac_filter#per-route-configuration>.
    ///
    /// # Known limits
    /// A patch that takes a guard away in another form, by a listener merged over for one, is not recognised.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct EnvoyfilterHygiene {}
}

/// Filters that Istio makes of its policies.
const GUARDS: [&str; 7] = [
    "envoy.ext_authz",
    "envoy.filters.http.ext_authz",
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.rbac",
    "envoy.filters.network.ext_authz",
    "envoy.filters.network.rbac",
    "istio_authn",
];

/// The end of the names of those that carry out an `AuthorizationPolicy`.
const RBAC: &str = ".rbac";

/// Names that Envoy gave up for such as `envoy.filters.http.lua`.
const GIVEN_UP: [&str; 12] = [
    "envoy.buffer",
    "envoy.cors",
    "envoy.ext_authz",
    "envoy.fault",
    "envoy.grpc_web",
    "envoy.gzip",
    "envoy.health_check",
    "envoy.http_connection_manager",
    "envoy.lua",
    "envoy.rate_limit",
    "envoy.router",
    "envoy.tcp_proxy",
];

const RELATIVE: [&str; 4] = ["INSERT_BEFORE", "INSERT_AFTER", "REMOVE", "REPLACE"];
const ROUTES: [&str; 2] = ["ROUTE_CONFIGURATION", "HTTP_ROUTE"];
const FILTERS: [&str; 2] = ["HTTP_FILTER", "NETWORK_FILTER"];

impl Rule for EnvoyfilterHygiene {
    const METADATA: Metadata = Metadata {
        name: "envoyfilter-hygiene",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "EnvoyFilter" }],
        codes: &["IST0151", "IST0152", "IST0153", "IST0154", "IST0155"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let prioritized = input.object.map("spec")?.map_or(Ok(None), |spec| spec.integer("priority"))?.is_some();
        for patch in envoy_patches(input.object)? {
            if let Some(guard) = disarmed(&patch)?.or_else(|| disarmed_on_routes(&patch)) {
                let message =
                    format!("the patch takes the filter {} away: the policies behind it are void", quoted(guard));
                findings.violation(finding(&patch, guard, message, "the filter as Istio makes it"));
            }
            advise(&patch, prioritized, findings)?;
        }
        Ok(())
    }
}

/// The guard that a patch takes away or changes for another.
fn disarmed<'t>(patch: &EnvoyPatch<'t>) -> Result<Option<&'t str>, WrongType> {
    let disables = patch.value.map_or(Ok(None), |value| value.boolean("disabled"))? == Some(true);
    let holds = |key: &str| patch.value.is_some_and(|value| value.descendants().any(|node| node.key() == Some(key)));
    let takes = |guard: &str| match patch.operation {
        "REMOVE" | "REPLACE" => true,
        "MERGE" => disables || (guard.ends_with(RBAC) && (holds("rules") || holds("matcher"))),
        _ => false,
    };
    let guard = patch.matched_filters()?.find(|name| GUARDS.contains(name));
    Ok(guard.filter(|guard| takes(guard) && FILTERS.contains(&patch.apply_to)))
}

/// The guard that a patch turns off where routes say something of it: `rbac` by whatever they say, as it has no rules
/// then but theirs.
fn disarmed_on_routes<'t>(patch: &EnvoyPatch<'t>) -> Option<&'t str> {
    let disables =
        |of: Node<'_>| of.descendants().any(|node| node.key() == Some("disabled") && node.as_bool() == Some(true));
    let nodes = patch.value.filter(|_| patch.operation != "REMOVE").into_iter().flat_map(Node::descendants);
    let of_routes = nodes.filter(|node| matches!(node.key(), Some("typed_per_filter_config" | "typedPerFilterConfig")));
    let mut said = of_routes.flat_map(Node::members).filter(|(name, _)| GUARDS.contains(name));
    said.find(|(name, of)| name.ends_with(RBAC) || disables(*of)).map(|(name, _)| name)
}

/// What a patch does in vain, or not for long.
fn advise(patch: &EnvoyPatch<'_>, prioritized: bool, findings: &mut Findings) -> Result<(), WrongType> {
    let EnvoyPatch { apply_to, operation, .. } = *patch;
    if RELATIVE.contains(&operation) && !prioritized {
        let message = format!("{operation} hangs on other filters, and without priority their order may change");
        findings.advise([finding(patch, "priority", message, "a priority")]);
    }
    let in_vain = match operation {
        "REPLACE" => !FILTERS.contains(&apply_to),
        "ADD" | "REMOVE" => ROUTES.contains(&apply_to),
        _ => false,
    };
    if in_vain {
        let message = format!("{operation} has no effect on {apply_to}");
        findings.advise([finding(patch, "operation", message, "an operation that Istio carries out there")]);
    }
    if apply_to == "BOOTSTRAP" {
        let message = "patches of the bootstrap are deprecated".to_owned();
        findings.advise([finding(patch, "bootstrap", message, "a bootstrap of the proxy's own, or none")]);
    }
    for name in patch.matched_filters()?.chain(patch.filter()?).filter(|name| GIVEN_UP.contains(name)) {
        let message = format!("Envoy gave up the name {}", quoted(name));
        findings.advise([finding(patch, name, message, "a name such as `envoy.filters.http.lua`")]);
    }
    let types = patch.value.into_iter().flat_map(Node::descendants).filter(|node| node.key() == Some("@type"));
    for text in types.filter_map(Node::as_str).filter(|text| text.contains(".v2.") || text.contains(".v2alpha.")) {
        let message = format!("Envoy gave up the type {}", quoted(text));
        findings.advise([finding(patch, text, message, "its type of the API v3")]);
    }
    Ok(())
}

fn finding(patch: &EnvoyPatch<'_>, about: &str, message: String, wanted: &str) -> Finding {
    let EnvoyPatch { node, apply_to, operation, .. } = *patch;
    Finding {
        path: node.pointer(),
        subject: format!("{operation} {apply_to}: {about}"),
        value: about.into(),
        message,
        wanted: wanted.to_owned(),
        remedy: "see https://istio.io/latest/docs/reference/config/networking/envoy-filter/".to_owned(),
        ..Finding::default()
    }
}
