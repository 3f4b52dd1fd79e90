//! What a suite says, as it is written.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde_json::Value;

use crate::mesh::Labels;
use crate::policy::{ApiVersion, SettingsDocument, optional_day, optional_labels};
use crate::rule::{Operation, Resource};

/// Cases that test one policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a map")]
pub struct SuiteDocument {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: SuiteKind,
    /// The policy: this one alone is loaded, whatever the profile.
    pub(super) policy: String,
    /// Settings under which the cases are judged, without `apiVersion` and `kind`.
    #[serde(rename = "settings")]
    _settings: Option<Box<SettingsDocument>>,
    /// The cases.
    pub(super) cases: Vec<CaseSaid>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum SuiteKind {
    Suite,
}

/// A map of any members: they are read where they stand.
type Map = BTreeMap<String, Value>;

/// One case: a request, and what becomes of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a map")]
pub(super) struct CaseSaid {
    /// Its name, unique in its suite.
    pub(super) name: String,
    /// Why it is expected.
    pub(super) why: Option<String>,
    /// The object.
    #[serde(rename = "object")]
    _object: Option<Map>,
    /// A file with the object instead, relative to that of the suite.
    pub(super) file: Option<String>,
    /// What is done to it; absent: CREATE, or UPDATE where there is an `oldObject`.
    pub(super) operation: Option<Operation>,
    /// The object as it is stored.
    pub(super) old_object: Option<Map>,
    /// Who asks; absent: unknown.
    pub(super) user: Option<String>,
    /// The groups of the user.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// The labels of the object's namespace; absent: unknown.
    #[serde(default, deserialize_with = "optional_labels")]
    pub(super) namespace_labels: Option<Labels>,
    /// The namespace of an object that names none; absent: `default`.
    pub(super) namespace: Option<String>,
    /// The kind in the version that the user sent; absent: the object's.
    pub(super) request_kind: Option<KindSaid>,
    /// The subresource; absent: the object itself.
    pub(super) subresource: Option<String>,
    /// Whether nothing will be stored.
    #[serde(default)]
    pub(super) dry_run: bool,
    /// Parameters for this case, merged one level deep.
    #[serde(rename = "params")]
    _params: Option<Map>,
    /// The day on which it is judged, in UTC; absent: that of the run.
    #[serde(default, deserialize_with = "optional_day")]
    #[schemars(with = "Option<String>")]
    pub(super) now: Option<Date>,
    /// Objects of the cluster: refused until there is a snapshot to hold them.
    #[serde(rename = "cluster")]
    #[schemars(skip)]
    _cluster: Option<Value>,
    /// What becomes of it.
    pub(super) expect: Option<Expect>,
}

/// A kind in a version, as a review writes it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map")]
pub(super) struct KindSaid {
    /// API group; absent: the core group.
    #[serde(default)]
    group: String,
    /// API version.
    version: String,
    /// The kind.
    kind: String,
}

impl KindSaid {
    pub(super) fn resource(&self) -> Resource<'static> {
        Resource::owned(&self.group, &self.version, &self.kind)
    }
}

/// What a case expects.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub(super) enum Expect {
    /// Nothing is found, and nothing is mended.
    Nothing(Nothing),
    /// Exactly this is found.
    Findings(Box<Expected>),
}

/// Why nothing is found.
#[derive(Clone, Copy, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(super) enum Nothing {
    /// The policy judges such a request, and this one passes.
    Allow,
    /// The policy judges no request of this kind, operation and subresource.
    Unjudged,
}

/// What is found: lists are complete, in any order; one left out is empty.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map")]
pub(super) struct Expected {
    /// What refuses the request.
    #[serde(default)]
    pub(super) deny: Vec<FindingSaid>,
    /// What is said in warnings.
    #[serde(default)]
    pub(super) warn: Vec<FindingSaid>,
    /// What stands in the audit annotations alone.
    #[serde(default)]
    pub(super) audit: Vec<FindingSaid>,
    /// What was there before the request.
    #[serde(default)]
    pub(super) old: Vec<FindingSaid>,
    /// The whole object after the patch, which changes nothing the second time, and passes.
    pub(super) patched: Option<Map>,
    /// A part of the message of what could not be judged.
    pub(super) error: Option<String>,
}

impl Expected {
    /// Whether it says nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        let Self { deny, warn, audit, old, patched, error } = self;
        [deny, warn, audit, old].iter().all(|list| list.is_empty())
            && patched.is_none()
            && error.as_deref().unwrap_or_default().is_empty()
    }
}

/// A finding: its place, a part of its message, or both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "FindingWritten")]
#[schemars(with = "FindingWritten")]
pub(super) struct FindingSaid {
    pub(super) path: Option<PointerBuf>,
    pub(super) message: Option<String>,
}

/// A finding as it is written: at least one of the two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of path and message")]
struct FindingWritten {
    /// Where, as a JSON Pointer.
    path: Option<String>,
    /// A part of its message.
    message: Option<String>,
}

impl TryFrom<FindingWritten> for FindingSaid {
    type Error = String;

    fn try_from(written: FindingWritten) -> Result<Self, String> {
        let FindingWritten { path, message } = written;
        if path.is_none() && message.as_deref().unwrap_or_default().is_empty() {
            return Err("expected a finding with `path`, `message` or both".to_owned());
        }
        let parse = |path: String| {
            PointerBuf::parse(path.clone())
                .map_err(|_| format!("bad path `{path}`; expected a JSON Pointer such as `/metadata/namespace`"))
        };
        Ok(Self { path: path.map(parse).transpose()?, message })
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpectVisitor)
    }
}

struct ExpectVisitor;

impl<'de> Visitor<'de> for ExpectVisitor {
    type Value = Expect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`allow`, `unjudged`, or a map of `deny`, `warn`, `audit`, `old`, `patched`, `error`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Expect, E> {
        match word {
            "allow" => Ok(Expect::Nothing(Nothing::Allow)),
            "unjudged" => Ok(Expect::Nothing(Nothing::Unjudged)),
            _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expect, A::Error> {
        Expected::deserialize(MapAccessDeserializer::new(map)).map(|expected| Expect::Findings(Box::new(expected)))
    }
}
