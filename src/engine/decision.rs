//! What was decided, finding by finding.

use serde::Serialize;

use crate::policy::{Action, Policy};
use crate::rule::{Finding, Metadata};

/// What a finding does to the request, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It refuses the request.
    Deny,
    /// It is said in a warning.
    Warn,
    /// It was there before the request: said in a warning.
    Old,
    /// It stands in the audit annotations alone.
    Audit,
}

impl Effect {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Old => "old",
            Self::Audit => "audit",
        }
    }
}

/// What sort of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the rule forbids.
    Violation,
    /// What the rule advises against.
    Advice,
    /// What the rule could not judge.
    Error,
}

/// A finding with what becomes of it.
#[derive(Clone, Debug)]
pub struct Judged<'p> {
    /// The policy's name.
    pub policy: &'p str,
    /// The rule.
    pub rule: &'static Metadata,
    /// The policy's action in effect.
    pub action: Action,
    /// Violation, advice or error.
    pub kind: Kind,
    /// What it does to the request.
    pub effect: Effect,
    /// What was found.
    pub finding: Finding,
}

/// The decision on one request.
#[derive(Clone, Debug, Default)]
pub struct Decision<'p> {
    /// Findings on the object as it came, policy by policy.
    pub sent: Vec<Judged<'p>>,
}

impl<'p> Decision<'p> {
    /// Whether nothing denies.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.with(Effect::Deny).next().is_none()
    }

    /// The findings with that effect.
    pub fn with(&self, effect: Effect) -> impl Iterator<Item = &Judged<'p>> + Clone {
        self.sent.iter().filter(move |judged| judged.effect == effect)
    }

    /// The policies that found something, each with what became of it: `a=deny,b=warn`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut found: Vec<String> =
            self.sent.iter().map(|judged| format!("{}={}", judged.policy, judged.effect.as_str())).collect();
        found.sort();
        found.dedup();
        found.join(",")
    }

    pub(super) fn push(&mut self, policy: &'p Policy, action: Action, kind: Kind, effect: Effect, finding: Finding) {
        self.sent.push(Judged { policy: &policy.name, rule: policy.rule, action, kind, effect, finding });
    }
}
