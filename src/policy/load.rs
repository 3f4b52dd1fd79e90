//! Documents into a set: everything is read and checked before anything is in force.

use jiff::civil::Date;

use super::compile::{Fault, Said};
use super::document::{Override, Profile};
use super::library::Library;
use super::set::{Listed, PolicySet, is_system_namespace};
use super::settings::Settings;
use super::sorted::{Documents, Written};
use super::text::{LoadError, LoadErrors, Text};
use super::{Action, Policy};
use crate::mesh::Mesh;
use crate::object::Node;
use crate::rule::Entry;

/// Where a set comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// The files of every `--policies` argument; a later argument's policy replaces an earlier one of its name.
    pub policies: Vec<Vec<Text>>,
    /// The file of `--settings`.
    pub settings: Option<Text>,
    /// The profile asked for; it wins over that of Settings.
    pub profile: Option<Profile>,
    /// The namespace that Vigla runs in.
    pub own_namespace: Option<String>,
}

/// Something that loading wants somebody to know; it stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice(pub LoadError);

/// Loads a set from the built-in policies of `rules` and `sources`. `today` tells which exceptions have expired.
///
/// # Errors
/// Every broken document with at least its first error; nothing is in force then.
pub fn load(rules: &'static [Entry], sources: &Sources, today: Date) -> Result<(PolicySet, Vec<Notice>), LoadErrors> {
    let built_in = Library::built_in(rules);
    let library = Library::read(rules, &built_in, sources);
    let settings = library.documents.settings.as_ref();
    let mut loader = Loader::new(&library, settings, None);
    loader.check();
    let set = loader.compile(library.documents.policies.values());
    let profile = loader.profile();
    let mut set = loader.finish(set)?;
    let texts = built_in.iter().chain(sources.policies.iter().flatten()).chain(&sources.settings);
    set.seal(texts.map(Text::text), profile);
    let notices = settings.map(|settings| settings.notices(&set, today)).unwrap_or_default();
    Ok((set, notices))
}

/// What a suite gives the one policy that is loaded for it.
#[derive(Clone, Copy)]
pub(super) struct Only<'o> {
    /// The text of the suite.
    pub(super) source: &'o Text,
    /// Parameters that stand in it.
    pub(super) params: Option<Node<'o>>,
}

/// Documents of a library into a set; what is wrong with them on the way.
pub(super) struct Loader<'l> {
    library: &'l Library<'l>,
    settings: Option<&'l Settings<'l>>,
    only: Option<Only<'l>>,
    pub(super) errors: Vec<LoadError>,
}

impl<'l> Loader<'l> {
    pub(super) fn new(library: &'l Library<'l>, settings: Option<&'l Settings<'l>>, only: Option<Only<'l>>) -> Self {
        Self { library, settings, only, errors: Vec::new() }
    }

    /// What is wrong with documents as they stand, and with Settings whatever the policies make of them.
    pub(super) fn check(&mut self) {
        let Documents { policies, errors, .. } = &self.library.documents;
        self.errors.extend_from_slice(errors);
        self.check_namespaces();
        let unknown = self.settings.map(|settings| settings.of_unknown_policies(|name| policies.contains_key(name)));
        let tenants = self.settings.map(Settings::of_tenants);
        self.errors.extend(unknown.into_iter().chain(tenants).flatten());
    }

    /// The set, where nothing is wrong.
    pub(super) fn finish(mut self, set: PolicySet) -> Result<PolicySet, LoadErrors> {
        self.errors.sort();
        self.errors.dedup();
        if self.errors.is_empty() { Ok(set) } else { Err(LoadErrors(self.errors)) }
    }

    pub(super) fn profile(&self) -> Profile {
        self.library.sources.profile.or(self.settings.and_then(Settings::profile)).unwrap_or_default()
    }

    fn mesh(&self) -> Mesh {
        self.settings.map_or_else(Mesh::default, Settings::mesh)
    }

    /// Refuses control planes where nothing is judged.
    fn check_namespaces(&mut self) {
        let control_planes = self.mesh().control_plane_namespaces;
        let own = self.library.sources.own_namespace.as_deref();
        for namespace in control_planes.iter().filter(|name| is_system_namespace(name) || Some(name.as_str()) == own) {
            let message = format!(
                "`{namespace}` is a control-plane namespace, and core kinds there are never judged: \
                 its injection could not be held disabled; run Vigla in a namespace of its own"
            );
            self.errors.push(match self.settings.filter(|settings| settings.names_control_planes()) {
                Some(settings) => settings.document.error_at(&["mesh", "controlPlaneNamespaces"], message),
                None => LoadError { file: "--own-namespace".to_owned(), line: 0, column: 0, message },
            });
        }
    }

    fn entry(&mut self, policy: &Written<'_>) -> Option<&'static Entry> {
        let rule = &policy.said.spec.rule;
        let entry = self.library.rules.iter().find(|entry| entry.metadata.name == rule);
        if entry.is_none() {
            let message = format!("unknown rule `{rule}`, expected one that `vigla rules` lists");
            self.errors.push(policy.document.error_at(&["spec", "rule"], message));
        }
        entry
    }

    /// What is wrong with a document that does not count as it stands: one that is replaced, or changed by Settings.
    pub(super) fn check_alone(&mut self, policy: &Written<'_>) {
        let Some(entry) = self.entry(policy) else { return };
        let said = Said { document: &policy.said, root: policy.document.tree.root(), settings: None, params: None };
        self.errors.extend(self.compile_one(&said, policy, entry).err());
    }

    pub(super) fn compile<'w>(&mut self, policies: impl Iterator<Item = &'w Written<'w>>) -> PolicySet {
        let mut compiled = Vec::new();
        let mut listed = Vec::new();
        for written in policies {
            let Some(entry) = self.entry(written) else { continue };
            let changes = self.settings.and_then(|settings| settings.changes(&written.said.metadata.name));
            let params = self.only.and_then(|only| only.params);
            let said = Said { document: &written.said, root: written.document.tree.root(), settings: changes, params };
            if changes.is_some() {
                self.check_alone(written);
            }
            match self.compile_one(&said, written, entry) {
                Err(error) => self.errors.push(error),
                Ok(policy) => {
                    let changes = changes.map(|(changes, _)| changes);
                    let (in_force, why) = self.in_force(written, changes);
                    let file = (written.argument > 0).then_some(&written.document.source.file);
                    listed.push(Listed::new(&policy, in_force, why, Self::whose_action(&policy, changes), file));
                    if in_force {
                        compiled.push(policy);
                    }
                }
            }
        }
        PolicySet::new(compiled, listed, self.mesh(), self.library.sources.own_namespace.clone())
    }

    fn compile_one(&self, said: &Said<'_>, policy: &Written<'_>, entry: &'static Entry) -> Result<Policy, LoadError> {
        let max = self.settings.and_then(Settings::max_action).unwrap_or(Action::Deny);
        let exceptions = self.settings.map_or(&[][..], Settings::exceptions);
        said.compile(entry, max, exceptions).map_err(|fault| match (fault, self.settings, self.only) {
            (Fault::Settings(error), Some(settings), _) => settings.document.error(&error),
            (Fault::Case(error), _, Some(only)) => {
                only.source.error(error.span.map(|span| span.start as usize), error.message)
            }
            (Fault::Settings(error) | Fault::Case(error) | Fault::Policy(error), ..) => policy.document.error(&error),
        })
    }

    /// Whether a policy is in force, and who says so.
    fn in_force(&self, policy: &Written<'_>, changes: Option<&Override>) -> (bool, String) {
        if self.only.is_some() {
            return (true, "a suite tests it".to_owned());
        }
        let profile = self.profile();
        let who = match (self.library.sources.profile, self.settings.and_then(Settings::profile)) {
            (Some(_), _) => "--profile or VIGLA_PROFILE",
            (None, Some(_)) => "Settings",
            (None, None) => "default",
        };
        match (changes.and_then(|changes| changes.enabled), policy.said.spec.profile) {
            (Some(enabled), _) => (enabled, format!("Settings say `enabled: {enabled}`")),
            (None, None) => (true, "its document names no profile".to_owned()),
            (None, Some(own)) => {
                let held = own <= profile;
                let holds = if held { "holds" } else { "does not hold" };
                (held, format!("profile `{}` ({who}) {holds} `{}`", profile.as_str(), own.as_str()))
            }
        }
    }

    /// Who says which action a policy has.
    fn whose_action(policy: &Policy, changes: Option<&Override>) -> &'static str {
        let changed = changes.is_some_and(|changes| changes.action.is_some() || changes.enforcement.is_some());
        match (policy.strictest().action == policy.unbraked(), changed) {
            (false, _) => "maxAction",
            (true, true) => "Settings",
            (true, false) => "its document",
        }
    }
}
