//! `vigla man`: the manual pages.

use clap::{Args, Command};

use super::{Exit, Failure, output};

/// Print the manual page of vigla, or of one of its commands.
#[derive(Args, Debug)]
pub(super) struct Man {
    /// The command [default: vigla itself]
    command: Option<String>,
}

impl Man {
    pub(super) fn run(&self, mut cli: Command) -> Result<Exit, Failure> {
        // Gives the commands their full names, and the options that all of them have.
        cli.build();
        let command = match &self.command {
            None => &cli,
            Some(name) => cli
                .find_subcommand(name)
                .ok_or_else(|| Failure::bad_input(format!("no command `{name}`; `vigla --help` lists them")))?,
        };
        let mut page = Vec::new();
        let manual = clap_mangen::Man::new(command.clone()).source(concat!("vigla ", env!("CARGO_PKG_VERSION")));
        manual.render(&mut page).map_err(Failure::fault)?;
        output::print(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Clean)
    }
}
