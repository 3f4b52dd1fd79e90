//! Configuration that an object carries: as a part of it, or as YAML in one of its strings.

use std::rc::Rc;

use json_patch::jsonptr::PointerBuf;

use super::helm_parameter::Overlay;
use crate::object::{Inner, Node, ReadError, Tree, WrongType, read_yaml, split_documents};

/// A piece of configuration in an object, not looked into yet.
#[derive(Clone, Debug)]
pub struct Carrier<'t> {
    /// What the object calls it: an annotation, a variable, a field. With it findings are told apart.
    pub name: &'static str,
    held: Held<'t>,
}

#[derive(Clone, Debug)]
enum Held<'t> {
    /// The map that it is, or the string that holds it.
    Node(Node<'t>),
    /// A part of something that is read already.
    Part(Opened<'t>),
}

/// The same, read.
#[derive(Clone, Debug)]
pub struct Opened<'t> {
    name: &'static str,
    source: Rc<Source<'t>>,
    /// Where in it.
    path: Vec<String>,
}

/// What was read.
#[derive(Debug)]
struct Source<'t> {
    /// The map that it is, or the string that holds it.
    node: Node<'t>,
    /// What the string says, where it is one.
    tree: Option<Tree<'t>>,
    /// What is laid over both.
    overlay: Option<Overlay<'t>>,
}

/// Where something stands: in the object, and in the string there if it holds YAML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where in the object.
    pub path: PointerBuf,
    /// Where in the string there.
    pub inner: Option<Inner>,
}

/// Configuration that istiod or Helm refuses: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

impl<'t> Carrier<'t> {
    /// What the object calls so, and where it stands: the map that it is, or the string that holds it.
    #[must_use]
    pub fn new(name: &'static str, node: Node<'t>) -> Self {
        Self { name, held: Held::Node(node) }
    }

    /// Where it stands in the object: itself, or what holds it.
    #[must_use]
    pub fn node(&self) -> Node<'t> {
        match &self.held {
            Held::Node(node) => *node,
            Held::Part(opened) => opened.source.node,
        }
    }

    /// Reads it, as far as it may hold a key with `word` in it; none where it cannot.
    ///
    /// A key stands in YAML in one piece, so a string without the word has no such key, and is not parsed: lines are
    /// folded with a space, an alias repeats what stands at its anchor, and case counts. Two ways write a word in other
    /// letters, and show: an escape (`"\x74racing"`, and a line that ends in `\`) and a tag (`!!binary`).
    ///
    /// # Errors
    /// Where the string is no YAML.
    pub fn open(&self, word: &str) -> Result<Option<Opened<'t>>, Unreadable> {
        let node = match &self.held {
            Held::Node(node) => *node,
            Held::Part(opened) => return Ok(Some(opened.clone())),
        };
        match node.as_str() {
            Some(text) if !may_hold(text, word) => Ok(None),
            Some(text) => Ok(read(node, text)?.map(|tree| Opened::new(self.name, node, Some(tree), None))),
            None => Ok(Some(Opened::new(self.name, node, None, None))),
        }
    }
}

/// Whether YAML may have a key with this word: see [`Carrier::open`].
pub(super) fn may_hold(text: &str, word: &str) -> bool {
    text.contains(word) || text.contains(['\\', '!'])
}

/// Reads the YAML in a string; none where it holds nothing at all. Of several documents istiod reads the first.
pub(super) fn read<'t>(node: Node<'t>, text: &'t str) -> Result<Option<Tree<'t>>, Unreadable> {
    let Some(document) = split_documents(text).into_iter().next() else { return Ok(None) };
    read_yaml(document).map(Some).map_err(|ReadError { message, offset }| {
        let inner = Some(Inner::unreadable(offset.unwrap_or_default(), text));
        Unreadable { place: Place { path: node.pointer(), inner }, message }
    })
}

impl<'t> Opened<'t> {
    pub(super) fn new(
        name: &'static str,
        node: Node<'t>,
        tree: Option<Tree<'t>>,
        overlay: Option<Overlay<'t>>,
    ) -> Self {
        Self { name, source: Rc::new(Source { node, tree, overlay }), path: Vec::new() }
    }

    /// A part of it, by the names on the way there.
    pub(super) fn part<'p>(&self, name: &'static str, path: impl IntoIterator<Item = &'p str>) -> Self {
        let path = self.path.iter().cloned().chain(path.into_iter().map(str::to_owned)).collect();
        Self { name, source: Rc::clone(&self.source), path }
    }

    /// The same as a carrier.
    pub(super) fn into_carrier(self) -> Carrier<'t> {
        Carrier { name: self.name, held: Held::Part(self) }
    }

    /// What the object calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The configuration.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.source.root().nearest(&self.path)
    }

    /// Where a node of it stands.
    #[must_use]
    pub fn place(&self, node: Node<'_>) -> Place {
        self.source.place(node)
    }

    /// Something in it has another type than istiod reads there.
    #[must_use]
    pub fn unreadable(&self, error: &WrongType) -> Unreadable {
        let place = match self.source.tree_root() {
            Some(root) => self.place(root.nearest(tokens(&error.path))),
            None => Place { path: error.path.clone(), inner: None },
        };
        Unreadable { place, message: format!("this is {}, and istiod reads {} here", error.found, error.expected) }
    }

    /// Something in it has another type than its chart reads there.
    pub(super) fn refused(&self, error: WrongType) -> Unreadable {
        match self.source.tree_root() {
            Some(root) => Unreadable { place: self.place(root.nearest(tokens(&error.path))), ..error.into() },
            None => error.into(),
        }
    }
}

impl Source<'_> {
    /// As it counts.
    fn root(&self) -> Node<'_> {
        self.tree_root().unwrap_or(self.node)
    }

    /// The same, where its nodes stand in another tree than the object's.
    fn tree_root(&self) -> Option<Node<'_>> {
        self.overlay.as_ref().map(Overlay::root).or_else(|| self.tree.as_ref().map(Tree::root))
    }

    /// Without what is laid over.
    fn said(&self) -> Node<'_> {
        self.tree.as_ref().map_or(self.node, Tree::root)
    }

    fn place(&self, node: Node<'_>) -> Place {
        let Some(overlay) = &self.overlay else { return self.place_said(node) };
        let path = node.pointer();
        overlay.place(&path).unwrap_or_else(|| self.place_said(self.said().nearest(tokens(&path))))
    }

    fn place_said(&self, node: Node<'_>) -> Place {
        match self.node.as_str().filter(|_| self.tree.is_some()) {
            Some(text) => Place { path: self.node.pointer(), inner: Some(Inner::of(node, text)) },
            None => Place { path: node.pointer(), inner: None },
        }
    }
}

fn tokens(path: &PointerBuf) -> impl Iterator<Item = String> {
    path.tokens().map(|token| token.decoded().into_owned())
}

impl From<WrongType> for Unreadable {
    fn from(error: WrongType) -> Self {
        Self { message: error.to_string(), place: Place { path: error.path, inner: None } }
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
        let carrier = Carrier::new("mesh", tree.root().get("mesh").unwrap());
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
