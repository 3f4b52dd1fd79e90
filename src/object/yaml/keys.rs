//! The keys of a map: strings in JSON, whatever they are in YAML, and each there once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::compose::{Kind, Raw, pairs};
use super::scalar::Scalar;
use super::{Document, quoted};
use crate::object::builder::Builder;
use crate::object::{Position, ReadError, Span, Text};

/// What to do about a key that is none.
const ADVICE: &str = "the keys of a map are strings; put this one in quotes";

/// Refuses a key that the map at `index` has twice. What is merged may come again: that is its purpose.
pub(super) fn check(
    document: Document<'_>,
    nodes: &[Raw<'_>],
    index: usize,
    builder: &Builder<'_>,
) -> Result<(), ReadError> {
    let mut seen = HashMap::new();
    let keys = pairs(nodes, index).filter_map(|(key, _)| nodes.get(key));
    for key in keys.filter(|key| !matches!(key.kind, Kind::Merge(_))) {
        let name = name(scalar(nodes, key)?, key.span, builder)?;
        match seen.entry(name) {
            Entry::Vacant(entry) => entry.insert(key.span),
            Entry::Occupied(entry) => {
                let first = document.position(entry.get().start as usize);
                return Err(duplicate(entry.key(), first, key.span));
            }
        };
    }
    Ok(())
}

/// The name of the member that `key` begins.
pub(super) fn text<'a>(nodes: &[Raw<'a>], key: &Raw<'a>, builder: &mut Builder<'a>) -> Result<Text<'a>, ReadError> {
    match scalar(nodes, key)? {
        Scalar::Text(text) => Ok(text),
        other => {
            let name = name(other, key.span, builder)?.into_owned();
            Ok(builder.keep(&name))
        }
    }
}

fn duplicate(name: &str, first: Position, second: Span) -> ReadError {
    let Position { line, column } = first;
    ReadError::at(
        second.start as usize,
        format!(
            "duplicate key {}: it stands on line {line}, column {column} already; remove one of them",
            quoted(name)
        ),
    )
}

/// The scalar that stands as a key, through an alias if need be.
fn scalar<'a>(nodes: &[Raw<'a>], key: &Raw<'a>) -> Result<Scalar<'a>, ReadError> {
    let meant = match key.kind {
        Kind::Alias(target) => nodes.get(target).map(|node| node.kind),
        kind => Some(kind),
    };
    match meant {
        Some(Kind::Scalar(scalar) | Kind::Merge(scalar)) => Ok(scalar),
        Some(Kind::List) => Err(no_key("a list", key.span)),
        _ => Err(no_key("a map", key.span)),
    }
}

fn name<'t>(key: Scalar<'t>, span: Span, builder: &'t Builder<'_>) -> Result<Cow<'t, str>, ReadError> {
    match key {
        Scalar::Text(text) => Ok(Cow::Borrowed(builder.tree.text(&text))),
        Scalar::Null => Err(no_key("null", span)),
        other => other.name().map(Cow::Owned).ok_or_else(|| no_key("so big a number", span)),
    }
}

fn no_key(what: &str, span: Span) -> ReadError {
    ReadError::at(span.start as usize, format!("{what} cannot be a key; {ADVICE}"))
}
