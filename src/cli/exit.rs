//! Exit codes, one meaning each.

use std::fmt;
use std::process::ExitCode;

/// How a run ended; the worst wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing denied.
    Clean = 0,
    /// Violations that deny.
    Denied = 1,
    /// Bad input or usage.
    BadInput = 2,
    /// Our own fault.
    Fault = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early: one line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong, where, what was expected, what to do.
    pub message: String,
}

impl Failure {
    /// The user can mend it.
    pub fn bad_input(error: impl fmt::Display) -> Self {
        Self { exit: Exit::BadInput, message: error.to_string() }
    }

    /// The user cannot: an embedded document is broken, an answer cannot be written.
    pub fn fault(error: impl fmt::Display) -> Self {
        Self { exit: Exit::Fault, message: error.to_string() }
    }
}
