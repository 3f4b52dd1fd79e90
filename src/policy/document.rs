//! What a policy document says, as it is written.

use std::cmp::Reverse;

use jiff::civil::Date;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Action, Policy};
use crate::object::{Node, ShapeError, Tree};
use crate::rule;

/// A profile, each holding those before it. Named as the Pod Security Standards name theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The policies that must never fail.
    Required,
    /// What is wrong in every production mesh.
    Baseline,
    /// Best practice in full.
    Restricted,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: Kind,
    metadata: ObjectMeta,
    spec: Spec,
}

#[derive(Deserialize)]
enum ApiVersion {
    #[serde(rename = "policies.vigla.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Deserialize)]
enum Kind {
    Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectMeta {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    rule: String,
    /// Read by the rule itself, with its own schema.
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
    profile: Option<Profile>,
    action: Action,
    #[serde(default)]
    enforcement: Vec<Enforcement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enforcement {
    after: Date,
    action: Action,
}

/// What a policy document means.
///
/// # Errors
/// At the place that says something else than the format allows.
pub(super) fn compile(root: Node<'_>) -> Result<Policy, ShapeError> {
    let Document { metadata, spec, .. } = Document::deserialize(root)?;
    let blame = |path: &[&str]| root.at(path).unwrap_or(root);
    let Some(entry) = rule::find(&spec.rule) else {
        let message = format!("unknown rule `{}`, expected one that `vigla rules` lists", spec.rule);
        return Err(ShapeError::new(blame(&["spec", "rule"]), message));
    };
    let params = root.at(&["spec", "params"]).filter(|params| !params.is_null());
    let check = match params {
        Some(params) => (entry.compile)(params)?,
        None => (entry.compile)(Tree::empty_map().root())
            .map_err(|error| ShapeError::new(blame(&["spec"]), error.message))?,
    };
    let mut enforcement: Vec<_> = spec.enforcement.iter().map(|entry| (entry.after, entry.action)).collect();
    enforcement.sort_by_key(|&(after, _)| Reverse(after));
    Ok(Policy {
        name: metadata.name,
        rule: &entry.metadata,
        profile: spec.profile,
        check,
        action: spec.action,
        enforcement,
    })
}
