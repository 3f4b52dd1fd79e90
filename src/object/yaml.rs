//! The YAML reader: what a text means to kubectl, with the place of every node.
//!
//! kubectl turns YAML into JSON with `sigs.k8s.io/yaml`, which stands on `go.yaml.in/yaml/v2`, and so do the readers in
//! istiod. The syntax is `granit-parser`'s, the meaning is ours: [`documents`] splits a text, [`compose`] turns events
//! into nodes, [`scalar`] says what a scalar is, [`construct`] resolves aliases and merge keys into the arena, [`keys`]
//! makes keys strings.
//!
//! # Known limits
//! - The syntax is YAML 1.2's, as real documents use it: some texts that kubectl refuses are read (a tab after `? `,
//!   a pair of surrogate escapes, `---` with content behind it). Text below a `|` at the root that is not indented is
//!   read; kubectl passes over it.
//!   What the two versions read differently is refused or read as kubectl reads it; see [`syntax`].
//! - Stricter than kubectl: duplicate keys, nesting past [`MAX_DEPTH`], a byte order mark at the start of an inner
//!   line, content after the end of a document, more than [`construct::ALIAS_BUDGET`] copied nodes.
//! - A block scalar at the very end of a text gets the line break that is missing there. kubectl adds it to every
//!   document; a reader of YAML inside a string does not.
//! - The text of a `!!timestamp` is not checked: it is a string either way.

mod compose;
mod construct;
mod documents;
mod keys;
mod scalar;
mod syntax;

pub use documents::{Document, split_documents};

use super::builder::Builder;
use super::{MAX_DEPTH, ReadError, Tree};

/// How many bytes of text an arena has room for one node for at first: a key and its value take some twenty.
const BYTES_PER_NODE: usize = 20;

/// What a text that holds `{{` most likely is.
const TEMPLATE: &str = "looks like a template; render it first: helm template … | vigla check -";

/// Reads one document, every node with its place in the whole text.
///
/// A block scalar stands at its first line with text, after the indentation; an empty value where its colon or dash is;
/// an alias at the alias, and what is below it at the anchor.
///
/// # Errors
/// Where the document is no YAML, means nothing in JSON (a list as a key, a number that is not finite), has a key twice,
/// nests too deep, or multiplies itself through aliases.
pub fn read_yaml(document: Document<'_>) -> Result<Tree<'_>, ReadError> {
    read(document).map_err(|mut error| {
        if document.text().contains("{{") {
            error.message = format!("{} ({TEMPLATE})", error.message);
        }
        error
    })
}

fn read(document: Document<'_>) -> Result<Tree<'_>, ReadError> {
    documents::check(document)?;
    syntax::check_characters(document)?;
    let mut builder = Builder::with_capacity(document.text().len() / BYTES_PER_NODE);
    let nodes = compose::compose(document, &mut builder)?;
    construct::construct(document, &nodes, builder)
}

fn too_deep(offset: usize) -> ReadError {
    ReadError::at(offset, format!("nested deeper than {MAX_DEPTH} levels; no object of Kubernetes needs that"))
}

/// The author's words for a message, shortened where they are long.
pub(crate) fn quoted(words: &str) -> String {
    const LONGEST: usize = 60;
    let mut end = words.char_indices().map(|(at, _)| at).skip(LONGEST);
    match end.next().and_then(|end| words.get(..end)) {
        Some(start) => format!("`{start}…`"),
        None => format!("`{words}`"),
    }
}
