//! The piece of a line that a place is shown in. A file may be one line of many megabytes.

use std::ops::Range;

use crate::object::Span;

/// How many characters are shown before a place, and how many from it on.
const REACH: usize = 100;

/// What stands for the rest of a line.
const CUT: char = '…';

/// The text around a place.
pub(super) struct Window {
    /// A piece of one line.
    pub(super) text: String,
    /// The place in it, as far as it lies in it.
    pub(super) marked: Range<usize>,
}

impl Window {
    /// The text around the start of `span`; of a place of many lines, the first.
    pub(super) fn new(text: &str, span: Span) -> Self {
        let from = text.floor_char_boundary(span.start as usize);
        let to = text.floor_char_boundary(span.end as usize);
        let (before, after) = text.split_at_checked(from).unwrap_or((text, ""));
        let (before, cut_before) = line_before(before);
        let (after, cut_after) = line_after(after);
        let (marked, rest) = after.split_at_checked(to.saturating_sub(from)).unwrap_or((after, ""));

        let mut window = String::new();
        window.extend(cut_before.then_some(CUT));
        window.extend(shown(before));
        let start = window.len();
        window.extend(shown(marked));
        let end = window.len();
        window.extend(shown(rest));
        window.extend(cut_after.then_some(CUT));
        Self { text: window, marked: start..end }
    }
}

/// The end of a text, as far as it is shown and of one line, and whether that cuts its line.
fn line_before(text: &str) -> (&str, bool) {
    let reached = text.char_indices().rev().take_while(|(_, c)| *c != '\n').take(REACH).last();
    let (left, shown) = reached.and_then(|(at, _)| text.split_at_checked(at)).unwrap_or((text, ""));
    (shown, !shown.is_empty() && !left.is_empty() && !left.ends_with('\n'))
}

/// The start of a text, as far as it is shown and of one line, and whether that cuts its line.
fn line_after(text: &str) -> (&str, bool) {
    let beyond = text.char_indices().take_while(|(_, c)| *c != '\n').nth(REACH);
    match beyond.and_then(|(at, _)| text.get(..at)) {
        Some(shown) => (shown, true),
        None => (text.lines().next().unwrap_or_default(), false),
    }
}

/// Without the control characters that annotate-snippets lets through, those past ASCII: U+009B begins a command to
/// the terminal, as ESC `[` does. It draws those of ASCII, and widens tabs.
fn shown(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| if c.is_control() && !c.is_ascii() { char::REPLACEMENT_CHARACTER } else { c })
}
