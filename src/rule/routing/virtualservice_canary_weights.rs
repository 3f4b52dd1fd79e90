//! `virtualservice-canary-weights`.

mod first_weight;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{Destination, GroupKind, ROUTES, Route, VirtualService, route_rules};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// The weights of a split route say what is meant.
    ///
    /// # What it does
    /// Refuses a route of a VirtualService with several destinations where one has no weight, the weights do not add up
    /// to 100, or a destination stands twice. It refuses a rule of Gateway API whose weights are all 0. It advises
    /// against subsets of different hosts in one split, a weight on the only destination, weights that Gateway API
    /// completes, and a destination without a weight where those of the others add up to 100: controllers that are written
    /// with Istio's client library leave a 0 out. With `maxFirstWeight` a new version starts small.
    ///
    /// # Why
    /// A VirtualService's destination without a weight has the weight 0 and gets nothing, one of Gateway API has 1. Sums
    /// other than 100 are shares of that sum, so 90 and 20 are not what they look like:
    /// <https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination>.
    ///
    /// # Known limits
    /// Controllers that move weights themselves (Flagger, Argo Rollouts) may have reasons of their own for
    /// `maxFirstWeight`: exclude their users with `match`. What a destination had before is looked up in all routes
    /// of the VirtualService together.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct VirtualserviceCanaryWeights {
        /// The most that a destination may have in an update where it had nothing before. On a CREATE it holds for the
        /// subsets in `newSubsets`.
        #[serde(default)]
        max_first_weight: Option<i64>,
        /// Subsets that are new by their name.
        #[serde(default = "new_subsets")]
        new_subsets: Vec<String>,
    }
}

fn new_subsets() -> Vec<String> {
    ["canary", "next", "preview"].map(str::to_owned).to_vec()
}

const VIRTUAL_SERVICE: GroupKind = GroupKind { group: "networking.istio.io", kind: "VirtualService" };

impl Rule for VirtualserviceCanaryWeights {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-canary-weights",
        severity: Severity::Medium,
        kinds: &GroupKind::all_of::<{ 1 + ROUTES.len() }>(&[&[VIRTUAL_SERVICE], &ROUTES]),
        codes: &["KIA1104", "KIA1105"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        if input.request.kind.kind != "VirtualService" {
            return Ok(judge_rules(input.object, findings)?);
        }
        let service = VirtualService::of(input.object)?;
        for route in &service.routes {
            judge_route(route, findings);
        }
        self.judge_first_weights(&service, input.request, findings)
    }
}

fn judge_route(route: &Route<'_>, findings: &mut Findings) {
    let shares: Vec<_> = route.shares().collect();
    let [_, _, ..] = shares.as_slice() else {
        let only = shares.first().filter(|only| only.weight.is_some_and(|weight| weight != 0 && weight != 100));
        findings.advise(only.map(|only| Finding {
            message: format!("{} is the only one, and gets everything whatever its weight", only.subject()),
            wanted: "no weight, or a second destination".to_owned(),
            remedy: "remove the weight, or add the destination for the rest".to_owned(),
            ..finding(route, only, only.weight.into())
        }));
        return;
    };
    let sum = shares.iter().filter_map(|share| share.weight).fold(0, i64::saturating_add);
    let mut seen = std::collections::HashSet::new();
    for share in &shares {
        if !seen.insert((share.host, share.subset, share.port)) {
            findings.violation(Finding {
                message: format!("{} stands twice in one route", share.subject()),
                wanted: "each destination once".to_owned(),
                remedy: "add the weights of both up in one entry".to_owned(),
                ..finding(route, share, "twice".into())
            });
        }
        if share.weight.is_none_or(|weight| weight < 0) {
            let finding = Finding {
                message: format!("{} has no weight, and so gets nothing", share.subject()),
                wanted: "a weight for every destination".to_owned(),
                remedy: "name its weight, 0 if it is to get nothing".to_owned(),
                ..finding(route, share, share.weight.into())
            };
            // Whoever writes by Istio's client library cannot say 0.
            let meant = share.weight.is_none() && sum == 100;
            if meant { findings.advise([finding]) } else { findings.violation(finding) }
        }
    }
    if sum != 100 && shares.iter().all(|share| share.weight.is_some()) {
        findings.violation(Finding {
            path: route.node.pointer(),
            subject: route.subject(),
            value: sum.into(),
            message: format!("the weights of the {} add up to {sum}", route.subject()),
            wanted: "weights that add up to 100".to_owned(),
            remedy: "write the weights as percent".to_owned(),
            limit: Some(100.0),
            ..Finding::default()
        });
    }
    let first = shares.first().map(|share| share.host);
    let subsets = shares.iter().any(|share| share.subset.is_some());
    findings.advise(shares.iter().find(|share| subsets && Some(share.host) != first).map(|other| Finding {
        message: format!("a split among subsets leads to another host as well: {}", other.subject()),
        wanted: "subsets of one host".to_owned(),
        remedy: "check the hosts; a typing error sends its share elsewhere".to_owned(),
        ..finding(route, other, other.host.into())
    }));
}

fn finding(route: &Route<'_>, share: &Destination<'_>, value: Value) -> Finding {
    let subject = format!("{} {}", route.subject(), share.subject());
    Finding { path: share.node.pointer(), subject, value, ..Finding::default() }
}

/// Rules of Gateway API, where an absent weight is 1.
fn judge_rules(object: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    for rule in route_rules(object)? {
        let shares: Vec<_> = rule.backends.iter().filter(|backend| !backend.is_mirror).collect();
        let at = |message: &str, wanted: &str, remedy: &str| Finding {
            path: rule.node.pointer(),
            subject: rule.subject(),
            message: message.to_owned(),
            wanted: wanted.to_owned(),
            remedy: remedy.to_owned(),
            ..Finding::default()
        };
        if !shares.is_empty() && shares.iter().all(|share| share.weight == 0) {
            findings.violation(at(
                "all weights of the rule are 0: every request fails",
                "a weight above 0",
                "give a backend a weight, or remove the rule",
            ));
        }
        let said = |node: Node<'_>| node.get("weight").is_some_and(|weight| !weight.is_null());
        let count = shares.iter().filter(|share| said(share.target.node)).count();
        if count > 0 && count < shares.len() {
            findings.advise([at(
                "some weights of the rule are missing, and count as 1",
                "a weight for every backend, or for none",
                "name the weights of all backends",
            )]);
        }
    }
    Ok(())
}
