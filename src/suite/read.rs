//! Texts into suites: every case is read and checked before any is judged.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Surroundings;
use super::case::{Case, Reader};
use super::document::SuiteDocument;
use crate::object::{Node, ShapeError};
use crate::policy::{Document, Library, LoadError, LoadErrors, PolicySet, Single, Text};

/// A suite that can be run. Nothing in it is malformed.
pub(super) struct Suite {
    pub(super) policy: String,
    /// The policy alone, under the settings of the suite.
    pub(super) set: PolicySet,
    pub(super) cases: Vec<Case>,
}

/// The suites of a text, and what is wrong with those that cannot be run. Documents of other kinds are passed over.
pub(super) fn read(text: &Text, library: &Library<'_>, around: &Surroundings<'_>) -> Vec<Result<Suite, LoadErrors>> {
    let suite = |document: Result<Document<'_>, LoadError>| match document {
        Err(error) => Some(Err(LoadErrors(vec![error]))),
        Ok(document) => match document.kind() {
            Some("Suite") => Some(suite(&document, library, around)),
            kind => misnamed(&document, kind).map(|error| Err(LoadErrors(vec![error]))),
        },
    };
    text.documents().filter_map(suite).collect()
}

/// What is ours and of no kind that there is: a suite must not go missing through a slip of the pen.
fn misnamed(document: &Document<'_>, kind: Option<&str>) -> Option<LoadError> {
    let api_version = document.tree.root().get("apiVersion").and_then(Node::as_str).unwrap_or_default();
    let known = !api_version.starts_with("policies.vigla.dev") || matches!(kind, Some("Policy" | "Settings"));
    (!known).then(|| document.error_at(&["kind"], "expected kind Suite, Policy or Settings".to_owned()))
}

fn suite(document: &Document<'_>, library: &Library<'_>, around: &Surroundings<'_>) -> Result<Suite, LoadErrors> {
    let root = document.tree.root();
    let one = |error| LoadErrors(vec![error]);
    let said = SuiteDocument::deserialize(root).map_err(|error| one(document.error(&error)))?;
    let nodes: Vec<Node<'_>> = root.get("cases").into_iter().flat_map(Node::items).collect();
    let mut errors = names(document, &said, &nodes);
    let settings = root.get("settings").filter(|settings| !settings.is_null());
    let single = library.single(&said.policy, document.source, settings);
    let set = policy(document, &said.policy, &single);
    let mut cases = Vec::new();
    // Without the policy nothing is known of its parameters.
    for (said, &node) in said.cases.iter().zip(&nodes).filter(|_| set.is_ok()) {
        match (Reader { document, said, node, around, single: &single }).read() {
            Ok(case) => cases.push(case),
            Err(more) => errors.extend(more),
        }
    }
    match set {
        Ok(set) if errors.is_empty() => Ok(Suite { policy: said.policy, set, cases }),
        Ok(_) => Err(LoadErrors(errors)),
        Err(LoadErrors(more)) => Err(LoadErrors(errors.into_iter().chain(more).collect())),
    }
}

/// The policy alone.
fn policy(document: &Document<'_>, name: &str, single: &Single<'_>) -> Result<PolicySet, LoadErrors> {
    let set = single.load(None)?;
    if set.policies().is_empty() {
        let message = format!("no policy `{name}`; `vigla policies` lists them all, --policies adds some");
        return Err(LoadErrors(vec![document.error_at(&["policy"], message)]));
    }
    Ok(set)
}

/// What is wrong with the cases as a list: there are none, or two cannot be told apart.
fn names(document: &Document<'_>, said: &SuiteDocument, nodes: &[Node<'_>]) -> Vec<LoadError> {
    if said.cases.is_empty() {
        return vec![document.error_at(&["cases"], "a suite without cases tests nothing".to_owned())];
    }
    let mut names = BTreeSet::new();
    let mut wrong = |name| match (str::trim(name), names.insert(name)) {
        ("", _) => Some("a case needs a name".to_owned()),
        (_, true) => None,
        (_, false) => Some(format!("a second case `{name}`; names are unique in a suite")),
    };
    let cases = said.cases.iter().zip(nodes);
    cases
        .filter_map(|(case, node)| Some(document.error(&ShapeError::new(node.nearest(["name"]), wrong(&case.name)?))))
        .collect()
}
