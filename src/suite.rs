//! Suites: documents with cases that test one policy, judged by the one decision function.

mod case;
mod compare;
mod document;
mod pair;
mod read;

pub use document::SuiteDocument;

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use crate::engine::Effect;
use crate::policy::{Library, LoadError, LoadErrors, Sources, Text};
use crate::rule::RULES;

/// What a run needs beside the suites.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// Policies of one's own, and settings for suites that have none.
    pub sources: &'s Sources,
    /// The file at a path beside that of a suite, or why there is none: the end of a sentence that starts with the path.
    pub files: &'s dyn Fn(&str, &str) -> Result<Text, String>,
    /// The day of the run, for cases that name none.
    pub today: Date,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("sources", self.sources).field("today", &self.today).finish()
    }
}

/// What a run found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many suites were read, bad ones included.
    pub suites: usize,
    /// One for each case that was judged, in the order in which they stand.
    pub outcomes: Vec<Outcome>,
    /// What is wrong with the suites of which no case was judged.
    pub bad: Vec<LoadError>,
}

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The policy that it tests.
    pub policy: String,
    /// Its name.
    pub case: String,
    /// Why it is expected.
    pub why: Option<String>,
    /// The file of the suite.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// The column of its name, from 1.
    pub column: usize,
    /// Where what was found is not what was expected; none: it passed.
    pub differences: Vec<Difference>,
}

/// One difference between what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is about.
    pub about: About,
    /// What was expected, where that was not found.
    pub expected: Option<String>,
    /// What was found, where that was not expected.
    pub found: Option<String>,
}

/// What a difference is about: a key of `expect`, or what a second turn makes of a patched object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum About {
    Allow,
    Unjudged,
    Deny,
    Warn,
    Audit,
    Old,
    Mended,
    Error,
    Patched,
    PatchedAgain,
    DeniedAgain,
}

impl About {
    /// The words for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Unjudged => "unjudged",
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
            Self::Old => "old",
            Self::Mended => "mended",
            Self::Error => "error",
            Self::Patched => "patched",
            Self::PatchedAgain => "patched again",
            Self::DeniedAgain => "denied once patched",
        }
    }
}

impl From<Effect> for About {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Deny => Self::Deny,
            Effect::Warn => Self::Warn,
            Effect::Audit => Self::Audit,
            Effect::Old => Self::Old,
            Effect::Mended => Self::Mended,
        }
    }
}

impl Difference {
    fn expected(about: About, what: String) -> Self {
        Self { about, expected: Some(what), found: None }
    }

    fn found(about: About, what: String) -> Self {
        Self { about, expected: None, found: Some(what) }
    }
}

impl Outcome {
    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }

    /// The name by which it is listed and filtered.
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.policy, &self.case)
    }
}

fn title(policy: &str, case: &str) -> String {
    format!("{policy}: {case}")
}

/// The suites beside the built-in policies.
#[must_use]
pub fn built_in() -> Vec<Text> {
    let suites = RULES.iter().filter(|entry| !entry.suite.is_empty());
    let text = |name: &str, suite: &str| Text::new(format!("policies/{name}/suite.yaml"), suite.to_owned());
    suites.map(|entry| text(entry.metadata.name, entry.suite)).collect()
}

/// Runs the suites of `texts`: those cases whose title (`policy: name`) holds `part`.
///
/// Of a suite with an error no case is judged. Documents of other kinds are passed over.
#[must_use]
pub fn run(texts: &[Text], part: Option<&str>, around: &Surroundings<'_>) -> Report {
    let mut report = Report::default();
    let built_in = Library::built_in(RULES);
    let library = Library::read(RULES, &built_in, around.sources);
    for text in texts {
        for suite in read::read(text, &library, around) {
            report.suites += 1;
            match suite {
                Ok(suite) => report.outcomes.extend(outcomes(&suite, &text.file, part)),
                Err(LoadErrors(errors)) => report.bad.extend(errors),
            }
        }
    }
    // What is wrong with a policy of one's own is wrong for each of its suites.
    report.bad.sort();
    report.bad.dedup();
    report
}

fn outcomes<'o>(suite: &'o read::Suite, file: &'o str, part: Option<&'o str>) -> impl Iterator<Item = Outcome> + 'o {
    let policy = &suite.policy;
    let chosen = move |case: &&case::Case| part.is_none_or(|part| title(policy, &case.name).contains(part));
    suite.cases.iter().filter(chosen).map(|case| Outcome {
        policy: policy.clone(),
        case: case.name.clone(),
        why: case.why.clone(),
        file: file.to_owned(),
        line: case.place.line,
        column: case.place.column,
        differences: compare::differences(case, &suite.set),
    })
}
