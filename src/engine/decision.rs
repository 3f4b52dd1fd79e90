//! What was decided, finding by finding.

use jiff::civil::Date;
use json_patch::Patch;
use serde::Serialize;

use super::judge::{Applied, Judging};
use super::mend::{Mended, Mending};
use crate::policy::{Action, Exception, InEffect, OnError, Policy};
use crate::rule::{CannotJudge, Finding, Metadata};

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
    /// The patch takes it away.
    Mended,
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
            Self::Mended => "mended",
        }
    }
}

impl From<Action> for Effect {
    /// What a violation does that nobody mended.
    fn from(action: Action) -> Self {
        match action {
            Action::Deny | Action::Patch => Self::Deny,
            Action::Warn => Self::Warn,
            Action::Audit => Self::Audit,
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
    /// The day from which it leads to a stricter action, where one is to come.
    pub stricter_from: Option<(Date, Action)>,
    /// What was found.
    pub finding: Finding,
}

/// A policy that found something and was told to let it pass.
#[derive(Clone, Copy, Debug)]
pub struct Excepted<'p> {
    /// The policy's name.
    pub policy: &'p str,
    /// The exception.
    pub exception: &'p Exception,
}

/// The decision on one request.
#[derive(Clone, Debug, Default)]
pub struct Decision<'p> {
    /// Findings on the object as it came, policy by policy. What `/validate` answers by.
    pub sent: Vec<Judged<'p>>,
    /// What mends the object: what `/mutate` answers with.
    pub patch: Option<Patch>,
    /// Findings on the object with the patch applied, where there is one.
    pub mended: Vec<Judged<'p>>,
    /// Findings that the patch takes away.
    pub removed: Vec<Judged<'p>>,
    /// Exceptions that were made use of.
    pub exceptions: Vec<Excepted<'p>>,
    /// Policies whose fixes were left out, since each contradicts another's.
    pub contradicting: Vec<&'p str>,
}

impl<'p> Decision<'p> {
    pub(super) fn new(judgings: Vec<(Applied<'p>, Judging)>, mending: Mending) -> Self {
        let Mending { mended, contradicting } = mending;
        let names =
            contradicting.into_iter().filter_map(|at| judgings.get(at).map(|(applied, _)| &*applied.policy.name));
        let mut decision = Self { contradicting: names.collect(), ..Self::default() };
        if let Some(Mended { patch, judgings: after, mends }) = mended {
            decision.patch = Some(patch);
            for (((applied, before), after), mends) in judgings.iter().zip(after).zip(mends) {
                decision.mended.extend(judged(applied, after, None));
                let removed = before.new.violations.iter().filter(|_| mends).cloned();
                let Applied { policy, effect, .. } = *applied;
                let removed =
                    removed.map(|finding| Judged::new(policy, effect, Kind::Violation, Effect::Mended, finding));
                decision.removed.extend(removed);
            }
        }
        for (applied, judging) in judgings {
            decision.sent.extend(judged(&applied, judging, Some(&mut decision.exceptions)));
        }
        decision
    }

    /// Whether nothing denies the object as it came.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.with(Effect::Deny).next().is_none()
    }

    /// The findings on the object as it came that have this effect.
    pub fn with(&self, effect: Effect) -> impl Iterator<Item = &Judged<'p>> + Clone {
        self.sent.iter().filter(move |judged| judged.effect == effect)
    }

    /// What becomes of the request with both webhooks in front of it: what was mended, then what is left.
    #[must_use]
    pub fn outcome(self) -> Vec<Judged<'p>> {
        match self.patch {
            Some(_) => self.removed.into_iter().chain(self.mended).collect(),
            None => self.sent,
        }
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

    pub(super) fn error(&mut self, policy: &'p Policy, effect: InEffect, error: &CannotJudge) {
        let leads_to = of_error(effect.on_error);
        self.sent.push(Judged::new(policy, effect, Kind::Error, leads_to, error.finding()));
    }
}

impl<'p> Judged<'p> {
    /// What is to come, in words, where it concerns this finding: `from 2027-03-01 on: Deny`. Advice never denies.
    #[must_use]
    pub fn announcement(&self) -> Option<String> {
        let (day, action) = self.stricter_from.filter(|_| self.kind != Kind::Advice)?;
        Some(format!("from {day} on: {action:?}"))
    }

    fn new(policy: &'p Policy, in_effect: InEffect, kind: Kind, effect: Effect, finding: Finding) -> Self {
        let InEffect { action, stricter_from, .. } = in_effect;
        Self { policy: &policy.name, rule: policy.rule, action, kind, effect, stricter_from, finding }
    }
}

fn of_error(on_error: OnError) -> Effect {
    match on_error {
        OnError::Deny => Effect::Deny,
        OnError::Warn => Effect::Warn,
        OnError::Allow => Effect::Audit,
    }
}

/// The findings of one policy with what becomes of them: none under an exception, of which a note is taken.
fn judged<'p>(applied: &Applied<'p>, judging: Judging, exceptions: Option<&mut Vec<Excepted<'p>>>) -> Vec<Judged<'p>> {
    let Applied { policy, effect: in_effect, exception, .. } = *applied;
    let Judging { old, new, error, error_effect } = judging;
    let effect = Effect::from(in_effect.action);
    let weaker = effect.max(Effect::Warn);
    let groups = [
        (Kind::Violation, effect, new.violations),
        (Kind::Violation, weaker.max(Effect::Old), old.violations),
        (Kind::Advice, weaker, new.advice),
        (Kind::Advice, Effect::Audit, old.advice),
        (
            Kind::Error,
            of_error(error_effect.unwrap_or(in_effect.on_error)),
            error.iter().map(CannotJudge::finding).collect(),
        ),
    ];
    let judged: Vec<Judged<'p>> = groups
        .into_iter()
        .flat_map(|(kind, effect, findings)| {
            findings.into_iter().map(move |finding| Judged::new(policy, in_effect, kind, effect, finding))
        })
        .collect();
    match (exception, judged.is_empty()) {
        (None, _) | (Some(_), true) => judged,
        (Some(exception), false) => {
            if let Some(exceptions) = exceptions {
                exceptions.push(Excepted { policy: &policy.name, exception });
            }
            Vec::new()
        }
    }
}
