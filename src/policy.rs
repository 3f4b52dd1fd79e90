//! Policies: YAML documents that put rules into force, compiled into an index by kind.

mod document;
mod set;

pub use document::Profile;
pub use set::{LoadError, PolicySet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::rule::{Check, Metadata};

/// What a violation leads to, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// The request is refused.
    Deny,
    /// The request is allowed with a warning.
    Warn,
    /// The request is allowed; only the audit annotations say it.
    Audit,
}

/// What a rule that cannot judge leads to, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as `Action`")]
pub enum OnError {
    Deny,
    Warn,
    Allow,
}

impl From<Action> for OnError {
    fn from(action: Action) -> Self {
        match action {
            Action::Deny => Self::Deny,
            Action::Warn => Self::Warn,
            Action::Audit => Self::Allow,
        }
    }
}

/// A policy in force.
pub struct Policy {
    /// Its name; that of its rule for built-in ones.
    pub name: String,
    /// The rule that it puts into force.
    pub rule: &'static Metadata,
    /// The profile that it belongs to; none: always in force.
    pub profile: Option<Profile>,
    /// The rule with this policy's parameters.
    pub check: Box<dyn Check>,
    action: Action,
    /// Actions from a day on, latest day first.
    enforcement: Vec<(Date, Action)>,
}

impl Policy {
    /// The action in effect on `today`, a day in UTC: of the latest entry of `enforcement` that has begun, else the
    /// policy's own.
    #[must_use]
    pub fn action(&self, today: Date) -> Action {
        let begun = self.enforcement.iter().find(|(after, _)| *after <= today);
        begun.map_or(self.action, |(_, action)| *action)
    }
}
