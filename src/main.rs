//! The `vigla` binary.

fn main() {}
