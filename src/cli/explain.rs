//! `vigla explain`: what, why, and how to mend it.

use clap::Args;

use super::{Exit, Failure, output};
use crate::rule::{Documentation, Entry, RULES};

/// Explain a policy, a rule or another tool's code: what, why, a bad and a good example.
#[derive(Args, Debug)]
pub(super) struct Explain {
    /// A name of `vigla rules`, or another tool's code for the same.
    name: String,
}

impl Explain {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let entries: Vec<&Entry> = RULES.iter().filter(|entry| entry.metadata.answers(&self.name)).collect();
        if entries.is_empty() {
            return Err(Failure::bad_input(format!(
                "nothing is known of `{}`; `vigla rules` lists the names, with `-o json` other tools' codes too",
                self.name
            )));
        }
        let pages: Vec<String> = entries.into_iter().map(page).collect();
        output::print(&pages.join("\n"))?;
        Ok(Exit::Clean)
    }
}

fn page(entry: &Entry) -> String {
    let documentation = Documentation::of(entry);
    let mut page =
        format!("{} ({})\n\n{}\n", entry.metadata.name, entry.metadata.severity.as_str(), documentation.summary);
    for (heading, text) in &documentation.sections {
        page.push_str(&format!("\n{heading}\n"));
        for line in text.trim_start().lines().filter(|line| !line.starts_with("```")) {
            page.push_str(format!("  {line}").trim_end());
            page.push('\n');
        }
    }
    page
}
