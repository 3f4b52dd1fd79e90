//! The walk made a tree.

use json_patch::jsonptr::Pointer;
use serde_json::Value;

use super::walk::{Sink, Spot};
use crate::object::builder::{Builder, Depth};
use crate::object::{Content, Node, Tree};

/// The tree under construction.
pub(super) struct Laid {
    builder: Builder<'static>,
    /// The lists and maps that are open.
    open: Vec<u32>,
}

impl Laid {
    /// For an object about as large as the one at `root`.
    pub(super) fn over(root: Node<'_>) -> Self {
        Self { builder: Builder::with_capacity(root.tree().entries.len()), open: Vec::new() }
    }

    pub(super) fn finish(self) -> Tree<'static> {
        let mut tree = self.builder.finish();
        // New nodes stand in no text, and places are known for all nodes or for none.
        tree.places = Vec::new();
        tree
    }

    fn start(&mut self, key: Option<&str>, content: Content<'static>) {
        let key = key.map(|key| self.builder.keep(key));
        let index = self.builder.open(key, content);
        self.open.push(index);
    }

    /// Recursion is bounded: [`super::plan`] refuses values that nest too deep.
    fn value(&mut self, key: Option<&str>, value: &Value) {
        let content = match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(*value),
            Value::Number(value) => Content::Number(value.clone()),
            Value::String(text) => Content::Text(self.builder.keep(text)),
            Value::Array(items) => {
                self.start(key, Content::List);
                items.iter().for_each(|item| self.value(None, item));
                return self.close();
            }
            Value::Object(members) => {
                self.start(key, Content::Map);
                members.iter().for_each(|(name, member)| self.value(Some(name), member));
                return self.close();
            }
        };
        let key = key.map(|key| self.builder.keep(key));
        self.builder.leaf(key, content);
    }
}

impl Sink for Laid {
    fn keep(&mut self, key: Option<&str>, node: Node<'_>) {
        self.builder.copy(node, key, Depth::Inside);
    }

    fn open(&mut self, spot: Spot<'_>, _path: &Pointer, content: Content<'static>) {
        self.start(spot.key, content);
    }

    fn close(&mut self) {
        if let Some(index) = self.open.pop() {
            // No name comes twice, so there are no members to compare.
            self.builder.close(index, 0);
        }
    }

    fn put(&mut self, spot: Spot<'_>, _path: &Pointer, value: &Value) {
        self.value(spot.key, value);
    }

    fn remove(&mut self, _path: &Pointer) {}
}
