//! Findings drawn over the lines that they are about.

mod window;

use std::fmt::Write;
use std::time::Duration;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use self::window::Window;
use super::{At, Finding, Report, Summary, Unreadable};
use crate::engine::Effect;
use crate::review::{found, printable};

/// All findings.
pub(in crate::cli) fn findings(report: &Report<'_>, renderer: &Renderer) -> String {
    report.findings.iter().map(|found| render(renderer, finding(found), found.at)).collect()
}

/// All that could not be read.
pub(in crate::cli) fn errors(report: &Report<'_>, renderer: &Renderer) -> String {
    report.errors.iter().map(|error| render(renderer, unreadable(error), error.at)).collect()
}

/// Draws one group. To annotate-snippets a snippet after an [`Origin`] is a second place, whose file it wants to name:
/// that line, without a name, is left out.
fn render(renderer: &Renderer, group: Group<'_>, at: Option<At<'_>>) -> String {
    /// After the title, the place and the bar.
    const SECOND_PLACE: usize = 3;
    let drawn = renderer.render(&[group]) + "\n\n";
    let lines = drawn.split_inclusive('\n').enumerate();
    lines.filter(|(number, _)| at.is_none() || *number != SECOND_PLACE).map(|(_, line)| line).collect()
}

fn finding<'f>(finding: &'f Finding<'_>) -> Group<'f> {
    let level = match finding.effect {
        Effect::Deny => Level::ERROR,
        Effect::Warn | Effect::Old => Level::WARNING,
        Effect::Audit => Level::INFO.with_name("audit"),
        Effect::Mended => Level::INFO.with_name("mended"),
    };
    let title = level.primary_title(printable(&finding.message)).id(finding.policy);
    let object = finding.object.to_string();
    let origin = finding.file.unwrap_or(&object);
    let mut group = place(Group::with_title(title), Some(origin), finding.at, &finding.wanted);
    let mut note = |name: &'static str, text: &str| {
        let group_so_far = std::mem::replace(&mut group, Group::with_level(Level::NOTE));
        group = group_so_far.element(Level::NOTE.with_name(name).message(printable(text)));
    };
    if finding.file.is_some() {
        note("object", &object);
    } else {
        let Finding { path, value, wanted, .. } = finding;
        let found = if wanted.is_empty() { String::new() } else { found(value, wanted) };
        note("field", [path.to_string(), found].join(": ").trim_matches([':', ' ']));
    }
    if let (Some(path), Some(line)) = (&finding.inner_path, finding.inner_line) {
        note("inside", format!("{path}, line {line} of the string").trim_start_matches(", "));
    }
    if finding.effect == Effect::Old {
        note("note", "unchanged from the stored object");
    }
    if let Some(announcement) = &finding.announcement {
        note("note", announcement);
    }
    if !finding.remedy.is_empty() {
        note("fix", &finding.remedy);
    }
    note("more", &format!("vigla explain {}", finding.rule));
    group
}

fn unreadable<'f>(error: &'f Unreadable<'_>) -> Group<'f> {
    let title = Level::ERROR.primary_title(printable(&error.message));
    place(Group::with_title(title), error.file, error.at, "")
}

/// The first line of a place, or the file alone where the place is not known.
fn place<'f>(group: Group<'f>, file: Option<&str>, at: Option<At<'_>>, label: &str) -> Group<'f> {
    let Some(file) = file.map(printable) else { return group };
    let Some(At { text, span, start }) = at else {
        return group.element(Origin::path(file));
    };
    let Window { text, marked } = Window::new(text, span);
    let mut annotation = AnnotationKind::Primary.span(marked);
    if !label.is_empty() {
        annotation = annotation.label(printable(label));
    }
    // The snippet may be a piece of its line, so the column is ours to say; see `render`.
    group
        .element(Origin::path(file).line(start.line).char_column(start.column))
        .element(Snippet::source(text).line_start(start.line).annotation(annotation))
}

/// The line that sums up a run.
pub(in crate::cli) fn summary(summary: &Summary, took: Duration) -> String {
    let Summary { documents, files, kinds, denied, warned, audited, mended, old, skipped, errors } = *summary;
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let (what, among) = match kinds {
        Some(kinds) => (plural(documents, "object", "objects"), format!("of {}", plural(kinds, "kind", "kinds"))),
        None => (plural(documents, "document", "documents"), format!("in {}", plural(files, "file", "files"))),
    };
    let mut line = format!("checked {what} {among}: ");
    // Writing to a String cannot fail.
    let _ = write!(line, "{denied} denied, {}", plural(warned, "warning", "warnings"));
    let rest = [(mended, "mended"), (old, "old"), (audited, "audited"), (skipped, "skipped"), (errors, "unreadable")];
    for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(line, ", {count} {what}");
    }
    let _ = write!(line, " ({} ms)", took.as_millis());
    line
}
