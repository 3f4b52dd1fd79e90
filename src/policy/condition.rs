//! Conditions on where a request goes and who makes it, in three values: what is not known is neither yes nor no.

mod cover;

use schemars::JsonSchema;
use serde::Deserialize;

use super::field;
use crate::mesh::{Glob, Labels, check_label_key, check_label_value};
use crate::rule::User;

/// The answer to a condition, from no to yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    No,
    /// It depends on what is not known.
    Unknown,
    /// It holds.
    Yes,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub enum Place<'r> {
    /// To a cluster-scoped object that is no Namespace.
    Cluster,
    /// Into a namespace, or to a Namespace itself.
    Namespace {
        /// Its name.
        name: &'r str,
        /// Its labels, where they are known.
        labels: Option<&'r Labels>,
    },
}

/// Names of namespaces.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Namespaces {
    /// Those that count; absent: all.
    #[serde(default, deserialize_with = "field::some")]
    include: Option<Vec<Glob>>,
    /// Those that do not, whatever `include` says.
    #[serde(default)]
    exclude: Vec<Glob>,
}

impl Namespaces {
    fn holds(&self, name: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        self.include.as_deref().is_none_or(any) && !any(&self.exclude)
    }
}

/// Who makes a request. `users` and `groups` are alternatives; excludes win.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Users {
    /// User names.
    #[serde(default)]
    users: Vec<String>,
    /// Groups.
    #[serde(default)]
    groups: Vec<String>,
    /// User names that do not count.
    #[serde(default)]
    exclude_users: Vec<String>,
    /// Groups whose members do not count.
    #[serde(default)]
    exclude_groups: Vec<String>,
}

impl Users {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        let Self { users, groups, exclude_users, exclude_groups } = self;
        [users, groups, exclude_users, exclude_groups].into_iter().all(Vec::is_empty)
    }

    /// Whether it names nobody who counts.
    fn is_anyone(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    fn holds(&self, user: &User<'_>) -> bool {
        let named = |names: &[String]| names.iter().any(|name| *name == user.name);
        let member = |groups: &[String]| user.groups.iter().any(|own| groups.iter().any(|group| group == own));
        (self.is_anyone() || named(&self.users) || member(&self.groups))
            && !named(&self.exclude_users)
            && !member(&self.exclude_groups)
    }
}

/// A label selector, as Kubernetes writes it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selector {
    /// Labels and the values that they must have.
    #[serde(default, deserialize_with = "field::labels")]
    match_labels: Labels,
    /// Further conditions on labels.
    #[serde(default)]
    match_expressions: Vec<Requirement>,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "SaidRequirement")]
#[schemars(with = "SaidRequirement")]
struct Requirement(SaidRequirement);

/// One entry of `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SaidRequirement {
    /// The label.
    key: String,
    /// What must hold for it.
    operator: Operator,
    /// The values that `In` and `NotIn` compare with.
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl TryFrom<SaidRequirement> for Requirement {
    type Error = String;

    fn try_from(said: SaidRequirement) -> Result<Self, String> {
        check_label_key(&said.key).map_err(|why| format!("bad selector: {why}"))?;
        said.values
            .iter()
            .try_for_each(|value| check_label_value(value))
            .map_err(|why| format!("bad selector: {why}"))?;
        let compares = matches!(said.operator, Operator::In | Operator::NotIn);
        match (compares, said.values.is_empty()) {
            (true, true) => Err(format!("bad selector: `{:?}` needs at least one of `values`", said.operator)),
            (false, false) => Err(format!("bad selector: `{:?}` takes no `values`", said.operator)),
            _ => Ok(Self(said)),
        }
    }
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let Self(SaidRequirement { operator, values, .. }) = self;
        let listed = value.is_some_and(|value| values.iter().any(|own| own == value));
        match operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl Selector {
    /// Whether labels match. `kubernetes.io/metadata.name` is always known.
    fn holds(&self, name: &str, labels: Option<&Labels>) -> Truth {
        let of = |key: &str, holds: &dyn Fn(Option<&str>) -> bool| match (key, labels) {
            ("kubernetes.io/metadata.name", _) => holds(Some(name)).into(),
            (_, Some(labels)) => holds(labels.get(key).map(String::as_str)).into(),
            (_, None) => Truth::Unknown,
        };
        let equal = self.match_labels.iter().map(|(key, own)| of(key, &|value| value == Some(own)));
        let rest = self.match_expressions.iter().map(|entry| of(&entry.0.key, &|value| entry.holds(value)));
        equal.chain(rest).min().unwrap_or(Truth::Yes)
    }
}

/// Conditions that must all hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Conditions<'c> {
    pub(super) namespaces: Option<&'c Namespaces>,
    pub(super) selector: Option<&'c Selector>,
    pub(super) users: Option<&'c Users>,
}

impl Conditions<'_> {
    /// Whether they hold for a request. `cluster`: what a condition on namespaces says of cluster-scoped objects.
    pub(super) fn hold(&self, place: Place<'_>, user: Option<&User<'_>>, cluster: Truth) -> Truth {
        let of_namespaces = match place {
            Place::Cluster if self.namespaces.is_some() || self.selector.is_some() => cluster,
            Place::Cluster => Truth::Yes,
            Place::Namespace { name, labels } => {
                let named = Truth::from(self.namespaces.is_none_or(|namespaces| namespaces.holds(name)));
                named.min(self.selector.map_or(Truth::Yes, |selector| selector.holds(name, labels)))
            }
        };
        let of_users = match (self.users, user) {
            (None, _) => Truth::Yes,
            (Some(users), Some(user)) => users.holds(user).into(),
            (Some(_), None) => Truth::Unknown,
        };
        of_namespaces.min(of_users)
    }
}
