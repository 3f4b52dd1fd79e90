//! Exceptions: what is let through, why, on whose word and how long.

use jiff::civil::Date;

use super::condition::Place;
use super::document::ExceptionSaid;
use crate::mesh::Glob;
use crate::rule::Request;

/// An exception from one policy.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds, in UTC.
    pub expires: Date,
    namespaces: Option<Vec<Glob>>,
    kinds: Option<Vec<String>>,
    names: Option<Vec<Glob>>,
}

impl From<ExceptionSaid> for Exception {
    fn from(said: ExceptionSaid) -> Self {
        let ExceptionSaid { policy: _, namespaces, kinds, names, reason, owner, expires } = said;
        Self { reason, owner, expires, namespaces, kinds, names }
    }
}

impl Exception {
    /// Whether its last day is over.
    pub(super) fn has_expired(&self, today: Date) -> bool {
        self.expires < today
    }

    /// Whether it lets a request pass on `today`.
    pub(super) fn holds(&self, request: &Request<'_>, place: Place<'_>, today: Date) -> bool {
        let any = |globs: &[Glob], name: &str| globs.iter().any(|glob| glob.matches(name));
        let namespace = match (&self.namespaces, place) {
            (None, _) => true,
            // A condition on namespaces could only soften what holds for the whole cluster.
            (Some(_), Place::Cluster) => false,
            (Some(globs), Place::Namespace { name, .. }) => any(globs, name),
        };
        let kind = self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| *kind == request.kind.kind));
        let name = self.names.as_ref().is_none_or(|globs| match request.generate_name() {
            Some(stem) => globs.iter().any(|glob| glob.matches_generated(stem)),
            None => any(globs, &request.name),
        });
        !self.has_expired(today) && namespace && kind && name
    }
}
