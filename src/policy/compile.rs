//! From what documents say to what they mean.

use jiff::civil::Date;
use serde_json::Value;

use super::condition::{Conditions, Users};
use super::document::{Enforcement, ExceptionSaid, Override, PolicyDocument, Spec};
use super::{Action, Exception, Policy, conditions};
use crate::object::{Node, ShapeError, read_json};
use crate::rule::{Check, Entry, Operation};

/// A policy document and the changes that are made to it.
pub(super) struct Said<'s> {
    pub(super) document: &'s PolicyDocument,
    pub(super) root: Node<'s>,
    pub(super) settings: Option<(&'s Override, Node<'s>)>,
    /// Parameters of one case of a suite.
    pub(super) params: Option<Node<'s>>,
}

/// An error in one of the documents that make a policy.
pub(super) enum Fault {
    Policy(ShapeError),
    Settings(ShapeError),
    Case(ShapeError),
}

impl<'s> Said<'s> {
    fn spec(&self) -> &'s Spec {
        &self.document.spec
    }

    fn overridden(&self) -> Option<&'s Override> {
        self.settings.map(|(changes, _)| changes)
    }

    /// An error about a field, where it was said last.
    fn fault(&self, path: &[&str], in_settings: bool, message: String) -> Fault {
        match self.settings.filter(|_| in_settings) {
            Some((_, node)) => Fault::Settings(ShapeError::new(node.nearest(path), message)),
            None => Fault::Policy(ShapeError::new(self.root.nearest([&["spec"], path].concat()), message)),
        }
    }

    /// Compiles it.
    pub(super) fn compile(
        &self,
        entry: &'static Entry,
        max_action: Action,
        exceptions: &[ExceptionSaid],
    ) -> Result<Policy, Fault> {
        let changes = self.overridden();
        let spec = self.spec();
        let name = &self.document.metadata.name;
        let own = exceptions.iter().filter(|exception| exception.policy == *name);
        self.interceptable(entry)?;
        Ok(Policy {
            check: self.check(entry)?,
            operations: self.operations(entry)?,
            action: self.action(entry)?,
            enforcement: self.enforcement(entry)?,
            ratchet: changes.and_then(|changes| changes.ratchet).or(spec.ratchet).unwrap_or(true),
            scope: changes
                .and_then(|changes| changes.scope.as_ref())
                .or(spec.scope.as_ref())
                .cloned()
                .unwrap_or_default(),
            on_error: changes.and_then(|changes| changes.on_error).or(spec.on_error),
            name: name.clone(),
            rule: &entry.metadata,
            max_action,
            exceptions: own.cloned().map(Exception::from).collect(),
        })
    }

    /// A rule on what no webhook may stand in front of would judge files alone, or brick a cluster.
    fn interceptable(&self, entry: &Entry) -> Result<(), Fault> {
        match entry.metadata.kinds.iter().find(|kind| kind.is_never_intercepted()) {
            None => Ok(()),
            Some(kind) => {
                let message = format!("the rule `{}` reads {kind}, which is never intercepted", entry.metadata.name);
                Err(self.fault(&["rule"], false, message))
            }
        }
    }

    fn check(&self, entry: &'static Entry) -> Result<Box<dyn Check>, Fault> {
        let mut params = self.spec().params.clone();
        if let Some(changes) = self.overridden() {
            params.extend(changes.params.clone());
        }
        if let Some(own) = self.params {
            params.extend(own.members().map(|(name, value)| (name.to_owned(), value.to_json())));
        }
        let text = Value::from_iter(params).to_string();
        let unread = |message: String| self.fault(&["params"], false, message);
        let tree = read_json(&text).map_err(|error| unread(error.message))?;
        (entry.compile)(tree.root()).map_err(|error| self.refused(error))
    }

    /// An error in the parameters, where the one that is wrong was said last; the whole of them where one is missing.
    fn refused(&self, error: ShapeError) -> Fault {
        let path: Vec<String> = error.pointer.tokens().map(|token| token.decoded().into_owned()).collect();
        let said = |params: &Node<'s>| path.first().is_some_and(|name| params.get(name).is_some());
        if let Some(params) = self.params.filter(said) {
            return Fault::Case(error.moved_to(params.nearest(&path)));
        }
        if let Some(params) = self.settings.and_then(|(_, node)| node.get("params")).filter(said) {
            return Fault::Settings(error.moved_to(params.nearest(&path)));
        }
        let path = ["spec", "params"].into_iter().chain(path.iter().map(String::as_str));
        Fault::Policy(error.moved_to(self.root.nearest(path)))
    }

    fn action(&self, entry: &Entry) -> Result<Action, Fault> {
        let changed = self.overridden().and_then(|changes| changes.action);
        let action = changed.unwrap_or(self.spec().action);
        self.fixable(entry, action, &["action"], changed.is_some())?;
        Ok(action)
    }

    fn fixable(&self, entry: &Entry, action: Action, path: &[&str], in_settings: bool) -> Result<(), Fault> {
        if action != Action::Patch || !entry.metadata.mends.is_empty() {
            return Ok(());
        }
        let message = format!("the rule `{}` has no fix; expected Deny, Warn or Audit", entry.metadata.name);
        Err(self.fault(path, in_settings, message))
    }

    fn operations(&self, entry: &Entry) -> Result<Vec<Operation>, Fault> {
        let changed = self.overridden().and_then(|changes| changes.scope.as_ref());
        let said = changed.or(self.spec().scope.as_ref()).and_then(|scope| scope.operations.as_ref());
        let Some(said) = said else { return Ok(entry.metadata.operations.to_vec()) };
        match said.iter().find(|operation| !entry.metadata.operations.contains(operation)) {
            None if said.is_empty() => Err(self.fault(
                &["match", "operations"],
                changed.is_some(),
                "expected at least one operation".to_owned(),
            )),
            None => Ok(Operation::ALL.into_iter().filter(|operation| said.contains(operation)).collect()),
            Some(operation) => {
                let message = format!("the rule `{}` does not judge {operation}", entry.metadata.name);
                Err(self.fault(&["match", "operations"], changed.is_some(), message))
            }
        }
    }

    fn enforcement(&self, entry: &Entry) -> Result<Vec<Enforcement>, Fault> {
        let changed = self.overridden().and_then(|changes| changes.enforcement.as_ref());
        // An action in Settings replaces the document's enforcement too.
        let said = match (changed, self.overridden().and_then(|changes| changes.action)) {
            (Some(changed), _) => changed.as_slice(),
            (None, Some(_)) => &[],
            (None, None) => &self.spec().enforcement,
        };
        for (at, entry_said) in said.iter().enumerate() {
            let index = at.to_string();
            self.fixable(entry, entry_said.action, &["enforcement", &index, "action"], changed.is_some())?;
            if entry_said.users.as_ref().is_some_and(Users::is_empty) {
                let message = "a condition on users that names nobody would hold for everybody";
                let path = ["enforcement", &index, "users"];
                return Err(self.fault(&path, changed.is_some(), message.to_owned()));
            }
            if said.iter().take(at).any(|earlier| shadows(earlier, entry_said)) {
                let message = "this entry never decides: one before it holds whenever this one does; \
                               put the latest date first, and entries with more conditions before those with fewer";
                return Err(self.fault(&["enforcement", &index], changed.is_some(), message.to_owned()));
            }
        }
        Ok(said.to_vec())
    }
}

/// Whether `earlier` holds whenever `later` does.
fn shadows(earlier: &Enforcement, later: &Enforcement) -> bool {
    let begun = |entry: &Enforcement| entry.after.unwrap_or(Date::MIN);
    begun(earlier) <= begun(later) && conditions_of(earlier).cover(&conditions_of(later))
}

fn conditions_of(entry: &Enforcement) -> Conditions<'_> {
    conditions(&entry.namespaces, &entry.namespace_selector, &entry.users)
}
