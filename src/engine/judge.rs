//! What one policy says of one object.

use std::cell::OnceCell;

use crate::policy::{Exception, InEffect, OnError, Policy};
use crate::rule::{CannotJudge, Findings};

/// What a rule found, and what kept it from judging all of the object.
pub(super) type Verdict = (Findings, Option<CannotJudge>);

/// A policy that applies to the request: what holds of it whichever object it judges, as it came or mended.
pub(super) struct Applied<'p> {
    pub(super) policy: &'p Policy,
    /// Whether the policy surely applies: nothing that it depends on is unknown.
    pub(super) surely: bool,
    pub(super) effect: InEffect,
    pub(super) exception: Option<&'p Exception>,
    /// What it says of the stored object, once that was asked; nothing where that cannot be read.
    ///
    /// Boxed, as most requests never ask.
    pub(super) stored: OnceCell<Option<Box<Verdict>>>,
}

/// The judgement of one policy: nothing of it has had an effect yet.
#[derive(Default)]
pub(super) struct Judging {
    /// What was there before the request.
    pub(super) old: Findings,
    pub(super) new: Findings,
    pub(super) error: Option<CannotJudge>,
    /// What the error leads to, where that is not the policy's `onError`.
    pub(super) error_effect: Option<OnError>,
}

impl Judging {
    /// Whether nothing new stands in the way: no violation, and nothing that could not be judged.
    pub(super) fn is_clean(&self) -> bool {
        self.new.violations.is_empty() && self.error.is_none()
    }
}
