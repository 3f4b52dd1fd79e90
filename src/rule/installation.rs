//! Rules on how control planes are installed.

pub mod no_demo_profile;
