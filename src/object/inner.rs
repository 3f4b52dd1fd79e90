//! Places in a string that is YAML itself, and where a file shows them.

use json_patch::jsonptr::PointerBuf;

use super::{Node, Span, TextIndex};

/// A place in YAML that stands in a string of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Where in what the YAML means; the root where the YAML cannot be read.
    pub path: PointerBuf,
    /// Where in the string, in bytes.
    pub span: Span,
    /// The line of the string, from 1.
    pub line: usize,
}

impl Inner {
    /// The place of a node that was read from `text`.
    #[must_use]
    pub fn of(node: Node<'_>, text: &str) -> Self {
        let span = node.span().unwrap_or(Span { start: 0, end: 0 });
        Self { path: node.pointer(), ..Self::new(span, text) }
    }

    /// The place of what could not be read.
    #[must_use]
    pub fn unreadable(offset: usize, text: &str) -> Self {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        Self::new(Span { start: offset, end: offset }, text)
    }

    fn new(span: Span, text: &str) -> Self {
        let line = TextIndex::new(text).position(span.start as usize).line;
        Self { path: PointerBuf::new(), span, line }
    }

    /// Where a file shows this place, if it shows it letter for letter: in a block scalar that folds no lines, or in a
    /// string of one line without escapes. `string`: where the string stands in the file; `text`: what it means.
    #[must_use]
    pub fn span_in(&self, file: &str, string: Span, text: &str) -> Option<Span> {
        let (start, end) = (string.start as usize, string.end as usize);
        let verbatim = file.get(start..end).and_then(|shown| shown.find(text.trim_end()));
        let place = |at: u32| match verbatim {
            Some(before) => Some(start + before + at as usize),
            None => in_block(file, start, text, at as usize),
        };
        let narrow = |at: usize| u32::try_from(at).ok();
        Some(Span { start: narrow(place(self.span.start)?)?, end: narrow(place(self.span.end)?)? })
    }
}

/// The byte of a file that shows byte `at` of a block scalar, whose first line with text begins at `start`.
///
/// All lines up to there must be the same in the file behind their indentation: else lines are folded, or the string
/// is no block.
fn in_block(file: &str, start: usize, text: &str, at: usize) -> Option<usize> {
    let mut shown = start - file.get(..start)?.rsplit('\n').next()?.len();
    let mut meant = 0;
    for line in text.split_inclusive('\n') {
        let is_blank = line.trim().is_empty();
        // Empty lines in front of the text stand before the place that is known as its start.
        if is_blank && text.get(..meant)?.trim().is_empty() {
            meant += line.len();
            continue;
        }
        let in_file = file.get(shown..)?.split_inclusive('\n').next().unwrap_or_default();
        let (words, in_file_words) = (line.trim_end(), in_file.trim_end());
        let indentation = in_file_words.strip_suffix(words)?;
        if !indentation.bytes().all(|byte| byte == b' ') {
            return None;
        }
        if at < meant + line.len() || (at == text.len() && at == meant + line.len()) {
            return Some(shown + indentation.len() + (at - meant).min(words.len()));
        }
        (shown, meant) = (shown + in_file.len(), meant + line.len());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{read_yaml, split_documents};

    /// What the file shows of `/tracing/sampling` inside the string at `/mesh`.
    fn shown(file: &str) -> Option<&str> {
        let document = split_documents(file)[0];
        let tree = read_yaml(document).unwrap();
        let holder = tree.root().get("mesh").unwrap();
        let text = holder.as_str().unwrap();
        let inner = read_yaml(split_documents(text)[0]).unwrap();
        let node = inner.root().at(&["tracing", "sampling"]).unwrap();
        let span = Inner::of(node, text).span_in(file, holder.span().unwrap(), text)?;
        file.get(span.start as usize..span.end as usize)
    }

    #[test]
    fn a_place_in_a_block_is_shown_where_it_stands() {
        for file in [
            "mesh: |\n  tracing:\n    sampling: 100\n",
            "mesh: |-\n  tracing:\n    sampling: 100",
            "mesh: |\n\n  # why\n\n  tracing:\n\n    sampling: 100\n  x: 1\n",
            "mesh: |2\n    tracing:\n      sampling: 100\n",
            "mesh: |\r\n  tracing:\r\n    sampling: 100\r\n",
            "mesh: |\n  tracing: {sampling: 100}   \n",
            "mesh: >\n  tracing: {sampling: 100}\n",
            "mesh: \"tracing: {sampling: 100}\"",
            "mesh: 'tracing: {sampling: 100}'\n",
            "{\"mesh\": \"tracing: {sampling: 100}\"}",
        ] {
            assert_eq!(shown(file), Some("100"), "{file}");
        }
    }

    #[test]
    fn a_place_that_a_file_does_not_show_is_not_made_up() {
        for file in [
            "mesh: \"tracing:\\n  sampling: 100\"",
            "mesh: \"{\\\"tracing\\\": {\\\"sampling\\\": 100}}\"",
            "mesh: '{''tracing'': {sampling: 100}}'",
            "mesh: '{tracing:\n  {sampling: 100}}'",
            "mesh: >\n  {tracing:\n  {sampling: 100}}\n",
            "a: &a |\n  tracing:\n    sampling: 100\nmesh: *a\n",
        ] {
            assert_eq!(shown(file), None, "{file}");
        }
    }

    #[test]
    fn a_place_has_its_line() {
        let text = "a: 1\nb:\n  c: 2\n";
        let tree = read_yaml(split_documents(text)[0]).unwrap();
        let inner = Inner::of(tree.root().at(&["b", "c"]).unwrap(), text);
        assert_eq!((inner.path.as_str(), inner.line), ("/b/c", 3));
        assert_eq!(Inner::unreadable(6, text).line, 2);
        assert_eq!(Inner::unreadable(600, text).line, 4);
    }
}
