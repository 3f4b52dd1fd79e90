//! `vigla --version`: which program this is, and which policies it brings along.

use super::{Exit, Failure, output};
use crate::policy::{PolicySet, Profile};
use crate::telemetry::COMMIT;

/// Prints the version, the commit where it is known, and the hash of the set that `vigla serve` runs unless told
/// otherwise. That takes reading the policies, so it is not part of what every run makes of the command line.
pub(super) fn print() -> Result<Exit, Failure> {
    let set = PolicySet::built_in(Profile::default()).map_err(Failure::fault)?;
    let commit = COMMIT.map(|commit| format!("commit {commit}, ")).unwrap_or_default();
    output::print(&format!("vigla {} ({commit}built-in policies {})\n", env!("CARGO_PKG_VERSION"), set.hash()))?;
    Ok(Exit::Clean)
}
