//! Configuration that an object carries: as a part of it, or as YAML in one of its strings.

use json_patch::jsonptr::{Pointer, PointerBuf};

use crate::object::{Inner, Node, ReadError, Tree, WrongType, read_yaml, split_documents};

/// A piece of configuration in an object, not looked into yet.
#[derive(Clone, Copy, Debug)]
pub struct Carrier<'t> {
    /// What the object calls it: an annotation, a variable, a field. With it findings are told apart.
    pub name: &'static str,
    /// The map that it is, or the string that holds it.
    pub node: Node<'t>,
}

/// The same, read.
#[derive(Clone, Debug)]
pub struct Opened<'t> {
    carrier: Carrier<'t>,
    /// What the string says, where it is one.
    tree: Option<Tree<'t>>,
}

/// Where something stands: in the object, and in the string there if it holds YAML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where in the object.
    pub path: PointerBuf,
    /// Where in the string there.
    pub inner: Option<Inner>,
}

/// Configuration that istiod refuses: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

impl<'t> Carrier<'t> {
    /// Reads it, as far as it may hold a key with `word` in it; none where it cannot.
    ///
    /// A key stands in YAML in one piece, so a string without the word has no such key, and is not parsed: lines are
    /// folded with a space, an alias repeats what stands at its anchor, and case counts. Two ways write a word in other
    /// letters, and show: an escape (`"\x74racing"`, and a line that ends in `\`) and a tag (`!!binary`).
    ///
    /// # Errors
    /// Where the string is no YAML.
    pub fn open(self, word: &str) -> Result<Option<Opened<'t>>, Unreadable> {
        let Some(text) = self.node.as_str() else { return Ok(Some(Opened { carrier: self, tree: None })) };
        if !text.contains(word) && !text.contains(['\\', '!']) {
            return Ok(None);
        }
        // Of several documents istiod reads the first.
        let Some(document) = split_documents(text).into_iter().next() else { return Ok(None) };
        match read_yaml(document) {
            Ok(tree) => Ok(Some(Opened { carrier: self, tree: Some(tree) })),
            Err(ReadError { message, offset }) => {
                let inner = Some(Inner::unreadable(offset.unwrap_or_default(), text));
                Err(Unreadable { place: Place { path: self.node.pointer(), inner }, message })
            }
        }
    }
}

impl Opened<'_> {
    /// What the object calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.carrier.name
    }

    /// The configuration.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.tree.as_ref().map_or(self.carrier.node, Tree::root)
    }

    /// Where a node of it stands.
    #[must_use]
    pub fn place(&self, node: Node<'_>) -> Place {
        match self.carrier.node.as_str().filter(|_| self.tree.is_some()) {
            Some(text) => Place { path: self.carrier.node.pointer(), inner: Some(Inner::of(node, text)) },
            None => Place { path: node.pointer(), inner: None },
        }
    }

    /// Something in it has another type than istiod reads there.
    #[must_use]
    pub fn unreadable(&self, error: &WrongType) -> Unreadable {
        let path: &Pointer = &error.path;
        let place = match &self.tree {
            Some(tree) => self.place(tree.root().nearest(path.tokens().map(|token| token.decoded().into_owned()))),
            None => Place { path: error.path.clone(), inner: None },
        };
        Unreadable { place, message: format!("this is {}, and istiod reads {} here", error.found, error.expected) }
    }
}

impl From<Node<'_>> for Place {
    fn from(node: Node<'_>) -> Self {
        Self { path: node.pointer(), inner: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    fn open(text: &str) -> Option<Result<String, String>> {
        let json = serde_json::json!({ "mesh": text }).to_string();
        let tree = read_json(&json).unwrap();
        let carrier = Carrier { name: "mesh", node: tree.root().get("mesh").unwrap() };
        let opened = carrier.open("tracing").transpose()?;
        Some(opened.map(|opened| opened.root().to_json().to_string()).map_err(|error| error.message))
    }

    #[test]
    fn a_string_is_parsed_where_it_may_hold_the_key_and_nowhere_else() {
        for text in ["", "a: 1", "{", "enableTracing: true", "Tracing: {}", "tra\n cing: 1"] {
            assert_eq!(open(text), None, "{text}");
        }
        let read = r#"{"tracing":1}"#;
        for text in [
            "tracing: 1",
            "\"tracing\": 1",
            "\"\\x74racing\": 1",
            "? \"tra\\\n  cing\"\n: 1",
            "? !!binary dHJhY2luZw==\n: 1",
            "? >-\n  tracing\n: 1",
            "<<: {tracing: 1}",
            "--- \ntracing: 1\n---\ntracing: 2",
            "{\"tracing\": 1}",
        ] {
            assert_eq!(open(text), Some(Ok(read.to_owned())), "{text}");
        }
        assert_eq!(open("a: &a tracing\n? *a\n: 1"), Some(Ok(r#"{"a":"tracing","tracing":1}"#.to_owned())));
        assert!(matches!(open("tracing: {"), Some(Err(_))));
    }
}
