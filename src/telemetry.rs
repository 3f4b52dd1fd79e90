//! What the process says about itself: log lines on standard error, and metrics.

pub mod metrics;
mod verdict;

pub use metrics::Metrics;
pub use verdict::{Verdict, effective};

use std::io;
use std::panic;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The commit that this was built from, where the build knew it (build.rs).
pub const COMMIT: Option<&str> = match option_env!("VIGLA_COMMIT") {
    Some(commit) if !commit.is_empty() => Some(commit),
    _ => None,
};

/// How lines are written.
#[derive(Clone, Copy, Debug)]
pub enum Lines {
    /// For a person: time, level, place, message, fields.
    Text {
        /// Whether they are coloured.
        colored: bool,
    },
    /// For a program: one JSON object a line, its fields beside `timestamp`, `level`, `target` and `message`.
    Json,
}

/// Sends every event of ours up to `level` to standard error, and panics with it. Libraries are left out at any level:
/// at `debug`, HTTP/2 alone would write ten lines a request.
///
/// Only the first call of a process has an effect.
pub fn start(level: LevelFilter, lines: Lines) {
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    // A line that cannot be written (the disk is full, nobody reads the pipe any more) is lost: to say so on the same
    // standard error would panic.
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).log_internal_errors(false);
    let started = match lines {
        Lines::Text { colored } => log.with_ansi(colored).finish().with(ours).try_init(),
        Lines::Json => log.json().flatten_event(true).finish().with(ours).try_init(),
    };
    if started.is_ok() {
        panic::set_hook(Box::new(log_panic));
    }
}

/// Says where, never what: the text of a panic may quote the request, and a request may hold a Secret.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    match panic.location() {
        Some(place) => tracing::error!(file = place.file(), line = place.line(), "a panic: a fault in Vigla itself"),
        None => tracing::error!("a panic at an unknown place: a fault in Vigla itself"),
    }
}
