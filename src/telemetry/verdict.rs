//! How a call ended, in the word that log and metrics share.

use crate::engine::{Effect, Judged};
use crate::review::{Endpoint, Record};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was said.
    Allowed,
    /// Allowed, with a warning.
    Warned,
    /// Refused.
    Denied,
    /// Allowed, with a patch.
    Mended,
    /// Answered by what an error leads to: the review could not be read, or judging failed.
    Unreadable,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Allowed, Self::Warned, Self::Denied, Self::Mended, Self::Unreadable];

    /// The verdict on a call.
    #[must_use]
    pub fn of(record: &Record<'_>) -> Self {
        let Record { endpoint, decision, fault, .. } = record;
        match endpoint {
            _ if fault.is_some() => Self::Unreadable,
            Endpoint::Mutate if decision.patch.is_some() => Self::Mended,
            Endpoint::Validate if !decision.is_allowed() => Self::Denied,
            // What was there before the request is said in a warning, too.
            Endpoint::Validate if decision.sent.iter().any(|it| matches!(it.effect, Effect::Warn | Effect::Old)) => {
                Self::Warned
            }
            Endpoint::Validate | Endpoint::Mutate => Self::Allowed,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Denied => "denied",
            Self::Mended => "mended",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The findings that had a part in the answer: `/mutate` mends and says nothing of the rest.
#[must_use]
pub fn effective<'r>(record: &Record<'r>) -> &'r [Judged<'r>] {
    match record.endpoint {
        Endpoint::Validate => &record.decision.sent,
        Endpoint::Mutate => &record.decision.removed,
    }
}
