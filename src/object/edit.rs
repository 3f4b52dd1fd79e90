//! What fixes change in an object: as a tree with the changes laid over it, and as one JSON Patch.
//!
//! Edits first become one [`Plan`], a tree of their paths, in which contradictions show; it knows no object. One walk
//! ([`walk`]) then goes through object and plan side by side and finds what fits no such object. What it tells is made
//! a tree ([`overlay`]) or a patch ([`patch`]), so that both say the same.

mod conflict;
mod laid;
mod operations;
mod plan;
mod walk;

pub use conflict::conflicting;

use json_patch::Patch;
use json_patch::jsonptr::PointerBuf;
use serde_json::Value;

use super::{Node, Tree};
use laid::Laid;
use operations::Operations;
use plan::Plan;
use walk::walk;

/// One change that a fix makes to an object.
///
/// A path never leads to the object itself, or to what is not read of it (see [`super::ObjectSeed`]). A token of it is
/// the index of an item where a list stands, else a member's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Gives the member at `path` this value. Parents that are missing or `null` are made, as maps.
    ///
    /// An item of a list that is there is replaced.
    Set {
        /// Where the value stands afterwards.
        path: PointerBuf,
        /// The value, with all that is below it.
        value: Value,
    },
    /// Takes the member at `path` away; nothing where it is absent.
    Remove {
        /// Where nothing stands afterwards; never an item of a list.
        path: PointerBuf,
    },
    /// Adds an item at the end of the list at `path`. Where that is missing or `null`, it is made.
    Append {
        /// Where the list stands.
        path: PointerBuf,
        /// The item.
        value: Value,
    },
}

impl Edit {
    fn path(&self) -> &PointerBuf {
        match self {
            Self::Set { path, .. } | Self::Remove { path } | Self::Append { path, .. } => path,
        }
    }

    fn value(&self) -> Option<&Value> {
        match self {
            Self::Set { value, .. } | Self::Append { value, .. } => Some(value),
            Self::Remove { .. } => None,
        }
    }
}

/// Why edits cannot be laid over an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {message}")]
pub struct EditError {
    /// Where: the path of an edit, or the part of it at which no further step is possible.
    pub path: PointerBuf,
    /// What is wrong there, as the end of a sentence that starts with the path.
    pub message: String,
}

/// The object at `root` with the edits laid over it. The new tree knows no places in a text.
///
/// The order of edits says in which order items are appended, and nothing else. Of equal edits one counts.
///
/// # Errors
/// Where the edits contradict each other ([`conflicting`]); where a path leads to the object itself, through a value that
/// holds nothing, to an item that is not there, or to what was not read of the object, from above too: a map that may
/// hold such members is not replaced or removed; where an item is to be removed, or added to what is no list; where the
/// result would nest deeper than [`super::MAX_DEPTH`].
pub fn overlay<'e>(root: Node<'_>, edits: impl IntoIterator<Item = &'e Edit>) -> Result<Tree<'static>, EditError> {
    Ok(walk(root, &Plan::new(edits)?, Laid::over(root))?.finish())
}

/// One JSON Patch that makes [`overlay`]'s tree of the object at `root`; empty where the edits change nothing.
///
/// Parents are made once, before what stands below them. Operations follow the order of the object, those on new
/// members come after the others, by name.
///
/// # Errors
/// As [`overlay`], in the same cases.
pub fn patch<'e>(root: Node<'_>, edits: impl IntoIterator<Item = &'e Edit>) -> Result<Patch, EditError> {
    Ok(walk(root, &Plan::new(edits)?, Operations::default())?.finish())
}
