//! Splits a text into documents before any is parsed, so that a broken one hides no other.

use super::quoted;
use crate::object::{Position, ReadError, TextIndex};

/// One document of a YAML text. It knows where it stands there: all places are places in the whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    text: &'a str,
    start: usize,
    /// Lines of the whole text before this document.
    lines: usize,
}

impl<'a> Document<'a> {
    /// Its text, with its directives and markers.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.text
    }

    /// Where it starts in the whole text, in bytes.
    #[must_use]
    pub fn start(self) -> usize {
        self.start
    }

    /// The line and column of a byte offset in the whole text.
    pub(super) fn position(self, offset: usize) -> Position {
        let mut position = TextIndex::new(self.text).position(offset - self.start);
        position.line += self.lines;
        position
    }
}

/// What a line is to somebody who looks for documents only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// `---`; whether content follows on the same line.
    Start(bool),
    /// `...`
    End,
    /// `%YAML`, `%TAG`, where directives may stand.
    Directive,
    /// Nothing, or a comment.
    Empty,
    Content,
}

impl Line {
    fn of(line: &str) -> Self {
        if let Some(rest) = marked(line, "---") {
            Self::Start(!is_empty(rest))
        } else if marked(line, "...").is_some_and(is_empty) {
            Self::End
        } else if line.starts_with('%') {
            Self::Directive
        } else if is_empty(line) {
            Self::Empty
        } else {
            Self::Content
        }
    }
}

/// What follows a marker at the start of a line, if it is one.
fn marked<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    line.strip_prefix(marker).filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn is_empty(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '\r', '\n']);
    line.is_empty() || line.starts_with('#')
}

/// Lines with where they start, line breaks included, a byte order mark at the very start left out.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        let unmarked = line.strip_prefix('\u{feff}').filter(|_| at == 0);
        (at, unmarked.unwrap_or(line))
    })
}

/// The documents of a text; those with nothing but comments are left out.
///
/// A new one starts at a line `---` and after a line `...`; directives belong to the document that follows them.
#[must_use]
pub fn split_documents(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut lines_before = 0;
    let mut keep = |start: usize, end: usize, filled: bool| {
        let text = text.get(start..end).unwrap_or_default();
        if filled {
            documents.push(Document { text, start, lines: lines_before });
        }
        lines_before += text.matches('\n').count();
    };
    // Where the current document starts, whether it has its `---`, and whether it has anything to read.
    let (mut start, mut opened, mut filled) = (0, false, false);
    // Directives may stand where no document has begun: their own `---` must not part them from it.
    let mut prelude = true;
    for (at, line) in lines(text) {
        match Line::of(line) {
            Line::Start(content) => {
                if opened || !prelude {
                    keep(start, at, filled);
                    (start, filled) = (at, false);
                }
                (opened, prelude) = (true, false);
                filled |= content;
            }
            Line::End => {
                let end = text.len().min(at + line.len());
                keep(start, end, filled);
                (start, opened, filled, prelude) = (end, false, false, true);
            }
            Line::Directive if prelude => filled = true,
            Line::Directive | Line::Content => (filled, prelude) = (true, false),
            Line::Empty => {}
        }
    }
    keep(start, text.len(), filled);
    documents
}

/// Refuses a `%YAML` that kubectl refuses; the parser reads all of them alike.
pub(super) fn check(document: Document<'_>) -> Result<(), ReadError> {
    let prelude = lines(document.text).take_while(|(_, line)| matches!(Line::of(line), Line::Directive | Line::Empty));
    for (at, line) in prelude {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("%YAML") {
            continue;
        }
        let version = words.next().unwrap_or_default();
        if version != "1.1" {
            return Err(ReadError::at(
                document.start + at,
                format!("{} is not what kubectl reads; write `%YAML 1.1` or remove the line", quoted(line.trim_end())),
            ));
        }
    }
    Ok(())
}
