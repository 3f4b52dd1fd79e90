//! Rules on what leaves the mesh, and on what Services show.

pub mod serviceentry_hosts;
