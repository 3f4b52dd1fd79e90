//! Rules on `Thing`s that are easy to reason about.

use std::cell::Cell;

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{APPLICATION, EPHEMERAL_CONTAINERS};
use crate::object::Edit;
use crate::rule::{CannotJudge, Entry, Finding, Findings, GroupKind, Input, Metadata, Operation, Rule, Severity};

pub(super) static TEST_RULES: &[Entry] =
    &[Entry::of::<Label>(""), Entry::of::<Limit>(""), Entry::of::<Hint>(""), Entry::of::<Forbid>("")];

const KINDS: &[GroupKind] = &[
    GroupKind { group: "example.com", kind: "Thing" },
    GroupKind { group: "", kind: "Namespace" },
    GroupKind { group: "", kind: "Pod" },
    GroupKind { group: "example.com", kind: "Cluster" },
    APPLICATION,
];

const fn metadata(name: &'static str, mends: &'static [GroupKind]) -> Metadata {
    Metadata {
        name,
        severity: Severity::Low,
        kinds: KINDS,
        operations: &[Operation::Create, Operation::Update, Operation::Delete],
        subresources: &["", EPHEMERAL_CONTAINERS],
        mends,
        codes: &[],
        doc: "",
    }
}

thread_local! {
    /// How often `Label` and `Limit` judged an object; a test has its own thread.
    static JUDGED: Cell<usize> = const { Cell::new(0) };
}

/// How often [`Label`] and [`Limit`] judge an object while this runs.
pub(super) fn judged(run: impl FnOnce()) -> usize {
    JUDGED.set(0);
    run();
    JUDGED.get()
}

fn finding(path: &[&str], subject: &str, value: Value) -> Finding {
    Finding {
        path: PointerBuf::from_tokens(path.iter().copied()),
        subject: subject.to_owned(),
        value,
        message: "not as it should be".to_owned(),
        ..Finding::default()
    }
}

/// A label must have a value; the fix gives it, or `gives` where that is said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Label {
    key: String,
    value: String,
    gives: Option<String>,
}

impl Rule for Label {
    const METADATA: Metadata = metadata("label", KINDS);

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        JUDGED.set(JUDGED.get() + 1);
        let metadata = object.map("metadata")?;
        let labels = metadata.map(|metadata| metadata.map("labels")).transpose()?.flatten();
        let found = labels.map(|labels| labels.text(&self.key)).transpose()?.flatten();
        if found != Some(&self.value) {
            let path = PointerBuf::from_tokens(["metadata", "labels", &self.key]);
            let value = self.gives.as_ref().unwrap_or(&self.value).as_str().into();
            findings.violation(Finding {
                fix: vec![Edit::Set { path, value }],
                ..finding(&["metadata", "labels", &self.key], &self.key, found.into())
            });
        }
        Ok(())
    }
}

/// `spec.numbers` holds numbers by name, or a list of unnamed ones, all at most 10.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {}

impl Rule for Limit {
    const METADATA: Metadata = metadata("limit", &[]);

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        JUDGED.set(JUDGED.get() + 1);
        let Some(numbers) = object.at(&["spec", "numbers"]) else { return Ok(()) };
        if numbers.as_str().is_some() {
            return Err(CannotJudge {
                path: numbers.pointer(),
                inner: None,
                message: "`numbers` is a string".to_owned(),
            });
        }
        for number in numbers.children() {
            let value = number.to_json();
            if value.as_f64().is_some_and(|value| value > 10.0) {
                let subject = number.key().unwrap_or("number");
                let path: Vec<String> = number.pointer().tokens().map(|token| token.decoded().into_owned()).collect();
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                findings.violation(Finding { limit: Some(10.0), ..finding(&path, subject, value) });
            }
        }
        Ok(())
    }
}

/// Advises against `spec.hint`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hint {}

impl Rule for Hint {
    const METADATA: Metadata = metadata("hint", &[]);

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        findings.advise(object.at(&["spec", "hint"]).map(|hint| finding(&["spec", "hint"], "hint", hint.to_json())));
        Ok(())
    }
}

/// Forbids a label; its fix takes it away.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forbid {
    key: String,
}

impl Rule for Forbid {
    const METADATA: Metadata = metadata("forbid", KINDS);

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        if let Some(label) = object.at(&["metadata", "labels", &self.key]) {
            findings.violation(Finding {
                fix: vec![Edit::Remove { path: label.pointer() }],
                ..finding(&["metadata", "labels", &self.key], &self.key, label.to_json())
            });
        }
        Ok(())
    }
}
