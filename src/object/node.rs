//! [`Node`]: the handle by which rules read an object.

use json_patch::jsonptr::{PointerBuf, Token};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Number;

use super::{Content, Entry, Place, Span, Tree};

/// A node of a [`Tree`]: two words, copied freely, read only.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree<'t>,
    index: u32,
}

/// What a node holds, for rules that must tell the JSON types apart.
#[derive(Clone, Copy, Debug)]
pub enum Value<'t> {
    /// `null`, which is not the same as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any JSON number.
    Number(&'t Number),
    /// A string.
    Text(&'t str),
    /// A list; its items are [`Node::items`].
    List,
    /// A map; its members are [`Node::members`].
    Map,
}

impl<'a> Tree<'a> {
    /// The direct children of the node at `index`, hidden ones included.
    pub(super) fn children(&self, index: u32) -> impl Iterator<Item = u32> + Clone {
        let parent = self.entry(index);
        let end = parent.map_or(0, |entry| entry.end);
        let holds = parent.is_some_and(|entry| matches!(entry.content, Content::List | Content::Map));
        let first = if holds { index + 1 } else { end };
        std::iter::successors(Some(first), move |&at| self.entry(at).map(|entry| entry.end))
            .take_while(move |&at| at < end)
    }

    pub(super) fn key(&self, index: u32) -> Option<&str> {
        self.entry(index)?.key.as_ref().map(|key| self.text(key))
    }
}

impl<'t> Node<'t> {
    pub(super) fn new(tree: &'t Tree<'t>, index: u32) -> Self {
        Self { tree, index }
    }

    pub(super) fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    fn entry(self) -> Option<&'t Entry<'t>> {
        self.tree.entry(self.index)
    }

    pub(super) fn content(self) -> &'t Content<'t> {
        self.entry().map_or(&Content::Null, |entry| &entry.content)
    }

    pub(super) fn place(self) -> Option<Place> {
        self.tree.places.get(self.index as usize).copied()
    }

    /// What stands here.
    #[must_use]
    pub fn value(self) -> Value<'t> {
        match self.content() {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value),
            Content::Text(text) => Value::Text(self.tree.text(text)),
            Content::List => Value::List,
            Content::Map => Value::Map,
        }
    }

    /// The string here, if it is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        match self.content() {
            Content::Text(text) => Some(self.tree.text(text)),
            _ => None,
        }
    }

    /// The boolean here, if it is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.content() {
            Content::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether a map stands here.
    #[must_use]
    pub fn is_map(self) -> bool {
        matches!(self.content(), Content::Map)
    }

    /// Whether a list stands here.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self.content(), Content::List)
    }

    /// Whether `null` stands here.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.content(), Content::Null)
    }

    /// The name by which the parent map holds this node; nothing for list items and the root.
    #[must_use]
    pub fn key(self) -> Option<&'t str> {
        self.tree.key(self.index)
    }

    /// Items of a list or values of a map, in document order; nothing below anything else.
    pub fn children(self) -> impl Iterator<Item = Self> + Clone {
        self.tree
            .children(self.index)
            .map(move |index| Self { tree: self.tree, index })
            .filter(|node| node.entry().is_some_and(|entry| !entry.shadowed))
    }

    /// This node and all below it, each before what is below it.
    pub fn descendants(self) -> impl Iterator<Item = Self> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let node = open.pop()?;
            let first = open.len();
            open.extend(node.children());
            if let Some(children) = open.get_mut(first..) {
                children.reverse();
            }
            Some(node)
        })
    }

    /// Names and values of a map; nothing for anything else.
    pub fn members(self) -> impl Iterator<Item = (&'t str, Self)> + Clone {
        self.children().filter_map(|child| Some((child.key()?, child)))
    }

    /// The items of a list; nothing for anything else.
    pub fn items(self) -> impl Iterator<Item = Self> + Clone {
        self.children().filter(|child| child.key().is_none())
    }

    /// The member `key` of a map. A `null` member is present.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.members().find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    /// The node below this one at a path of member names, none where a step is missing or no map.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The node below this one at a path of names and list indices, or the nearest one above it that exists.
    #[must_use]
    pub fn nearest(self, path: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let mut node = self;
        for step in path {
            let step = step.as_ref();
            let below =
                if node.is_list() { step.parse().ok().and_then(|at| node.items().nth(at)) } else { node.get(step) };
            match below {
                Some(below) => node = below,
                None => break,
            }
        }
        node
    }

    /// Where this node stands in its object, as a JSON Pointer (RFC 6901); the root is the empty one.
    #[must_use]
    pub fn pointer(self) -> PointerBuf {
        let mut pointer = PointerBuf::new();
        let mut node = self;
        while let Some(parent) = node.parent() {
            match node.key() {
                Some(key) => pointer.push_front(Token::new(key)),
                None => pointer.push_front(node.entry().map_or(0, |entry| entry.ordinal as usize)),
            }
            node = parent;
        }
        pointer
    }

    fn parent(self) -> Option<Self> {
        let index = self.entry().filter(|_| self.index > 0)?.parent;
        Some(Self { tree: self.tree, index })
    }

    /// Where to point a reader of the text at: the value, or the member's name where the value is a list or map.
    ///
    /// Byte offsets in the text; known for what came from a file.
    #[must_use]
    pub fn span(self) -> Option<Span> {
        let place = self.place()?;
        let holds = matches!(self.content(), Content::List | Content::Map);
        Some(if holds { place.key.unwrap_or(place.value) } else { place.value })
    }

    /// The word for what stands here, for messages: `a string`, `a list`.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self.content() {
            Content::Null => "null",
            Content::Bool(_) => "a boolean",
            Content::Number(_) => "a number",
            Content::Text(_) => "a string",
            Content::List => "a list",
            Content::Map => "a map",
        }
    }

    /// The same as a `serde_json` value.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        match self.value() {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => value.into(),
            Value::Number(value) => value.clone().into(),
            Value::Text(text) => text.into(),
            Value::List => self.items().map(Self::to_json).collect(),
            Value::Map => self.members().map(|(key, node)| (key, node.to_json())).collect(),
        }
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at `{}`", self.to_json(), self.pointer())
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value() {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(value),
            Value::Number(value) => value.serialize(serializer),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List => {
                let mut list = serializer.serialize_seq(None)?;
                self.items().try_for_each(|item| list.serialize_element(&item))?;
                list.end()
            }
            Value::Map => {
                let mut map = serializer.serialize_map(None)?;
                self.members().try_for_each(|(key, node)| map.serialize_entry(key, &node))?;
                map.end()
            }
        }
    }
}
