//! What `check` found, as a contract: text for a person, JSON for a program.

pub(super) mod text;

use json_patch::jsonptr::PointerBuf;
use serde::Serialize;
use serde_json::Value;

use super::files::Source;
use crate::engine::{Effect, Judged};
use crate::manifest::Item;
use crate::object::{Position, Span, TextIndex};
use crate::policy::Action;
use crate::rule::Severity;

/// Everything that one run found. Fields are added, never changed in meaning.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report<'r> {
    pub(super) findings: Vec<Finding<'r>>,
    pub(super) errors: Vec<Unreadable<'r>>,
    pub(super) summary: Summary,
}

/// One finding with its place.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding<'r> {
    pub(super) policy: &'r str,
    pub(super) rule: &'static str,
    severity: Severity,
    action: Action,
    pub(super) effect: Effect,
    pub(super) message: String,
    pub(super) wanted: String,
    pub(super) remedy: String,
    /// What is to come: `from 2027-03-01 on: Deny`.
    pub(super) announcement: Option<String>,
    pub(super) object: Object,
    path: PointerBuf,
    /// Where inside a string that is YAML itself.
    pub(super) inner_path: Option<PointerBuf>,
    /// The line of that string.
    pub(super) inner_line: Option<usize>,
    value: Value,
    /// None, as with the next one: it stands in a cluster.
    pub(super) file: Option<&'r str>,
    document: Option<usize>,
    #[serde(flatten)]
    place: Place,
    #[serde(skip)]
    pub(super) at: Option<At<'r>>,
}

/// Which object it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

/// What could not be read: a text, or a kind of objects of a cluster.
#[derive(Debug, Serialize)]
pub(super) struct Unreadable<'r> {
    pub(super) file: Option<&'r str>,
    line: Option<usize>,
    column: Option<usize>,
    pub(super) message: String,
    #[serde(skip)]
    pub(super) at: Option<At<'r>>,
}

/// Lines and columns, from 1; null where the place is not known.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

impl Place {
    fn new(start: Position, end: Position) -> Self {
        Self {
            line: Some(start.line),
            column: Some(start.column),
            end_line: Some(end.line),
            end_column: Some(end.column),
        }
    }
}

/// A place in a text, to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'r> {
    pub(super) text: &'r str,
    pub(super) span: Span,
    pub(super) start: Position,
}

/// The counts.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) documents: usize,
    pub(super) files: usize,
    /// Kinds of a cluster; none: it is about files.
    pub(super) kinds: Option<usize>,
    pub(super) denied: usize,
    pub(super) warned: usize,
    pub(super) audited: usize,
    pub(super) mended: usize,
    pub(super) old: usize,
    pub(super) skipped: usize,
    pub(super) errors: usize,
}

impl<'r> Report<'r> {
    /// Adds what was decided on one object, which stands in a file or in a cluster.
    pub(super) fn add(&mut self, file: Option<(&'r Source, &TextIndex<'_>)>, item: &Item<'_>, judged: Judged<'r>) {
        let counter = match judged.effect {
            Effect::Deny => &mut self.summary.denied,
            Effect::Warn => &mut self.summary.warned,
            Effect::Old => &mut self.summary.old,
            Effect::Audit => &mut self.summary.audited,
            Effect::Mended => &mut self.summary.mended,
        };
        *counter += 1;
        let place = file.and_then(|(source, index)| {
            let span = item.span(&judged.finding, &source.text)?;
            let (start, end) = (index.position(span.start as usize), index.position(span.end as usize));
            Some((Place::new(start, end), At { text: &source.text, span, start }))
        });
        let (place, at) = place.unzip();
        let request = &item.request;
        let announcement = judged.announcement();
        let (inner_path, inner_line) = judged.finding.inner.map(|inner| (inner.path, inner.line)).unzip();
        self.findings.push(Finding {
            policy: judged.policy,
            rule: judged.rule.name,
            severity: judged.rule.severity,
            action: judged.action,
            effect: judged.effect,
            announcement,
            message: judged.finding.message,
            wanted: judged.finding.wanted,
            remedy: judged.finding.remedy,
            object: Object {
                api_version: request.request_kind.api_version(),
                kind: request.kind.kind.to_string(),
                // A Namespace is in none, whatever its requests say.
                namespace: if request.is_namespace() { String::new() } else { request.namespace.to_string() },
                name: request.display_name().into_owned(),
            },
            path: judged.finding.path,
            inner_path,
            inner_line,
            value: judged.finding.value,
            file: file.map(|(source, _)| &*source.name),
            document: file.map(|_| item.document),
            place: place.unwrap_or_default(),
            at,
        });
    }

    /// Adds a document that could not be read.
    pub(super) fn unreadable(&mut self, source: &'r Source, index: &TextIndex<'_>, offset: usize, message: String) {
        let start = index.position(offset);
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let at = At { text: &source.text, span: Span { start: offset, end: offset }, start };
        let (line, column) = (Some(start.line), Some(start.column));
        self.errors.push(Unreadable { file: Some(&source.name), line, column, message, at: Some(at) });
        self.summary.errors += 1;
    }

    /// Adds a file that could not be read; none: something of a cluster.
    pub(super) fn unread(&mut self, file: Option<&'r str>, message: String) {
        self.errors.push(Unreadable { file, line: None, column: None, message, at: None });
        self.summary.errors += 1;
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        if namespace.is_empty() { write!(f, "{kind} {name}") } else { write!(f, "{kind} {namespace}/{name}") }
    }
}
