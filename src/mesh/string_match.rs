//! How Istio compares strings in matches of routes.

use crate::object::{Node, WrongType};

/// What a string has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringMatch<'t> {
    /// Nothing is asked: no field is set. In a header's match its presence is.
    Any,
    /// This and no other.
    Exact(&'t str),
    /// It starts so.
    Prefix(&'t str),
    /// It fits as a whole: RE2, <https://github.com/google/re2/wiki/Syntax>.
    Regex(&'t str),
}

impl<'t> StringMatch<'t> {
    /// Reads a match.
    ///
    /// <https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch>
    ///
    /// # Errors
    /// Where a field is no string, or more than one of them is set.
    pub fn of(node: Node<'t>) -> Result<Self, WrongType> {
        Ok(match (node.text("exact")?, node.text("prefix")?, node.text("regex")?) {
            (None, None, None) => Self::Any,
            (Some(text), None, None) => Self::Exact(text),
            (None, Some(text), None) => Self::Prefix(text),
            (None, None, Some(text)) => Self::Regex(text),
            _ => return Err(node.wrong_type("a map with one of `exact`, `prefix` and `regex`")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    #[test]
    fn a_match_is_of_one_kind() {
        for (json, expected) in [
            ("{}", Some(StringMatch::Any)),
            (r#"{"exact":null}"#, Some(StringMatch::Any)),
            (r#"{"exact":"GET"}"#, Some(StringMatch::Exact("GET"))),
            (r#"{"prefix":"/"}"#, Some(StringMatch::Prefix("/"))),
            (r#"{"regex":".*"}"#, Some(StringMatch::Regex(".*"))),
            (r#"{"exact":"","other":1}"#, Some(StringMatch::Exact(""))),
            (r#"{"exact":"a","prefix":"b"}"#, None),
            (r#"{"exact":1}"#, None),
        ] {
            let tree = read_json(json).unwrap();
            assert_eq!(StringMatch::of(tree.root()).ok(), expected, "{json}");
        }
    }
}
