//! The policies of one run, indexed by what they judge.

use std::collections::HashMap;
use std::fmt::{self, Write};

use super::{Policy, Profile, document};
use crate::mesh::Mesh;
use crate::object::{ReadError, ShapeError, TextIndex, read_yaml, split_documents};
use crate::rule::{Operation, RULES};

/// Policies in force, compiled: the group, kind, operation and subresource of a request lead to those that judge it.
pub struct PolicySet {
    policies: Vec<Policy>,
    /// By kind; the few groups, operations and subresources of one kind are searched through.
    index: HashMap<&'static str, Vec<Slot>>,
    mesh: Mesh,
    hash: String,
}

/// The policies for one group, operation and subresource of a kind.
struct Slot {
    group: &'static str,
    operation: Operation,
    subresource: &'static str,
    policies: Vec<usize>,
}

/// Why a policy document is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct LoadError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl PolicySet {
    /// The built-in policies of a profile.
    ///
    /// # Errors
    /// Where an embedded document is broken.
    pub fn built_in(profile: Profile) -> Result<Self, LoadError> {
        let mut policies = Vec::new();
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for entry in RULES {
            let file = format!("policies/{}/policy.yaml", entry.metadata.name);
            policies.extend(load(&file, entry.policy)?);
            digest.update(entry.policy.as_bytes());
        }
        policies.retain(|policy| policy.profile.is_none_or(|own| own <= profile));
        let index = index(&policies);
        let mut hash = String::new();
        for byte in digest.finish().as_ref().iter().take(6) {
            // Writing to a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Ok(Self { policies, index, mesh: Mesh::default(), hash })
    }

    /// The policies that judge such a request.
    pub fn matching(
        &self,
        group: &str,
        kind: &str,
        operation: Operation,
        subresource: &str,
    ) -> impl Iterator<Item = &Policy> {
        self.index
            .get(kind)
            .into_iter()
            .flatten()
            .find(|slot| slot.group == group && slot.operation == operation && slot.subresource == subresource)
            .into_iter()
            .flat_map(|slot| &slot.policies)
            .filter_map(|&at| self.policies.get(at))
    }

    /// The policies that judge a kind at all.
    pub fn for_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = &Policy> {
        let judges = move |policy: &&Policy| policy.rule.kinds.iter().any(|own| own.group == group && own.kind == kind);
        self.policies.iter().filter(judges)
    }

    /// All policies.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// What the rules take as given about the mesh.
    #[must_use]
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The first twelve digits of the SHA-256 of the documents: which set it was that judged.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} policies, set {}", self.policies.len(), self.hash)
    }
}

fn index(policies: &[Policy]) -> HashMap<&'static str, Vec<Slot>> {
    let mut index: HashMap<&'static str, Vec<Slot>> = HashMap::new();
    for (at, policy) in policies.iter().enumerate() {
        let rule = policy.rule;
        for kind in rule.kinds {
            let slots = index.entry(kind.kind).or_default();
            for &operation in rule.operations {
                for &subresource in rule.subresources {
                    let same = |slot: &&mut Slot| {
                        slot.group == kind.group && slot.operation == operation && slot.subresource == subresource
                    };
                    match slots.iter_mut().find(same) {
                        Some(slot) => slot.policies.push(at),
                        None => slots.push(Slot { group: kind.group, operation, subresource, policies: vec![at] }),
                    }
                }
            }
        }
    }
    index
}

/// The policies of one file.
fn load(file: &str, text: &str) -> Result<Vec<Policy>, LoadError> {
    let place = |offset: Option<usize>, message: String| {
        let position = TextIndex::new(text).position(offset.unwrap_or_default());
        LoadError { file: file.to_owned(), line: position.line, column: position.column, message }
    };
    split_documents(text)
        .iter()
        .map(|&document| {
            let tree = read_yaml(document).map_err(|ReadError { message, offset }| place(offset, message))?;
            document::compile(tree.root())
                .map_err(|ShapeError { message, span, .. }| place(span.map(|span| span.start as usize), message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::policy::Action;

    const HEAD: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec:\n";

    fn refused(text: &str) -> String {
        match load("a.yaml", text) {
            Ok(_) => panic!("loaded: {text}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn rejects_what_a_policy_does_not_say_with_its_place() {
        let rule = "  rule: envoyfilter-namespace\n";
        for (spec, expected) in [
            ("  rule: nonsense\n  action: Deny\n", "a.yaml:5:9: unknown rule `nonsense`"),
            (&format!("{rule}  action: deny\n"), "a.yaml:6:11: unknown variant `deny`, expected one of `Deny`"),
            (&format!("{rule}  action: [Deny]\n"), "a.yaml:6:3: invalid type"),
            (&format!("{rule}  action: Deny\n  acton: Deny\n"), "a.yaml:7:3: unknown field `acton`"),
            (rule, "a.yaml:4:1: missing field `action`"),
            (&format!("{rule}  action: Deny\n  profile: strict\n"), "a.yaml:7:12: unknown variant `strict`"),
            (&format!("{rule}  action: Deny\n  params: {{x: 1}}\n"), "a.yaml:7:12: unknown field `x`"),
            (&format!("{rule}  action: Deny\n  params: 3\n"), "a.yaml:7:11: invalid type"),
            (&format!("{rule}  action: Deny\n  enforcement: [{{after: 2027-13-01, action: Warn}}]\n"), "a.yaml:7:25: "),
            (&format!("{rule}  action: Deny\n  action: Deny\n"), "a.yaml:7:3: "),
        ] {
            let found = refused(&format!("{HEAD}{spec}"));
            assert!(found.starts_with(expected), "{spec}\n{found}");
        }
        let kind = HEAD.replace("kind: Policy", "kind: Polizei");
        assert!(refused(&format!("{kind}{rule}  action: Deny\n")).starts_with("a.yaml:2:7: unknown variant `Polizei`"));
    }

    #[test]
    fn the_latest_day_that_has_begun_decides() {
        let text = format!(
            "{HEAD}  rule: envoyfilter-namespace\n  action: Audit\n  enforcement:\n  \
             - {{after: 2027-03-01, action: Warn}}\n  - {{after: 2027-06-01, action: Deny}}\n"
        );
        let policies = load("a.yaml", &text).unwrap();
        let action = |year, month, day| policies[0].action(date(year, month, day));
        assert_eq!(action(2027, 2, 28), Action::Audit);
        assert_eq!(action(2027, 3, 1), Action::Warn);
        assert_eq!(action(2027, 5, 31), Action::Warn);
        assert_eq!(action(2027, 6, 1), Action::Deny);
        assert_eq!(action(2999, 1, 1), Action::Deny);
    }

    #[test]
    fn a_profile_holds_those_before_it() {
        let names = |profile| PolicySet::built_in(profile).unwrap().policies().len();
        assert!(names(Profile::Required) <= names(Profile::Baseline));
        assert!(names(Profile::Baseline) <= names(Profile::Restricted));
        assert_eq!(names(Profile::Restricted), RULES.len());
    }
}
