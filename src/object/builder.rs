//! Builds a [`Tree`] in document order; both readers stand on it.

use std::collections::HashMap;

use super::{Content, Entry, Node, Place, Text, Tree};

/// From this many members on, a map's duplicates are found with a hash map instead of by comparing pairs.
const PAIRWISE: usize = 16;

/// Where in an object the builder stands: decides what is left out because no rule may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The object itself.
    Object,
    /// `/metadata`.
    Metadata,
    /// `/metadata/annotations`.
    Annotations,
    /// Anywhere else: nothing is left out.
    Inside,
}

impl Depth {
    /// Where the member `key` stands; nothing where it is left out.
    pub(super) fn below(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Object, "status")
            | (Self::Metadata, "managedFields")
            | (Self::Annotations, "kubectl.kubernetes.io/last-applied-configuration") => None,
            (Self::Object, "metadata") => Some(Self::Metadata),
            (Self::Metadata, "annotations") => Some(Self::Annotations),
            _ => Some(Self::Inside),
        }
    }
}

/// A tree under construction.
pub(super) struct Builder<'a> {
    pub(super) tree: Tree<'a>,
    /// The list or map that is open: the parent of what comes next.
    open: u32,
    /// How many children the open list or map has, and those around it.
    children: u32,
    around: Vec<u32>,
}

impl<'a> Builder<'a> {
    /// Room for `nodes` nodes, so that the arena grows once.
    pub(super) fn with_capacity(nodes: usize) -> Self {
        let tree = Tree { entries: Vec::with_capacity(nodes), buffer: String::new(), places: Vec::new() };
        Self { tree, open: 0, children: 0, around: Vec::new() }
    }

    /// Keeps a string that is no piece of the input.
    pub(super) fn keep(&mut self, text: &str) -> Text<'a> {
        let start = self.tree.buffer.len() as u32;
        self.tree.buffer.push_str(text);
        Text::Buffer { start, len: text.len() as u32 }
    }

    /// Says where the node that is added next stands in the text; for all nodes of a tree or for none.
    pub(super) fn place(&mut self, place: Place) {
        self.tree.places.push(place);
    }

    /// Adds a node without children.
    pub(super) fn leaf(&mut self, key: Option<Text<'a>>, content: Content<'a>) {
        let end = self.tree.entries.len() as u32 + 1;
        let ordinal = self.children;
        self.children += 1;
        self.tree.entries.push(Entry { key, content, parent: self.open, end, ordinal, shadowed: false });
    }

    /// Opens a list or map; what comes next stands below it, until [`Builder::close`].
    pub(super) fn open(&mut self, key: Option<Text<'a>>, content: Content<'a>) -> u32 {
        let index = self.tree.entries.len() as u32;
        self.leaf(key, content);
        self.open = index;
        self.around.push(std::mem::take(&mut self.children));
        index
    }

    /// Closes what [`Builder::open`] opened as `index`, with its number of members.
    pub(super) fn close(&mut self, index: u32, members: usize) {
        let end = self.tree.entries.len() as u32;
        self.children = self.around.pop().unwrap_or_default();
        let Some(entry) = self.tree.entries.get_mut(index as usize) else {
            return;
        };
        entry.end = end;
        self.open = entry.parent;
        if matches!(entry.content, Content::Map) && members > 1 {
            for shadowed in self.duplicates(index, members) {
                if let Some(entry) = self.tree.entries.get_mut(shadowed as usize) {
                    entry.shadowed = true;
                }
            }
        }
    }

    /// The members of the map at `index` that a later one of the same name hides.
    fn duplicates(&self, index: u32, members: usize) -> Vec<u32> {
        let keyed = || self.tree.children(index).filter_map(|at| Some((self.tree.key(at)?, at)));
        let mut shadowed = Vec::new();
        if members < PAIRWISE {
            for (n, (key, at)) in keyed().enumerate() {
                if keyed().skip(n + 1).any(|(later, _)| later == key) {
                    shadowed.push(at);
                }
            }
        } else {
            let mut last = HashMap::with_capacity(members);
            shadowed.extend(keyed().filter_map(|(key, at)| last.insert(key, at)));
        }
        shadowed
    }

    /// Copies the object at `node` of another tree, leaving out what no rule may read.
    ///
    /// Recursion is bounded: no tree is deeper than [`super::MAX_DEPTH`].
    pub(super) fn copy(&mut self, node: Node<'_>, key: Option<&str>, depth: Depth) {
        let key = key.map(|key| self.keep(key));
        self.copy_place(node);
        let content = match node.content() {
            Content::Text(text) => Content::Text(self.keep(node.tree().text(text))),
            Content::Null => Content::Null,
            Content::Bool(value) => Content::Bool(*value),
            Content::Number(value) => Content::Number(value.clone()),
            Content::List | Content::Map => return self.copy_below(node, key, depth),
        };
        self.leaf(key, content);
    }

    fn copy_below(&mut self, node: Node<'_>, key: Option<Text<'a>>, depth: Depth) {
        let content = if node.is_map() { Content::Map } else { Content::List };
        let index = self.open(key, content);
        let mut members = 0;
        for child in node.children() {
            let below = child.key().map_or(Some(Depth::Inside), |key| depth.below(key));
            if let Some(below) = below {
                self.copy(child, child.key(), below);
                members += 1;
            }
        }
        self.close(index, members);
    }

    fn copy_place(&mut self, node: Node<'_>) {
        if let Some(place) = node.place() {
            self.place(place);
        }
    }

    /// The finished tree.
    pub(super) fn finish(mut self) -> Tree<'a> {
        if self.tree.entries.is_empty() {
            self.leaf(None, Content::Null);
        }
        self.tree
    }
}
