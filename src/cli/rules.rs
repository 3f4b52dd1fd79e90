//! `vigla rules`: what exists.

use clap::Args;
use serde::Serialize;

use super::output::{self, Format};
use super::{Exit, Failure};
use crate::rule::{self, Documentation, Entry, GroupKind, Operation, RULES, Severity};

/// List the rules that exist, or show one of them.
#[derive(Args, Debug)]
pub(super) struct Rules {
    /// The rule to show, with its parameters.
    name: Option<String>,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t, env = "VIGLA_OUTPUT")]
    output: Format,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    severity: Severity,
    summary: String,
    kinds: &'static [GroupKind],
    operations: &'static [Operation],
    subresources: &'static [&'static str],
    codes: &'static [&'static str],
    parameters: schemars::Schema,
}

impl Listed {
    fn new(entry: &Entry) -> Self {
        let metadata = &entry.metadata;
        Self {
            name: metadata.name,
            severity: metadata.severity,
            summary: Documentation::of(entry).summary,
            kinds: metadata.kinds,
            operations: metadata.operations,
            subresources: metadata.subresources,
            codes: metadata.codes,
            parameters: (entry.schema)(),
        }
    }
}

impl Rules {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let listed: Vec<Listed> = match &self.name {
            None => RULES.iter().map(Listed::new).collect(),
            Some(name) => vec![Listed::new(find(name)?)],
        };
        match self.output {
            Format::Json => output::print_json(&listed)?,
            Format::Text if self.name.is_some() => listed.iter().try_for_each(show)?,
            Format::Text => output::print(&table(&listed))?,
        }
        Ok(Exit::Clean)
    }
}

/// The rule of that name, or the error that says where to look.
fn find(name: &str) -> Result<&'static Entry, Failure> {
    let missing = || {
        let advice = if RULES.iter().any(|entry| entry.metadata.answers(name)) {
            format!("`vigla explain {name}` shows what answers to this code of another tool")
        } else {
            "`vigla rules` lists them all".to_owned()
        };
        Failure::bad_input(format!("no rule `{name}`; {advice}"))
    };
    rule::find(name).ok_or_else(missing)
}

fn table(rules: &[Listed]) -> String {
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    let line = |rule: &Listed| format!("{:width$}  {:8}  {}\n", rule.name, rule.severity.as_str(), rule.summary);
    rules.iter().map(line).collect()
}

fn show(rule: &Listed) -> Result<(), Failure> {
    let kinds: Vec<String> = rule.kinds.iter().map(ToString::to_string).collect();
    let operations: Vec<&str> = rule.operations.iter().map(|operation| operation.as_str()).collect();
    let parameters = serde_json::to_string_pretty(&rule.parameters).map_err(Failure::fault)?;
    output::print(&format!(
        "{}: {}\n\nseverity:   {}\nkinds:      {}\noperations: {}\nparameters, as a JSON Schema:\n{parameters}\n",
        rule.name,
        rule.summary,
        rule.severity.as_str(),
        kinds.join(", "),
        operations.join(", "),
    ))
}
