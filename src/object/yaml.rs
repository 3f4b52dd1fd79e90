//! The YAML reader: what a text means to kubectl, with the place of every node.
//!
//! kubectl turns YAML into JSON with `sigs.k8s.io/yaml`, which stands on `go.yaml.in/yaml/v2`, and so do the readers in
//! istiod. The syntax is `granit-parser`'s, the meaning is ours: [`documents`] splits a text, [`compose`] turns events
//! into nodes, [`scalar`] says what a scalar is, [`construct`] resolves aliases and merge keys
//! into the arena, [`keys`] makes keys strings.
//!
//! # Known limits
//! - The syntax is YAML 1.2's. Some texts that kubectl refuses are read (a tab after `-`, a pair of surrogate escapes,
//!   `---` followed by content). U+0085, U+2028 and U+2029, which end a line in YAML 1.1 only, are refused as they are.
//! - Stricter than kubectl: duplicate keys, nesting past [`MAX_DEPTH`], a `%YAML` other than 1.1, a byte order mark
//!   inside a document, more than [`construct::ALIAS_BUDGET`] copied nodes.
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

/// Nodes for which an arena has room at first, for each byte of text: a key and a value take some twenty bytes.
const BYTES_PER_NODE: usize = 20;

/// What a text that holds `{{` most likely is.
const TEMPLATE: &str = "looks like a template; render it first: helm template … | vigla check -";

/// Reads one document, every node with its place in the whole text.
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
