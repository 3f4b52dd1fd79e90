//! Documents into a set: everything is read and checked before anything is in force.

use jiff::civil::Date;

use super::compile::{Fault, Said};
use super::document::{Override, Profile};
use super::set::{Listed, PolicySet, is_system_namespace};
use super::settings::Settings;
use super::sorted::{Documents, Place, Written};
use super::text::{LoadError, LoadErrors, Text};
use super::{Action, Policy};
use crate::mesh::Mesh;
use crate::object::Node;
use crate::rule::Entry;

/// Where a set comes from.
#[derive(Clone, Debug, Default)]
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

/// One policy to load alone, and what stands beside it: what a suite tests.
#[derive(Clone, Copy, Debug)]
pub struct Only<'o> {
    /// Its name. It is in force, whatever the profile.
    pub policy: &'o str,
    /// The file in which settings and parameters stand.
    pub source: &'o Text,
    /// Settings that replace those of the sources.
    pub settings: Option<Node<'o>>,
    /// Parameters, merged one level deep over those of the document and of Settings.
    pub params: Option<Node<'o>>,
}

/// Loads a set from the built-in policies of `rules` and `sources`. `today` tells which exceptions have expired.
///
/// # Errors
/// Every broken document with at least its first error; nothing is in force then.
pub fn load(rules: &'static [Entry], sources: &Sources, today: Date) -> Result<(PolicySet, Vec<Notice>), LoadErrors> {
    assemble(rules, sources, None, today)
}

/// As [`load`], for one policy alone.
///
/// # Errors
/// As [`load`]. Where there is no such policy, the set is empty.
pub(super) fn load_only(
    rules: &'static [Entry],
    sources: &Sources,
    only: &Only<'_>,
    today: Date,
) -> Result<(PolicySet, Vec<Notice>), LoadErrors> {
    assemble(rules, sources, Some(only), today)
}

fn assemble(
    rules: &'static [Entry],
    sources: &Sources,
    only: Option<&Only<'_>>,
    today: Date,
) -> Result<(PolicySet, Vec<Notice>), LoadErrors> {
    // Built-in policies carry their rule's name.
    let wanted = |entry: &&Entry| only.is_none_or(|only| only.policy == entry.metadata.name);
    let built_in: Vec<Text> =
        rules.iter().filter(wanted).filter(|entry| !entry.policy.is_empty()).map(built_in).collect();
    let mut documents = Documents::default();
    for (argument, texts) in std::iter::once(&built_in).chain(&sources.policies).enumerate() {
        texts.iter().for_each(|text| documents.read(argument, text, Place::Policies));
    }
    if let Some(text) = &sources.settings {
        documents.read(0, text, Place::Settings);
    }
    if let Some(only) = only {
        documents.replace_settings(only);
    }
    let Documents { policies, replaced, settings, errors } = documents;
    let mut loader = Loader { rules, sources, only, settings: settings.as_ref(), errors };
    loader.check_namespaces();
    if let Some(settings) = &settings {
        let built_in = |name: &str| rules.iter().any(|entry| entry.metadata.name == name && !entry.policy.is_empty());
        let is_known = |name: &str| policies.contains_key(name) || built_in(name);
        loader.errors.extend(settings.of_unknown_policies(is_known));
    }
    replaced.iter().for_each(|policy| loader.check_alone(policy));
    let mut set = loader.compile(policies.values());
    if !loader.errors.is_empty() {
        loader.errors.sort();
        loader.errors.dedup();
        return Err(LoadErrors(loader.errors));
    }
    let texts = built_in.iter().chain(sources.policies.iter().flatten()).chain(&sources.settings);
    set.seal(texts.map(Text::text), loader.profile());
    Ok((set, settings.iter().flat_map(|settings| settings.expired(today)).collect()))
}

fn built_in(entry: &Entry) -> Text {
    Text::new(format!("policies/{}/policy.yaml", entry.metadata.name), entry.policy.to_owned())
}

struct Loader<'l, 's> {
    rules: &'static [Entry],
    sources: &'l Sources,
    only: Option<&'l Only<'l>>,
    settings: Option<&'l Settings<'s>>,
    errors: Vec<LoadError>,
}

impl Loader<'_, '_> {
    fn profile(&self) -> Profile {
        self.sources.profile.or(self.settings.and_then(Settings::profile)).unwrap_or_default()
    }

    fn mesh(&self) -> Mesh {
        self.settings.map_or_else(Mesh::default, Settings::mesh)
    }

    /// Refuses control planes where nothing is judged.
    fn check_namespaces(&mut self) {
        let control_planes = self.mesh().control_plane_namespaces;
        let own = self.sources.own_namespace.as_deref();
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
        let entry = self.rules.iter().find(|entry| entry.metadata.name == rule);
        if entry.is_none() {
            let message = format!("unknown rule `{rule}`, expected one that `vigla rules` lists");
            self.errors.push(policy.document.error_at(&["spec", "rule"], message));
        }
        entry
    }

    /// What is wrong with a document that does not count as it stands: one that is replaced, or changed by Settings.
    fn check_alone(&mut self, policy: &Written<'_>) {
        let Some(entry) = self.entry(policy) else { return };
        let said = Said { document: &policy.said, root: policy.document.tree.root(), settings: None, params: None };
        self.errors.extend(self.compile_one(&said, policy, entry).err());
    }

    fn compile<'w>(&mut self, policies: impl Iterator<Item = &'w Written<'w>>) -> PolicySet {
        let mut compiled = Vec::new();
        let mut listed = Vec::new();
        let only = self.only.map(|only| only.policy);
        for written in policies.filter(|policy| only.is_none_or(|only| only == policy.said.metadata.name)) {
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
        PolicySet::new(compiled, listed, self.mesh(), self.sources.own_namespace.clone())
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
        let who = match (self.sources.profile, self.settings.and_then(Settings::profile)) {
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
