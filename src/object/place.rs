//! Places in a text: spans of nodes, lines and columns, and where a JSON Pointer leads in JSON text.

use std::fmt;

use json_patch::jsonptr::Pointer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

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

/// Turns byte offsets of one text into lines and columns.
#[derive(Clone, Debug)]
pub struct TextIndex<'a> {
    text: &'a str,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl<'a> TextIndex<'a> {
    /// Finds the lines of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// The line and column of a byte offset; past the end, those of the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|&start| start <= offset);
        let start = line.checked_sub(1).and_then(|at| self.lines.get(at)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).unwrap_or_default().chars().count() + 1;
        Position { line, column }
    }
}

/// Where `pointer` leads in a JSON text: the value, or the member's name where the value is a list or map.
///
/// Walks the text once a step, past values that are not built. A duplicate member: the last one. Nothing where the
/// pointer leads nowhere or the text is no JSON.
#[must_use]
pub fn locate_json(text: &str, pointer: &Pointer) -> Option<Span> {
    let mut value: &RawValue = serde_json::from_str(text).ok()?;
    let mut key = None;
    for token in pointer.tokens() {
        if value.get().starts_with('{') {
            let Members(members) = serde_json::from_str(value.get()).ok()?;
            let named =
                |raw: &RawValue| serde_json::from_str::<String>(raw.get()).is_ok_and(|name| name == token.decoded());
            let (name, member) = members.into_iter().rev().find(|(name, _)| named(name))?;
            (key, value) = (Some(name), member);
        } else {
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            (key, value) = (None, items.get(token.encoded().parse::<usize>().ok()?)?);
        }
    }
    let holds = value.get().starts_with(['{', '[']);
    let piece = key.filter(|_| holds).unwrap_or(value).get();
    // A piece that serde_json borrowed from `text` lies inside it: its address tells where.
    let start = (piece.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(Span { start: u32::try_from(start).ok()?, end: u32::try_from(start + piece.len()).ok()? })
}

/// The members of a JSON map as they are written, duplicates included.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
