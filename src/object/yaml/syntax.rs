//! What the parser refuses, in words for the author of the text, and what it must not see.

use granit_parser::{ErrorKind, ScanError};

use super::{Document, quoted, too_deep};
use crate::object::{ReadError, Span};

const TAB: &str = "a tab cannot indent in YAML; write spaces instead";

/// Refuses characters that YAML 1.1 does not allow, and those that end a line there and nowhere else.
///
/// Where kubectl sees a line end and the parser none, the two would read different objects.
pub(super) fn check_characters(document: Document<'_>) -> Result<(), ReadError> {
    let refused = |character: &char| match *character {
        '\t' | '\n' | '\r' | ' '..='~' => false,
        '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' => true,
        other => other < '\u{a0}',
    };
    let found = document.text().char_indices().find(|(_, character)| refused(character));
    found.map_or(Ok(()), |(at, character)| {
        let code = u32::from(character);
        Err(ReadError::at(
            document.start() + at,
            format!(
                "the character U+{code:04X} cannot stand in YAML as it is; remove it, or write `\\u{code:04x}` in double quotes"
            ),
        ))
    })
}

/// Refuses a tab in front of a node of a block, which the parser counts as separation after enough spaces.
pub(super) fn check_indentation(document: Document<'_>, node: Span) -> Result<(), ReadError> {
    let before = document.text().get(..node.start as usize - document.start());
    let line = before.and_then(|text| text.rsplit('\n').next()).unwrap_or_default();
    let indents = |byte: u8| matches!(byte, b' ' | b'\t' | b'-' | b'?');
    match line.find('\t').filter(|_| line.bytes().all(indents)) {
        Some(tab) => Err(ReadError::at(node.start as usize - line.len() + tab, TAB)),
        None => Ok(()),
    }
}

/// Refuses a name that ends elsewhere in YAML 1.1: `&a:b c` is `:b c` with the anchor `a` there.
pub(super) fn check_anchor(name: &str, span: Span) -> Result<(), ReadError> {
    let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.bytes().all(named) {
        return Ok(());
    }
    Err(ReadError::at(
        span.start as usize,
        format!("{} is no name for an anchor; use letters, digits, `-` and `_`", quoted(name)),
    ))
}

/// Whether YAML 1.1 reads a plain scalar in a flow on past its colon: `[2001:db8::]` holds one string there.
///
/// # Errors
/// Where it means something else there in a way that is not worth mending: `[?a]`, `{a:[b]}`.
pub(super) fn takes_colon(document: Document<'_>, span: Span) -> Result<bool, ReadError> {
    if span.start == span.end {
        return Ok(false);
    }
    let text = |at: u32| document.text().get(at as usize - document.start()..);
    if text(span.start).is_some_and(|text| text.starts_with('?')) {
        return Err(ReadError::at(span.start as usize, "a value in a flow cannot start with `?`; put it in quotes"));
    }
    let colon = text(span.end).and_then(|rest| rest.strip_prefix(':'));
    Ok(colon.is_some_and(|rest| rest.starts_with([',', ']', '}'])))
}

/// Where a block scalar ends for somebody who points at it: before the line breaks that close it.
pub(super) fn without_line_ends(document: Document<'_>, span: Span) -> u32 {
    let (start, end) = (span.start as usize, span.end as usize);
    let range = start - document.start()..end - document.start();
    let text = document.text().get(range).unwrap_or_default();
    let ends = text.len() - text.trim_end_matches(['\r', '\n', ' ']).len();
    if ends == text.len() { span.end } else { span.end - ends as u32 }
}

/// A scalar that ends in a colon where that cannot be mended.
pub(super) fn colon_error(offset: usize) -> ReadError {
    ReadError::at(offset, "a value in a flow cannot end with `:`; put it in quotes, or close the `[` or `{` before it")
}

/// What is wrong with the syntax of a document, where the parser noticed.
pub(super) fn error(document: Document<'_>, error: &ScanError) -> ReadError {
    let at = error.marker().byte_offset().unwrap_or_default().min(document.text().len());
    let offset = document.start() + at;
    let rest = document.text().get(at..).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return too_deep(offset),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => TAB.to_owned(),
        ErrorKind::UnknownAnchor => {
            let alias = word(rest);
            let anchor = alias.replacen('*', "&", 1);
            format!("{} stands for nothing; an anchor {} has to come before it", quoted(alias), quoted(&anchor))
        }
        ErrorKind::UnexpectedCharacter { character } => {
            format!("a value cannot start with `{character}`; put it in quotes")
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::InvalidColonPlacement if rest.starts_with(':') => {
            return colon_error(offset);
        }
        ErrorKind::MappingValueNotAllowed => {
            "a `:` cannot stand here; check the indentation, or put the value in quotes".to_owned()
        }
        ErrorKind::BomInsideDocument => {
            "a byte order mark (U+FEFF) cannot stand inside a document; remove it".to_owned()
        }
        _ => format!("not valid YAML: {}", error.info()),
    };
    ReadError::at(offset, message)
}

/// The text up to where an alias must end.
fn word(text: &str) -> &str {
    text.split(|end: char| end.is_whitespace() || matches!(end, ',' | '[' | ']' | '{' | '}')).next().unwrap_or_default()
}
