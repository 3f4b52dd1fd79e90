//! `vigla policies`: what is in force, and why.

use clap::Args;

use super::output::{self, Format};
use super::sources::{self, Sources};
use super::{Exit, Failure};
use crate::policy::Listed;

/// List the policies that there are, or show one of them: what is in force, and who says so.
///
/// The action is the strictest that a policy can have, whatever the date and the namespace.
#[derive(Args, Debug)]
pub(super) struct Policies {
    /// The policy to show.
    name: Option<String>,

    #[command(flatten)]
    sources: Sources,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t, env = "VIGLA_OUTPUT")]
    output: Format,
}

impl Policies {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let set = self.sources.load(sources::today())?;
        let named = |listed: &&Listed| self.name.as_ref().is_none_or(|name| *name == listed.name);
        let listed: Vec<&Listed> = set.listed().iter().filter(named).collect();
        if let (true, Some(name)) = (listed.is_empty(), &self.name) {
            return Err(Failure::bad_input(format!("no policy `{name}`; `vigla policies` lists them all")));
        }
        match self.output {
            Format::Json => output::print_json(&listed)?,
            Format::Text => output::print(&table(&listed))?,
        }
        Ok(Exit::Clean)
    }
}

fn table(policies: &[&Listed]) -> String {
    let width = policies.iter().map(|policy| policy.name.len()).max().unwrap_or_default();
    let line = |policy: &&Listed| {
        let Listed { name, in_force, why, action, action_from, file, .. } = policy;
        let file = file.as_deref().unwrap_or("built in");
        let (action, from) = if *in_force {
            (format!("{action:?}"), format!("; action: {action_from}"))
        } else {
            ("off".to_owned(), String::new())
        };
        format!("{name:width$}  {action:5}  {why}{from} ({file})\n")
    };
    policies.iter().map(line).collect()
}
