//! Files with documents of our own, and why one of them is refused.

use std::fmt;
use std::sync::OnceLock;

use crate::object::{Marks, Node, Position, ShapeError, Tree, read_yaml, split_documents};

/// A file with documents.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its name, for messages.
    pub file: String,
    text: String,
    /// Where its lines are, once somebody asked.
    marks: OnceLock<Marks>,
}

/// Why a document is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct LoadError {
    /// The file, or the flag.
    pub file: String,
    /// The line, from 1; 0: it is about a flag.
    pub line: usize,
    /// The column, from 1; 0: it is about a flag.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl LoadError {
    fn place(&self) -> String {
        let Self { file, line, column, .. } = self;
        if *line == 0 { file.clone() } else { format!("{file}:{line}:{column}") }
    }
}

/// Every document that is refused, with at least its first error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<LoadError>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\nerror: "))
    }
}

impl std::error::Error for LoadErrors {}

/// Whether the same stands in a file of the same name.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file && self.text == other.text
    }
}

impl Text {
    /// A file and what stands in it.
    #[must_use]
    pub fn new(file: String, text: String) -> Self {
        Self { file, text, marks: OnceLock::new() }
    }

    /// What stands in it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line and column of a byte offset; past the end, those of the end. Only the first call reads the text.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        self.marks.get_or_init(|| Marks::new(&self.text)).position(&self.text, offset)
    }

    /// Its documents, each read or refused.
    pub(crate) fn documents(&self) -> impl Iterator<Item = Result<Document<'_>, LoadError>> {
        split_documents(&self.text).into_iter().map(|document| match read_yaml(document) {
            Ok(tree) => Ok(Document { source: self, tree }),
            Err(error) => Err(self.error(error.offset, error.message)),
        })
    }

    /// An error at a byte offset.
    pub(crate) fn error(&self, offset: Option<usize>, message: String) -> LoadError {
        let position = self.position(offset.unwrap_or_default());
        LoadError { file: self.file.clone(), line: position.line, column: position.column, message }
    }
}

/// A document that was read, and where.
pub(crate) struct Document<'s> {
    pub(crate) source: &'s Text,
    pub(crate) tree: Tree<'s>,
}

impl Document<'_> {
    pub(crate) fn error(&self, error: &ShapeError) -> LoadError {
        self.source.error(error.span.map(|span| span.start as usize), error.message.clone())
    }

    pub(crate) fn error_at(&self, path: &[&str], message: String) -> LoadError {
        self.error(&ShapeError::new(self.tree.root().nearest(path), message))
    }

    /// What the document is.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.tree.root().get("kind").and_then(Node::as_str)
    }
}
