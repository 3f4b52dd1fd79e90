//! `vigla completions`: what a shell needs to complete commands and options.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::{Exit, Failure, output};

/// Print a script with which a shell completes commands and options.
#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut cli: Command) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut cli, "vigla", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Clean)
    }
}
