//! The command line: one file a subcommand.

mod check;
mod exit;
mod explain;
mod files;
mod manifests;
mod namespaces;
mod output;
mod policies;
mod report;
mod rules;
mod serve;
mod sources;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

/// Reads the arguments, does what they say, and tells how it ended.
#[must_use]
pub fn run() -> ExitCode {
    let Cli { command, color } = Cli::parse();
    let outcome = match command {
        Command::Serve(serve) => serve.run(color),
        Command::Check(check) => check.run(color),
        Command::Test(test) => test.run(),
        Command::Rules(rules) => rules.run(),
        Command::Policies(policies) => policies.run(),
        Command::Explain(explain) => explain.run(),
        Command::Manifests(manifests) => manifests.run(),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(Failure { exit, message }) => {
            output::note(&format!("error: {message}"));
            exit.into()
        }
    }
}
