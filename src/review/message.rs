//! What a person at the terminal reads, within the limits of the wire.

use std::fmt::Write;

use serde_json::Value;

use crate::engine::{Effect, Judged};

/// The longest message of a denial, in bytes.
const MESSAGE: usize = 8 * 1024;
/// The longest warning, in characters; the API server passes longer ones on cut or not at all.
/// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>
const WARNING: usize = 256;
/// All warnings together, in bytes.
const WARNINGS: usize = 4 * 1024;
/// The longest line of a message, in characters.
const LINE: usize = 1024;
/// The longest value that is repeated in a line, in characters.
const VALUE: usize = 80;

/// One finding in one line: policy, path, what is wrong, the value found, what is wanted.
#[must_use]
pub(super) fn line(judged: &Judged<'_>) -> String {
    let finding = &judged.finding;
    let mut line = format!("{}: ", judged.policy);
    if !finding.path.is_root() {
        // Writing to a String cannot fail, here and below.
        let _ = match &finding.inner {
            Some(inner) => write!(line, "{} (line {} {}): ", finding.path, inner.line, inner.path),
            None => write!(line, "{}: ", finding.path),
        };
    }
    line.push_str(&finding.message);
    if !finding.wanted.is_empty() {
        let _ = write!(line, " ({})", found(&finding.value, &finding.wanted));
    }
    printable(&line)
}

/// What stands there, and what should.
#[must_use]
pub fn found(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Null => "nothing".to_owned(),
        value => cut(&value.to_string(), VALUE),
    };
    format!("found {found}, wanted {wanted}")
}

/// The same for a cause, of bounded length.
pub(super) fn cause(judged: &Judged<'_>) -> (String, String) {
    (cut(&line(judged), LINE), cut(&judged.finding.path.to_string(), LINE))
}

/// The message of a denial: every violation, then how to mend them and where to read more.
pub(super) fn denial<'j>(denied: impl Iterator<Item = &'j Judged<'j>> + Clone) -> String {
    let mut advice: Vec<String> = Vec::new();
    let mut add = |line: String| {
        if !advice.contains(&line) {
            advice.push(line);
        }
    };
    for judged in denied.clone().filter(|judged| !judged.finding.remedy.is_empty()) {
        add(printable(&format!("  fix: {}", judged.finding.remedy)));
    }
    for judged in denied.clone() {
        add(format!("  more: vigla explain {}", judged.rule.name));
    }
    let advice = fit(advice.into_iter(), MESSAGE / 4, LINE).join("\n");
    let mut lines = fit(denied.map(line), MESSAGE - advice.len() - 1, LINE);
    lines.push(advice);
    lines.join("\n")
}

/// Findings as warnings, which kubectl prints. What is special comes first: a long line loses its end.
pub(super) fn warnings<'j>(warned: impl Iterator<Item = &'j Judged<'j>>) -> Vec<String> {
    let say = |judged: &Judged<'_>| match judged.effect {
        Effect::Old => format!("(unchanged from the stored object) {}", line(judged)),
        _ => match judged.announcement() {
            Some(announcement) => format!("({announcement}) {}", line(judged)),
            None => line(judged),
        },
    };
    fit(warned.map(say), WARNINGS, WARNING)
}

/// What the patch mends, as warnings.
pub(super) fn mended(removed: &[Judged<'_>]) -> Vec<String> {
    fit(removed.iter().map(|judged| format!("mended by Vigla: {}", line(judged))), WARNINGS, WARNING)
}

/// As many lines as go into `budget` bytes, line breaks counted, each of at most `width` characters; the last one says
/// how many more there are.
fn fit(lines: impl Iterator<Item = String>, budget: usize, width: usize) -> Vec<String> {
    /// Room for the line that counts the others.
    const REST: usize = 32;
    let mut left = budget.saturating_sub(REST);
    let mut kept = Vec::new();
    let mut hidden = 0_usize;
    for line in lines {
        let line = cut(&line, width);
        match left.checked_sub(line.len() + 1).filter(|_| hidden == 0) {
            Some(rest) => {
                left = rest;
                kept.push(line);
            }
            None => hidden += 1,
        }
    }
    if hidden > 0 {
        kept.push(format!("… and {hidden} more"));
    }
    kept
}

/// At most `width` characters, the last one `…` where something was cut off.
fn cut(text: &str, width: usize) -> String {
    if text.chars().nth(width).is_none() {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Without control characters: the API server drops them, and a terminal obeys them.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
