//! Names and namespaces, as files give them.

use crate::object::{Node, ReadError};

/// The field `key` of `metadata`; empty where it is absent.
///
/// What is no string is refused, as the API server does it: to pass over it is to judge the object elsewhere.
pub(super) fn field<'t>(object: Node<'t>, key: &str) -> Result<&'t str, ReadError> {
    let present = |node: Node<'t>, key: &str| node.get(key).filter(|node| !node.is_null());
    let Some(metadata) = present(object, "metadata") else {
        return Ok("");
    };
    if !metadata.is_map() {
        return Err(unexpected(metadata, "metadata", "a map"));
    }
    let field = present(metadata, key);
    field.map_or(Ok(""), |field| {
        let quotable = !field.is_map() && !field.is_list();
        let expected = if quotable { "a string; put it in quotes" } else { "a string" };
        field.as_str().ok_or_else(|| unexpected(field, &format!("metadata.{key}"), expected))
    })
}

/// What stands at `node` is not what must stand at `path`.
pub(super) fn unexpected(node: Node<'_>, path: &str, expected: &str) -> ReadError {
    ReadError { message: format!("`{path}` is {}, expected {expected}", node.type_name()), offset: start(node) }
}

/// Where a node starts in its file.
pub(super) fn start(node: Node<'_>) -> Option<usize> {
    node.span().map(|span| span.start as usize)
}
