//! Documents sorted by what they are.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::document::{PolicyDocument, SettingsDocument};
use super::settings::Settings;
use super::text::{Document, LoadError, Text};

/// A Policy as it is written.
pub(super) struct Written<'s> {
    /// The argument that it comes from; 0 is built in.
    pub(super) argument: usize,
    pub(super) document: Document<'s>,
    pub(super) said: PolicyDocument,
}

/// Documents sorted by what they are.
#[derive(Default)]
pub(super) struct Documents<'s> {
    /// By name.
    pub(super) policies: BTreeMap<String, Written<'s>>,
    /// Those of which a later argument has another of the same name.
    pub(super) replaced: Vec<Written<'s>>,
    pub(super) settings: Option<Settings<'s>>,
    pub(super) errors: Vec<LoadError>,
}

/// Which documents may stand in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Policies,
    Settings,
}

impl<'s> Documents<'s> {
    pub(super) fn read(&mut self, argument: usize, source: &'s Text, allowed: Place) {
        for document in source.documents() {
            if let Err(error) = document.and_then(|document| self.sort(argument, document, allowed)) {
                self.errors.push(error);
            }
        }
    }

    fn sort(&mut self, argument: usize, document: Document<'s>, allowed: Place) -> Result<(), LoadError> {
        let root = document.tree.root();
        match (document.kind(), allowed) {
            (Some("Policy"), Place::Policies) => {
                let said = PolicyDocument::deserialize(root).map_err(|error| document.error(&error))?;
                self.add_policy(Written { argument, document, said })
            }
            (Some("Settings"), _) => {
                let said = SettingsDocument::deserialize(root).map_err(|error| document.error(&error))?;
                match &self.settings {
                    None => {
                        self.settings = Some(Settings { document, said });
                        Ok(())
                    }
                    Some(Settings { document: first, .. }) => {
                        let message =
                            format!("a second Settings document; the first stands in `{}`", first.source.file);
                        Err(document.error_at(&["kind"], message))
                    }
                }
            }
            // Suites stand beside their policies; `vigla test` reads them.
            (Some("Suite"), Place::Policies) => Ok(()),
            (found, Place::Policies) => Err(misplaced(&document, "Policy, Settings or Suite", found)),
            (found, Place::Settings) => Err(misplaced(&document, "Settings", found)),
        }
    }

    fn add_policy(&mut self, policy: Written<'s>) -> Result<(), LoadError> {
        let name = policy.said.metadata.name.clone();
        let refused = |message| Err(policy.document.error_at(&["metadata", "name"], message));
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if name.is_empty() || !name.chars().all(legal) {
            return refused(format!(
                "bad name `{}`; expected lower-case letters, digits, `-` and `.`",
                name.escape_debug()
            ));
        }
        if let Some(first) = self.policies.get(&name)
            && first.argument == policy.argument
        {
            let file = &first.document.source.file;
            return refused(format!("a second policy `{name}`; the first stands in `{file}`"));
        }
        self.replaced.extend(self.policies.insert(name, policy));
        Ok(())
    }
}

fn misplaced(document: &Document<'_>, expected: &str, found: Option<&str>) -> LoadError {
    let found = found.map(|kind| format!(", found `{}`", kind.escape_debug())).unwrap_or_default();
    document.error_at(&["kind"], format!("expected kind {expected}{found}"))
}
