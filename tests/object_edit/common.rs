//! Edits in short.

use json_patch::jsonptr::PointerBuf;
use serde_json::Value;
use vigla::object::Edit;

fn pointer(path: &str) -> PointerBuf {
    PointerBuf::parse(path).expect("a pointer")
}

pub(crate) fn set(path: &str, value: impl Into<Value>) -> Edit {
    Edit::Set { path: pointer(path), value: value.into() }
}

pub(crate) fn remove(path: &str) -> Edit {
    Edit::Remove { path: pointer(path) }
}

pub(crate) fn append(path: &str, value: impl Into<Value>) -> Edit {
    Edit::Append { path: pointer(path), value: value.into() }
}
