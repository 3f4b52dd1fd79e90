//! What a case expects against what was decided.

use json_patch::Patch;
use json_patch::jsonptr::{PointerBuf, Token};
use serde_json::Value;

use super::case::Case;
use super::document::{Expect, Expected, FindingSaid, Nothing};
use super::pair::unpaired;
use super::{About, Difference};
use crate::engine::{Decision, Effect, Judged, Kind, Phase, decide};
use crate::object::{Tree, read_json};
use crate::policy::PolicySet;
use crate::rule::{Body, Request};

/// Judges a case, and says where the outcome is another than expected. `set`: the policy without its own parameters.
pub(super) fn differences(case: &Case, set: &PolicySet) -> Vec<Difference> {
    let set = case.set.as_ref().unwrap_or(set);
    let decide = |request: &Request<'_>| decide(set, request, &case.snapshot, case.now, Phase::Mended);
    let decision = decide(&case.request);
    match &case.expect {
        Expect::Nothing(expected) => nothing(*expected, &decision, &case.request, set),
        Expect::Findings(expected) => {
            let mut differences = findings(expected, &decision);
            patched(expected, &decision, &case.request, &decide, &mut differences);
            differences
        }
    }
}

/// Where nothing is found, a case still shows something only if it says whether the policy looked.
fn nothing(expected: Nothing, decision: &Decision<'_>, request: &Request<'_>, set: &PolicySet) -> Vec<Difference> {
    let Request { kind, operation, subresource, .. } = request;
    let judges = set.matching(&kind.group, &kind.kind, *operation, subresource).next().is_some();
    let found = decision.sent.iter().map(|judged| Difference::found(of(judged), finding(judged)));
    let missing = match (expected, judges) {
        (Nothing::Allow, true) if decision.sent.is_empty() => return Vec::new(),
        (Nothing::Unjudged, false) => return Vec::new(),
        (Nothing::Allow, true) => Difference::expected(About::Allow, "nothing found".to_owned()),
        (Nothing::Allow, false) => {
            let below = if subresource.is_empty() { String::new() } else { format!(", subresource {subresource}") };
            let request = format!("{operation} of {} {}{below}", kind.api_version(), kind.kind);
            return vec![
                Difference::expected(About::Allow, "a request that the policy judges".to_owned()),
                Difference::found(About::Unjudged, format!("it judges no {request}; `expect: unjudged` says so")),
            ];
        }
        (Nothing::Unjudged, true) => {
            Difference::expected(About::Unjudged, "a request that the policy does not judge".to_owned())
        }
    };
    std::iter::once(missing).chain(found).collect()
}

/// Findings on the object as it was mended, where it was, else as it came.
fn findings(expected: &Expected, decision: &Decision<'_>) -> Vec<Difference> {
    let found = if decision.patch.is_some() { &decision.mended } else { &decision.sent };
    let mut differences = Vec::new();
    // Without `error`, what could not be judged is a finding by its effect, like any other.
    let is_error = |judged: &&Judged<'_>| judged.kind == Kind::Error && expected.error.is_some();
    if let Some(part) = &expected.error {
        let (said, not): (Vec<&Judged<'_>>, Vec<_>) =
            found.iter().filter(is_error).partition(|judged| judged.finding.message.contains(part));
        if said.is_empty() {
            differences.push(Difference::expected(About::Error, quoted(part)));
            differences.extend(not.into_iter().map(|judged| Difference::found(About::Error, finding(judged))));
        }
    }
    let lists = [
        (Effect::Deny, &expected.deny),
        (Effect::Warn, &expected.warn),
        (Effect::Audit, &expected.audit),
        (Effect::Old, &expected.old),
    ];
    for (effect, said) in lists {
        let found: Vec<&Judged<'_>> =
            found.iter().filter(|judged| judged.effect == effect && !is_error(judged)).collect();
        let fits = |one: usize, other: usize| {
            said.get(one).zip(found.get(other)).is_some_and(|(said, judged)| is(said, judged))
        };
        let (missing, surplus) = unpaired(said.len(), found.len(), &fits);
        let missing = missing.into_iter().filter_map(|at| said.get(at));
        differences.extend(missing.map(|said| Difference::expected(effect.into(), wanted(said))));
        let surplus = surplus.into_iter().filter_map(|at| found.get(at));
        differences.extend(surplus.map(|judged| Difference::found(effect.into(), finding(judged))));
    }
    differences
}

fn is(said: &FindingSaid, judged: &Judged<'_>) -> bool {
    said.path.as_ref().is_none_or(|path| *path == judged.finding.path)
        && said.message.as_ref().is_none_or(|part| judged.finding.message.contains(part))
}

/// The object after the patch, and what a second turn makes of it.
fn patched<'p>(
    expected: &Expected,
    decision: &Decision<'_>,
    request: &Request<'_>,
    decide: &dyn Fn(&Request<'_>) -> Decision<'p>,
    differences: &mut Vec<Difference>,
) {
    let (said, patch) = match (&expected.patched, &decision.patch) {
        (None, None) => return,
        (None, Some(patch)) => return differences.push(Difference::found(About::Patched, json(patch))),
        (Some(_), None) => return differences.push(Difference::expected(About::Patched, "a patch".to_owned())),
        (Some(said), Some(patch)) => (said, patch),
    };
    let result = match apply(request, patch) {
        Ok(result) => result,
        Err(error) => return differences.push(Difference::found(About::Patched, error)),
    };
    let said = whole(&Value::from_iter(said.clone()));
    walk(&mut PointerBuf::new(), Some(&said), Some(&result), differences);
    let text = result.to_string();
    let object = match read_json(&text) {
        Ok(tree) => Body::Read(tree),
        Err(error) => Body::Unreadable(error.message),
    };
    let again = decide(&Request { object, ..request.clone() });
    if let Some(patch) = &again.patch {
        differences.push(Difference::found(About::PatchedAgain, json(patch)));
    }
    let denied = again.with(Effect::Deny).map(|judged| Difference::found(About::DeniedAgain, finding(judged)));
    differences.extend(denied);
}

fn apply(request: &Request<'_>, patch: &Patch) -> Result<Value, String> {
    let mut object = request.object.node().map_or(Value::Null, |node| node.to_json());
    json_patch::patch(&mut object, patch).map_err(|error| format!("a patch that does not fit: {error}"))?;
    Ok(object)
}

/// An object as rules read it: `status` and the like are no part of what is compared.
fn whole(object: &Value) -> Value {
    let text = object.to_string();
    read_json(&text).map_or(Value::Null, |tree| Tree::object_at(tree.root()).root().to_json())
}

/// Where two values differ, member by member. No deeper than either reader goes.
fn walk(at: &mut PointerBuf, said: Option<&Value>, found: Option<&Value>, differences: &mut Vec<Difference>) {
    let mut below = |token: Token<'_>, said: Option<&Value>, found: Option<&Value>| {
        at.push_back(token);
        walk(at, said, found, differences);
        at.pop_back();
    };
    match (said, found) {
        (Some(Value::Object(said)), Some(Value::Object(found))) => {
            let missing = found.keys().filter(|key| !said.contains_key(*key));
            for key in said.keys().chain(missing) {
                below(Token::new(key), said.get(key), found.get(key));
            }
        }
        (Some(Value::Array(said)), Some(Value::Array(found))) => {
            for index in 0..said.len().max(found.len()) {
                below(index.into(), said.get(index), found.get(index));
            }
        }
        (said, found) if said == found => {}
        (said, found) => {
            let show = |value: &Value| format!("{at} {value}");
            let (expected, found) = (said.map(show), found.map(show));
            differences.push(Difference { about: About::Patched, expected, found });
        }
    }
}

fn of(judged: &Judged<'_>) -> About {
    if judged.kind == Kind::Error { About::Error } else { judged.effect.into() }
}

/// A finding as a suite would write it.
fn finding(judged: &Judged<'_>) -> String {
    format!("{{path: {}, message: {}}}", path(&judged.finding.path), quoted(&judged.finding.message))
}

fn wanted(said: &FindingSaid) -> String {
    let path = said.path.as_ref().map(|own| format!("path: {}", path(own)));
    let message = said.message.as_ref().map(|part| format!("message: {}", quoted(part)));
    format!("{{{}}}", path.into_iter().chain(message).collect::<Vec<_>>().join(", "))
}

fn path(path: &PointerBuf) -> String {
    // Plain in YAML's flow style, or quoted.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    let text = path.as_str();
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn json(patch: &Patch) -> String {
    serde_json::to_string(patch).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{About, Difference, patched};
    use crate::engine::{Decision, Effect, Judged, Kind};
    use crate::manifest::{Defaults, request};
    use crate::object::read_json;
    use crate::policy::Action;
    use crate::rule::{CannotJudge, Operation, RULES};
    use crate::suite::document::Expected;

    /// What a second turn makes of a patched object: no rule of ours leaves anything to find there.
    fn second_turn(again: &Decision<'static>) -> Vec<Difference> {
        let tree = read_json(r#"{"apiVersion": "v1", "kind": "Thing", "metadata": {}}"#).unwrap();
        let defaults = Defaults { operation: Operation::Create, namespace: None, user: None };
        let request = request(tree.root(), &defaults).unwrap();
        let whole = json!({"patched": {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a"}}});
        let expected: Expected = serde_json::from_value(whole).unwrap();
        let patch = serde_json::from_value(json!([{"op": "add", "path": "/metadata/name", "value": "a"}])).unwrap();
        let first = Decision { patch: Some(patch), ..Decision::default() };
        let mut differences = Vec::new();
        patched(&expected, &first, &request, &|_| again.clone(), &mut differences);
        differences
    }

    #[test]
    fn a_patched_object_passes_and_is_not_patched_again() {
        assert_eq!(second_turn(&Decision::default()), []);
        let patch = serde_json::from_value(json!([{"op": "remove", "path": "/a"}])).unwrap();
        let again = second_turn(&Decision { patch: Some(patch), ..Decision::default() });
        assert_eq!(again, [Difference::found(About::PatchedAgain, r#"[{"op":"remove","path":"/a"}]"#.to_owned())]);
        let denied = Judged {
            policy: "p",
            rule: &RULES[0].metadata,
            action: Action::Deny,
            kind: Kind::Violation,
            effect: Effect::Deny,
            stricter_from: None,
            finding: CannotJudge::request("why").finding(),
        };
        let warned = Judged { effect: Effect::Warn, ..denied.clone() };
        let again = second_turn(&Decision { sent: vec![denied, warned], ..Decision::default() });
        let shown = r#"{path: "", message: "cannot judge: why"}"#.to_owned();
        assert_eq!(again, [Difference::found(About::DeniedAgain, shown)]);
    }
}
