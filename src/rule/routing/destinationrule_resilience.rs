//! `destinationrule-resilience`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, TrafficPolicy, traffic_policies};
use crate::object::{Edit, Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A DestinationRule limits connections and takes failing endpoints out.
    ///
    /// # What it does
    /// Refuses a DestinationRule without a connection pool or without outlier detection, unless each of its subsets has
    /// them, and the deprecated `LEAST_CONN`. It advises against settings of a port that drop them, ejection of all
    /// endpoints, locality settings without outlier detection, and the deprecated `consecutiveErrors`. With the action
    /// `Patch`, `LEAST_CONN` becomes `LEAST_REQUEST`.
    ///
    /// # Why
    /// Without limits one slow backend takes all connections of its callers, and requests go on to endpoints that fail:
    /// <https://istio.io/latest/docs/tasks/traffic-management/circuit-breaking/>.
    ///
    /// # Known limits
    /// Several DestinationRules for one host are not put together, and what numbers fit a backend is for its owner to say.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct DestinationruleResilience {}
}

const DESTINATION_RULE: GroupKind = GroupKind { group: "networking.istio.io", kind: "DestinationRule" };
const SECTIONS: [&str; 2] = ["connectionPool", "outlierDetection"];

impl Rule for DestinationruleResilience {
    const METADATA: Metadata = Metadata {
        name: "destinationrule-resilience",
        severity: Severity::Low,
        kinds: &[DESTINATION_RULE],
        mends: &[DESTINATION_RULE],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let policies = traffic_policies(input.object)?;
        let Some(spec) = input.object.map("spec")? else { return Ok(()) };
        for section in SECTIONS {
            judge_section(spec, &policies, section, findings)?;
        }
        for policy in &policies {
            judge_balancer(policy, &policies, findings)?;
            judge_outliers(policy, findings)?;
        }
        Ok(())
    }
}

/// Whether a section is there for all: at the top, or in every subset.
fn judge_section(
    spec: Node<'_>,
    policies: &[TrafficPolicy<'_>],
    section: &str,
    findings: &mut Findings,
) -> Result<(), WrongType> {
    // An empty connection pool limits nothing; empty outlier detection has defaults that do.
    let says = |map: Node<'_>| section == "outlierDetection" || map.members().next().is_some();
    let has = |policy: &TrafficPolicy<'_>| Ok(policy.node.map(section)?.is_some_and(says));
    let (mut at_top, mut subsets) = (false, 0);
    for policy in policies.iter().filter(|policy| policy.port.is_none()) {
        match policy.subset {
            None => at_top = has(policy)?,
            Some(_) => subsets += usize::from(has(policy)?),
        }
    }
    let count = spec.maps("subsets")?.len();
    if !at_top && (count == 0 || subsets < count) {
        findings.violation(Finding {
            message: format!("no {section} for this host"),
            wanted: format!("trafficPolicy.{section}, or one in every subset"),
            remedy: format!("add trafficPolicy.{section} with numbers that the backend can bear"),
            ..Finding::below(spec, &["trafficPolicy", section], section)
        });
    }
    for policy in policies.iter().filter(|policy| policy.port.is_some()) {
        if at_top && !has(policy)? {
            findings.advise([Finding {
                message: format!("{} has no {section}: it inherits nothing from around it", policy.subject()),
                wanted: format!("{section} for the port too"),
                remedy: format!("repeat {section} in the port's settings"),
                ..finding(policy.node, &policy.subject(), section)
            }]);
        }
    }
    Ok(())
}

fn judge_balancer(
    policy: &TrafficPolicy<'_>,
    all: &[TrafficPolicy<'_>],
    findings: &mut Findings,
) -> Result<(), WrongType> {
    let Some(balancer) = policy.node.map("loadBalancer")? else { return Ok(()) };
    let of = policy.subject();
    if balancer.text("simple")? == Some("LEAST_CONN") {
        let at = finding(balancer, &of, "simple");
        findings.violation(Finding {
            message: "LEAST_CONN is deprecated".to_owned(),
            wanted: "LEAST_REQUEST".to_owned(),
            remedy: "write LEAST_REQUEST, which it means".to_owned(),
            fix: vec![Edit::Set { path: at.path.clone(), value: "LEAST_REQUEST".into() }],
            ..at
        });
    }
    let mut detects = policy.node.map("outlierDetection")?.is_some();
    // A subset takes what it does not say from the top; a port takes nothing.
    if let (Some(_), None, Some(top)) = (policy.subset, policy.port, all.first()) {
        detects |= top.subset.is_none() && top.node.map("outlierDetection")?.is_some();
    }
    if balancer.map("localityLbSetting")?.is_some() && !detects {
        findings.advise([Finding {
            message: "locality settings do nothing without outlier detection".to_owned(),
            wanted: "outlierDetection beside it".to_owned(),
            remedy: "add outlierDetection".to_owned(),
            ..finding(balancer, &of, "localityLbSetting")
        }]);
    }
    Ok(())
}

fn judge_outliers(policy: &TrafficPolicy<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    let Some(outliers) = policy.node.map("outlierDetection")? else { return Ok(()) };
    let of = policy.subject();
    if outliers.integer("maxEjectionPercent")? == Some(100) {
        findings.advise([Finding {
            message: "all endpoints may be taken out at once".to_owned(),
            wanted: "less than 100 percent".to_owned(),
            remedy: "lower maxEjectionPercent".to_owned(),
            ..finding(outliers, &of, "maxEjectionPercent")
        }]);
    }
    if outliers.integer("consecutiveErrors")?.is_some() {
        findings.advise([Finding {
            message: "consecutiveErrors is deprecated".to_owned(),
            wanted: "consecutive5xxErrors or consecutiveGatewayErrors".to_owned(),
            remedy: "write consecutive5xxErrors or consecutiveGatewayErrors".to_owned(),
            ..finding(outliers, &of, "consecutiveErrors")
        }]);
    }
    Ok(())
}

fn finding(node: Node<'_>, of: &str, member: &str) -> Finding {
    Finding::below(node, &[member], format!("{of} {member}"))
}
