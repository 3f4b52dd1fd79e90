//! What a rule reports.

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use crate::mesh::Unreadable;
use crate::object::{Edit, Inner, Node, WrongType};

/// One thing wrong with an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// Where; the field may be missing.
    pub path: PointerBuf,
    /// Where in the string at `path`, where that is YAML itself.
    pub inner: Option<Inner>,
    /// What the finding is about, by name and never by a list index: a container, a host. With the value it tells
    /// what is new from what was there before.
    pub subject: String,
    /// What was found.
    pub value: Value,
    /// What is wrong, for the person at the terminal.
    pub message: String,
    /// What would be right, in a few words.
    pub wanted: String,
    /// How to mend it.
    pub remedy: String,
    /// For numbers that are worse the further they are from here: tells a change for the worse from one for the better.
    pub limit: Option<f64>,
    /// What mends it, where the rule can: all edits of a policy's new violations together clear them.
    pub fix: Vec<Edit>,
}

/// What is wrong, what would be right, how to mend it.
pub(crate) type Words = [&'static str; 3];

impl Finding {
    /// One of a node as it stands, without words yet.
    pub(crate) fn of(node: Node<'_>, subject: impl Into<String>) -> Self {
        Self::below(node, &[], subject)
    }

    /// One of what stands, or should stand, below a node, without words yet.
    pub(crate) fn below(node: Node<'_>, steps: &[&str], subject: impl Into<String>) -> Self {
        let mut path = node.pointer();
        steps.iter().for_each(|step| path.push_back(*step));
        let value = node.at(steps).map_or(Value::Null, Node::to_json);
        Self { path, subject: subject.into(), value, ..Self::default() }
    }

    /// In words that are the same wherever it is found.
    #[must_use]
    pub(crate) fn in_words(self, [message, wanted, remedy]: Words) -> Self {
        Self { message: message.to_owned(), wanted: wanted.to_owned(), remedy: remedy.to_owned(), ..self }
    }

    /// The same as advice, where it hangs on labels of the namespace that are not known. Nothing is mended then.
    #[must_use]
    pub(crate) fn unsure(self) -> Self {
        let message = format!("{}; namespace labels unknown (--namespace-labels)", self.message);
        Self { message, fix: Vec::new(), ..self }
    }

    /// How far its number is from its limit.
    #[must_use]
    pub fn distance(&self) -> Option<f64> {
        Some((self.value.as_f64()? - self.limit?).abs())
    }
}

/// What a rule found: violations have their policy's action, advice at most warns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// What the rule forbids.
    pub violations: Vec<Finding>,
    /// What it advises against.
    pub advice: Vec<Finding>,
    /// There were more violations than are kept: the rest is not judged.
    pub overflow: bool,
}

impl Findings {
    /// The most violations, and the most pieces of advice, that one rule keeps: an object of millions of elements must
    /// not make millions of messages.
    pub const MOST: usize = 1000;

    /// Adds a violation.
    pub fn violation(&mut self, finding: Finding) {
        self.overflow |= self.violations.len() == Self::MOST;
        if !self.overflow {
            self.violations.push(finding);
        }
    }

    /// Adds a violation where the labels of the namespace make it sure that it is one, advice where they are not known.
    pub(crate) fn violation_if(&mut self, sure: Option<bool>, finding: Finding) {
        match sure {
            Some(true) => self.violation(finding),
            Some(false) => {}
            None => self.advise([finding.unsure()]),
        }
    }

    /// Adds advice, as much of it as is kept; the rest is not even made.
    pub fn advise(&mut self, findings: impl IntoIterator<Item = Finding>) {
        let room = Self::MOST.saturating_sub(self.advice.len());
        self.advice.extend(findings.into_iter().take(room));
    }
}

/// A rule could not judge an object: what stands in the way, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotJudge {
    /// Where.
    pub path: PointerBuf,
    /// Where in the string at `path`, where that is YAML itself.
    pub inner: Option<Inner>,
    /// Why.
    pub message: String,
}

impl CannotJudge {
    /// Something about the request as a whole.
    #[must_use]
    pub fn request(message: impl Into<String>) -> Self {
        Self { path: PointerBuf::new(), inner: None, message: message.into() }
    }

    /// The same as a finding: what could not be judged is one.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding {
            path: self.path.clone(),
            inner: self.inner.clone(),
            message: format!("cannot judge: {}", self.message),
            ..Finding::default()
        }
    }
}

/// For rules about a part of mesh config or of Helm's values; that Istio cannot read it is the finding of another.
impl From<Unreadable> for CannotJudge {
    fn from(error: Unreadable) -> Self {
        let message = format!("Istio cannot read this: {}", error.message);
        Self { message, path: error.place.path, inner: error.place.inner }
    }
}

impl From<WrongType> for CannotJudge {
    fn from(error: WrongType) -> Self {
        Self { message: error.to_string(), path: error.path, inner: None }
    }
}
