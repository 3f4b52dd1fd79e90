//! Istio's semantics as functions.

mod attachment;

pub use attachment::{Attachment, TargetRef, attachment};

/// What every rule takes as given about the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// Namespaces for mesh-wide configuration such as `EnvoyFilter`.
    ///
    /// Istio's API reference for `EnvoyFilter` names its example root namespace `istio-config`:
    /// <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>.
    pub config_namespaces: Vec<String>,
}

impl Default for Mesh {
    fn default() -> Self {
        Self { config_namespaces: vec!["istio-config".to_owned()] }
    }
}
