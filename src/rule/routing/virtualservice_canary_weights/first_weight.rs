//! How much a destination may have that had nothing before.

use std::collections::HashSet;

use super::VirtualserviceCanaryWeights;
use crate::mesh::{Destination, Route, VirtualService};
use crate::rule::{CannotJudge, Finding, Findings, Operation, Request};

impl VirtualserviceCanaryWeights {
    pub(super) fn judge_first_weights(
        &self,
        service: &VirtualService<'_>,
        request: &Request<'_>,
        findings: &mut Findings,
    ) -> Result<(), CannotJudge> {
        let Some(most) = self.max_first_weight else { return Ok(()) };
        let tree = request.old_object.tree().map_err(CannotJudge::request)?;
        let before = tree.as_ref().map(|tree| VirtualService::of(tree.root())).transpose()?;
        let before = before.filter(|_| request.operation == Operation::Update);
        let had = before.as_ref().map(had_some);
        for route in &service.routes {
            for share in route.shares().filter(|share| weight(route, share) > most) {
                let is_new = match &had {
                    Some(had) => !had.contains(&(share.host, share.subset)),
                    None => share.subset.is_some_and(|subset| self.new_subsets.iter().any(|new| new == subset)),
                };
                if is_new {
                    findings.violation(too_much(route, share, most));
                }
            }
        }
        Ok(())
    }
}

/// Its share in percent, where weights are written so; the only one of a route gets everything.
fn weight(route: &Route<'_>, share: &Destination<'_>) -> i64 {
    if route.shares().nth(1).is_none() { 100 } else { share.weight.unwrap_or(0) }
}

/// The hosts and subsets that got something.
fn had_some<'t>(before: &VirtualService<'t>) -> HashSet<(&'t str, Option<&'t str>)> {
    let routes = before.routes.iter();
    let shares = routes.flat_map(|route| route.shares().filter(|share| weight(route, share) > 0));
    shares.map(|share| (share.host, share.subset)).collect()
}

fn too_much(route: &Route<'_>, share: &Destination<'_>, most: i64) -> Finding {
    let weight = weight(route, share);
    Finding {
        path: share.node.pointer(),
        subject: format!("{} new {}", route.subject(), share.subject()),
        value: weight.into(),
        message: format!("{} had nothing before and starts with {weight} percent", share.subject()),
        wanted: format!("at most {most} percent to start with"),
        remedy: "start smaller, watch it, then raise the weight".to_owned(),
        limit: Some(most as f64),
        ..Finding::default()
    }
}
