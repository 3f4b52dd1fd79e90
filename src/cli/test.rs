//! `vigla test`: runs suites.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::files;
use super::output::{self, Format};
use super::sources::{self, Sources};
use super::{Exit, Failure};
use crate::policy::{LoadError, Text};
use crate::review::printable;
use crate::suite::{self, Outcome, Report, Surroundings};

/// Run suites: cases that say what a policy makes of an object.
#[derive(Args, Debug)]
pub(super) struct Test {
    /// Files or folders with suites [default: those of the built-in policies]
    paths: Vec<PathBuf>,

    /// Run the cases whose name, `policy: case`, holds this text
    #[arg(long, value_name = "TEXT", env = "VIGLA_RUN")]
    run: Option<String>,

    #[command(flatten)]
    sources: Sources,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t, env = "VIGLA_OUTPUT")]
    output: Format,
}

/// One result, as a contract. Fields are added, never changed in meaning.
#[derive(Serialize)]
#[serde(tag = "result", rename_all = "lowercase")]
enum Printed<'r> {
    Passed(&'r Outcome),
    Failed(&'r Outcome),
    Bad { file: &'r str, line: Option<usize>, column: Option<usize>, message: &'r str },
}

impl Test {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let today = sources::today();
        let sources = self.sources.read()?;
        // What is wrong with the policies themselves is said once, and not for every suite.
        sources::load(&sources, today)?;
        let (texts, unread) = if self.paths.is_empty() {
            (suite::built_in(), Vec::new())
        } else {
            let (read, unread) = files::read_all(&self.paths);
            (read.into_iter().map(Text::from).collect(), unread)
        };
        let files: &dyn Fn(&str, &str) -> Result<Text, String> = if self.paths.is_empty() { &nowhere } else { &beside };
        let report = suite::run(&texts, self.run.as_deref(), &Surroundings { sources: &sources, files, today });
        self.print(&report, &unread)?;
        Ok(self.exit(&report, &unread))
    }

    fn print(&self, report: &Report, unread: &[files::Unread]) -> Result<(), Failure> {
        match self.output {
            Format::Json => output::print_json(&results(report, unread))?,
            Format::Text => {
                output::print(
                    &report.outcomes.iter().filter(|outcome| !outcome.passed()).map(failed).collect::<String>(),
                )?;
            }
        }
        for error in unread {
            output::note(&format!("error: {}: {}", error.name, error.message));
        }
        for error in &report.bad {
            output::note(&format!("error: {}", printable(&error.to_string())));
        }
        if report.suites == 0 && unread.is_empty() {
            output::note("error: no suite found; a suite is a document of kind Suite");
        } else if let (true, true, Some(part)) = (report.outcomes.is_empty(), report.bad.is_empty(), &self.run) {
            output::note(&format!("error: no case whose name holds `{part}`"));
        }
        output::note(&summary(report, report.bad.len() + unread.len()));
        Ok(())
    }

    /// The worst wins. A run that judged nothing shows nothing.
    fn exit(&self, report: &Report, unread: &[files::Unread]) -> Exit {
        if !report.bad.is_empty() || !unread.is_empty() || report.outcomes.is_empty() {
            Exit::BadInput
        } else if report.outcomes.iter().all(Outcome::passed) {
            Exit::Clean
        } else {
            Exit::Denied
        }
    }
}

/// A file named by a suite stands beside it.
fn beside(suite: &str, path: &str) -> Result<Text, String> {
    let folder = Path::new(suite).parent().unwrap_or(Path::new(""));
    files::read_file(&folder.join(path)).map(Text::from).map_err(|unread| unread.message)
}

fn nowhere(_: &str, _: &str) -> Result<Text, String> {
    Err("cannot be read: a built-in suite has no files beside it".to_owned())
}

fn results<'r>(report: &'r Report, unread: &'r [files::Unread]) -> Vec<Printed<'r>> {
    let outcomes = report.outcomes.iter().map(|outcome| match outcome.passed() {
        true => Printed::Passed(outcome),
        false => Printed::Failed(outcome),
    });
    let bad = report.bad.iter().map(|LoadError { file, line, column, message }| Printed::Bad {
        file,
        line: Some(*line),
        column: Some(*column),
        message,
    });
    let unread =
        unread.iter().map(|file| Printed::Bad { file: &file.name, line: None, column: None, message: &file.message });
    outcomes.chain(bad).chain(unread).collect()
}

/// A failed case: `-` is what was expected, `+` what was found.
fn failed(outcome: &Outcome) -> String {
    let Outcome { file, line, column, why, .. } = outcome;
    let mut text = format!("failed: {}\n  --> {file}:{line}:{column}\n", printable(&outcome.title()));
    if let Some(why) = why {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  why: {}", printable(why));
    }
    for difference in &outcome.differences {
        for (sign, what) in [('-', &difference.expected), ('+', &difference.found)] {
            if let Some(what) = what {
                let _ = writeln!(text, "  {sign} {}: {}", difference.about.as_str(), printable(what));
            }
        }
    }
    text + "\n"
}

fn summary(report: &Report, errors: usize) -> String {
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let passed = report.outcomes.iter().filter(|outcome| outcome.passed()).count();
    let failed = report.outcomes.len() - passed;
    let mut line = format!(
        "ran {} of {}: {passed} passed, {failed} failed",
        plural(report.outcomes.len(), "case"),
        plural(report.suites, "suite")
    );
    if failed > 0 {
        line.push_str(" (- expected, + found)");
    }
    if errors > 0 {
        let _ = write!(line, ", {}", plural(errors, "error"));
    }
    line
}
