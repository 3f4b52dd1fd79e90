//! `virtualservice-unreachable-route`.

mod taken;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{GroupKind, Route, RouteList, StringMatch, VirtualService};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};
use taken::{Conditions, Taken};

documented! {
    /// Every route of a VirtualService can be reached.
    ///
    /// # What it does
    /// Refuses a route that gets no request, since routes before it take everything that it asks for: one without a
    /// match, one with the same match, one with a wider prefix and no condition that the later one lacks. It advises
    /// where that holds for some of a route's matches.
    ///
    /// # Why
    /// Routes are tried in their order, and the first that matches wins. What stands behind is dead, though it looks as
    /// if it worked: <https://istio.io/latest/docs/reference/config/analysis/ist0130/>.
    ///
    /// # Known limits
    /// Regular expressions are compared as texts. A route that delegates hides nothing, since the other VirtualService may
    /// leave requests over. In a list of very many routes that differ in little, the last ones are not compared.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct VirtualserviceUnreachableRoute {}
}

/// A match: where it stands, and its conditions.
type Match<'t> = (Node<'t>, Conditions);

impl Rule for VirtualserviceUnreachableRoute {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-unreachable-route",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "VirtualService" }],
        codes: &["IST0130", "IST0131"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let service = VirtualService::of(input.object)?;
        for list in [RouteList::Http, RouteList::Tls, RouteList::Tcp] {
            judge(service.routes.iter().filter(|route| route.list == list), findings)?;
        }
        Ok(())
    }
}

fn judge<'r, 't: 'r>(routes: impl Iterator<Item = &'r Route<'t>>, findings: &mut Findings) -> Result<(), WrongType> {
    let mut taken = Taken::default();
    // Where those that were taken stand.
    let mut nodes: Vec<Node<'t>> = Vec::new();
    for route in routes {
        let before = taken.len();
        let mut hidden = Vec::new();
        for (node, conditions) in matches(route.node)? {
            let hider = taken.first_over(&conditions);
            hidden.push((node, hider));
            if hider.is_none() {
                taken.push(conditions);
                nodes.push(node);
            }
        }
        if taken.is_exhausted() {
            return Ok(());
        }
        if hidden.iter().all(|(_, hider)| hider.is_some_and(|hider| hider < before)) {
            let by = hidden.first().and_then(|(_, hider)| nodes.get((*hider)?));
            findings.violation(Finding {
                path: route.node.pointer(),
                subject: route.subject(),
                value: route.node.get("match").map(|node| node.to_json()).unwrap_or_default(),
                message: format!("no request reaches this {}: {}", route.subject(), taken_by(by)),
                ..remedy()
            });
        } else {
            let ineffective = hidden.iter().filter_map(|(node, hider)| Some((node, nodes.get((*hider)?))));
            findings.advise(ineffective.map(|(node, by)| Finding {
                path: node.pointer(),
                subject: format!("{} match", route.subject()),
                value: node.to_json(),
                message: format!("this match of the {} adds nothing: {}", route.subject(), taken_by(by)),
                ..remedy()
            }));
        }
        if route.node.map("delegate")?.is_some() {
            taken.truncate(before);
            nodes.truncate(before);
        }
    }
    Ok(())
}

/// A route's matches, each as its conditions; a route without any asks for everything.
fn matches(route: Node<'_>) -> Result<Vec<Match<'_>>, WrongType> {
    let listed = route.maps("match")?;
    if listed.is_empty() {
        return Ok(vec![(route, Conditions::new())]);
    }
    listed.into_iter().map(|node| Ok((node, conditions(node)?))).collect()
}

/// What a match asks for: without what names it, what is empty, and the prefix that every path has.
fn conditions(node: Node<'_>) -> Result<Conditions, WrongType> {
    for key in ["uri", "scheme", "method", "authority"] {
        node.map(key)?.map(StringMatch::of).transpose()?;
    }
    for key in ["headers", "withoutHeaders", "queryParams", "sourceLabels"] {
        node.map(key)?;
    }
    let Value::Object(mut map) = node.to_json() else { return Ok(Conditions::new()) };
    map.retain(|key, value| {
        let empty = match value {
            Value::Null => true,
            Value::Bool(set) => !*set,
            Value::Object(fields) => fields.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        let everything = key == "uri" && value.get("prefix").is_some_and(|prefix| prefix == "/");
        !(empty || everything || key == "name" || key == "statPrefix")
    });
    // Without a path there is nothing whose case could be ignored.
    if !map.contains_key("uri") {
        map.remove("ignoreUriCase");
    }
    Ok(map)
}

fn taken_by(by: Option<&Node<'_>>) -> String {
    let place = by.map(|node| node.pointer().to_string()).unwrap_or_default();
    format!("`{place}` before it takes all that it asks for")
}

fn remedy() -> Finding {
    Finding {
        wanted: "the narrower match first".to_owned(),
        remedy: "move it in front of the wider one, or remove it".to_owned(),
        ..Finding::default()
    }
}
