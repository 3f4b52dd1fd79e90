//! Members that stand twice.

use crate::object::{ReadError, Tree};

/// Refuses a member that stands twice in its map, at the second one: readers differ in which of the two counts.
///
/// The places of the tree are known.
pub(super) fn refuse(tree: &Tree<'_>) -> Result<(), ReadError> {
    let shadowed = tree.entries.iter().zip(0..).find(|(entry, _)| entry.shadowed);
    let Some((entry, first)) = shadowed else {
        return Ok(());
    };
    let later = tree.children(entry.parent).find(|&at| at > first && tree.key(at) == tree.key(first));
    let place = later.and_then(|at| tree.places.get(at as usize)?.key);
    Err(ReadError {
        message: "a key that stands in this map already; remove one of them".to_owned(),
        offset: place.map(|key| key.start as usize),
    })
}
