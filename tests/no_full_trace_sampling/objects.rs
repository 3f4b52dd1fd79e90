//! Objects that set shares.

use serde_json::{Value, json};

pub(crate) fn telemetry(tracing: &Value) -> Value {
    json!({
        "apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry",
        "metadata": {"name": "traces", "namespace": "shop"}, "spec": {"tracing": tracing}
    })
}

pub(crate) fn envoy_filter(patches: &Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
        "metadata": {"name": "traces", "namespace": "istio-config"}, "spec": {"configPatches": patches}
    })
}

pub(crate) fn pod(containers: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"containers": containers}
    })
}

pub(crate) fn istiod(value: &str) -> Value {
    let container = json!({"name": "discovery", "env": [{"name": "PILOT_TRACE_SAMPLING", "value": value}]});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "istiod", "namespace": "istio-system"},
        "spec": {"template": {"spec": {"containers": [container]}}}
    })
}

pub(crate) fn control_plane(sampling: &Value) -> Value {
    json!({
        "apiVersion": "maistra.io/v2", "kind": "ServiceMeshControlPlane",
        "metadata": {"name": "basic", "namespace": "istio-system"}, "spec": {"tracing": {"sampling": sampling}}
    })
}

/// How a string stands in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spelling {
    Block,
    Kept,
    Double,
    Single,
    Json,
}

impl Spelling {
    pub(crate) const ALL: [Self; 5] = [Self::Block, Self::Kept, Self::Double, Self::Single, Self::Json];
}

/// The file of a ConfigMap with this mesh config.
pub(crate) fn config_map(mesh: &str, spelling: Spelling) -> String {
    let indented = || mesh.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let mesh = match spelling {
        Spelling::Json => {
            let object = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"},
                "data": {"mesh": mesh}
            });
            return object.to_string();
        }
        Spelling::Block => format!("|\n{}", indented()),
        Spelling::Kept => format!("|+\n\n{}", indented()),
        Spelling::Double => json!(mesh).to_string(),
        // A line break in quotes is folded, two are one.
        Spelling::Single => format!("'{}'", mesh.replace('\'', "''").replace('\n', "\n\n    ")),
    };
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio, namespace: istio-system}}\ndata:\n  mesh: {mesh}\n"
    )
}
