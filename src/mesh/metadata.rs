//! An object's own labels and annotations, one at a time.

use json_patch::jsonptr::PointerBuf;

use crate::object::{Node, WrongType};

/// The value of a label of the object itself, not of a template in it.
///
/// # Errors
/// Where it is no string, or something on the way is no map.
pub fn own_label<'t>(object: Node<'t>, key: &str) -> Result<Option<&'t str>, WrongType> {
    text(object, "labels", key)
}

/// The value of an annotation of the object itself, not of a template in it.
///
/// # Errors
/// Where it is no string, or something on the way is no map.
pub fn own_annotation<'t>(object: Node<'t>, key: &str) -> Result<Option<&'t str>, WrongType> {
    text(object, "annotations", key)
}

fn text<'t>(object: Node<'t>, of: &str, key: &str) -> Result<Option<&'t str>, WrongType> {
    object.map_at(&["metadata", of])?.map_or(Ok(None), |map| map.text(key))
}

/// Where a label of the object itself stands, or would.
#[must_use]
pub fn own_label_path(key: &str) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", "labels", key])
}

/// Where an annotation of the object itself stands, or would.
#[must_use]
pub fn own_annotation_path(key: &str) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", "annotations", key])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    #[test]
    fn absent_is_not_empty_and_another_type_is_an_error() {
        for (json, expected) in [
            (r#"{"metadata":{"labels":{"a/b":"x"}}}"#, Ok(Some("x"))),
            (r#"{"metadata":{"labels":{"a/b":""}}}"#, Ok(Some(""))),
            (r#"{"metadata":{"labels":{"a/b":null}}}"#, Ok(None)),
            (r#"{"metadata":{"labels":null,"annotations":{"a/b":"x"}}}"#, Ok(None)),
            (r#"{"metadata":{}}"#, Ok(None)),
            ("{}", Ok(None)),
            (r#"{"metadata":{"labels":{"a/b":true}}}"#, Err("`/metadata/labels/a~1b` is a boolean, expected a string")),
            (r#"{"metadata":{"labels":[]}}"#, Err("`/metadata/labels` is a list, expected a map")),
            (r#"{"metadata":1}"#, Err("`/metadata` is a number, expected a map")),
        ] {
            let found = read_json(json).unwrap();
            let found = own_label(found.root(), "a/b").map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{json}");
            let other =
                json.replace("labels", "other").replace("annotations", "labels").replace("other", "annotations");
            let found = read_json(&other).unwrap();
            let found = own_annotation(found.root(), "a/b").map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(|error| error.replace("labels", "annotations")), "{other}");
        }
        assert_eq!(own_label_path("a/b").as_str(), "/metadata/labels/a~1b");
        assert_eq!(own_annotation_path("a/b").as_str(), "/metadata/annotations/a~1b");
    }
}
