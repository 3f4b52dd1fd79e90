//! Whether an update changes what an object says.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::Node;
use crate::rule::{CannotJudge, Operation, Request};

/// Whether an object says something else than the stored one, which a new one always does.
///
/// Of its metadata labels and annotations count: one of them takes a policy out of force. The rest of it, and the
/// status, is what the cluster keeps there.
pub(super) fn says_something_else(object: Node<'_>, request: &Request<'_>) -> Result<bool, CannotJudge> {
    if request.operation != Operation::Update {
        return Ok(true);
    }
    let old = request.old_object.tree().map_err(CannotJudge::request)?;
    Ok(old.is_none_or(|old| said(old.root()) != said(object)))
}

fn said(object: Node<'_>) -> BTreeMap<&str, Value> {
    let metadata = object.get("metadata").into_iter().flat_map(Node::members);
    let metadata = metadata.filter(|(key, _)| matches!(*key, "labels" | "annotations"));
    let body = object.members().filter(|(key, _)| !matches!(*key, "apiVersion" | "kind" | "metadata" | "status"));
    body.chain(metadata).filter(|(_, node)| !node.is_null()).map(|(key, node)| (key, node.to_json())).collect()
}
