//! Places in a text: spans of nodes, lines and columns.

/// A range of bytes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Where a node stands in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The member's name, where the parent is a map.
    pub(super) key: Option<Span>,
    pub(super) value: Span,
}

/// A line and a column, both from 1. Columns count Unicode characters; a tab is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Turns byte offsets of one text into lines and columns, however long its lines are.
#[derive(Clone, Debug)]
pub struct TextIndex<'a> {
    text: &'a str,
    marks: Marks,
}

impl<'a> TextIndex<'a> {
    /// Finds the lines of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, marks: Marks::new(text) }
    }

    /// The line and column of a byte offset; past the end, those of the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        self.marks.position(self.text, offset)
    }
}

/// How many bytes lie between two that [`Marks`] know the number of characters before.
const STRIDE: usize = 1024;

/// What is known of a text beside itself, for whoever owns it.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    /// Where each line starts.
    lines: Vec<usize>,
    /// How many characters start before byte 0, [`STRIDE`], twice that, and so on.
    characters: Vec<usize>,
}

impl Marks {
    pub(crate) fn new(text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let characters = text.as_bytes().chunks(STRIDE).map(|chunk| {
            let counted = before;
            before += starts(chunk);
            counted
        });
        Self { lines, characters: characters.collect() }
    }

    /// As [`TextIndex::position`]; `text` is the one that the marks were made of.
    pub(crate) fn position(&self, text: &str, offset: usize) -> Position {
        let offset = text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|&start| start <= offset);
        let start = line.checked_sub(1).and_then(|at| self.lines.get(at)).copied().unwrap_or_default();
        let column = self.characters_before(text, offset) - self.characters_before(text, start) + 1;
        Position { line, column }
    }

    fn characters_before(&self, text: &str, offset: usize) -> usize {
        // At the very end no stride may begin: the one before it then ends there.
        let stride = (offset / STRIDE).min(self.characters.len().saturating_sub(1));
        let known = self.characters.get(stride).copied().unwrap_or_default();
        known + text.as_bytes().get(stride * STRIDE..offset).map_or(0, starts)
    }
}

/// How many characters start among these bytes of UTF-8.
fn starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000).count()
}
