//! What documents say, as they are written.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::{Glob, Namespaces, Selector, Users};
use super::{Action, OnError};
use crate::rule::Operation;

/// The API version of our own documents.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub(crate) enum ApiVersion {
    /// The first one.
    #[serde(rename = "policies.vigla.dev/v1alpha1")]
    V1Alpha1,
}

/// A profile, each holding those before it. Named as the Pod Security Standards name theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The policies that must never fail.
    Required,
    /// What is wrong in every production mesh.
    #[default]
    Baseline,
    /// Best practice in full.
    Restricted,
}

impl Profile {
    /// All of them, each holding those before it.
    pub const ALL: [Self; 3] = [Self::Required, Self::Baseline, Self::Restricted];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// A rule put into force.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyDocument {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: PolicyKind,
    /// Its name.
    pub(super) metadata: ObjectMeta,
    /// What it says.
    pub(super) spec: Spec,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum PolicyKind {
    Policy,
}

/// The metadata of our own documents.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ObjectMeta {
    /// The name; that of its rule for built-in policies.
    pub(super) name: String,
}

/// What a policy says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    /// A rule of `vigla rules`.
    pub(super) rule: String,
    /// The rule's parameters, by its own schema.
    #[serde(default)]
    pub(super) params: BTreeMap<String, Value>,
    /// The least profile that holds it; without one it is always in force.
    pub(super) profile: Option<Profile>,
    /// What a violation leads to.
    pub(super) action: Action,
    /// Other actions under conditions: the first entry whose conditions all hold wins.
    #[serde(default)]
    pub(super) enforcement: Vec<Enforcement>,
    /// What it is narrowed to.
    #[serde(rename = "match")]
    pub(super) scope: Option<Scope>,
    /// Whether what was there before an UPDATE only warns.
    pub(super) ratchet: Option<bool>,
    /// What a rule that cannot judge leads to.
    pub(super) on_error: Option<OnError>,
}

/// An action under conditions, of which all must hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Enforcement {
    /// From this day on, 00:00 UTC.
    #[serde(default, deserialize_with = "optional_day")]
    #[schemars(with = "Option<String>")]
    pub(super) after: Option<Date>,
    /// Namespaces by their labels.
    pub(super) namespace_selector: Option<Selector>,
    /// Namespaces by their names.
    pub(super) namespaces: Option<Namespaces>,
    /// Who asks.
    pub(super) users: Option<Users>,
    /// The action.
    pub(super) action: Action,
}

/// What a policy is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Scope {
    /// Namespaces by their names.
    pub(super) namespaces: Option<Namespaces>,
    /// Namespaces by their labels.
    pub(super) namespace_selector: Option<Selector>,
    /// Some of the rule's operations.
    pub(super) operations: Option<Vec<Operation>>,
    /// Who asks.
    pub(super) users: Option<Users>,
}

/// What holds for a whole run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsDocument {
    #[serde(rename = "apiVersion")]
    _api_version: Option<ApiVersion>,
    #[serde(rename = "kind")]
    _kind: Option<SettingsKind>,
    /// Which built-in policies are in force.
    pub(super) profile: Option<Profile>,
    /// A brake over everything: no violation leads to more than this.
    pub(super) max_action: Option<MaxAction>,
    /// The mesh.
    #[serde(default)]
    pub(super) mesh: MeshSettings,
    /// Changes to policies, by name.
    #[serde(default)]
    pub(super) policies: BTreeMap<String, Override>,
    /// What is let through for a time.
    #[serde(default)]
    pub(super) exceptions: Vec<ExceptionSaid>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum SettingsKind {
    Settings,
}

/// The most that a violation may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum MaxAction {
    Deny,
    Warn,
    Audit,
}

impl From<MaxAction> for Action {
    fn from(max: MaxAction) -> Self {
        match max {
            MaxAction::Deny => Self::Deny,
            MaxAction::Warn => Self::Warn,
            MaxAction::Audit => Self::Audit,
        }
    }
}

/// What there is to know of the mesh.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MeshSettings {
    /// Where configuration for the whole mesh stands.
    #[serde(default, deserialize_with = "namespace")]
    pub(super) root_namespace: Option<String>,
    /// Where control planes run.
    #[serde(default, deserialize_with = "namespaces")]
    pub(super) control_plane_namespaces: Option<Vec<String>>,
    /// Where EnvoyFilters may stand.
    #[serde(default, deserialize_with = "namespaces")]
    pub(super) config_namespaces: Option<Vec<String>>,
    /// Where gateways run.
    #[serde(default, deserialize_with = "namespaces")]
    pub(super) gateway_namespaces: Option<Vec<String>>,
    /// The trust domain of workload identities.
    pub(super) trust_domain: Option<String>,
    /// The domain of Services.
    pub(super) cluster_domain: Option<String>,
    /// Names of ConfigMaps with shared mesh configuration.
    pub(super) shared_mesh_configs: Option<Vec<String>>,
}

/// Changes to one policy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Override {
    /// In force whatever the profile, or not at all.
    pub(super) enabled: Option<bool>,
    /// Another action; it replaces the document's `enforcement` too.
    pub(super) action: Option<Action>,
    /// Parameters, merged one level deep.
    #[serde(default)]
    pub(super) params: BTreeMap<String, Value>,
    /// Replaces the document's `match` whole.
    #[serde(rename = "match")]
    pub(super) scope: Option<Scope>,
    /// Replaces the document's `enforcement` whole.
    pub(super) enforcement: Option<Vec<Enforcement>>,
    /// What a rule that cannot judge leads to.
    pub(super) on_error: Option<OnError>,
    /// Whether what was there before an UPDATE only warns.
    pub(super) ratchet: Option<bool>,
}

/// What is let through, why, on whose word and how long. An omitted list means all.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionSaid {
    /// The policy that does not hold.
    pub(super) policy: String,
    /// Namespaces.
    #[serde(default, deserialize_with = "some")]
    pub(super) namespaces: Option<Vec<Glob>>,
    /// Kinds.
    #[serde(default, deserialize_with = "some")]
    pub(super) kinds: Option<Vec<String>>,
    /// Names of objects.
    #[serde(default, deserialize_with = "some")]
    pub(super) names: Option<Vec<Glob>>,
    /// Why.
    #[serde(deserialize_with = "words")]
    pub(super) reason: String,
    /// Who answers for it.
    #[serde(deserialize_with = "words")]
    pub(super) owner: String,
    /// The last day on which it holds, in UTC.
    #[serde(deserialize_with = "day")]
    #[schemars(with = "String")]
    pub(super) expires: Date,
}

/// A day in UTC.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = text.parse().ok().filter(|day: &Date| day.to_string() == text);
    day.ok_or_else(|| D::Error::custom(format!("bad date `{text}`; expected a day such as 2027-03-01")))
}

/// The same for a field that may be absent.
pub(crate) fn optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    struct Day(#[serde(deserialize_with = "day")] Date);
    Ok(Option::<Day>::deserialize(deserializer)?.map(|Day(day)| day))
}

/// A list that says something: an empty one, or `null`, would be read as "all" by one and as "none" by another.
pub(super) fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() {
        return Err(D::Error::custom("an empty list; name at least one, or leave the field out for all"));
    }
    Ok(Some(list))
}

/// Text that is not blank.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom("blank; expected words that somebody can act on"));
    }
    Ok(text)
}

/// Names of namespaces, at least one. A misspelled one would switch a rule off without a word.
fn namespaces<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names: Option<Vec<String>> = some(deserializer)?;
    names.iter().flatten().try_for_each(|name| check_namespace(name)).map_err(D::Error::custom)?;
    Ok(names)
}

/// The name of a namespace.
fn namespace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    check_namespace(&name).map_err(D::Error::custom)?;
    Ok(Some(name))
}

/// A DNS label: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>.
fn check_namespace(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = !name.starts_with('-') && !name.ends_with('-');
    if (1..=63).contains(&name.len()) && name.chars().all(legal) && ends {
        return Ok(());
    }
    Err(format!("`{}` is no name of a namespace; expected lower-case letters, digits and `-`", name.escape_debug()))
}
