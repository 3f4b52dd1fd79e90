//! Rules on how control planes are installed.

pub mod mesh_config_baseline;
pub mod no_demo_profile;
