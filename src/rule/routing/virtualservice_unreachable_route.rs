//! `virtualservice-unreachable-route`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::mesh::{GroupKind, Route, RouteList, StringMatch, VirtualService};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

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
    /// leave requests over. Of one list the routes with the first 500 matches are compared.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct VirtualserviceUnreachableRoute {}
}

/// A match: where it stands, and its conditions.
type Match<'t> = (Node<'t>, Map<String, Value>);

/// The most matches of one list that are compared: each is with all before it.
const MOST: usize = 500;

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
    let mut taken: Vec<Match<'t>> = Vec::new();
    let mut compared = 0;
    for route in routes {
        let asked = matches(route.node)?;
        compared += asked.len();
        if compared > MOST {
            return Ok(());
        }
        let before = taken.len();
        let mut hidden = Vec::new();
        for (node, conditions) in asked {
            let hider = taken.iter().position(|(_, earlier)| covers(earlier, &conditions));
            hidden.push((node, hider));
            if hider.is_none() {
                taken.push((node, conditions));
            }
        }
        if hidden.iter().all(|(_, hider)| hider.is_some_and(|hider| hider < before)) {
            let by = hidden.first().and_then(|(_, hider)| taken.get((*hider)?));
            findings.violation(Finding {
                path: route.node.pointer(),
                subject: route.subject(),
                value: route.node.get("match").map(|node| node.to_json()).unwrap_or_default(),
                message: format!("no request reaches this {}: {}", route.subject(), taken_by(by)),
                ..remedy()
            });
        } else {
            let ineffective = hidden.iter().filter_map(|(node, hider)| Some((node, taken.get((*hider)?))));
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
        }
    }
    Ok(())
}

/// A route's matches, each as its conditions; a route without any asks for everything.
fn matches(route: Node<'_>) -> Result<Vec<Match<'_>>, WrongType> {
    let listed = route.maps("match")?;
    if listed.is_empty() {
        return Ok(vec![(route, Map::new())]);
    }
    listed.into_iter().map(|node| Ok((node, conditions(node)?))).collect()
}

/// What a match asks for: without what names it, what is empty, and the prefix that every path has.
fn conditions(node: Node<'_>) -> Result<Map<String, Value>, WrongType> {
    for key in ["uri", "scheme", "method", "authority"] {
        node.map(key)?.map(StringMatch::of).transpose()?;
    }
    for key in ["headers", "withoutHeaders", "queryParams", "sourceLabels"] {
        node.map(key)?;
    }
    let Value::Object(mut map) = node.to_json() else { return Ok(Map::new()) };
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

/// Whether whatever fits `later` fits `earlier` too.
fn covers(earlier: &Map<String, Value>, later: &Map<String, Value>) -> bool {
    let same_case = !later.contains_key("uri") || earlier.get("ignoreUriCase") == later.get("ignoreUriCase");
    let covered = |(key, asked): (&String, &Value)| match later.get(key) {
        None => false,
        Some(found) if asked == found => true,
        Some(found) => match key.as_str() {
            "uri" => asked.get("prefix").and_then(Value::as_str).is_some_and(|prefix| starts_with(found, prefix)),
            "headers" | "withoutHeaders" | "queryParams" | "sourceLabels" => {
                let Some(asked) = asked.as_object() else { return false };
                asked.iter().all(|(name, value)| found.get(name) == Some(value))
            }
            _ => false,
        },
    };
    (same_case || !earlier.contains_key("uri")) && earlier.iter().all(covered)
}

fn starts_with(uri: &Value, prefix: &str) -> bool {
    ["prefix", "exact"].iter().filter_map(|key| uri.get(*key)?.as_str()).any(|text| text.starts_with(prefix))
}

fn taken_by(by: Option<&Match<'_>>) -> String {
    let place = by.map(|(node, _)| node.pointer().to_string()).unwrap_or_default();
    format!("`{place}` before it takes all that it asks for")
}

fn remedy() -> Finding {
    Finding {
        wanted: "the narrower match first".to_owned(),
        remedy: "move it in front of the wider one, or remove it".to_owned(),
        ..Finding::default()
    }
}
