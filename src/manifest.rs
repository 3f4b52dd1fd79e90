//! The text of files as requests: documents, lists, recorded reviews.

mod document;
mod list;
mod metadata;
mod scope;

use std::collections::HashMap;

pub use document::{Defaults, read, request};

use crate::object::Span;
use crate::rule::{Finding, Operation, Request};

/// A request read from a file.
#[derive(Debug)]
pub struct Item<'a> {
    /// The number of its document in the file, from 1; empty documents do not count.
    pub document: usize,
    /// The request.
    pub request: Request<'a>,
    /// Whether its namespace was assumed.
    pub assumed_namespace: bool,
    /// Whether it was recorded: a review, which says itself what is done.
    pub recorded: bool,
}

/// What stands in a file.
#[derive(Debug)]
pub enum Content<'a> {
    /// A request to judge.
    Item(Box<Item<'a>>),
    /// One of our own documents, which is not judged.
    Ours,
    /// A document that is no Kubernetes object.
    Foreign {
        /// Where it starts: a byte offset in the file.
        offset: usize,
    },
    /// A document that cannot be read.
    Unreadable {
        /// What is wrong, what was expected.
        message: String,
        /// A byte offset in the file.
        offset: usize,
    },
}

impl Item<'_> {
    /// Where in its file, whose text is `file`, a finding stands; a field that is missing points at its nearest parent
    /// that exists, a place in a string at the string where the file does not show it.
    #[must_use]
    pub fn span(&self, finding: &Finding, file: &str) -> Option<Span> {
        let tree = self.request.judged().tree().ok()??;
        let node = tree.root().nearest(finding.path.tokens().map(|token| token.decoded().into_owned()));
        let span = node.span()?;
        let inner = finding.inner.as_ref().zip(node.as_str()).and_then(|(inner, text)| inner.span_in(file, span, text));
        Some(inner.unwrap_or(span))
    }

    /// What tells this object from all others of a cluster; nothing for one whose name the server is to make.
    #[must_use]
    fn identity(&self) -> Option<[&str; 4]> {
        let Request { kind, namespace, name, .. } = &self.request;
        (!name.is_empty()).then_some([&*kind.group, &*kind.kind, &**namespace, &**name])
    }
}

/// Pairs the objects of one state with those of the state before it: the same object on both sides is an UPDATE, one
/// that is only in the state before a DELETE (returned). What has no counterpart is a CREATE, as it was read.
///
/// A recorded review is part of no state: among the objects it stays as it is, in the state before it is left out.
pub fn transitions<'a>(now: &mut [&mut Item<'a>], before: Vec<Item<'a>>) -> Vec<Item<'a>> {
    let own = |item: &Item<'_>| item.identity().map(|identity| identity.map(str::to_owned));
    let known: HashMap<_, _> = now
        .iter()
        .enumerate()
        .filter(|(_, item)| !item.recorded)
        .filter_map(|(at, item)| Some((own(item)?, at)))
        .collect();
    let mut deleted = Vec::new();
    for mut old in before.into_iter().filter(|old| !old.recorded) {
        let old_object = std::mem::take(&mut old.request.object);
        match own(&old).and_then(|identity| now.get_mut(*known.get(&identity)?)) {
            Some(item) => {
                item.request.operation = Operation::Update;
                item.request.old_object = old_object;
            }
            None => {
                old.request.operation = Operation::Delete;
                old.request.old_object = old_object;
                deleted.push(old);
            }
        }
    }
    deleted
}
