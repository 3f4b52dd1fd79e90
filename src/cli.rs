//! The command line: one file a subcommand.

mod access;
mod address;
mod check;
mod completions;
mod exit;
mod explain;
mod files;
mod man;
mod manifests;
mod namespaces;
mod output;
mod policies;
mod report;
mod rules;
mod serve;
mod sources;
mod test;
mod version;

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub use exit::{Exit, Failure};

/// Guardrails for Istio: an admission webhook, and the same verdicts in a terminal.
#[derive(Debug, Parser)]
#[command(name = "vigla", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to colour what is printed.
    #[arg(long, value_enum, default_value_t, global = true, env = "VIGLA_COLOR")]
    color: output::Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Test(test::Test),
    Rules(rules::Rules),
    Policies(policies::Policies),
    Explain(explain::Explain),
    Manifests(manifests::Manifests),
    Completions(completions::Completions),
    Man(man::Man),
}

/// The arguments of the process, whose first is the name that help calls it by. kubectl runs `kubectl-vigla` as a plugin
/// where its user says `kubectl vigla`.
fn arguments() -> impl Iterator<Item = OsString> {
    let mut arguments = env::args_os();
    let name = arguments.next().map(|name| match Path::new(&name).file_stem() {
        Some(stem) if stem == "kubectl-vigla" => "kubectl vigla".into(),
        _ => name,
    });
    name.into_iter().chain(arguments)
}

/// Reads the arguments, does what they say, and tells how it ended.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::try_parse_from(arguments()) {
        Ok(cli) => cli.run(),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => version::print(),
        Err(error) => error.exit(),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(Failure { exit, message }) => {
            output::note(&format!("error: {message}"));
            exit.into()
        }
    }
}

impl Cli {
    fn run(self) -> Result<Exit, Failure> {
        let Self { command, color } = self;
        match command {
            Command::Serve(serve) => serve.run(color),
            Command::Check(check) => check.run(color),
            Command::Test(test) => test.run(),
            Command::Rules(rules) => rules.run(),
            Command::Policies(policies) => policies.run(),
            Command::Explain(explain) => explain.run(),
            Command::Manifests(manifests) => manifests.run(),
            Command::Completions(completions) => completions.run(Self::command()),
            Command::Man(man) => man.run(Self::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every flag of every command, as (command, flag).
    fn flags(cli: &clap::Command) -> Vec<(&clap::Command, &clap::Arg)> {
        let own = cli.get_arguments().filter(|argument| !argument.is_positional()).map(|argument| (cli, argument));
        own.chain(cli.get_subcommands().flat_map(flags)).collect()
    }

    #[test]
    fn every_flag_has_its_environment_variable() {
        let mut cli = Cli::command();
        cli.build();
        let mut checked = 0;
        for (command, flag) in flags(&cli) {
            let long = flag.get_long().expect("a long form");
            if ["help", "version"].contains(&long) {
                continue;
            }
            let expected = format!("VIGLA_{}", long.to_uppercase().replace('-', "_"));
            let found = flag.get_env().and_then(|name| name.to_str());
            assert_eq!(found, Some(&*expected), "vigla {} --{long}", command.get_name());
            // The kubelet sets these in every Pod beside a Service that is called vigla.
            let kubernetes = ["VIGLA_PORT", "VIGLA_SERVICE_HOST", "VIGLA_SERVICE_PORT"];
            assert!(!kubernetes.iter().any(|taken| expected.starts_with(taken)), "{expected} is Kubernetes' own");
            checked += 1;
        }
        assert!(checked > 20, "{checked} flags");
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
