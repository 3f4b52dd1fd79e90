//! `virtualservice-timeout`.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{GroupKind, Route, RouteList, StringMatch, VirtualService, route_rules};
use crate::object::{Edit, Node, WrongType, parse_duration, parse_gateway_duration};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Every HTTP route has a timeout.
    ///
    /// # What it does
    /// Refuses HTTP routes of a VirtualService, and rules of an HTTPRoute, that lead somewhere and have no timeout, an
    /// endless one (`0s`), or one that is too long. It advises where tries do not fit into it.
    ///
    /// # Why
    /// Istio's default is no timeout at all: a backend that hangs holds its callers' connections and threads, and theirs,
    /// until the whole chain stands still:
    /// <https://istio.io/latest/docs/concepts/traffic-management/#timeouts>.
    ///
    /// # Known limits
    /// Routes for TCP and TLS have no timeout. Ports that speak gRPC are not looked up. What a delegate sets is judged
    /// there.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(try_from = "Params")]
    pub struct VirtualserviceTimeout {
        params: Params,
        /// `maxTimeout`, read.
        #[schemars(skip)]
        max: SignedDuration,
    }
}

/// The parameters; durations as Istio writes them, such as `1m30s`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Params {
    /// The longest that there may be.
    max_timeout: String,
    /// Judges also routes that only take gRPC or WebSockets, by a match on the header `content-type` or `upgrade`: their
    /// streams may last.
    judge_streams: bool,
    /// With the action `Patch`, what a VirtualService's route gets instead.
    timeout: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self { max_timeout: "60s".to_owned(), judge_streams: false, timeout: None }
    }
}

impl TryFrom<Params> for VirtualserviceTimeout {
    type Error = String;

    fn try_from(params: Params) -> Result<Self, String> {
        let max = read("maxTimeout", &params.max_timeout)?;
        match &params.timeout {
            Some(text) if read("timeout", text)? > max => {
                Err(format!("`timeout` is `{text}`, which is longer than `maxTimeout` (`{}`)", params.max_timeout))
            }
            _ => Ok(Self { params, max }),
        }
    }
}

/// A parameter's duration.
fn read(name: &str, text: &str) -> Result<SignedDuration, String> {
    let found = parse_duration(text).map_err(|error| format!("`{name}` is `{text}`, {error}"))?;
    if found.is_positive() { Ok(found) } else { Err(format!("`{name}` is `{text}`, expected more than 0s")) }
}

const VIRTUAL_SERVICE: GroupKind = GroupKind { group: "networking.istio.io", kind: "VirtualService" };

impl Rule for VirtualserviceTimeout {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-timeout",
        severity: Severity::Medium,
        kinds: &[VIRTUAL_SERVICE, GroupKind { group: "gateway.networking.k8s.io", kind: "HTTPRoute" }],
        mends: &[VIRTUAL_SERVICE],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        if input.request.kind.kind == "HTTPRoute" {
            return Ok(self.judge_rules(input.object, findings)?);
        }
        for route in VirtualService::of(input.object)?.routes {
            let leads = route.list == RouteList::Http && route.shares().next().is_some();
            if leads && (self.params.judge_streams || !only_streams(route.node)?) {
                self.judge_route(&route, findings)?;
            }
        }
        Ok(())
    }
}

impl VirtualserviceTimeout {
    fn judge_route(&self, route: &Route<'_>, findings: &mut Findings) -> Result<(), WrongType> {
        let timeout = route.node.duration("timeout")?;
        if let Some(mut finding) = self.judge(route.node, &["timeout"], &route.subject(), timeout) {
            let fix = self.params.timeout.as_ref();
            finding.fix.extend(fix.map(|text| Edit::Set { path: finding.path.clone(), value: text.as_str().into() }));
            findings.violation(finding);
        } else if let (Some(timeout), Some(retries)) = (timeout, route.node.map("retries")?) {
            let tries = retries.integer("attempts")?.unwrap_or(0).saturating_add(1);
            let each = retries.duration("perTryTimeout")?.unwrap_or_default();
            let all = each.checked_mul(i32::try_from(tries).unwrap_or(i32::MAX)).unwrap_or(SignedDuration::MAX);
            if all > timeout {
                let message = format!("{tries} tries of {each:#} do not fit into the timeout of {timeout:#}");
                findings.advise([Finding {
                    message,
                    wanted: "a timeout with room for all tries".to_owned(),
                    remedy: "shorten perTryTimeout, or allow fewer attempts".to_owned(),
                    ..Finding::of(retries, format!("{} retries", route.subject()))
                }]);
            }
        }
        Ok(())
    }

    fn judge_rules(&self, object: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
        for rule in route_rules(object)?.into_iter().filter(|rule| rule.backends.iter().any(|to| !to.is_mirror)) {
            let timeouts = rule.node.map("timeouts")?;
            let read = |key| timeouts.map_or(Ok(None), |timeouts| gateway_duration(timeouts, key));
            let (request, backend) = (read("request")?, read("backendRequest")?);
            if let Some(finding) = self.judge(rule.node, &["timeouts", "request"], &rule.subject(), request) {
                findings.violation(finding);
            } else if backend > request {
                findings.advise([Finding {
                    message: "the timeout of one try is longer than that of the whole request".to_owned(),
                    wanted: "backendRequest of at most request".to_owned(),
                    remedy: "shorten timeouts.backendRequest".to_owned(),
                    ..Finding::below(rule.node, &["timeouts", "backendRequest"], format!("{} timeout", rule.subject()))
                }]);
            }
        }
        Ok(())
    }

    /// What is wrong with a timeout.
    fn judge(&self, node: Node<'_>, path: &[&str], of: &str, timeout: Option<SignedDuration>) -> Option<Finding> {
        let max = format!("{:#}", self.max);
        let at = Finding::below(node, path, format!("{of} timeout"));
        let (message, value, limit) = match timeout {
            None => (format!("the {of} has no timeout, and Istio's default is none"), Value::Null, None),
            Some(timeout) if !timeout.is_positive() => {
                (format!("the {of} waits forever: 0s is no timeout"), at.value, None)
            }
            Some(timeout) if timeout > self.max => {
                let seconds = timeout.as_secs_f64();
                (format!("the {of} waits for {timeout:#}"), seconds.into(), Some(self.max.as_secs_f64()))
            }
            Some(_) => return None,
        };
        let remedy = "set the longest time that a caller should wait".to_owned();
        Some(Finding { message, value, limit, wanted: format!("a timeout of at most {max}"), remedy, ..at })
    }
}

fn gateway_duration(node: Node<'_>, key: &str) -> Result<Option<SignedDuration>, WrongType> {
    let Some(text) = node.text(key)? else { return Ok(None) };
    parse_gateway_duration(text).map(Some).map_err(|_| node.nearest([key]).malformed("a duration such as `1m30s`"))
}

/// Whether all that a route takes are streams: every match asks for gRPC or WebSockets.
fn only_streams(route: Node<'_>) -> Result<bool, WrongType> {
    let matches = route.maps("match")?;
    for asked in &matches {
        let Some(headers) = asked.map("headers")? else { return Ok(false) };
        let grpc = match headers.map("content-type")?.map(StringMatch::of).transpose()? {
            Some(StringMatch::Exact(text) | StringMatch::Prefix(text)) => text.starts_with("application/grpc"),
            _ => false,
        };
        if !grpc && headers.map("upgrade")?.is_none() && headers.map("Upgrade")?.is_none() {
            return Ok(false);
        }
    }
    Ok(!matches.is_empty())
}
