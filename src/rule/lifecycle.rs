//! Who may change what, what has to stay, and what is of yesterday.

pub mod deprecated_apis;
pub mod persona_ownership;
pub mod prefer_v1_api;
pub mod protect_mesh_baseline;
