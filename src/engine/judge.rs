//! What one policy says of one object.

use crate::policy::{Exception, InEffect, OnError, Policy};
use crate::rule::{CannotJudge, Findings};

/// The judgement of one policy: nothing of it has had an effect yet.
pub(super) struct Judging<'p> {
    pub(super) policy: &'p Policy,
    /// Whether the policy surely applies: nothing that it depends on is unknown.
    pub(super) surely: bool,
    pub(super) effect: InEffect,
    pub(super) exception: Option<&'p Exception>,
    /// What was there before the request.
    pub(super) old: Findings,
    pub(super) new: Findings,
    pub(super) error: Option<CannotJudge>,
    /// What the error leads to, where that is not the policy's `onError`.
    pub(super) error_effect: Option<OnError>,
}

impl Judging<'_> {
    /// Whether nothing new stands in the way: no violation, and nothing that could not be judged.
    pub(super) fn is_clean(&self) -> bool {
        self.exception.is_some() || (self.new.violations.is_empty() && self.error.is_none())
    }
}
