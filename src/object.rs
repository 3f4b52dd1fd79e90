//! One object as read-only nodes with their paths, from JSON or YAML.
//!
//! A [`Tree`] is one flat arena in document order: a node's children follow it directly, and its `end` says where the
//! next sibling stands. Strings are borrowed from the input where they hold no escape, else they stand in the arena's
//! own buffer. What comes from a file also carries the place of every node in the text ([`Node::span`]).

mod builder;
mod de;
mod duration;
mod edit;
mod image;
mod inner;
mod json;
mod node;
mod place;
mod quantity;
mod typed;
mod url;
mod yaml;
pub(crate) use yaml::quoted;
pub use yaml::{Document, read_yaml, split_documents};

pub use de::ShapeError;
pub use duration::{DurationError, parse_duration, parse_gateway_duration};
pub use edit::{Edit, EditError, conflicting, overlay, patch};
pub use image::Image;
pub(crate) use image::{is_below, is_sha256};
pub use inner::Inner;
pub(crate) use json::json_error;
pub use json::{ObjectSeed, read_json, read_json_at, read_object};
pub use node::{Node, Value};
pub(crate) use place::Marks;
pub use place::{Position, Span, TextIndex};
pub use quantity::{Quantity, QuantityError};
pub use typed::WrongType;
pub use url::Url;

use std::fmt;

use builder::{Builder, Depth};
use place::Place;
use serde_json::Number;

/// Deepest nesting of lists and maps that either reader accepts.
///
/// serde_json refuses the 128th level; the YAML reader does the same, so that no object is readable in one format alone.
pub const MAX_DEPTH: usize = 127;

/// A string of the arena: a piece of the input or a piece of the arena's own buffer.
#[derive(Clone, Copy, Debug)]
enum Text<'a> {
    Input(&'a str),
    Buffer { start: u32, len: u32 },
}

/// What one node holds.
#[derive(Clone, Debug)]
enum Content<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text<'a>),
    List,
    Map,
}

/// One node of the arena. Indices are positions in [`Tree::entries`].
#[derive(Clone, Debug)]
struct Entry<'a> {
    /// The member's name where the parent is a map.
    key: Option<Text<'a>>,
    content: Content<'a>,
    parent: u32,
    /// One past the last node below this one: where its next sibling stands.
    end: u32,
    /// Where the parent is a list: the item's index.
    ordinal: u32,
    /// An earlier member of the same name: the last one wins, this one is passed over.
    shadowed: bool,
}

/// An object (or any other JSON value) as a flat arena of nodes.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    entries: Vec<Entry<'a>>,
    buffer: String,
    /// Parallel to `entries` where the text stands in a file, else empty.
    places: Vec<Place>,
}

impl<'a> Tree<'a> {
    /// The root node.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::new(self, 0)
    }

    /// A map without members: what a field that is absent and defaults to a map means.
    #[must_use]
    pub fn empty_map() -> Self {
        let mut builder = Builder::with_capacity(1);
        builder.leaf(None, Content::Map);
        builder.finish()
    }

    /// A JSON value as a tree.
    ///
    /// # Errors
    /// Where it nests too deep.
    pub fn of_json(value: &serde_json::Value) -> Result<Tree<'static>, ReadError> {
        let text = value.to_string();
        let mut builder = Builder::with_capacity(0);
        builder.copy(read_json(&text)?.root(), None, Depth::Inside);
        Ok(builder.finish())
    }

    fn entry(&self, index: u32) -> Option<&Entry<'a>> {
        self.entries.get(index as usize)
    }

    fn text<'t>(&'t self, text: &Text<'t>) -> &'t str {
        match *text {
            Text::Input(text) => text,
            Text::Buffer { start, len } => {
                let start = start as usize;
                self.buffer.get(start..start + len as usize).unwrap_or_default()
            }
        }
    }

    /// A copy of what stands below `node`, as a tree of its own, without what no rule may read (see [`ObjectSeed`]).
    ///
    /// For objects inside something else: an item of a `List`, the object of a recorded review.
    #[must_use]
    pub fn object_at(node: Node<'_>) -> Self {
        let mut builder = Builder::with_capacity(0);
        builder.copy(node, None, Depth::Object);
        builder.finish()
    }
}

/// Why a text could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong, what was expected, what to do.
    pub message: String,
    /// Where, if the reader knows: a byte offset in the text.
    pub offset: Option<usize>,
}

impl ReadError {
    /// An error at a byte offset of the text.
    pub(crate) fn at(offset: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), offset: Some(offset) }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}
