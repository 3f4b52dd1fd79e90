//! The `vigla` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    vigla::cli::run()
}
