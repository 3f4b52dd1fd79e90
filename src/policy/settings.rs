//! The Settings of a run, with the document that they stand in.

use jiff::civil::Date;

use super::Action;
use super::document::{ExceptionSaid, Override, Profile, SettingsDocument};
use super::load::Notice;
use super::set::PolicySet;
use super::tenant;
use super::text::{Document, LoadError};
use crate::mesh::{Mesh, Tenant, Tenants};
use crate::object::Node;
use crate::rule::Rule;
use crate::rule::routing::tenant_hosts::TenantHosts;

/// Settings as they were said.
pub(super) struct Settings<'s> {
    pub(super) document: Document<'s>,
    pub(super) said: SettingsDocument,
}

impl Settings<'_> {
    pub(super) fn profile(&self) -> Option<Profile> {
        self.said.profile
    }

    pub(super) fn mesh(&self) -> Mesh {
        let SettingsDocument { mesh, tenants, shared_hosts, .. } = self.said.clone();
        let tenants = tenants.into_iter().map(Tenant::from).collect();
        Mesh { tenants: Tenants { tenants, shared_hosts }, ..mesh.into() }
    }

    /// What is wrong with tenants beside each other.
    pub(super) fn of_tenants(&self) -> Vec<LoadError> {
        let wrong = tenant::wrong(&self.mesh());
        let error = |(path, message): (Vec<String>, String)| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            self.document.error_at(&path, message)
        };
        wrong.into_iter().map(error).collect()
    }

    /// The brake.
    pub(super) fn max_action(&self) -> Option<Action> {
        self.said.max_action.map(Action::from)
    }

    pub(super) fn exceptions(&self) -> &[ExceptionSaid] {
        &self.said.exceptions
    }

    /// What they change in a policy, and where they say so.
    pub(super) fn changes(&self, policy: &str) -> Option<(&Override, Node<'_>)> {
        Some((self.said.policies.get(policy)?, self.document.tree.root().at(&["policies", policy])?))
    }

    /// Where the namespaces of control planes are named, if they are.
    pub(super) fn names_control_planes(&self) -> bool {
        self.said.mesh.control_plane_namespaces.is_some()
    }

    /// What they say of policies that are not there.
    pub(super) fn of_unknown_policies(&self, is_known: impl Fn(&str) -> bool) -> Vec<LoadError> {
        let unknown = |path: &[&str], name: &str| {
            self.document.error_at(path, format!("no policy `{name}`; `vigla policies` lists them all"))
        };
        let changed = self.said.policies.keys().filter(|name| !is_known(name));
        let excepted = self.said.exceptions.iter().enumerate().filter(|(_, exception)| !is_known(&exception.policy));
        let changed = changed.map(|name| unknown(&["policies", name], name));
        changed
            .chain(
                excepted.map(|(at, exception)| unknown(&["exceptions", &at.to_string(), "policy"], &exception.policy)),
            )
            .collect()
    }

    /// What of them has no effect beside the policies of `set`.
    pub(super) fn notices(&self, set: &PolicySet, today: Date) -> Vec<Notice> {
        self.useless_tenants(set).into_iter().chain(self.expired(today)).collect()
    }

    fn useless_tenants(&self, set: &PolicySet) -> Option<Notice> {
        let rule = TenantHosts::METADATA.name;
        if self.said.tenants.is_empty() || set.policies().iter().any(|policy| policy.rule.name == rule) {
            return None;
        }
        let message = format!(
            "`tenants` have no effect: no policy by the rule `{rule}` is in force; \
             `policies: {{{rule}: {{enabled: true}}}}` puts one in force in any profile"
        );
        Some(Notice(self.document.error_at(&["tenants"], message)))
    }

    /// Exceptions that no longer hold. A date must not stop a restart, so they are no errors.
    fn expired(&self, today: Date) -> Vec<Notice> {
        let expired = self.said.exceptions.iter().enumerate().filter(|(_, exception)| exception.expires < today);
        expired
            .map(|(at, exception)| {
                let message = format!(
                    "the exception from `{}` expired on {} and holds no longer; ask {}, or remove it",
                    exception.policy, exception.expires, exception.owner
                );
                Notice(self.document.error_at(&["exceptions", &at.to_string(), "expires"], message))
            })
            .collect()
    }
}
