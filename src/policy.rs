//! Policies: YAML documents that put rules into force, compiled into an index by kind.

mod action;
mod compile;
mod condition;
mod document;
mod exception;
mod field;
mod library;
mod load;
mod set;
mod settings;
mod sorted;
mod tenant;
mod text;

pub use action::{Action, OnError};
pub use condition::{Place, Truth};
pub(crate) use document::ApiVersion;
pub use document::{PolicyDocument, Profile, SettingsDocument};
pub use exception::Exception;
pub(crate) use field::{optional_day, optional_labels};
pub(crate) use library::{Library, Single};
pub use load::{Notice, Sources, load};
pub use set::{Listed, PolicySet, Subscription};
pub(crate) use text::Document;
pub use text::{LoadError, LoadErrors, Text};

use jiff::civil::Date;

use crate::rule::{Check, Metadata, Operation, Request, User};
use condition::{Conditions, Namespaces, Selector, Users};
use document::{Enforcement, Scope};

/// A policy in force. Nothing in it is malformed.
pub struct Policy {
    /// Its name; that of its rule for built-in ones.
    pub name: String,
    /// The rule that it puts into force.
    pub rule: &'static Metadata,
    /// The rule with this policy's parameters.
    pub check: Box<dyn Check>,
    /// The operations that it judges.
    pub operations: Vec<Operation>,
    /// Whether what was there before an UPDATE only warns.
    pub ratchet: bool,
    action: Action,
    enforcement: Vec<Enforcement>,
    scope: Scope,
    on_error: Option<OnError>,
    /// The brake over all policies.
    max_action: Action,
    exceptions: Vec<Exception>,
}

/// The action in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InEffect {
    /// What a violation leads to.
    pub action: Action,
    /// What a rule that cannot judge leads to.
    pub on_error: OnError,
    /// Whether nothing that it depends on is unknown.
    pub certain: bool,
    /// The day from which a stricter action holds, where one is to come.
    pub stricter_from: Option<(Date, Action)>,
}

impl Policy {
    /// Whether it judges a request that goes to `place`.
    #[must_use]
    pub fn applies(&self, place: Place<'_>, user: Option<&User<'_>>) -> Truth {
        let Scope { namespaces, namespace_selector, users, .. } = &self.scope;
        conditions(namespaces, namespace_selector, users).hold(place, user, Truth::Yes)
    }

    /// The action in effect on `today`, a day in UTC: of the first entry of `enforcement` whose conditions hold, else
    /// the policy's own. Where a condition depends on what is not known, the strictest of what may hold.
    #[must_use]
    pub fn in_effect(&self, place: Place<'_>, user: Option<&User<'_>>, today: Date) -> InEffect {
        let mut possible = Vec::new();
        let mut to_come = Vec::new();
        for entry in &self.enforcement {
            let truth =
                conditions(&entry.namespaces, &entry.namespace_selector, &entry.users).hold(place, user, Truth::No);
            match (truth, entry.after) {
                (Truth::No, _) => {}
                (_, Some(after)) if after > today => to_come.push((after, entry.action)),
                (Truth::Unknown, _) => possible.push(entry.action),
                (Truth::Yes, _) => return self.capped(entry.action, &possible, &to_come),
            }
        }
        self.capped(self.action, &possible, &to_come)
    }

    /// What holds of `action` and of those that may hold instead: the strictest, under the brake.
    fn capped(&self, action: Action, possible: &[Action], to_come: &[(Date, Action)]) -> InEffect {
        let action = possible.iter().copied().fold(action, Action::min).max(self.max_action);
        let on_error = self.on_error.unwrap_or(action.into()).max(self.max_action.into());
        let to_come = to_come.iter().map(|&(day, then)| (day, then.max(self.max_action)));
        let stricter_from = to_come.filter(|(_, then)| *then < action).min();
        InEffect { action, on_error, certain: possible.is_empty(), stricter_from }
    }

    /// The exception that lets a request pass on `today`, if one does.
    #[must_use]
    pub fn exception(&self, request: &Request<'_>, place: Place<'_>, today: Date) -> Option<&Exception> {
        self.exceptions.iter().find(|exception| exception.holds(request, place, today))
    }

    /// How many exceptions from it no longer hold on `today`.
    #[must_use]
    pub fn expired_exceptions(&self, today: Date) -> usize {
        self.exceptions.iter().filter(|exception| exception.has_expired(today)).count()
    }

    /// Whether it may ever patch objects of this kind.
    #[must_use]
    pub fn may_patch(&self, group: &str, kind: &str) -> bool {
        let mends = self.rule.mends.iter().any(|own| own.is(group, kind));
        let actions = self.enforcement.iter().map(|entry| entry.action).chain([self.action]);
        mends && self.max_action == Action::Deny && actions.into_iter().any(|action| action == Action::Patch)
    }

    /// Whether it may ever deny: a violation, or what it cannot judge.
    #[must_use]
    pub fn may_deny(&self) -> bool {
        let InEffect { action, on_error, .. } = self.strictest();
        action <= Action::Patch || on_error == OnError::Deny
    }

    /// The strictest action that it can have, at any date and for anybody.
    #[must_use]
    pub fn strictest(&self) -> InEffect {
        self.capped(self.unbraked(), &[], &[])
    }

    /// The strictest action that its documents name.
    fn unbraked(&self) -> Action {
        self.enforcement.iter().map(|entry| entry.action).fold(self.action, Action::min)
    }
}

fn conditions<'c>(
    namespaces: &'c Option<Namespaces>,
    selector: &'c Option<Selector>,
    users: &'c Option<Users>,
) -> Conditions<'c> {
    Conditions { namespaces: namespaces.as_ref(), selector: selector.as_ref(), users: users.as_ref() }
}
