//! What carries mesh config: ConfigMaps that istiod reads, and the objects that installers make those of.

use super::{Carrier, GroupKind, HelmValues, Mesh, RELEASES, Unreadable, helm_values};
use crate::object::{Node, WrongType};

/// Kinds that carry mesh config.
pub const MESH_CONFIGS: [GroupKind; 7] = GroupKind::all_of(&[
    &[
        GroupKind { group: "", kind: "ConfigMap" },
        GroupKind { group: "install.istio.io", kind: "IstioOperator" },
        GroupKind { group: "maistra.io", kind: "ServiceMeshControlPlane" },
        GroupKind { group: "sailoperator.io", kind: "Istio" },
        GroupKind { group: "sailoperator.io", kind: "IstioRevision" },
    ],
    &RELEASES,
]);

/// The mesh configs of an object of this kind, with this namespace and name.
///
/// A ConfigMap in a control plane's namespace is one by its name: `istio` for the default revision, `istio-<revision>`
/// for others, and those that istiod shares; the rest of `istio-*` has no key `mesh`. What Helm values say in the
/// ConfigMaps `values` and `istio-sidecar-injector` acts on nothing.
/// <https://github.com/istio/istio/blob/master/pilot/pkg/bootstrap/mesh.go>
///
/// # Errors
/// Where something on the way to one has another type than the API gives it.
pub fn mesh_configs<'t>(
    (group, kind): (&str, &str),
    (namespace, name): (&str, &str),
    object: Node<'t>,
    mesh: &Mesh,
) -> Result<Vec<Carrier<'t>>, Unreadable> {
    let at = |paths: &[&[&str]]| -> Result<Vec<Carrier<'t>>, WrongType> {
        let mut found = Vec::new();
        for path in paths {
            let node = object.map_at(path)?.map_or(Ok(None), |parent| parent.map("meshConfig"))?;
            found.extend(node.map(|node| Carrier::new("meshConfig", node)));
        }
        Ok(found)
    };
    match (group, kind) {
        ("", "ConfigMap") if is_mesh_config(namespace, name, mesh) => {
            let data = object.map("data")?;
            let text = data.map_or(Ok(None), |data| data.text("mesh"))?;
            let node = data.filter(|_| text.is_some()).and_then(|data| data.get("mesh"));
            Ok(node.into_iter().map(|node| Carrier::new("mesh", node)).collect())
        }
        ("install.istio.io", "IstioOperator") => {
            Ok(at(&[&["spec"], &["spec", "values"], &["spec", "unvalidatedValues"]])?)
        }
        ("sailoperator.io", "Istio" | "IstioRevision") => Ok(at(&[&["spec", "values"]])?),
        ("maistra.io", "ServiceMeshControlPlane") => Ok(at(&[&["spec", "techPreview"]])?),
        _ if RELEASES.iter().any(|own| own.is(group, kind)) => {
            Ok(helm_values((group, kind), object)?.iter().flat_map(HelmValues::mesh_configs).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn is_mesh_config(namespace: &str, name: &str, mesh: &Mesh) -> bool {
    let shared = mesh.shared_mesh_configs.iter().any(|own| own == name);
    (name == "istio" || name.starts_with("istio-") || shared) && mesh.has_control_plane(namespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    fn found(kind: (&str, &str), name: (&str, &str), json: &str) -> Result<Vec<String>, String> {
        let tree = read_json(json).unwrap();
        let mesh = Mesh { shared_mesh_configs: vec!["shared".to_owned()], ..Mesh::default() };
        let carriers = mesh_configs(kind, name, tree.root(), &mesh).map_err(|error| error.message)?;
        Ok(carriers.iter().map(|carrier| carrier.node().pointer().to_string()).collect())
    }

    #[test]
    fn a_config_map_is_one_by_its_name_and_namespace() {
        let json = r#"{"data": {"mesh": "rootNamespace: istio-config", "values": "{}"}}"#;
        for (namespace, name, is) in [
            ("istio-system", "istio", true),
            ("istio-system", "istio-canary", true),
            ("istio-system", "shared", true),
            ("istio-system", "values", false),
            ("istio-system", "istiod", false),
            ("default", "istio", false),
        ] {
            let expected = if is { vec!["/data/mesh".to_owned()] } else { vec![] };
            assert_eq!(found(("", "ConfigMap"), (namespace, name), json), Ok(expected), "{namespace}/{name}");
        }
        let found = |json| found(("", "ConfigMap"), ("istio-system", "istio"), json);
        assert_eq!(found(r#"{"data": {"mesh": null}}"#), Ok(vec![]));
        assert_eq!(found(r#"{"data": null}"#), Ok(vec![]));
        assert!(found(r#"{"data": {"mesh": {}}}"#).is_err());
        assert!(found(r#"{"data": "mesh"}"#).is_err());
    }

    #[test]
    fn installers_carry_it_below_their_specs() {
        let json = r#"{"spec": {"meshConfig": {}, "values": {"meshConfig": {}}, "unvalidatedValues": {"meshConfig": {"a": 1}},
            "techPreview": {"meshConfig": {}}}}"#;
        for (group, kind, expected) in [
            (
                "install.istio.io",
                "IstioOperator",
                &["/spec/meshConfig", "/spec/values/meshConfig", "/spec/unvalidatedValues/meshConfig"][..],
            ),
            ("sailoperator.io", "Istio", &["/spec/values/meshConfig"]),
            ("sailoperator.io", "IstioRevision", &["/spec/values/meshConfig"]),
            ("maistra.io", "ServiceMeshControlPlane", &["/spec/techPreview/meshConfig"]),
            ("example.com", "Istio", &[]),
        ] {
            let found = found((group, kind), ("istio-system", "istio"), json).unwrap();
            assert_eq!(found, expected, "{kind}");
        }
        for values in ["[]", r#"{"meshConfig": "text"}"#] {
            let json = format!(r#"{{"spec": {{"values": {values}}}}}"#);
            assert!(found(("sailoperator.io", "Istio"), ("", "default"), &json).is_err());
        }
    }
}
