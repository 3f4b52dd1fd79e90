//! Rules on the labels by which the mesh knows workloads.

pub mod require_app_version_labels;
