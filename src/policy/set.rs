//! The policies of one run, indexed by what they judge.

use std::collections::HashMap;
use std::fmt::{self, Write};

use jiff::civil::Date;
use serde::Serialize;

use super::load::{self, Notice, Sources};
use super::{Action, LoadErrors, Policy, Profile};
use crate::mesh::Mesh;
use crate::rule::{GroupKind, Operation, RULES};

/// Namespaces in which core kinds are never judged: a cluster must be able to start and to mend itself.
const SYSTEM_NAMESPACES: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];
/// The groups of core kinds: what those namespaces need to run.
const CORE_GROUPS: [&str; 3] = ["", "apps", "batch"];

pub(super) fn is_system_namespace(name: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&name)
}

/// Policies in force, compiled: the group, kind, operation and subresource of a request lead to those that judge it.
pub struct PolicySet {
    policies: Vec<Policy>,
    listed: Vec<Listed>,
    /// By kind; the few groups, operations and subresources of one kind are searched through.
    index: HashMap<&'static str, Vec<Slot>>,
    mesh: Mesh,
    own_namespace: Option<String>,
    hash: String,
}

/// The policies for one group, operation and subresource of a kind.
struct Slot {
    group: &'static str,
    operation: Operation,
    subresource: &'static str,
    policies: Vec<usize>,
}

/// Requests that some policy judges: what an API server has to be told to ask for.
#[derive(Clone, Copy, Debug)]
pub struct Subscription {
    /// The kind of object.
    pub kind: GroupKind,
    /// What is done to it.
    pub operation: Operation,
    /// The subresource; empty for the object itself.
    pub subresource: &'static str,
    /// Whether it is a core kind, which is not judged in [`PolicySet::excluded_namespaces`].
    pub core: bool,
    /// Whether a policy may deny them.
    pub may_deny: bool,
    /// Whether a policy may patch them.
    pub may_patch: bool,
}

/// A policy as `vigla policies` lists it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its rule.
    pub rule: &'static str,
    /// Whether it judges.
    pub in_force: bool,
    /// Who says so.
    pub why: String,
    /// The strictest action that it can have.
    pub action: Action,
    /// Who says that it has this action: `its document`, `Settings` or `maxAction`.
    pub action_from: &'static str,
    /// The file of its document; none: built in.
    pub file: Option<String>,
    /// The kinds that it reads.
    pub kinds: &'static [GroupKind],
    /// The operations that it judges.
    pub operations: Vec<Operation>,
}

impl Listed {
    pub(super) fn new(
        policy: &Policy,
        in_force: bool,
        why: String,
        action_from: &'static str,
        file: Option<&String>,
    ) -> Self {
        Self {
            name: policy.name.clone(),
            rule: policy.rule.name,
            in_force,
            why,
            action: policy.strictest().action,
            action_from,
            file: file.cloned(),
            kinds: policy.rule.kinds,
            operations: policy.operations.clone(),
        }
    }
}

impl PolicySet {
    /// The built-in policies of a profile.
    ///
    /// # Errors
    /// Where an embedded document is broken.
    pub fn built_in(profile: Profile) -> Result<Self, LoadErrors> {
        let sources = Sources { profile: Some(profile), ..Sources::default() };
        Self::load(&sources, Date::MIN).map(|(set, _)| set)
    }

    /// The built-in policies and those of `sources`. `today` tells which exceptions have expired.
    ///
    /// # Errors
    /// Every broken document with at least its first error.
    pub fn load(sources: &Sources, today: Date) -> Result<(Self, Vec<Notice>), LoadErrors> {
        load::load(RULES, sources, today)
    }

    pub(super) fn new(policies: Vec<Policy>, listed: Vec<Listed>, mesh: Mesh, own_namespace: Option<String>) -> Self {
        let index = index(&policies);
        Self { policies, listed, index, mesh, own_namespace, hash: String::new() }
    }

    /// Gives the set its hash: of all documents that it was made of.
    pub(super) fn seal<'t>(&mut self, texts: impl Iterator<Item = &'t str>, profile: Profile) {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for text in texts.chain([profile.as_str()]) {
            digest.update(&text.len().to_le_bytes());
            digest.update(text.as_bytes());
        }
        for byte in digest.finish().as_ref().iter().take(6) {
            // Writing to a String cannot fail.
            let _ = write!(self.hash, "{byte:02x}");
        }
    }

    /// The policies that judge such a request.
    pub fn matching(
        &self,
        group: &str,
        kind: &str,
        operation: Operation,
        subresource: &str,
    ) -> impl Iterator<Item = &Policy> {
        let slots = self.index.get(kind).map_or(&[][..], Vec::as_slice);
        slots
            .iter()
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

    /// Whether objects of this group are never judged in this namespace.
    #[must_use]
    pub fn excludes(&self, group: &str, namespace: &str) -> bool {
        CORE_GROUPS.contains(&group) && self.excluded_namespaces().any(|excluded| excluded == namespace)
    }

    /// The namespaces in which core kinds are never judged.
    pub fn excluded_namespaces(&self) -> impl Iterator<Item = &str> {
        SYSTEM_NAMESPACES.into_iter().chain(self.own_namespace.as_deref())
    }

    /// All requests that some policy judges, each once, in no order.
    pub fn subscriptions(&self) -> impl Iterator<Item = Subscription> {
        let slots = self.index.iter().flat_map(|(&kind, slots)| slots.iter().map(move |slot| (kind, slot)));
        slots.map(|(kind, &Slot { group, operation, subresource, .. })| {
            let policies = || self.matching(group, kind, operation, subresource);
            Subscription {
                kind: GroupKind { group, kind },
                operation,
                subresource,
                core: CORE_GROUPS.contains(&group),
                may_deny: policies().any(Policy::may_deny),
                may_patch: operation.is_patchable(subresource)
                    && policies().any(|policy| policy.may_patch(group, kind)),
            }
        })
    }

    /// The policies in force.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// All policies that there are, in force or not.
    #[must_use]
    pub fn listed(&self) -> &[Listed] {
        &self.listed
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
        for &kind in policy.rule.kinds {
            let slots = index.entry(kind.kind).or_default();
            for &operation in &policy.operations {
                let done = |subresource: &&&'static str| operation.is_done_to(kind, subresource);
                for &subresource in policy.rule.subresources.iter().filter(done) {
                    add(slots, Slot { group: kind.group, operation, subresource, policies: vec![at] });
                }
            }
        }
    }
    index
}

fn add(slots: &mut Vec<Slot>, new: Slot) {
    let same = |slot: &&mut Slot| {
        slot.group == new.group && slot.operation == new.operation && slot.subresource == new.subresource
    };
    match slots.iter_mut().find(same) {
        Some(slot) => slot.policies.extend(new.policies),
        None => slots.push(new),
    }
}
