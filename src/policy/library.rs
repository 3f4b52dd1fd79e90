//! Policies read once, of which single ones are loaded as often as somebody asks: what suites test.

use serde::Deserialize;

use super::document::SettingsDocument;
use super::load::{Loader, Only, Sources};
use super::set::PolicySet;
use super::settings::Settings;
use super::sorted::{Documents, Place, Written};
use super::text::{Document, LoadError, LoadErrors, Text};
use crate::object::{Node, Tree};
use crate::rule::Entry;

/// All documents of a run.
pub(crate) struct Library<'s> {
    pub(super) rules: &'static [Entry],
    pub(super) sources: &'s Sources,
    pub(super) documents: Documents<'s>,
}

impl<'s> Library<'s> {
    /// The documents of the built-in policies, for [`Library::read`].
    pub(crate) fn built_in(rules: &[Entry]) -> Vec<Text> {
        let text =
            |entry: &Entry| Text::new(format!("policies/{}/policy.yaml", entry.metadata.name), entry.policy.to_owned());
        rules.iter().filter(|entry| !entry.policy.is_empty()).map(text).collect()
    }

    /// Reads the documents of `built_in` and `sources`.
    pub(crate) fn read(rules: &'static [Entry], built_in: &'s [Text], sources: &'s Sources) -> Self {
        let mut documents = Documents::default();
        let own = sources.policies.iter().map(Vec::as_slice);
        for (argument, texts) in std::iter::once(built_in).chain(own).enumerate() {
            texts.iter().for_each(|text| documents.read(argument, text, Place::Policies));
        }
        if let Some(text) = &sources.settings {
            documents.read(0, text, Place::Settings);
        }
        let mut library = Self { rules, sources, documents };
        let mut loader = Loader::new(&library, None, None);
        library.documents.replaced.iter().for_each(|policy| loader.check_alone(policy));
        let errors = loader.errors;
        library.documents.errors.extend(errors);
        library
    }

    /// The policy `name`, under `settings` where those are given, else under those of the run. They stand in `source`,
    /// as what it is loaded with does.
    pub(crate) fn single<'l>(&'l self, name: &str, source: &'l Text, settings: Option<Node<'l>>) -> Single<'l> {
        let policy = self.documents.policies.get(name);
        let mut single = Single { library: self, policy, source, settings: None, errors: Vec::new() };
        if let Some(node) = settings {
            let document = Document { source, tree: Tree::object_at(node) };
            match SettingsDocument::deserialize(node) {
                Ok(said) => single.settings = Some(Settings { document, said }),
                Err(error) => single.errors.push(document.error(&error)),
            }
        }
        let mut loader = single.loader(None);
        loader.check();
        let errors = loader.errors;
        single.errors.extend(errors);
        single
    }
}

/// One policy, in force whatever the profile, and what stands around it.
pub(crate) struct Single<'l> {
    library: &'l Library<'l>,
    policy: Option<&'l Written<'l>>,
    source: &'l Text,
    settings: Option<Settings<'l>>,
    /// What is wrong whatever it is loaded with.
    errors: Vec<LoadError>,
}

impl Single<'_> {
    /// A set of this policy, with `params` merged one level deep over its own; empty where there is no such policy. It
    /// has no hash.
    ///
    /// # Errors
    /// Every broken document of the library with at least its first error.
    pub(crate) fn load(&self, params: Option<Node<'_>>) -> Result<PolicySet, LoadErrors> {
        let mut loader = self.loader(params);
        loader.errors.clone_from(&self.errors);
        let set = loader.compile(self.policy.into_iter());
        loader.finish(set)
    }

    fn loader<'a>(&'a self, params: Option<Node<'a>>) -> Loader<'a> {
        let settings = self.settings.as_ref().or(self.library.documents.settings.as_ref());
        Loader::new(self.library, settings, Some(Only { source: self.source, params }))
    }
}
