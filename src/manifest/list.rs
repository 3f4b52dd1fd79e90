//! Lists, taken apart as kubectl does it.

use super::metadata::{start, unexpected};
use crate::object::{Node, ReadError};

/// What is no list, or an item of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Single<'t> {
    pub(super) node: Node<'t>,
    /// Its own or, where it has not both, its list's; empty where that has none either. `kind` likewise.
    pub(super) api_version: &'t str,
    pub(super) kind: &'t str,
}

type Found<'t> = Vec<Result<Single<'t>, ReadError>>;

impl<'t> Single<'t> {
    fn new(node: Node<'t>) -> Self {
        let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
        Self { node, api_version: text("apiVersion"), kind: text("kind") }
    }

    /// Whether it says what it is.
    pub(super) fn is_object(&self) -> bool {
        !self.api_version.is_empty() && !self.kind.is_empty()
    }

    /// Whether its kind is that of a list.
    fn is_list(&self) -> bool {
        self.kind.ends_with("List")
    }

    /// An item of this list.
    fn item(&self, node: Node<'t>) -> Self {
        let item = Self::new(node);
        let kind = self.kind.strip_suffix("List").unwrap_or(self.kind);
        if item.is_object() { item } else { Self { node, kind, ..*self } }
    }
}

/// The items of lists, of lists in them too, else the value itself; nothing for an empty document.
pub(super) fn singles(root: Node<'_>) -> Found<'_> {
    let mut found = Vec::new();
    if root.items().any(|item| Single::new(item).is_object()) {
        let message = "a list of objects without a `kind`; put it below `items` of a `List`, or `---` between them";
        found.push(Err(ReadError { message: message.to_owned(), offset: start(root) }));
    } else if !root.is_null() {
        add(Single::new(root), &mut found);
    }
    found
}

/// Recursion is bounded: no tree is deeper than [`crate::object::MAX_DEPTH`].
fn add<'t>(single: Single<'t>, found: &mut Found<'t>) {
    let items = single.node.get("items").filter(|items| !items.is_null());
    match items {
        Some(items) if items.is_list() && (single.is_list() || single.is_object()) => {
            // kubectl takes whatever has `items` for a list. Others may not, so it is judged as well.
            if !single.is_list() {
                found.push(Ok(single));
            }
            items.items().for_each(|item| add_item(single, item, found));
        }
        Some(items) if single.is_list() => found.push(Err(unexpected(items, "items", "a list"))),
        // An empty list.
        None if single.is_list() && single.node.get("items").is_some() => {}
        None if single.kind == "List" => {
            let message = "a `List` without `items`".to_owned();
            found.push(Err(ReadError { message, offset: start(single.node) }));
        }
        _ => found.push(Ok(single)),
    }
}

fn add_item<'t>(list: Single<'t>, item: Node<'t>, found: &mut Found<'t>) {
    if item.is_map() {
        add(list.item(item), found);
    } else if list.is_list() {
        let message = format!("an item of the list is {}, expected an object", item.type_name());
        found.push(Err(ReadError { message, offset: start(item) }));
    }
}
