//! Documents into a set: everything is read and checked before anything is in force.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::compile::{Fault, Said};
use super::document::{Override, PolicyDocument, Profile, SettingsDocument};
use super::set::{Listed, PolicySet, is_system_namespace};
use super::text::{Document, LoadError, LoadErrors, Text};
use super::{Action, Policy};
use crate::mesh::Mesh;
use crate::object::{Node, Tree};
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

/// Documents sorted by what they are.
#[derive(Default)]
struct Documents<'s> {
    /// By name, with the argument that they come from; 0 is built in.
    policies: BTreeMap<String, (usize, Document<'s>, PolicyDocument)>,
    settings: Option<(Document<'s>, SettingsDocument)>,
    errors: Vec<LoadError>,
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
    let Documents { policies, settings, errors } = documents;
    let mut loader = Loader { rules, sources, only, settings: settings.as_ref(), errors };
    loader.check_settings(&policies);
    let mut set = loader.compile(&policies);
    if !loader.errors.is_empty() {
        loader.errors.sort();
        return Err(LoadErrors(loader.errors));
    }
    let texts = built_in.iter().chain(sources.policies.iter().flatten()).chain(&sources.settings);
    set.seal(texts.map(|text| text.text.as_str()), loader.profile());
    Ok((set, loader.expired(today)))
}

fn built_in(entry: &Entry) -> Text {
    Text { file: format!("policies/{}/policy.yaml", entry.metadata.name), text: entry.policy.to_owned() }
}

/// Which documents may stand in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Policies,
    Settings,
}

impl<'s> Documents<'s> {
    fn read(&mut self, argument: usize, source: &'s Text, allowed: Place) {
        for document in source.documents() {
            if let Err(error) = document.and_then(|document| self.sort(argument, document, allowed)) {
                self.errors.push(error);
            }
        }
    }

    fn replace_settings(&mut self, only: &Only<'s>) {
        let Some(node) = only.settings else { return };
        let document = Document { source: only.source, tree: Tree::object_at(node) };
        match SettingsDocument::deserialize(node) {
            Ok(said) => self.settings = Some((document, said)),
            Err(error) => self.errors.push(document.error(&error)),
        }
    }

    fn sort(&mut self, argument: usize, document: Document<'s>, allowed: Place) -> Result<(), LoadError> {
        let root = document.tree.root();
        match (document.kind(), allowed) {
            (Some("Policy"), Place::Policies) => {
                let said = PolicyDocument::deserialize(root).map_err(|error| document.error(&error))?;
                self.add_policy(argument, document, said)
            }
            (Some("Settings"), _) => {
                let said = SettingsDocument::deserialize(root).map_err(|error| document.error(&error))?;
                match &self.settings {
                    None => {
                        self.settings = Some((document, said));
                        Ok(())
                    }
                    Some((first, _)) => {
                        let message =
                            format!("a second Settings document; the first stands in `{}`", first.source.file);
                        Err(document.error_at(&["kind"], message))
                    }
                }
            }
            // Suites stand beside their policies; `vigla test` reads them.
            (Some("Suite"), Place::Policies) => Ok(()),
            (_, Place::Policies) => {
                Err(document.error_at(&["kind"], "expected kind Policy, Settings or Suite".to_owned()))
            }
            (_, Place::Settings) => Err(document.error_at(&["kind"], "expected kind Settings".to_owned())),
        }
    }

    fn add_policy(&mut self, argument: usize, document: Document<'s>, said: PolicyDocument) -> Result<(), LoadError> {
        let name = said.metadata.name.clone();
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if name.is_empty() || !name.chars().all(legal) {
            let message =
                format!("bad name `{}`; expected lower-case letters, digits, `-` and `.`", name.escape_debug());
            return Err(document.error_at(&["metadata", "name"], message));
        }
        if let Some((other, first, _)) = self.policies.get(&name)
            && *other == argument
        {
            let message = format!("a second policy `{name}`; the first stands in `{}`", first.source.file);
            return Err(document.error_at(&["metadata", "name"], message));
        }
        self.policies.insert(name, (argument, document, said));
        Ok(())
    }
}

struct Loader<'l, 's> {
    rules: &'static [Entry],
    sources: &'l Sources,
    only: Option<&'l Only<'l>>,
    settings: Option<&'l (Document<'s>, SettingsDocument)>,
    errors: Vec<LoadError>,
}

type Policies<'s> = BTreeMap<String, (usize, Document<'s>, PolicyDocument)>;

impl<'s> Loader<'_, 's> {
    fn profile(&self) -> Profile {
        let said = self.settings.and_then(|(_, settings)| settings.profile);
        self.sources.profile.or(said).unwrap_or_default()
    }

    fn mesh(&self) -> Mesh {
        self.settings.map_or_else(Mesh::default, |(_, settings)| settings.mesh.clone().into())
    }

    /// What Settings say of policies that are not there, and of namespaces that are never judged.
    fn check_settings(&mut self, policies: &Policies<'s>) {
        let control_planes = self.mesh().control_plane_namespaces;
        let own = self.sources.own_namespace.as_deref();
        for namespace in control_planes.iter().filter(|name| is_system_namespace(name) || Some(name.as_str()) == own) {
            let message = format!(
                "`{namespace}` is a control-plane namespace, and core kinds there are never judged: \
                 its injection could not be held disabled; run Vigla in a namespace of its own"
            );
            self.errors.push(match self.settings {
                Some((document, _)) => document.error_at(&["mesh", "controlPlaneNamespaces"], message),
                None => LoadError { file: "--own-namespace".to_owned(), line: 1, column: 1, message },
            });
        }
        let Some((document, settings)) = self.settings else { return };
        let unknown = |name: &str| format!("no policy `{name}`; `vigla policies` lists them all");
        let is_known = |name: &str| {
            let built_in = |entry: &Entry| entry.metadata.name == name && !entry.policy.is_empty();
            policies.contains_key(name) || self.rules.iter().any(built_in)
        };
        for name in settings.policies.keys().filter(|name| !is_known(name)) {
            self.errors.push(document.error_at(&["policies", name], unknown(name)));
        }
        for (at, exception) in settings.exceptions.iter().enumerate() {
            if !is_known(&exception.policy) {
                let path = ["exceptions", &at.to_string(), "policy"];
                self.errors.push(document.error_at(&path, unknown(&exception.policy)));
            }
        }
    }

    fn compile(&mut self, policies: &Policies<'s>) -> PolicySet {
        let mut compiled = Vec::new();
        let mut listed = Vec::new();
        let wanted = |name: &str| self.only.is_none_or(|only| only.policy == name);
        for (name, (argument, document, said)) in policies.iter().filter(|(name, _)| wanted(name)) {
            let changes = self.settings.and_then(|(document, settings)| {
                let node = document.tree.root().at(&["policies", name])?;
                Some((settings.policies.get(name)?, node))
            });
            let Some(entry) = self.rules.iter().find(|entry| entry.metadata.name == said.spec.rule) else {
                let message = format!("unknown rule `{}`, expected one that `vigla rules` lists", said.spec.rule);
                self.errors.push(document.error_at(&["spec", "rule"], message));
                continue;
            };
            let params = self.only.and_then(|only| only.params);
            let said = Said { document: said, root: document.tree.root(), settings: changes, params };
            match self.compile_one(&said, document, entry) {
                Err(error) => self.errors.push(error),
                Ok(policy) => {
                    let (in_force, why) = self.in_force(said.document, changes.map(|(changes, _)| changes));
                    listed.push(Listed::new(&policy, in_force, why, (*argument > 0).then_some(&document.source.file)));
                    if in_force {
                        compiled.push(policy);
                    }
                }
            }
        }
        PolicySet::new(compiled, listed, self.mesh(), self.sources.own_namespace.clone())
    }

    fn compile_one(
        &self,
        said: &Said<'_>,
        document: &Document<'_>,
        entry: &'static Entry,
    ) -> Result<Policy, LoadError> {
        let settings = self.settings.map(|(_, settings)| settings);
        let max = settings.and_then(|settings| settings.max_action).map_or(Action::Deny, Action::from);
        let exceptions = settings.map_or(&[][..], |settings| &settings.exceptions);
        said.compile(entry, max, exceptions).map_err(|fault| match (fault, self.settings, self.only) {
            (Fault::Settings(error), Some((settings, _)), _) => settings.error(&error),
            (Fault::Case(error), _, Some(only)) => {
                only.source.error(error.span.map(|span| span.start as usize), error.message)
            }
            (Fault::Settings(error) | Fault::Case(error) | Fault::Policy(error), ..) => document.error(&error),
        })
    }

    /// Whether a policy is in force, and who says so.
    fn in_force(&self, document: &PolicyDocument, changes: Option<&Override>) -> (bool, String) {
        if self.only.is_some() {
            return (true, "a suite tests it".to_owned());
        }
        let profile = self.profile();
        let who = match (self.sources.profile, self.settings.and_then(|(_, settings)| settings.profile)) {
            (Some(_), _) => "--profile",
            (None, Some(_)) => "Settings",
            (None, None) => "default",
        };
        match (changes.and_then(|changes| changes.enabled), document.spec.profile) {
            (Some(enabled), _) => (enabled, format!("Settings say `enabled: {enabled}`")),
            (None, None) => (true, "its document names no profile".to_owned()),
            (None, Some(own)) => {
                let held = own <= profile;
                let holds = if held { "holds" } else { "does not hold" };
                (held, format!("profile `{}` ({who}) {holds} `{}`", profile.as_str(), own.as_str()))
            }
        }
    }

    /// Exceptions that no longer hold. A date must not stop a restart, so they are no errors.
    fn expired(&self, today: Date) -> Vec<Notice> {
        let Some((document, settings)) = self.settings else { return Vec::new() };
        let expired = settings.exceptions.iter().enumerate().filter(|(_, exception)| exception.expires < today);
        expired
            .map(|(at, exception)| {
                let message = format!(
                    "the exception from `{}` expired on {} and holds no longer; ask {}, or remove it",
                    exception.policy, exception.expires, exception.owner
                );
                Notice(document.error_at(&["exceptions", &at.to_string(), "expires"], message))
            })
            .collect()
    }
}
