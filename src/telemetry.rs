//! What the process says about itself: log lines on standard error.

use std::io;
use std::panic;

use tracing::level_filters::LevelFilter;

/// Sends every event up to `level` to standard error, and panics with it.
///
/// Only the first call of a process has an effect.
pub fn start(level: LevelFilter, colored: bool) {
    let lines = tracing_subscriber::fmt().with_max_level(level).with_ansi(colored).with_writer(io::stderr);
    if lines.try_init().is_ok() {
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
