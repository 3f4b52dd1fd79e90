//! What documents say, as they are written.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::{Namespaces, Selector, Users};
use super::tenant::TenantSaid;
use super::{Action, OnError, field};
use crate::mesh::{Glob, Mesh, OwnedHost};
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
    #[serde(default, deserialize_with = "field::optional_day")]
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
    /// Who owns which hosts.
    #[serde(default)]
    pub(super) tenants: Vec<TenantSaid>,
    /// Hosts that every tenant may name, and no tenant owns.
    #[serde(default)]
    pub(super) shared_hosts: Vec<OwnedHost>,
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
    #[serde(default, deserialize_with = "field::namespace")]
    pub(super) root_namespace: Option<String>,
    /// Where control planes run.
    #[serde(default, deserialize_with = "field::namespaces")]
    pub(super) control_plane_namespaces: Option<Vec<String>>,
    /// Where EnvoyFilters may stand.
    #[serde(default, deserialize_with = "field::namespaces")]
    pub(super) config_namespaces: Option<Vec<String>>,
    /// Where gateways run.
    #[serde(default, deserialize_with = "field::namespaces")]
    pub(super) gateway_namespaces: Option<Vec<String>>,
    /// The domain of Services.
    pub(super) cluster_domain: Option<String>,
    /// Names of ConfigMaps with shared mesh configuration.
    #[serde(default, deserialize_with = "field::names")]
    pub(super) shared_mesh_configs: Option<Vec<String>>,
}

impl From<MeshSettings> for Mesh {
    fn from(said: MeshSettings) -> Self {
        let default = Self::default();
        Self {
            root_namespace: said.root_namespace,
            control_plane_namespaces: said.control_plane_namespaces.unwrap_or(default.control_plane_namespaces),
            config_namespaces: said.config_namespaces.unwrap_or(default.config_namespaces),
            gateway_namespaces: said.gateway_namespaces.unwrap_or(default.gateway_namespaces),
            cluster_domain: said.cluster_domain.unwrap_or(default.cluster_domain),
            shared_mesh_configs: said.shared_mesh_configs.unwrap_or(default.shared_mesh_configs),
            tenants: default.tenants,
        }
    }
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
    #[serde(default, deserialize_with = "field::some")]
    pub(super) namespaces: Option<Vec<Glob>>,
    /// Kinds.
    #[serde(default, deserialize_with = "field::some")]
    pub(super) kinds: Option<Vec<String>>,
    /// Names of objects.
    #[serde(default, deserialize_with = "field::some")]
    pub(super) names: Option<Vec<Glob>>,
    /// Why.
    #[serde(deserialize_with = "field::words")]
    pub(super) reason: String,
    /// Who answers for it.
    #[serde(deserialize_with = "field::words")]
    pub(super) owner: String,
    /// The last day on which it holds, in UTC.
    #[serde(deserialize_with = "field::day")]
    #[schemars(with = "String")]
    pub(super) expires: Date,
}
