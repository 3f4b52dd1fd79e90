//! The walk made a JSON Patch.

use json_patch::jsonptr::Pointer;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Value, json};

use super::walk::{Sink, Spot};
use crate::object::{Content, Node};

/// The operations so far.
#[derive(Default)]
pub(super) struct Operations(Vec<PatchOperation>);

impl Operations {
    pub(super) fn finish(self) -> Patch {
        Patch(self.0)
    }
}

impl Sink for Operations {
    fn keep(&mut self, _key: Option<&str>, _node: Node<'_>) {}

    fn open(&mut self, spot: Spot<'_>, path: &Pointer, content: Content<'static>) {
        if !spot.holds() {
            let empty = if matches!(content, Content::List) { json!([]) } else { json!({}) };
            self.put(spot, path, &empty);
        }
    }

    fn close(&mut self) {}

    fn put(&mut self, spot: Spot<'_>, path: &Pointer, value: &Value) {
        let (path, value) = (path.to_buf(), value.clone());
        // `add` replaces a member that is there, but puts an item before the one that is there.
        self.0.push(if spot.key.is_none() && spot.there.is_some() {
            PatchOperation::Replace(ReplaceOperation { path, value })
        } else {
            PatchOperation::Add(AddOperation { path, value })
        });
    }

    fn remove(&mut self, path: &Pointer) {
        self.0.push(PatchOperation::Remove(RemoveOperation { path: path.to_buf() }));
    }
}
