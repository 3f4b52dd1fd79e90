//! What is the same for all policies of one request.

use std::borrow::Cow;
use std::cell::OnceCell;

use jiff::civil::Date;

use super::judge::{Applied, Judging, Verdict};
use super::ratchet;
use crate::mesh::{APPLICATION, EPHEMERAL_CONTAINERS, Labels, Snapshot, is_refresh, labels};
use crate::object::{Node, Tree};
use crate::policy::{InEffect, OnError, Place, Policy, PolicySet, Truth};
use crate::rule::{Body, CannotJudge, Findings, Input, Operation, Request};

pub(super) struct Context<'p, 'r> {
    set: &'p PolicySet,
    pub(super) request: &'r Request<'r>,
    snapshot: &'r Snapshot,
    today: Date,
    /// A Namespace's own labels, as it would become and as it is stored, which count instead of the snapshot's; unknown
    /// where an object cannot be read. Empty for everything else.
    own_labels: Vec<Option<Labels>>,
    before: OnceCell<Option<Tree<'r>>>,
}

impl<'p, 'r> Context<'p, 'r> {
    pub(super) fn new(set: &'p PolicySet, request: &'r Request<'r>, snapshot: &'r Snapshot, today: Date) -> Self {
        let bodies: &[_] = match request.operation {
            _ if !request.is_namespace() => &[],
            Operation::Create | Operation::Connect => &[&request.object],
            Operation::Update => &[&request.object, &request.old_object],
            Operation::Delete => &[&request.old_object],
        };
        let read =
            |body: &&Body<'_>| readable(body).filter(|tree| tree.root().is_map()).map(|tree| labels(tree.root()));
        let own_labels = bodies.iter().map(read).collect();
        Self { set, request, snapshot, today, own_labels, before: OnceCell::new() }
    }

    /// Where the request goes: for a Namespace that changes its labels, two places.
    fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let name = &*self.request.namespace;
        let own = self.own_labels.iter().map(move |labels| Place::Namespace { name, labels: labels.as_ref() });
        let other = match name {
            "" => Place::Cluster,
            name => Place::Namespace { name, labels: self.snapshot.labels(name) },
        };
        own.chain(self.own_labels.is_empty().then_some(other))
    }

    fn applies(&self, policy: &Policy) -> Truth {
        let user = self.request.user.as_ref();
        self.places().map(|place| policy.applies(place, user)).max().unwrap_or(Truth::Yes)
    }

    /// Of two places the stricter action holds.
    fn in_effect(&self, policy: &Policy) -> InEffect {
        let user = self.request.user.as_ref();
        let effects = self.places().map(|place| policy.in_effect(place, user, self.today));
        effects.min_by_key(|effect| (effect.action, effect.on_error)).unwrap_or_else(|| policy.strictest())
    }

    /// A policy of the set, where it applies to the request.
    pub(super) fn applied(&self, policy: &'p Policy) -> Option<Applied<'p>> {
        let applies = self.applies(policy);
        if applies == Truth::No {
            return None;
        }
        let effect = self.in_effect(policy);
        Some(Applied {
            policy,
            surely: applies == Truth::Yes && effect.certain,
            effect,
            exception: self.places().find_map(|place| policy.exception(self.request, place, self.today)),
            stored: OnceCell::new(),
        })
    }

    /// What a policy says of `object`, which is the one of the request or a mended copy of it.
    pub(super) fn judge(&self, applied: &Applied<'p>, object: Node<'_>) -> Judging {
        let Applied { policy, effect, .. } = applied;
        let (found, error) = self.check(policy, object);
        let mut judging = Judging { new: found, error, ..Judging::default() };
        let terminating = self.request.is_terminating();
        // Of a Pod that runs, a container for debugging is all that the request can change.
        let ratchet = policy.ratchet || terminating || self.request.subresource == EPHEMERAL_CONTAINERS;
        let update = self.request.operation == Operation::Update;
        let something = judging.new != Findings::default() || judging.error.is_some();
        if update && ratchet && something {
            // A stored object that cannot be read makes nothing old.
            if let Some((old, old_error)) = self.stored(applied) {
                judging.old = ratchet::strike_out(&mut judging.new, old);
                if judging.error == *old_error {
                    judging.error_effect = Some(effect.on_error.max(OnError::Warn));
                }
            }
        }
        if terminating && update {
            // A finalizer must be removable, even from what cannot be judged.
            judging.error_effect = Some(effect.on_error.max(OnError::Warn));
        }
        judging
    }

    /// What a policy says of the stored object.
    fn stored<'a>(&self, applied: &'a Applied<'p>) -> Option<&'a Verdict> {
        let judge = || Some(Box::new(self.check(applied.policy, self.before()?.root())));
        applied.stored.get_or_init(judge).as_deref()
    }

    /// Whether the request changes nothing that rules read, as Argo CD does all the time.
    pub(super) fn is_refresh(&self, object: Node<'_>) -> bool {
        let Request { kind, operation, .. } = self.request;
        *operation == Operation::Update
            && APPLICATION.is(&kind.group, &kind.kind)
            && self.before().is_some_and(|old| is_refresh(object, old.root()))
    }

    fn before(&self) -> Option<&Tree<'r>> {
        let read = || readable(&self.request.old_object).map(Cow::into_owned);
        self.before.get_or_init(read).as_ref()
    }

    fn check(&self, policy: &Policy, object: Node<'_>) -> Verdict {
        let mut findings = Findings::default();
        let namespace_labels = self.snapshot.labels(&self.request.namespace);
        let input = Input { object, request: self.request, mesh: self.set.mesh(), namespace_labels };
        let error = policy.check.check(input, &mut findings).err();
        let overflow =
            || CannotJudge::request(format!("more than {} violations; the rest is not judged", Findings::MOST));
        let error = error.or_else(|| findings.overflow.then(overflow));
        (findings, error)
    }
}

/// An object of the request, where there is one and it can be read.
fn readable<'b, 'a>(body: &'b Body<'a>) -> Option<Cow<'b, Tree<'a>>> {
    body.tree().ok().flatten()
}
